"""EventStream: a client's events for one `async for`, with a bound on the events that wait for a slow reader."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred

from twisted_chat.wire.events import Event

MAX_WAITING_EVENTS = 1000
"""Events that may wait for a slow reader. With more, the client does not read from its connection."""


class EventStream:
    """Events for one `async for`, which ends when the client is closed.

    `full` is true while too many events wait. The stream calls `drained` when that is over.
    """

    def __init__(self, drained: Callable[[], None]) -> None:
        self._drained = drained
        self._events: deque[Event] = deque()
        self._reader: Deferred[None] | None = None
        self._ended = self.full = False

    @property
    def waiting(self) -> int:
        """Return the number of events that wait for the reader."""
        return len(self._events)

    def put(self, event: Event) -> None:
        """Add an event."""
        self._events.append(event)
        self.full = len(self._events) >= MAX_WAITING_EVENTS
        self._wake()

    def end(self) -> None:
        """End the loop behind the events that wait."""
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
            self._drained()
        return event

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.callback(None)
