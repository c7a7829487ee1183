"""Queue what is sent to one client, within a bound, in front of its transport."""

from collections.abc import Callable

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from twisted_chat.core.shares import Pool
from twisted_chat.transports.interfaces import Writer

MAX_OUTBOX_BYTES = 256 * 1024
"""Bytes that may wait for a client that does not read, beside the transport's own 64 KiB."""
FIRST_OUTBOX_BYTES = 8 * 1024
"""Bytes that may wait for any client that does not read; for more, the client's network must have a share left."""
STALLED_BYTES = 56 * 1024
"""Bytes of the share for a client that does not read: the first ones here, and about what its transport holds."""

_FLUSH_BYTES = 32 * 1024


@implementer(IPushProducer)
class Outbox:
    """Gathers what a turn says to one client into one write.

    The transport makes it `paused` while the client does not read; then up to
    `bound` bytes gather, or fewer if the `pool` has no more for the client's
    `address`, and past that it is `full`. Calls `drained` when the client has
    read what there was, and when it is `abandoned`: the client does not read,
    and the pool has nothing for it.
    """

    __slots__ = (
        "_address",
        "_bound",
        "_drained",
        "_first",
        "_many",
        "_more",
        "_paid",
        "_pool",
        "_transport",
        "abandoned",
        "full",
        "paused",
        "size",
    )

    def __init__(
        self,
        transport: Writer,
        bound: int,
        drained: Callable[[], None],
        pool: Pool | None = None,
        address: str = "",
    ) -> None:
        self._transport, self._bound, self._drained = transport, bound, _nothing
        self._pool, self._address, self._paid = pool, address, 0
        self._many = min(bound, _FLUSH_BYTES)
        self._first = b""  # one part is the usual case, and a list for each connection costs as much as the rest of it
        self._more: list[bytes] | None = None
        self.size = 0
        self.paused = self.full = self.abandoned = False
        transport.registerProducer(self, True)
        self._drained = drained

    def put(self, data: bytes) -> None:
        """Queue bytes, to leave with the next `flush` or when there are many."""
        if not self.size:
            self._first = data
        elif self._more is None:
            self._more = [data]
        else:
            self._more.append(data)
        self.size += len(data)
        if self.size > self._many:
            self._overflow()

    def flush(self) -> None:
        """Hand what is queued to the transport, unless the client does not read."""
        if self.size and not self.paused:
            data = self._first
            if self._more is not None:
                data = b"".join((data, *self._more))
                self._more = None
            self._first = b""
            self.size = 0
            write = self._transport.write
            write(data)

    def _overflow(self) -> None:
        """Flush; for a client that does not read, take a share of the memory, or be full without one."""
        self.flush()
        first = min(self._bound, FIRST_OUTBOX_BYTES)
        if not self.paused or self._pool is None or self._many > first:
            self.full = self.size > self._bound
            return
        if self.size <= first:  # this flush has paused it
            return
        if self._bound > first and self._pay(self._bound - first):
            self._many = self._bound
        self.full = self.size > self._many

    def _pay(self, size: int) -> bool:
        """Take bytes of the network's share; return False if it has too few left."""
        if self._pool is None or not self._pool.take(self._address, size):
            return False
        self._paid += size
        return True

    def _give_back(self) -> None:
        if self._paid and self._pool is not None:
            self._pool.give_back(self._address, self._paid)
        self._paid = 0

    def close(self) -> None:
        """Send all that is queued, then end the connection."""
        self.paused = False
        self.flush()
        self._transport.unregisterProducer()
        self._transport.loseConnection()

    def pauseProducing(self) -> None:
        """Hold the output: the client does not read."""
        self.paused = True
        if self._pool is None or self._paid:
            return
        self._many = min(self._bound, FIRST_OUTBOX_BYTES)
        if not self._pay(STALLED_BYTES):
            self.abandoned = True
            self._drained()

    def resumeProducing(self) -> None:
        """Send what is queued: the client has read what the transport had."""
        self.paused = self.full = False
        self._many = min(self._bound, _FLUSH_BYTES)
        self._give_back()
        self.flush()
        if not self.paused:
            self._drained()

    def stopProducing(self) -> None:
        """Drop everything: the transport takes no more."""
        self.end()

    def end(self) -> None:
        """Drop what is queued, and the callback: the connection is gone."""
        self.paused = self.full = False
        self._give_back()
        self._drained = _nothing
        self._first, self._more = b"", None
        self.size = 0


def _nothing() -> None:
    """Stand for the callback of a connection that is gone."""
