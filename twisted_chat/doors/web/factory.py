"""The web door's factory: HTTP connections to the chat's page, and WebSockets into the chat."""

from __future__ import annotations

from collections.abc import Callable, Collection

from twisted.internet.interfaces import IAddress, IProtocolNegotiationFactory
from twisted.protocols.policies import WrappingFactory
from zope.interface import implementer

from twisted_chat.doors.connections import Members
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.web.connection import WebConnection
from twisted_chat.doors.web.hosts import Hosts
from twisted_chat.doors.web.http import BodylessRequest, QuietSite
from twisted_chat.doors.web.site import ChatResource, Https
from twisted_chat.doors.web.websocket import Frames, WebSocketLines


@implementer(IProtocolNegotiationFactory)
class WebFactory(WrappingFactory):  # not subscripted: Twisted 25.5 has no WrappingFactory[...]
    """Make a WebConnection for each connection: HTTP, and a protocol of the `chat` factory for each WebSocket.

    A browser must reach the server by an IP address, as localhost, or by one of its names: `hosts` (for example
    chat.example), those of the `origins`, and those that `certified` returns. It may open a WebSocket from a page of
    the same origin, or of one of the `origins` (for example https://chat.example). `https` says what is done without
    TLS. A WebConnection may be given input that another protocol has read before.
    """

    noisy = False

    def __init__(
        self,
        chat: ChatFactory,
        origins: Collection[str] = (),
        *,
        hosts: Collection[str] = (),
        certified: Callable[[], Collection[str]] = tuple,
        https: Https = Https.NONE,
    ) -> None:
        settings = {"guests": chat.hub.allows_guests}
        resource = ChatResource(self._open_lines, Hosts(hosts, origins, certified), https, settings)
        site = QuietSite(resource, BodylessRequest, timeout=None, reactor=chat.clock)  # type: ignore[no-untyped-call]
        super().__init__(site)  # type: ignore[no-untyped-call]
        self._chat, self._frames = chat, Frames()
        self._strangers: Members[WebConnection] = Members(chat.register)
        self._stopping = False

    @property
    def connections(self) -> Collection[WebConnection]:
        """Return the connections without a WebSocket: the chat factory counts those with one."""
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
        return WebConnection(self, http, self._chat.clock, self._strangers, self._chat.hub.shares, self._chat.flusher)

    def acceptableProtocols(self) -> list[bytes]:
        """Return the protocols to negotiate in TLS: a WebSocket begins with HTTP/1.1."""
        return [b"http/1.1"]

    def _open_lines(self, connection: WebConnection) -> WebSocketLines:
        return WebSocketLines(connection, self._chat, self._frames, lambda: self._stopping)
