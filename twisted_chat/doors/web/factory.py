"""The web door's factory: HTTP connections to the chat's page, and WebSockets into the chat."""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from typing import Any

from twisted.internet.interfaces import IAddress, IProtocolNegotiationFactory
from twisted.protocols.policies import WrappingFactory
from twisted.web.server import Request, Site
from zope.interface import implementer

from twisted_chat.doors.connections import Members
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.web.connection import WebConnection
from twisted_chat.doors.web.site import PLAIN_TEXT, ChatResource
from twisted_chat.doors.web.websocket import Frames, WebSocketLines


@implementer(IProtocolNegotiationFactory)
class WebFactory(WrappingFactory):  # not subscripted: Twisted 25.5 has no WrappingFactory[...]
    """Make a WebConnection for each connection: HTTP, and a protocol of the `chat` factory for each WebSocket.

    A browser may open a WebSocket from a page of the same host, or of one of the `origins`
    (for example https://example.org). A WebConnection may be given input that another protocol
    has read before.
    """

    noisy = False

    def __init__(self, chat: ChatFactory, origins: Collection[str] = ()) -> None:
        resource = ChatResource(self._open_lines, frozenset(origins))
        site = QuietSite(resource, BodylessRequest, timeout=None, reactor=chat.clock)  # type: ignore[no-untyped-call]
        super().__init__(site)  # type: ignore[no-untyped-call]
        self._chat, self._frames = chat, Frames()
        self._strangers: Members[WebConnection] = Members(chat.register)
        self._stopping = False

    @property
    def connections(self) -> Collection[WebConnection]:
        """The connections without a WebSocket: the chat factory counts those with one."""
        return self._strangers

    def doStart(self) -> None:
        self._chat.doStart()  # type: ignore[no-untyped-call]
        super().doStart()  # type: ignore[no-untyped-call]

    def doStop(self) -> None:
        super().doStop()  # type: ignore[no-untyped-call]
        self._chat.doStop()  # type: ignore[no-untyped-call]

    def startFactory(self) -> None:
        self._stopping = False

    def stopFactory(self) -> None:
        self._stopping = True

    def buildProtocol(self, addr: IAddress | None) -> WebConnection | None:  # type: ignore[override]  # None: no room
        limit, count = self._chat.most, len(self._chat.connections) + len(self._strangers)
        if limit is not None and count >= limit:
            return None
        http = self.wrappedFactory.buildProtocol(addr)
        return WebConnection(self, http, self._chat.clock, self._strangers)

    def acceptableProtocols(self) -> list[bytes]:
        """Return the protocols to negotiate in TLS: a WebSocket begins with HTTP/1.1."""
        return [b"http/1.1"]

    def _open_lines(self, connection: WebConnection) -> WebSocketLines:
        return WebSocketLines(connection, self._chat, self._frames, lambda: self._stopping)


class BodylessRequest(Request):
    """A request that must have no body: it is rejected before the body is read."""

    _rejected = False

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        if length != 0:
            self._rejected = True
            sentence = b"a request with a body is not accepted; send GET without one\n"
            head = (
                b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            )
            self.channel.write(head % (PLAIN_TEXT, len(sentence)) + sentence)
            self.channel.loseConnection()

    def handleContentChunk(self, data: bytes) -> None:
        """Ignore body bytes that arrive after the rejection."""

    def process(self) -> None:
        if not self._rejected:
            super().process()  # type: ignore[no-untyped-call]


class QuietSite(Site):
    """A Site that writes no log of the requests."""

    noisy = False

    def startFactory(self) -> None: ...

    def stopFactory(self) -> None: ...

    def log(self, request: Any) -> None: ...
