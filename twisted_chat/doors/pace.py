"""How often a person may change what others are told of: the name, and being away.

A change that comes too soon is not refused: its connection waits. A network has a rate too, since each new name
is told to everybody who shares a room with the person.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from twisted_chat.core.errors import Reason
from twisted_chat.core.limits import LimitRow
from twisted_chat.core.networks import NetworkRateLimit
from twisted_chat.core.participants import User
from twisted_chat.core.ratelimit import Rate, RateLimit, slow_down_error

CHANGES_PER_PERSON = Rate(burst=10, seconds_per_token=2.0)
CHANGES_PER_NETWORK = Rate(burst=60, seconds_per_token=0.1)
MAX_WAIT_SECONDS = 60.0
"""A change that would have to wait for longer is refused: a client that is pinged has to answer."""

T = TypeVar("T")


class Changer(Protocol):
    """The part of a session that is asked."""

    user: User | None
    address: str


class ChangePace:
    """Carries out the changes of all persons of a door, each as soon as the person and the network may."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._by_person = RateLimit(CHANGES_PER_PERSON, clock.seconds)
        self._by_network = NetworkRateLimit(CHANGES_PER_NETWORK, clock.seconds)

    def run(self, session: Changer, change: Callable[[], T]) -> T | Coroutine[Any, Any, T]:
        """Return the result of a change, or the coroutine that makes it later. Raises ChatError(slow-down)."""
        person = "" if session.user is None else str(session.user.identity)
        wait = max(self._by_person.wait_seconds(person), self._by_network.wait_seconds(session.address))
        if wait > MAX_WAIT_SECONDS:
            raise slow_down_error(Reason.TOO_MANY_CHANGES, wait - MAX_WAIT_SECONDS)
        self._by_person.take(person)
        self._by_network.take(session.address)
        return self._later(wait, change) if wait else change()

    def rows(self) -> list[LimitRow]:
        """Return the limit for networks, and those that wait now."""
        bound, held = self._by_network.bound, self._by_network.held()
        return [LimitRow("new names and away texts of a network", bound, held=held)]

    async def _later(self, wait: float, change: Callable[[], T]) -> T:
        await deferLater(self._clock, wait)
        return change()
