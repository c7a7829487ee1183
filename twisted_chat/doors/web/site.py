"""The HTTP resource of the web door: the files in `page/`, and the handshake of a WebSocket.

The files are read once, when the resource is made. HTTP serves nothing else: a client learns
who is online and reads messages only after it has signed in through a WebSocket.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import urlsplit

from twisted.web.http import CACHED
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from twisted.web.websocket import WebSocketProtocol, WebSocketResource

from twisted_chat.doors.web.connection import WebConnection
from twisted_chat.doors.web.websocket import WebSocketLines

WEBSOCKET_PATH = b"/socket"
PLAIN_TEXT = b"text/plain; charset=utf-8"
MEDIA_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
RESPONSE_HEADERS = {
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
"""The headers of every response, errors included."""
_KEY = b"Sec-WebSocket-Key"
_KEY_FORM = re.compile(rb"[A-Za-z0-9+/]{22}==")
_HANDSHAKE_HEADERS = {
    b"Host": [b"chat"],
    b"Upgrade": [b"websocket"],
    b"Connection": [b"Upgrade"],
    b"Sec-WebSocket-Version": [b"13"],
}
"""The headers of a handshake (RFC 6455 section 4.1), except for the key."""


class PageFile(NamedTuple):
    """A file of the page: its media type, its ETag (RFC 9110 section 8.8.3) and its content."""

    media_type: bytes
    etag: bytes
    data: bytes


def load_page() -> dict[bytes, PageFile]:
    """Return the page's files by the path of their URL."""
    found = {}
    folders = [(b"/", files("twisted_chat.doors.web") / "page")]
    for path, folder in folders:
        for entry in folder.iterdir():
            suffix = entry.name[entry.name.rfind(".") :]
            if entry.is_dir():
                folders.append((path + entry.name.encode() + b"/", entry))
            elif suffix in MEDIA_TYPES:
                data = entry.read_bytes()
                etag = b'"' + sha256(data).hexdigest()[:32].encode() + b'"'
                found[path + entry.name.encode()] = PageFile(MEDIA_TYPES[suffix], etag, data)
    found[b"/"] = found.pop(b"/index.html")
    return found


class ChatResource(Resource):
    """Answer every HTTP request of the web door.

    `open_lines` makes the protocol of a new WebSocket. A browser may open one from a page of
    the same host or of one of the `origins`; programs send no Origin and always may.
    """

    isLeaf = True

    def __init__(self, open_lines: Callable[[WebConnection], WebSocketLines], origins: frozenset[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._open_lines, self._origins = open_lines, origins
        self._files = load_page()
        self._websocket = WebSocketResource(self)

    def render(self, request: Request) -> int:
        for name, value in RESPONSE_HEADERS.items():
            request.setHeader(name, value)
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            return _send_error(request, 405, "this method is not allowed; use GET or HEAD")
        if request.path == WEBSOCKET_PATH:
            return self._open_websocket(request)
        file = self._files.get(request.path)
        if file is None:
            return _send_error(request, 404, "there is no page at this address; the chat is at /")
        request.setHeader(b"Cache-Control", b"no-cache")
        if request.setETag(file.etag) is CACHED:
            return _send(request, b"")
        request.setHeader(b"Content-Type", file.media_type)
        return _send(request, file.data)

    def buildProtocol(self, request: Request) -> WebSocketProtocol:
        """Return the protocol of a new WebSocket, for Twisted's WebSocketResource."""
        connection = request.channel.transport
        assert isinstance(connection, WebConnection)
        return self._open_lines(connection)

    def _open_websocket(self, request: Request) -> int:
        """Check the handshake of a WebSocket, and switch to it or send an error."""
        header = request.getHeader
        if not _lists(request, b"Upgrade", b"websocket") or request.method != b"GET":
            request.setHeader(b"Upgrade", b"websocket")
            request.setHeader(b"Connection", b"Upgrade")
            return _send_error(request, 426, "only a WebSocket can be opened here; the chat's page is at /")
        if header(b"Sec-WebSocket-Version") != b"13":
            request.setHeader(b"Sec-WebSocket-Version", b"13")
            return _send_error(request, 426, "this version of the WebSocket protocol is not supported; use version 13")
        hosts, origin, key = request.requestHeaders.getRawHeaders(b"Host", []), header(b"Origin"), header(_KEY) or b""
        upgrade = _lists(request, b"Connection", b"upgrade") and request.clientproto == b"HTTP/1.1"
        if not upgrade or len(hosts) != 1 or not hosts[0] or not _KEY_FORM.fullmatch(key):
            return _send_error(request, 400, "the WebSocket handshake is not valid; see RFC 6455 section 4.1")
        if origin is not None and not self._allows_origin(origin.decode("latin-1"), hosts[0].decode("latin-1")):
            return _send_error(request, 403, "this origin is not allowed; open the WebSocket from this server's page")
        # Twisted parses the handshake again, so it is given the checked headers only
        request.requestHeaders = Headers({**_HANDSHAKE_HEADERS, _KEY: [key]})
        self._websocket.render_GET(request)
        return NOT_DONE_YET

    def _allows_origin(self, origin: str, host: str) -> bool:
        try:
            same_host = urlsplit(origin).netloc.lower() == host.lower()
        except ValueError:
            return False
        return same_host or origin in self._origins


def _lists(request: Request, header: bytes, token: bytes) -> bool:
    """Return True if a header that is a list (RFC 9110 section 5.6.1) contains this lower-case token."""
    values = request.requestHeaders.getRawHeaders(header, [])
    return any(token == item.strip().lower() for value in values for item in value.split(b","))


def _send_error(request: Request, code: int, sentence: str) -> int:
    request.setResponseCode(code)
    request.setHeader(b"Content-Type", PLAIN_TEXT)
    request.setHeader(b"Cache-Control", b"no-store")
    return _send(request, sentence.encode() + b"\n")


def _send(request: Request, data: bytes) -> int:
    if request.code != 304:
        request.setHeader(b"Content-Length", b"%d" % len(data))
    if data and request.method != b"HEAD":
        request.write(data)
    request.finish()
    return NOT_DONE_YET
