"""ClientConnection: the client's end of one connection, which takes the whole lines of one read at a time."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from twisted_chat.wire.errors import ParseError

MAX_SERVER_LINE_BYTES = 16 * 1024 * 1024
"""Far more than a request may have: a list is one line, however long."""


class ClientTransport(ITCPTransport, IPushProducer):
    """The interfaces that the transports of TCP and of other streams have, together."""


class ClientConnection(Protocol):
    """Calls `opened` with itself, `take` with the lines of each read, and `lost` with the reason.

    `take` raises ValueError, LookupError or ParseError for a line that no server sends, which ends the connection.
    `heard` is set at each read. `probed` is set while the server owes an answer to a ping. `paused` is set while the
    client does not read.
    """

    transport: ClientTransport

    def __init__(
        self,
        opened: Callable[[ClientConnection], None],
        take: Callable[[list[str]], None],
        lost: Callable[[str], None],
    ) -> None:
        self._opened, self._take, self._lost = opened, take, lost
        self._tail = b""
        self._dropped = ""
        self.heard, self.probed, self.paused = True, False, False

    def drop(self, reason: str) -> None:
        """End the connection at once; nothing that still arrives is taken."""
        if not self._dropped:
            self._dropped = reason
            self.transport.abortConnection()

    def send(self, data: bytes) -> None:
        """Write whole lines, or nothing."""
        if data:
            self.transport.write(data)

    def pause(self, pause: bool) -> None:
        """Stop reading, or read on."""
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
            if len(self._tail) > MAX_SERVER_LINE_BYTES:
                raise ValueError(f"a line of more than {MAX_SERVER_LINE_BYTES:,} bytes")
            if newline:
                self._take(whole.decode().split("\n"))
        except (ValueError, LookupError, ParseError) as problem:
            self.drop(f"the client does not understand what the server sent: {problem}")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._dropped:
            clean = reason.check(ConnectionDone) is not None
            why = "" if clean else f": {reason.getErrorMessage().rstrip('.')}"
            self._dropped = f"the server ended the connection{why}"
        self._lost(self._dropped)
