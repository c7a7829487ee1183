"""The web door: the page, and the WebSocket that the page talks through.

It serves what lies in `page/`, as it was when the door was made, and nothing else.
Nothing of what is said here, or of who is here, can be had by HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from twisted.internet.interfaces import IAddress, IProtocolNegotiationFactory
from twisted.protocols.policies import WrappingFactory
from twisted.web.http import CACHED
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from twisted.web.websocket import WebSocketProtocol, WebSocketResource
from zope.interface import implementer

from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.web.websocket import Frames, Lines, Visit

SOCKET = b"/socket"
TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
HEADERS = {
    b"Server": b"twisted_chat",
    b"Content-Security-Policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'",
    b"X-Content-Type-Options": b"nosniff",
    b"Referrer-Policy": b"no-referrer",
    b"Cross-Origin-Opener-Policy": b"same-origin",
    b"Cross-Origin-Resource-Policy": b"same-origin",
    b"Permissions-Policy": b"camera=(), geolocation=(), microphone=()",
}
"""What every answer says, whatever it is."""
TEXT = b"text/plain; charset=utf-8"
_KEY = b"Sec-WebSocket-Key"
_IS_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_ASKED = {
    b"Host": [b"chat"],
    b"Upgrade": [b"websocket"],
    b"Connection": [b"Upgrade"],
    b"Sec-WebSocket-Version": [b"13"],
}
"""How a WebSocket is asked for (RFC 6455 section 4.1), but for the key."""


class File(NamedTuple):
    """A file of the page: its media type, its version (RFC 9110 section 8.8.3), and what is in it."""

    type: bytes
    etag: bytes
    data: bytes


def page() -> dict[bytes, File]:
    """The page's files, by the path of their URL."""
    found = {}
    root = files("twisted_chat.doors.web") / "page"
    folders = [(b"/", root)]
    for path, folder in folders:
        for entry in folder.iterdir():
            suffix = entry.name[entry.name.rfind(".") :]
            if entry.is_dir():
                folders.append((path + entry.name.encode() + b"/", entry))
            elif suffix in TYPES:
                data = entry.read_bytes()
                etag = b'"' + sha256(data).hexdigest()[:32].encode() + b'"'
                found[path + entry.name.encode()] = File(TYPES[suffix], etag, data)
    found[b"/"] = found.pop(b"/index.html")
    return found


@implementer(IProtocolNegotiationFactory)
class WebFactory(WrappingFactory[Visit]):
    """Makes a Visit for each connection: HTTP, and a protocol of the `chat` factory for each WebSocket.

    A browser may open one from a page of the same host, or of one of the `origins`, as in
    https://example.org. What one protocol was handed may have been read before by another.
    """

    protocol = Visit
    noisy = False

    def __init__(self, chat: ChatFactory, origins: Collection[str] = ()) -> None:
        site = _QuietSite(Door(self, frozenset(origins)), _Request, timeout=None, reactor=chat.clock)  # type: ignore[no-untyped-call]
        super().__init__(site)  # type: ignore[no-untyped-call]
        self.chat, self.frames = chat, Frames()
        self.strangers: set[Visit] = set()
        self.stopping = False

    @property
    def connections(self) -> Collection[Visit]:
        """Those that are no WebSocket yet, and so not among the chat's."""
        return self.strangers

    def doStart(self) -> None:
        self.chat.doStart()  # type: ignore[no-untyped-call]
        super().doStart()  # type: ignore[no-untyped-call]

    def doStop(self) -> None:
        super().doStop()  # type: ignore[no-untyped-call]
        self.chat.doStop()  # type: ignore[no-untyped-call]

    def startFactory(self) -> None:
        self.stopping = False

    def stopFactory(self) -> None:
        self.stopping = True

    def buildProtocol(self, addr: IAddress | None) -> Visit | None:  # type: ignore[override]  # Factory allows None
        most, here = self.chat.most, len(self.chat.connections) + len(self.strangers)
        return None if most is not None and here >= most else super().buildProtocol(addr)

    def acceptableProtocols(self) -> list[bytes]:
        """What may be agreed on in TLS: a WebSocket begins with HTTP/1.1."""
        return [b"http/1.1"]


class Door(Resource):
    """What answers every HTTP request."""

    isLeaf = True

    def __init__(self, factory: WebFactory, origins: frozenset[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._factory, self._origins = factory, origins
        self._files = page()
        self._upgrade = WebSocketResource(self)

    def render(self, request: Request) -> int:
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            return _say(request, 405, "this can be read, and nothing else")
        if request.path == SOCKET:
            return self._socket(request)
        file = self._files.get(request.path)
        if file is None:
            return _say(request, 404, "there is nothing here; the chat is at /")
        request.setHeader(b"Cache-Control", b"no-cache")
        if request.setETag(file.etag) is CACHED:
            return _send(request, b"")
        request.setHeader(b"Content-Type", file.type)
        return _send(request, file.data)

    def buildProtocol(self, request: Request) -> WebSocketProtocol:
        """The protocol of a new WebSocket."""
        visit = request.channel.transport
        assert isinstance(visit, Visit)
        return Lines(self._factory, visit)

    def _socket(self, request: Request) -> int:
        header = request.getHeader
        if not _names(request, b"Upgrade", b"websocket") or request.method != b"GET":
            request.setHeader(b"Upgrade", b"websocket")
            request.setHeader(b"Connection", b"Upgrade")
            return _say(request, 426, "this is where a WebSocket begins")
        if header(b"Sec-WebSocket-Version") != b"13":
            request.setHeader(b"Sec-WebSocket-Version", b"13")
            return _say(request, 426, "this speaks version 13 of the WebSocket protocol")
        hosts, origin, key = request.requestHeaders.getRawHeaders(b"Host", []), header(b"Origin"), header(_KEY) or b""
        asked = _names(request, b"Connection", b"upgrade") and request.clientproto == b"HTTP/1.1"
        if not asked or len(hosts) != 1 or not hosts[0] or not _IS_KEY.fullmatch(key):
            return _say(request, 400, "this asks for a WebSocket, but not as RFC 6455 has it")
        if origin is not None and not self._may_connect(origin.decode("latin-1"), hosts[0].decode("latin-1")):
            return _say(request, 403, "only a page of this very server may open its WebSocket")
        request.requestHeaders = Headers({**_ASKED, _KEY: [key]})  # Twisted gets what was checked, and nothing else
        self._upgrade.render_GET(request)
        return NOT_DONE_YET

    def _may_connect(self, origin: str, host: str) -> bool:
        try:
            own = urlsplit(origin).netloc.lower() == host.lower()
        except ValueError:
            return False
        return own or origin in self._origins


class _Request(Request):
    """A request without a body: one that has any is refused before it is read."""

    _refused = False

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        if length != 0:
            self._refused = True
            sentence = b"no request here has a body\n"
            head = (
                b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            )
            self.channel.write(head % (TEXT, len(sentence)) + sentence)
            self.channel.loseConnection()

    def handleContentChunk(self, data: bytes) -> None:
        """What came of a body all the same."""

    def process(self) -> None:
        if not self._refused:
            super().process()  # type: ignore[no-untyped-call]


class _QuietSite(Site):
    """One that writes nobody's requests down."""

    noisy = False

    def startFactory(self) -> None: ...

    def stopFactory(self) -> None: ...

    def log(self, request: Any) -> None: ...


def _names(request: Request, header: bytes, token: bytes) -> bool:
    """Whether a header that is a list has this, in lower case, in it (RFC 9110 section 5.6.1)."""
    values = request.requestHeaders.getRawHeaders(header, [])
    return any(token == one.strip().lower() for value in values for one in value.split(b","))


def _say(request: Request, code: int, sentence: str) -> int:
    request.setResponseCode(code)
    request.setHeader(b"Content-Type", TEXT)
    request.setHeader(b"Cache-Control", b"no-store")
    return _send(request, sentence.encode() + b"\n")


def _send(request: Request, data: bytes) -> int:
    if request.code != 304:
        request.setHeader(b"Content-Length", b"%d" % len(data))
    if data and request.method != b"HEAD":
        request.write(data)
    request.finish()
    return NOT_DONE_YET
