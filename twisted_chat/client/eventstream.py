"""EventStream: a client's events for one `async for`, with a bound on the events that wait for a slow reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

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
        self._problem: Exception | None = None
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

    def end(self, problem: Exception | None = None) -> None:
        """End the loop behind the events that wait; it raises the problem, if there is one."""
        self._ended, self._problem = True, problem
        self._wake()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            await self._wait()
        return self._take()

    async def in_asyncio(self) -> AsyncIterator[Event]:
        """Yield the events in a task of asyncio, which cannot wait for a Deferred (it needs Twisted's asyncio reactor).

        Use it in the place of the stream itself: `async for event in client.events().in_asyncio()`.
        """
        loop = asyncio.get_running_loop()
        while True:
            while not self._events:
                try:
                    await self._wait().asFuture(loop)
                except StopAsyncIteration:
                    return
            yield self._take()

    def _wait(self) -> Deferred[None]:
        """Return a Deferred that fires when there is an event. Raises the end of the loop, or its problem."""
        if not self._ended:
            self._reader = Deferred()
            return self._reader
        if self._problem is not None:
            raise self._problem
        raise StopAsyncIteration

    def _take(self) -> Event:
        """Return the next event."""
        event = self._events.popleft()
        if self.full and len(self._events) <= MAX_WAITING_EVENTS // 2:
            self.full = False
            self._drained()
        return event

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.callback(None)
