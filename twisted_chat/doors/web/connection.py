"""One TCP connection at the web door, below HTTP and below the WebSocket that it may become.

It bounds what Twisted's HTTP and WebSocket take: how long a connection may stay without a
WebSocket, how much of one read is taken in a turn, and how long one message may get.
"""

from __future__ import annotations

import typing
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IProtocol, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError

from twisted_chat.core.errors import Notice
from twisted_chat.core.shares import FREE_INPUT_BYTES, Shares, input_share
from twisted_chat.doors.flusher import Flusher
from twisted_chat.transports.confidential import is_confidential, is_loopback, is_over_tls, socket_peer
from twisted_chat.transports.direct import direct_writer
from twisted_chat.transports.interfaces import Transport, peer_host
from twisted_chat.wire.http import last_response
from twisted_chat.wire.line import MAX_LINE_BYTES

MAX_VISIT_SECONDS = 120.0
"""A connection without a WebSocket is ended after this time, even a busy one."""
CLOSE_TIMEOUT_SECONDS = 10.0
"""A connection that the client has not ended this long after the server closed it is aborted."""
READ_SLICE_BYTES = 512
"""Input of a WebSocket that is taken before others have their turn: at most 85 frames, some 3 ms of work."""
UNITS_OF_HTTP_REQUEST = 8
"""The work of an HTTP request, in the units of doors/workload.py."""
MAX_MESSAGE_BYTES = MAX_LINE_BYTES + 1024
"""A message that is longer than this with its frame heads, ended or not, closes the WebSocket."""
HTTP_LINE_BYTES = 256
"""Bytes of memory that a line of an HTTP request takes, beside its own, until the request is answered."""
STALLED_HTTP_BYTES = 36 * 1024
"""Bytes of the share for a client that does not read its responses: what its transport holds, and one response."""
NO_SHARE = last_response(
    b"503 Service Unavailable", "your address has too many requests that have not ended; try again later"
)
_PONG = b"\x8a"  # the first byte of a pong frame


class WebSocket(typing.Protocol):
    """The part of a WebSocket that its connection uses."""

    @property
    def slow(self) -> bool:
        """True while the client does not read what the server sends."""

    @property
    def held_bytes(self) -> int:
        """Bytes of a message whose end has not come yet."""

    def close(self, code: int) -> None:
        """Send a close frame with this code, and end the connection."""

    def no_share(self) -> None:
        """Tell the client that its network has no share of the memory left, and end the connection."""

    def dataReceived(self, data: bytes) -> None:
        """Take a part of the client's frames."""

    def connectionLost(self, reason: Failure) -> None:
        """Take note that the connection is lost."""


class WebConnection(ProtocolWrapper):
    """The transport of Twisted's HTTP, and of the WebSocket after `become`.

    It is in `strangers` until it becomes a WebSocket or ends. What a client has begun to send and what it does not read
    take bytes of its network's `shares`; the chat protocol counts what the WebSocket queues for its client.
    """

    door, user = "web", None
    number = silent_checks = 0
    heard = True
    transport: Transport  # type: ignore[assignment]  # Protocol promises an ITransport only

    def __init__(
        self,
        factory: WrappingFactory,
        http: IProtocol,
        clock: IReactorTime,
        strangers: set[WebConnection],
        shares: Shares,
        flusher: Flusher,
    ) -> None:
        super().__init__(factory, http)  # type: ignore[arg-type]  # WebFactory names no type of connection
        self._clock, self._strangers, self._shares, self._flusher = clock, strangers, shares, flusher
        self._websocket: WebSocket | None = None
        self._unread = b""  # input that waits for its turn
        self._message_bytes = 0  # taken since the last whole message, or what the request takes that has not ended
        self._input_paid = self._output_paid = 0  # bytes of the network's shares
        self._slice_scheduled = False
        self._held = False  # HTTP or the chat protocol wants no input now
        self._transport_paused = False
        self._has_producer = False
        self._deadline: IDelayedCall | None = None

    @property
    def secure(self) -> bool:
        """Return True over TLS."""
        return is_over_tls(self.transport)

    @property
    def confidential(self) -> bool:
        """Return True over TLS, within this machine, and from a private network."""
        return is_confidential(self.transport)

    @property
    def from_this_machine(self) -> bool:
        """Return True if the other end of the socket is on this machine."""
        peer = socket_peer(self.transport)
        return peer is not None and is_loopback(peer)

    def makeConnection(self, transport: Transport) -> None:
        self._writer = direct_writer(transport)
        self._deadline = self._clock.callLater(MAX_VISIT_SECONDS, self.abortConnection)
        self.address = peer_host(transport)
        self._strangers.add(self)
        self.sender_number = self.number  # tells it from others of its address, for their turns (a workload.Worker)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._cancel_deadline()
        self._strangers.discard(self)
        self.disconnecting, self._unread = 1, b""
        self._pay_for_input(0)
        self.output_drained()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def become(self, websocket: WebSocket) -> None:
        """Switch from HTTP to this WebSocket, which has no deadline."""
        self._cancel_deadline()
        self._strangers.discard(self)
        self._websocket = websocket
        self.wrappedProtocol = websocket  # type: ignore[assignment]  # it has what a ProtocolWrapper uses
        self._held = False  # HTTP may have paused the connection, and would never resume it
        self._message_bytes = 0
        self.output_drained()

    def message_ended(self) -> None:
        """Begin to count the bytes of the next message, or of the next request."""
        self._message_bytes = 0
        self._flusher.workload.spend(UNITS_OF_HTTP_REQUEST if self._websocket is None else 0)

    def output_stalled(self) -> None:
        """Take a share of the memory for responses that the client does not read; end the connection without one."""
        if not self._output_paid and self._websocket is None:
            if self._shares.outboxes.take(self.address, STALLED_HTTP_BYTES):
                self._output_paid = STALLED_HTTP_BYTES
            else:
                self.abortConnection()

    def output_drained(self) -> None:
        """Give the share back: the client has read the responses."""
        if self._output_paid:
            self._shares.outboxes.give_back(self.address, self._output_paid)
            self._output_paid = 0

    def _cancel_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    # input

    def dataReceived(self, data: bytes) -> None:
        if self.disconnecting:
            return
        self._unread += data
        if not self._slice_scheduled and self._flusher.workload.allowance:
            self._take_slice()
        else:
            self._hold_input()
            self._update_reading()

    def _take_http(self) -> None:
        """Give what was read to HTTP line by line: HTTP would keep what follows a request for a WebSocket.

        While the client does not read the responses, the rest waits.
        """
        lines, self._unread = self._unread.splitlines(keepends=True), b""
        lines.reverse()
        while lines and not self._held:
            if self._websocket is not None:  # input before the server's answer (RFC 6455 section 4.1)
                self._websocket.close(CloseReason.PROTOCOL_ERROR)
            if self.disconnecting:
                return
            line = lines.pop()
            self._message_bytes += len(line) + (HTTP_LINE_BYTES if line.endswith(b"\n") else 0)
            self.wrappedProtocol.dataReceived(line)
        self._unread = b"".join(reversed(lines))

    def _take_slice(self) -> None:
        """Give the next part of the unread input to the WebSocket, or all of it to HTTP."""
        self._slice_scheduled = False
        if self.disconnecting:
            return
        if self._websocket is None:
            self._take_http()
        elif not self._held:
            self._take_frames(self._websocket)
        self._hold_input()
        self._update_reading()

    def _take_frames(self, websocket: WebSocket) -> None:
        """Give one slice of the unread input to the WebSocket."""
        data, self._unread = self._unread[:READ_SLICE_BYTES], self._unread[READ_SLICE_BYTES:]
        self._message_bytes += len(data)
        try:
            self.wrappedProtocol.dataReceived(data)
        except LocalProtocolError:  # wsproto raises this for frames behind the client's close frame
            self.abortConnection()
        else:
            if self._message_bytes > MAX_MESSAGE_BYTES:
                websocket.close(CloseReason.MESSAGE_TOO_BIG)

    def _hold_input(self) -> None:
        """Have a share of the memory for what was read and waits, or has not ended; end the connection without one."""
        websocket = self._websocket
        held = len(self._unread) + (self._message_bytes if websocket is None else websocket.held_bytes)
        if self.disconnecting or (held <= FREE_INPUT_BYTES and not self._input_paid):
            return
        if not self._pay_for_input(input_share(held)):
            if websocket is None:
                self._writer.write(NO_SHARE)
                self.loseConnection()
            else:
                websocket.no_share()

    def _pay_for_input(self, size: int) -> bool:
        if not self._shares.input.change(self.address, self._input_paid, size):
            return False
        self._input_paid = size
        return True

    def pauseProducing(self) -> None:
        """Give no more input to the protocol above, until `resumeProducing`."""
        self._held = True
        self._update_reading()

    def resumeProducing(self) -> None:
        """Give input to the protocol above again."""
        self._held = False
        self._update_reading()

    def _update_reading(self) -> None:
        """Schedule the next slice if there is one, and read from the transport only while none waits."""
        if self._unread and not self._held and not self._slice_scheduled:
            self._slice_scheduled = True
            self._flusher.workload.wait(self, self._take_slice)
        pause = self._held or bool(self._unread)
        if pause is not self._transport_paused and not self.disconnecting:
            self._transport_paused = pause
            if pause:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    # output

    def write(self, data: bytes) -> None:
        if data[:1] == _PONG and self._websocket is not None and self._websocket.slow:
            return  # unread pongs would pile up (RFC 6455 section 5.5.3: only the latest ping needs an answer)
        self._writer.write(data)

    def writeSequence(self, data: Any) -> None:
        self._writer.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._has_producer = True
        self._writer.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        if self._has_producer:
            self._has_producer = False
            self._writer.unregisterProducer()

    def loseConnection(self) -> None:
        if not self.disconnecting:
            self.disconnecting = 1
            self.unregisterProducer()  # TLS would wait for the producer to finish
            self._writer.loseConnection()
            self._cancel_deadline()
            # a TLS connection ends when the client closes its side, which it may never do
            self._deadline = self._clock.callLater(CLOSE_TIMEOUT_SECONDS, self.abortConnection)

    def expel(self, notice: Notice, detail: str = "") -> None:
        """End the connection: there is no way to tell a browser why while it loads the page."""
        self.abortConnection()

    def abortConnection(self) -> None:
        """End the connection at once, without sending what is queued."""
        self.disconnecting = 1
        self.transport.abortConnection()
