"""EventStream: a client's events for one `async for`, with a bound on what waits for a slow reader."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred

from twisted_chat.wire.events import Event

MAX_WAITING_EVENTS = 1000
"""Events that wait for a slow reader, past which its connection is not read from."""


class EventStream:
    """Events for one `async for`, which ends with the connection.

    `full` while too many wait for a slow reader; calls `changed` when it is not
    so any more.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._events: deque[Event] = deque()
        self._reader: Deferred[None] | None = None
        self._ended = self.full = False

    @property
    def waiting(self) -> int:
        """How many events wait for the reader."""
        return len(self._events)

    def put(self, event: Event) -> None:
        """One more event."""
        self._events.append(event)
        self.full = len(self._events) >= MAX_WAITING_EVENTS
        self._wake()

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._wake()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._reader = Deferred()
            await self._reader
        event = self._events.popleft()
        if self.full and len(self._events) <= MAX_WAITING_EVENTS // 2:
            self.full = False
            self._changed()
        return event

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.callback(None)
