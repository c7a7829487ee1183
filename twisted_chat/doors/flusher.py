"""One flush of the hub for everything that a turn of the reactor brings.

What all clients send in one turn is stored, delivered and written together in the next
turn: with many clients that is one batch instead of many, and one write for each reader.
"""

from collections.abc import Callable

from twisted_chat.core.hub import Hub

CallSoon = Callable[[Callable[[], None]], object]

MAX_BYTES_A_TURN = 512 * 1024
"""Bytes after which the hub is flushed before the turn ends, so that a batch has a bound."""


class Flusher:
    """Flushes a hub once a turn if anything was said in it; `call_soon` calls a function in the next turn."""

    def __init__(self, hub: Hub, call_soon: CallSoon) -> None:
        self._hub, self._call_soon = hub, call_soon
        self._size = 0

    def request(self, size: int = 1) -> None:
        """Ask for a flush, since about `size` more bytes wait for one."""
        if not self._size:
            self._call_soon(self._flush)
        self._size += size
        if self._size > MAX_BYTES_A_TURN:
            self._hub.flush()
            self._size = 1  # the call is still to come

    def _flush(self) -> None:
        self._size = 0
        self._hub.flush()
