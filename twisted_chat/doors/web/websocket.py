"""The line protocol in a WebSocket: one text message is one line, in either direction.

WebSocketLines takes the bytes of the client's frames, which wsproto reads; to a ChatProtocol it is the transport.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress, ITransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.frame_protocol import CloseReason
from zope.interface import implementer

from twisted_chat.core.errors import Notice
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.line.protocol import ChatProtocol
from twisted_chat.doors.web.connection import WebConnection
from twisted_chat.wire.frames import part_frames, text_frames


class Frames:
    """Make text frames of lines, once for all the readers of the same bytes object."""

    def __init__(self) -> None:
        self._lines = self._framed = b""

    def __call__(self, lines: bytes) -> bytes:
        if lines is not self._lines:
            self._lines, self._framed = lines, text_frames(lines)
        return self._framed


@implementer(ITransport)
class WebSocketLines:
    """A WebSocket whose text messages are the lines of a chat protocol.

    `chat_factory` makes that protocol, `frames` is shared by all WebSockets of a server, and
    `stopping` returns True once the server ends.
    """

    door = "web"

    def __init__(
        self, connection: WebConnection, chat_factory: ChatFactory, frames: Frames, stopping: Callable[[], bool]
    ) -> None:
        self._connection, self._chat_factory = connection, chat_factory
        self._frames, self._stopping = frames, stopping
        self._socket = Connection(ConnectionType.SERVER)
        self._begun: bytearray | None = None  # a message whose end has not come yet
        self._chat: Protocol | None = None
        self._within_line = False  # the last part that was written ended without an LF

    @property
    def transport(self) -> WebConnection:
        """Return the layer below."""
        return self._connection

    @property
    def slow(self) -> bool:
        """True while the client does not read what the server sends."""
        return isinstance(self._chat, ChatProtocol) and self._chat.session.outbox.paused

    @property
    def held_bytes(self) -> int:
        """Return the bytes of the message whose end has not come yet."""
        return 0 if self._begun is None else len(self._begun)

    def begin(self) -> None:
        """Take the connection over from HTTP, which has answered the handshake."""
        self._connection.unregisterProducer()  # HTTP's producer; the chat protocol registers its own
        self._connection.become(self)
        self._chat = self._chat_factory.buildProtocol(self.getPeer())
        assert self._chat is not None
        self._chat.makeConnection(self)

    def close(self, code: int) -> None:
        """Send a close frame with this code, and end the connection."""
        if not self._connection.disconnecting:
            self._connection.write(self._socket.send(CloseConnection(code)))
            self._connection.loseConnection()

    def no_share(self) -> None:
        """End the connection: the client's network has no share of the memory left for what was read."""
        if isinstance(self._chat, ChatProtocol):
            self._chat.session.disconnect(Notice.NO_SHARE)
        else:
            self.close(CloseReason.TRY_AGAIN_LATER)

    # called by the WebConnection

    def dataReceived(self, data: bytes) -> None:
        """Take a part of the client's frames. Raises LocalProtocolError for frames behind the client's close frame."""
        self._socket.receive_data(data)
        for event in self._socket.events():
            self._chat_factory.flusher.workload.spend(1)  # to decode a frame takes as long as a request
            if isinstance(event, TextMessage):
                self._take_text(event)
            elif isinstance(event, BytesMessage):
                self.close(CloseReason.UNSUPPORTED_DATA)
            elif isinstance(event, Ping):
                self._connection.write(self._socket.send(event.response()))
            elif isinstance(event, CloseConnection):
                if self._socket.state is not ConnectionState.CLOSED:
                    self._connection.write(self._socket.send(event.response()))
                self._connection.loseConnection()
            if self._connection.disconnecting:
                return

    def _take_text(self, event: TextMessage) -> None:
        """Take a part of a message: wsproto gives one for each frame, and for each read of a frame."""
        message = event.data.encode()
        if self._begun is not None or not event.message_finished:
            if self._begun is None:
                self._begun = bytearray()
            self._begun += message  # a list of its parts would take many times their bytes
            if not event.message_finished:
                return
            message, self._begun = bytes(self._begun), None
        self._connection.message_ended()
        if isinstance(self._chat, ChatProtocol):  # a server that is full has built another protocol
            self._chat.request(message)

    def connectionLost(self, reason: Failure) -> None:
        """Tell the chat protocol."""
        if self._chat is not None:
            self._chat.connectionLost(reason)

    # called by the chat protocol

    def write(self, data: bytes) -> None:
        if self._within_line or data[-1:] != b"\n":  # a long answer, which is written in parts
            self._connection.write(part_frames(data, self._within_line))
            self._within_line = data[-1:] != b"\n"
        else:
            self._connection.write(self._frames(data))

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._connection.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        self._connection.unregisterProducer()

    def pauseProducing(self) -> None:
        self._connection.pauseProducing()

    def resumeProducing(self) -> None:
        self._connection.resumeProducing()

    def loseConnection(self) -> None:
        self.close(CloseReason.GOING_AWAY if self._stopping() else CloseReason.NORMAL_CLOSURE)

    def abortConnection(self) -> None:
        self._connection.abortConnection()

    def getPeer(self) -> IAddress:
        return self._connection.transport.getPeer()

    def getHost(self) -> IAddress:
        return self._connection.transport.getHost()
