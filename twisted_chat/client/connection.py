"""Connection: the client's end of one connection, a read of whole lines at a time."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from twisted_chat.wire.line import ParseError

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of one line of the server's; a list is one line however long."""


class Transport(ITCPTransport, IPushProducer):
    """What TCP's and other streams' transports are, all in one."""


class Connection(Protocol):
    """Calls `opened` with itself, `take` with the lines of each read, and `lost` with the reason.

    `take` raises ValueError, LookupError or ParseError for what no server says, which ends
    the connection. `heard` is set at each read; `paused` while nothing is read.
    """

    transport: Transport

    def __init__(
        self,
        opened: Callable[[Connection], None],
        take: Callable[[list[str]], None],
        lost: Callable[[str], None],
    ) -> None:
        self._opened, self._take, self._lost = opened, take, lost
        self._tail = b""
        self._dropped = ""
        self.heard, self.probed, self.paused = True, False, False

    def drop(self, reason: str) -> None:
        """End it at once; nothing that comes is taken any more."""
        if not self._dropped:
            self._dropped = reason
            self.transport.abortConnection()

    def send(self, data: bytes) -> None:
        """Write whole lines, or nothing."""
        if data:
            self.transport.write(data)

    def pause(self, pause: bool) -> None:
        """Read nothing, or read on."""
        if pause is not self.paused:
            self.paused = pause
            if pause:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    def connectionMade(self) -> None:
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self._opened(self)

    def dataReceived(self, data: bytes) -> None:
        if self._dropped:
            return
        self.heard = True
        whole, newline, self._tail = (self._tail + data).rpartition(b"\n")
        try:
            if len(self._tail) > LONGEST_LINE:
                raise ValueError("a line without an end")
            if newline:
                self._take(whole.decode().split("\n"))
        except (ValueError, LookupError, ParseError) as problem:
            self.drop(f"the server said what is not understood: {problem}")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._dropped:
            clean = reason.check(ConnectionDone) is not None
            why = "" if clean else f": {reason.getErrorMessage().rstrip('.')}"
            self._dropped = f"the server ended the connection{why}"
        self._lost(self._dropped)
