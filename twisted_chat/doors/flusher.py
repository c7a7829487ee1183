"""One flush of the hub for all that a turn of the reactor brings.

Everything that is read in one turn is kept, delivered and written together, in the
next: with many clients that is one batch instead of many, and one write for each
reader.
"""

from collections.abc import Callable

from twisted_chat.core.hub import Hub

Soon = Callable[[Callable[[], None]], object]

MANY = 4096
"""Entries after which a turn is flushed before it ends, so that it does not grow without a bound."""


class Flusher:
    """Flushes a hub once a turn, if anything was said in it; `soon` calls a function in the next."""

    def __init__(self, hub: Hub, soon: Soon) -> None:
        self._hub, self._soon = hub, soon
        self._said = 0

    def request(self, count: int = 1) -> None:
        """So much has been said."""
        if not self._said:
            self._soon(self._end)
        self._said += count
        if self._said > MANY:
            self._hub.flush()
            self._said = 1  # the call is still to come

    def _end(self) -> None:
        self._said = 0
        self._hub.flush()
