"""The line protocol in a WebSocket: one text message is one line, in either direction.

`Visit` is a connection at the web door, below HTTP; `Lines` is what it becomes when
it asks for a WebSocket: to Twisted's WebSocket a protocol, to a ChatProtocol its transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from twisted.web.websocket import WebSocketTransport
from wsproto.utilities import LocalProtocolError
from zope.interface import implementer

from twisted_chat.doors.line.protocol import ChatProtocol
from twisted_chat.doors.protocol import CLOSING
from twisted_chat.transports.direct import straight
from twisted_chat.transports.interfaces import Transport
from twisted_chat.wire.frames import text_frames
from twisted_chat.wire.line import LONGEST

if TYPE_CHECKING:
    from twisted_chat.doors.web.site import WebFactory

VISIT = 120.0
"""Seconds for which a connection may stay that asks for no WebSocket, however busy it is."""
SLICE = 4096
"""Bytes of one connection that are taken before the others have their turn; the smallest frame has six."""
MOST = LONGEST + 1024
"""Bytes that a message may have come to, with its frames' heads, before it is at its end."""
NORMAL, GOING_AWAY, TOO_EARLY, NOT_TEXT, TOO_BIG = 1000, 1001, 1002, 1003, 1009
"""How a WebSocket is closed (RFC 6455 section 7.4.1); too early is before the server's answer (section 4.1)."""
_PONG = b"\x8a"


class Visit(ProtocolWrapper):
    """One connection at the web door: HTTP, and perhaps a WebSocket later. To both it is the transport."""

    factory: WebFactory
    transport: Transport  # type: ignore[assignment]  # Protocol says no more than ITransport

    def __init__(self, factory: WebFactory, http: IProtocol) -> None:
        super().__init__(factory, http)
        self.lines: Lines | None = None
        self._clock = factory.chat.clock
        self._waiting = b""
        self._held = self._paused = self._taking = self._producing = False
        self._deadline: IDelayedCall | None = None

    def makeConnection(self, transport: Transport) -> None:
        self._writer = straight(transport)
        self._deadline = self._clock.callLater(VISIT, self.abortConnection)
        self.factory.strangers.add(self)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stay()
        self.factory.strangers.discard(self)
        self.disconnecting, self._waiting = 1, b""
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def become(self, lines: Lines) -> None:
        """Be a WebSocket from now on, for as long as it likes."""
        self._stay()
        self.factory.strangers.discard(self)
        self.lines, self._held = lines, False  # HTTP may hold it, and lets go no more

    def _stay(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    # what comes in

    def dataReceived(self, data: bytes) -> None:
        if self.disconnecting:
            return
        if self.lines is None:
            self._take_http(data)
        else:
            self._waiting += data
            if not self._taking:
                self._take()

    def _take_http(self, data: bytes) -> None:
        """Take requests, a line at a time: HTTP would keep what comes behind the one that asks for a WebSocket."""
        for line in data.splitlines(keepends=True):
            if self.lines is not None:
                self.lines.close(TOO_EARLY)
            if self.disconnecting:
                return
            self.wrappedProtocol.dataReceived(line)

    def _take(self) -> None:
        """Take a slice of what was read."""
        self._taking = False
        if self._held or self.disconnecting or self.lines is None:
            return
        data, self._waiting = self._waiting[:SLICE], self._waiting[SLICE:]
        self.lines.unended += len(data)
        try:
            self.wrappedProtocol.dataReceived(data)
        except LocalProtocolError:  # it says more behind its own goodbye
            self.abortConnection()
        else:
            if self.lines.unended > MOST:
                self.lines.close(TOO_BIG)
        self._read_or_not()

    def pauseProducing(self) -> None:
        """Read nothing for a while."""
        self._held = True
        self._read_or_not()

    def resumeProducing(self) -> None:
        """Read on."""
        self._held = False
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self._waiting and not self._held and not self._taking:
            self._taking = True
            self._clock.callLater(0, self._take)
        pause = self._held or bool(self._waiting)
        if pause is not self._paused and not self.disconnecting:
            self._paused = pause
            if pause:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    # what goes out

    def write(self, data: bytes) -> None:
        if data[:1] == _PONG and self.lines is not None and self.lines.slow:
            return  # one who asks and does not read the answers (RFC 6455 section 5.5.3 lets us answer the last)
        self._writer.write(data)

    def writeSequence(self, data: Any) -> None:
        self._writer.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producing = True
        self._writer.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        if self._producing:
            self._producing = False
            self._writer.unregisterProducer()

    def loseConnection(self) -> None:
        if not self.disconnecting:
            self.disconnecting = 1
            self.unregisterProducer()  # TLS would wait for it
            self._writer.loseConnection()
            self._stay()
            self._deadline = self._clock.callLater(CLOSING, self.abortConnection)  # TLS waits for the other's goodbye

    def abortConnection(self) -> None:
        """End it at once."""
        self.disconnecting = 1
        self.transport.abortConnection()


@implementer(ITransport)
class Lines:
    """A WebSocket whose text messages are the lines of a chat protocol."""

    def __init__(self, factory: WebFactory, visit: Visit) -> None:
        self.unended = 0
        self._factory, self._visit = factory, visit
        self._socket: WebSocketTransport | None = None
        self._chat: Protocol | None = None

    @property
    def slow(self) -> bool:
        """Whether the client does not read what is sent to it."""
        return isinstance(self._chat, ChatProtocol) and self._chat.session.outbox.paused

    # what Twisted's WebSocket calls

    def negotiationStarted(self, transport: WebSocketTransport) -> None:
        self._socket = transport

    def negotiationFinished(self) -> None:
        self._visit.unregisterProducer()  # HTTP's own
        self._visit.become(self)
        self._chat = self._factory.chat.buildProtocol(self.getPeer())
        assert self._chat is not None
        self._chat.makeConnection(self)

    def textMessageReceived(self, message: str) -> None:
        self.unended = 0
        if isinstance(self._chat, ChatProtocol):
            self._chat.request(message.encode())

    def bytesMessageReceived(self, data: bytes | bytearray) -> None:
        self.close(NOT_TEXT)

    def pongReceived(self, payload: bytes) -> None:
        """The server sends no pings of this kind."""

    def connectionLost(self, reason: Failure) -> None:
        if self._chat is not None:
            self._chat.connectionLost(reason)

    def close(self, code: int) -> None:
        """Say how it ends, and end it."""
        if self._socket is not None and not self._visit.disconnecting:
            self._socket.loseConnection(code)

    # what the chat protocol calls

    def write(self, data: bytes) -> None:
        self._visit.write(self._factory.frames(data))

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._visit.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        self._visit.unregisterProducer()

    def pauseProducing(self) -> None:
        self._visit.pauseProducing()

    def resumeProducing(self) -> None:
        self._visit.resumeProducing()

    def loseConnection(self) -> None:
        self.close(GOING_AWAY if self._factory.stopping else NORMAL)

    def abortConnection(self) -> None:
        self._visit.abortConnection()

    def getPeer(self) -> IAddress:
        return self._visit.transport.getPeer()

    def getHost(self) -> IAddress:
        return self._visit.transport.getHost()


class Frames:
    """Text frames of lines; of what goes to many, one after the other, made once."""

    def __init__(self) -> None:
        self._lines = self._framed = b""

    def __call__(self, lines: bytes) -> bytes:
        if lines is not self._lines:
            self._lines, self._framed = lines, text_frames(lines)
        return self._framed
