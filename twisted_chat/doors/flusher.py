"""One flush of the hub for everything that a turn of the reactor brings.

What all clients send in one turn is stored, delivered and written together in the next
turn: with many clients that is one batch instead of many, and one write for each reader.
"""

from twisted_chat.core.hub import Hub
from twisted_chat.doors.slices import CallSoon, Slices

MAX_TEXTS_A_TURN = 4096
"""Texts after which the hub is flushed before the turn ends, so that a batch has a bound."""


class Flusher:
    """Flushes a hub once a turn if anything was said in it; `call_soon` calls a function in the next turn.

    `slices` runs the long answers of the same sessions.
    """

    def __init__(self, hub: Hub, call_soon: CallSoon) -> None:
        self._hub, self._call_soon = hub, call_soon
        self.slices = Slices(call_soon)
        self._texts = 0

    def request(self, count: int = 1) -> None:
        """Ask for a flush, since `count` more texts wait for one."""
        if not self._texts:
            self._call_soon(self._flush)
        self._texts += count
        if self._texts > MAX_TEXTS_A_TURN:
            self._hub.flush()
            self._texts = 1  # the call is still to come

    def _flush(self) -> None:
        self._texts = 0
        self._hub.flush()
