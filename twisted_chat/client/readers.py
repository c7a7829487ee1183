"""EventReaders: the callback and the streams that are given a client's events."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from twisted_chat.client.eventstream import EventStream
from twisted_chat.client.requests import OnEvent
from twisted_chat.wire.events import Event

_log = Logger()


class EventReaders:
    """A client's `on_event`, if it has one, and any number of streams; calls `drained` when a full stream has room."""

    def __init__(self, on_event: OnEvent | None, drained: Callable[[], None]) -> None:
        self._drained = drained
        self._readers: tuple[OnEvent, ...] = (on_event,) if on_event is not None else ()
        self._streams: list[EventStream] = []

    def have_room(self) -> bool:
        """Return True while no stream is full."""
        return not any(stream.full for stream in self._streams)

    def add_stream(self) -> EventStream:
        """Return a stream of the events from now on."""
        stream = EventStream(self._drained)
        self._streams.append(stream)
        self._readers += (stream.put,)
        return stream

    def give(self, event: Event) -> None:
        """Give an event to each reader; log the failure of a reader, and go on with the next."""
        for reader in self._readers:
            try:
                reader(event)
            except Exception:
                _log.failure("a reader of events failed at {event}", event=event)

    def end(self, problem: Exception | None) -> None:
        """End the streams, with a problem if there is one."""
        for stream in self._streams:
            stream.end(problem)
