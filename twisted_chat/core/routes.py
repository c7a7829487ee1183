"""Questions about routes, and what is done for several participants at once."""

from collections.abc import Callable, Iterable

from twisted_chat.core.messages import Conversation
from twisted_chat.core.mixed import MixedEntry
from twisted_chat.core.participants import Absence, Entry, Participant, Route, User

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
    """Return the fact that a user is away or not connected, or None."""
    if not user.participants:
        return Absence(user.name, None)
    return Absence(user.name, user.away) if user.away is not None else None


def flush_all(participants: Iterable[Participant]) -> None:
    """Send what is queued for each of them."""
    for participant in participants:
        participant.flush()


def concerns(user: User) -> Callable[[Entry], bool]:
    """Return a function that is true for the entries of the user's rooms and direct conversations."""

    def sees(conversation: Conversation) -> bool:
        if isinstance(conversation, str):
            return conversation in user.rooms or conversation in user.delivered_rooms
        return user.identity in conversation

    def matters(entry: Entry) -> bool:
        if isinstance(entry, MixedEntry):
            return any(sees(envelope.conversation) for envelope in entry.envelopes)
        return sees(entry.envelope.conversation)

    return matters


def said_by(user: User) -> Callable[[Entry], bool]:
    """Return a function that is true for what a user says, and for its joins and leaves."""
    return lambda entry: entry.envelope.author == user.identity


def happens_in(room: str) -> Callable[[Entry], bool]:
    """Return a function that is true for what is said in a room, and for its joins and leaves."""
    return lambda entry: entry.envelope.conversation == room
