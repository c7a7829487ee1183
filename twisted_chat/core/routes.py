"""Questions about routes, and what is done for several participants at once."""

from collections.abc import Iterable

from twisted_chat.core.participants import Absence, Participant, Route, User

MAX_FLUSHED_AT_ONCE = 256
"""Readers that are written to at once; those of a large room are spread over the next turns."""


def forget_routes(user: User) -> None:
    """Have each connection of a user find its routes anew: its name, rooms or connections have changed."""
    for participant in user.participants:
        participant.routes.clear()


def are_apart(routes: dict[str, Route]) -> bool:
    """Return True when no recipient is reached by two of these routes."""
    if not all(route.exclusive for route in routes.values()):
        return False
    return len({id(route.target) for route in routes.values()}) == len(routes)


def absence_of(user: User) -> Absence | None:
    if not user.participants:
        return Absence(user.name, None)
    return Absence(user.name, user.away) if user.away is not None else None


def flush_all(participants: Iterable[Participant]) -> None:
    """Send what is queued for each of them."""
    for participant in participants:
        participant.flush()
