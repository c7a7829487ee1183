"""Person: a ChatClient whose arrivals, departures and messages are entered in the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure

from twisted_chat.client import ChatClient, ChatFailed, Disconnected, OnEvent
from twisted_chat.core.errors import NAME_TAKEN
from twisted_chat.core.names import MAX_NAME_CHARACTERS
from twisted_chat.simulation.ledger import Ledger, Reader, Seat, key_of
from twisted_chat.wire.events import SPOKEN, Event


class Person:
    """One visit of a simulated user. `on_lost` is called when the connection ends although the person has not left."""

    def __init__(
        self,
        ledger: Ledger,
        now: Callable[[], float],
        on_event: OnEvent | None = None,
        on_lost: Callable[[Disconnected], None] | None = None,
    ) -> None:
        self._ledger, self._now, self._on_event, self._on_lost = ledger, now, on_event, on_lost
        self._reader = Reader()
        self._seats: dict[str, Seat] = {}
        self._arrived = self._leaving = False
        self.name = ""
        self.client = ChatClient()

    async def connect(self, endpoint: IStreamClientEndpoint) -> None:
        """Connect; raises what the endpoint raises."""
        self.client = await ChatClient.connect(endpoint, self._event, self._lost)
        self._arrived = True
        self._ledger.people += 1
        self._ledger.arrivals += 1

    async def register(self, name: str) -> None:
        """Take a name; raises ChatFailed, Disconnected."""
        self.name = await self.client.register(name)
        self._take_seat(self.name)

    async def rename(self, name: str) -> None:
        """Take another name; raises ChatFailed, Disconnected."""
        self._give_up_seat(self.name)
        try:
            await self.client.rename(name)
            self.name = name
        finally:
            self._take_seat(self.name)

    async def join(self, room: str) -> None:
        """Enter a room; raises ChatFailed, Disconnected."""
        await self.client.join(room)
        if key_of(room) not in self._seats:
            self._take_seat(room)

    async def leave(self, room: str) -> None:
        """Leave a room; raises ChatFailed, Disconnected."""
        self._give_up_seat(room)
        await self.client.leave(room)

    async def register_like(self, name: str) -> None:
        """Take a name, or a similar one if it is taken; raises ChatFailed, Disconnected."""
        await _take(self.register, name)

    async def rename_like(self, name: str) -> None:
        """Take another name, or a similar one if it is taken; raises ChatFailed, Disconnected."""
        await _take(self.rename, name)

    def say(self, to: str, text: str = "hi") -> Deferred[int]:
        """Send a message; the result is its id. Fails with ChatFailed, Disconnected."""
        return self._enter(to, self.client.chat(to, text))

    def act(self, to: str, text: str) -> Deferred[int]:
        """Send an action; the result is its id. Fails with ChatFailed, Disconnected."""
        return self._enter(to, self.client.act(to, text))

    async def quit(self) -> None:
        """Leave gracefully: every message for this person must have come by then."""
        self._give_up_seats()
        await self.client.quit()
        self._ledger.closed(self._reader)

    def drop(self) -> None:
        """Drop the connection: what is under way may never come."""
        if self.client.connected:
            self._give_up_seats()
            self.client.abort()
            self._ledger.dropped(self._reader)

    def _enter(self, to: str, answer: Deferred[int]) -> Deferred[int]:
        ledger, before, sent_at = self._ledger, self._ledger.seats(to), self._now()

        def acknowledged(id: int) -> int:
            ledger.acknowledged(self._reader, to, id, sent_at, before)
            return id

        return answer.addCallbacks(acknowledged, self._failed)

    def _failed(self, failure: Failure) -> Failure:
        if failure.check(ChatFailed):
            self._ledger.refused += 1
        else:
            self._ledger.unanswered += 1
        return failure

    def _event(self, event: Event) -> None:
        if event.kind in SPOKEN:
            self._ledger.saw(self._reader, event.id)
        if self._on_event is not None:
            self._on_event(event)

    def _lost(self, reason: Disconnected) -> None:
        if not self._arrived:
            return  # then `connect` raises the reason
        self._ledger.people -= 1
        if not self._leaving:
            self._give_up_seats()
            self._ledger.dropped(self._reader)
            if self._on_lost is not None:
                self._on_lost(reason)

    def _give_up_seats(self) -> None:
        self._leaving = True
        for target in list(self._seats):
            self._give_up_seat(target)

    def _take_seat(self, target: str) -> None:
        if target and not self._leaving:
            self._seats[key_of(target)] = self._ledger.take_seat(target, self._reader)

    def _give_up_seat(self, target: str) -> None:
        seat = self._seats.pop(key_of(target), None)
        if seat is not None:
            self._ledger.give_up_seat(target, seat)


async def _take(take: Callable[[str], Awaitable[None]], name: str) -> None:
    """Take a name, or the first of its variants that is free: zak, zak-2, …"""
    wanted = name
    for n in count(2):
        try:
            return await take(wanted)
        except ChatFailed as problem:
            if problem.code != NAME_TAKEN:
                raise
        wanted = f"{name[: MAX_NAME_CHARACTERS - 4]}-{n}"
