"""Person: a ChatClient whose comings, goings and messages are entered in the ledger."""

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
    """One stay at the server. `on_lost` is called when the connection ends unasked."""

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
        self._leaving = False
        self.name = ""
        self.client = ChatClient()

    async def connect(self, endpoint: IStreamClientEndpoint) -> None:
        """Connect; raises what the endpoint does."""
        self.client = await ChatClient.connect(endpoint, self._event, self._lost)
        self._ledger.people += 1
        self._ledger.arrivals += 1

    async def register(self, name: str) -> None:
        """Take a name; raises ChatFailed, Disconnected."""
        self.name = await self.client.register(name)
        self._sit(self.name)

    async def rename(self, name: str) -> None:
        """Take another name; raises ChatFailed, Disconnected."""
        self._rise(self.name)
        try:
            await self.client.rename(name)
            self.name = name
        finally:
            self._sit(self.name)

    async def join(self, room: str) -> None:
        """Enter a room; raises ChatFailed, Disconnected."""
        await self.client.join(room)
        if key_of(room) not in self._seats:
            self._sit(room)

    async def leave(self, room: str) -> None:
        """Leave a room; raises ChatFailed, Disconnected."""
        self._rise(room)
        await self.client.leave(room)

    async def register_like(self, name: str) -> None:
        """Take a name, or one like it if another has it; raises ChatFailed, Disconnected."""
        await _take(self.register, name)

    async def rename_like(self, name: str) -> None:
        """Take another name, or one like it if somebody has it; raises ChatFailed, Disconnected."""
        await _take(self.rename, name)

    def say(self, to: str, text: str = "hi") -> Deferred[int]:
        """Say something; the result is the message's id. Fails with ChatFailed, Disconnected."""
        return self._said(to, self.client.chat(to, text))

    def act(self, to: str, text: str) -> Deferred[int]:
        """Say what one does."""
        return self._said(to, self.client.act(to, text))

    async def quit(self) -> None:
        """Leave gracefully: whatever was meant for this person until now must have come."""
        self._go()
        await self.client.quit()
        self._ledger.closed(self._reader)

    def drop(self) -> None:
        """Drop dead: what was on the way may never come."""
        if self.client.connected:
            self._go()
            self.client.abort()
            self._ledger.dropped(self._reader)

    def _said(self, to: str, answer: Deferred[int]) -> Deferred[int]:
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
        self._ledger.people -= 1
        if not self._leaving:
            self._go()
            self._ledger.dropped(self._reader)
            if self._on_lost is not None:
                self._on_lost(reason)

    def _go(self) -> None:
        self._leaving = True
        for place in list(self._seats):
            self._rise(place)

    def _sit(self, place: str) -> None:
        if place and not self._leaving:
            self._seats[key_of(place)] = self._ledger.take_seat(place, self._reader)

    def _rise(self, place: str) -> None:
        seat = self._seats.pop(key_of(place), None)
        if seat is not None:
            self._ledger.give_up_seat(place, seat)


async def _take(take: Callable[[str], Awaitable[None]], name: str) -> None:
    """Take a name, or one like it if another has it."""
    wanted = name
    for n in count(2):
        try:
            return await take(wanted)
        except ChatFailed as problem:
            if problem.code != NAME_TAKEN:
                raise
        wanted = f"{name[: MAX_NAME_CHARACTERS - 4]}-{n}"
