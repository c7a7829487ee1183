"""The HTTP resource of the web door: the files in `page/`, and the handshake of a WebSocket.

The files are read once, when the resource is made. HTTP serves nothing else but whether guests are
admitted: a client learns who is online and reads messages only after it has signed in through a WebSocket.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from enum import Enum
from hashlib import sha1, sha256
from importlib.resources import files
from typing import NamedTuple

from twisted.web.http import CACHED
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from twisted_chat.doors.web.connection import WebConnection
from twisted_chat.doors.web.hosts import DEFAULT_PORTS, Hosts, Origin, is_local, parse_host
from twisted_chat.doors.web.websocket import WebSocketLines
from twisted_chat.wire.http import PLAIN_TEXT, SECURITY_HEADERS

WEBSOCKET_PATH = b"/socket"
MEDIA_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
HSTS_SECONDS = 30 * 24 * 3600
"""A browser that has seen the page over TLS uses nothing else for this name, at any port, for this time (RFC 6797)."""
_KEY = b"Sec-WebSocket-Key"
_HEADERS_SENT_ONCE = (b"Origin", b"Sec-WebSocket-Version", _KEY)
REASONS = {421: b"Misdirected Request", 426: b"Upgrade Required"}
"""The names of the status codes that Twisted does not know."""
_KEY_FORM = re.compile(rb"[A-Za-z0-9+/]{22}==")
_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class Https(Enum):
    """What the web door does without TLS."""

    NONE = "the server has no TLS at this port: serve everything"
    OFFERED = "send browsers to https, but for those of this machine; programs may open a WebSocket"
    REQUIRED = "send browsers to https, and open no WebSocket"


class PageFile(NamedTuple):
    """A file of the page: its media type, its ETag (RFC 9110 section 8.8.3) and its content."""

    media_type: bytes
    etag: bytes
    data: bytes


def page_file(media_type: bytes, data: bytes) -> PageFile:
    """Return a file with its ETag."""
    return PageFile(media_type, b'"' + sha256(data).hexdigest()[:32].encode() + b'"', data)


def load_page(settings: Mapping[str, bool]) -> dict[bytes, PageFile]:
    """Return the page's files by the path of their URL, with the `settings` of this server as one of them."""
    found = {b"/settings.json": page_file(b"application/json", json.dumps(settings).encode())}
    folders = [(b"/", files("twisted_chat.doors.web") / "page")]
    for path, folder in folders:
        for entry in folder.iterdir():
            suffix = entry.name[entry.name.rfind(".") :]
            if entry.is_dir():
                folders.append((path + entry.name.encode() + b"/", entry))
            elif suffix in MEDIA_TYPES:
                found[path + entry.name.encode()] = page_file(MEDIA_TYPES[suffix], entry.read_bytes())
    found[b"/"] = found.pop(b"/index.html")
    return found


class ChatResource(Resource):
    """Answer every HTTP request of the web door.

    `open_lines` makes the protocol of a new WebSocket. A browser may open one from the server's own page, or from a
    page that the `hosts` allow; programs send no Origin and always may. The page reads the `settings`.
    """

    isLeaf = True

    def __init__(
        self,
        open_lines: Callable[[WebConnection], WebSocketLines],
        hosts: Hosts,
        https: Https,
        settings: Mapping[str, bool],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._open_lines, self._hosts, self._https = open_lines, hosts, https
        self._files = load_page(settings)

    def render(self, request: Request) -> int:
        for name, value in SECURITY_HEADERS.items():
            request.setHeader(name, value)
        connection = request.channel.transport
        assert isinstance(connection, WebConnection)
        secure = connection.secure or _came_by_https(request, connection)
        fields = request.requestHeaders.getRawHeaders(b"Host", [])
        try:
            [field] = fields
            own = parse_host(field.decode("latin-1"), "https" if secure else "http")
        except ValueError:
            return _send_error(request, 400, "a request must have one Host header, with the server's name or address")
        if not self._hosts.allow(own.host):
            sentence = "this server does not know this host name as its own; use its IP address, or ask the operator"
            return _send_error(request, 421, f"{sentence} to start it with --host and this name")
        if (
            connection.secure and self._https is not Https.NONE and not is_local(own.host)
        ):  # other servers are local, too
            request.setHeader(b"Strict-Transport-Security", b"max-age=%d" % HSTS_SECONDS)
        return self._answer(request, connection, own)

    def _answer(self, request: Request, connection: WebConnection, own: Origin) -> int:
        """Answer a request whose host is right."""
        plain = own.scheme == "http"
        if request.path == WEBSOCKET_PATH and _lists(request, b"Upgrade", b"websocket"):
            browser = request.getHeader(b"Origin") is not None
            if plain and (self._https is Https.REQUIRED or (browser and self._sends_to_https(connection, own))):
                return _send_error(request, 403, "open the WebSocket with TLS: wss:// instead of ws://")
            return self._open_websocket(request, connection, own)
        if plain and self._sends_to_https(connection, own):
            return _redirect(request, own)
        return self._send_file(request)

    def _sends_to_https(self, connection: WebConnection, own: Origin) -> bool:
        """Return True if a browser without TLS is redirected."""
        if self._https is Https.OFFERED:  # a certificate names no localhost, and nobody else is on the way
            return not (is_local(own.host) and connection.from_this_machine)
        return self._https is Https.REQUIRED

    def _send_file(self, request: Request) -> int:
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            return _send_error(request, 405, "this method is not allowed; use GET or HEAD")
        if request.path == WEBSOCKET_PATH:
            request.setHeader(b"Upgrade", b"websocket")
            request.setHeader(b"Connection", b"Upgrade")
            return _send_error(request, 426, "only a WebSocket can be opened here; the chat's page is at /")
        file = self._files.get(request.path)
        if file is None:
            return _send_error(request, 404, "there is no page at this address; the chat is at /")
        request.setHeader(b"Cache-Control", b"no-cache")
        if request.setETag(file.etag) is CACHED:
            return _send(request, b"")
        request.setHeader(b"Content-Type", file.media_type)
        return _send(request, file.data)

    def _open_websocket(self, request: Request, connection: WebConnection, own: Origin) -> int:
        """Check the handshake of a WebSocket, and switch to it or send an error."""
        header = request.getHeader
        if any(len(request.requestHeaders.getRawHeaders(name, [])) > 1 for name in _HEADERS_SENT_ONCE):
            return _send_error(request, 400, "the WebSocket handshake is not valid; see RFC 6455 section 4.1")
        if request.method != b"GET":
            request.setHeader(b"Allow", b"GET")
            return _send_error(request, 405, "a WebSocket is opened with GET")
        if header(b"Sec-WebSocket-Version") != b"13":
            request.setHeader(b"Sec-WebSocket-Version", b"13")
            return _send_error(request, 426, "this version of the WebSocket protocol is not supported; use version 13")
        origin, key = header(b"Origin"), header(_KEY) or b""
        upgrade = _lists(request, b"Connection", b"upgrade") and request.clientproto == b"HTTP/1.1"
        if not upgrade or not _KEY_FORM.fullmatch(key):
            return _send_error(request, 400, "the WebSocket handshake is not valid; see RFC 6455 section 4.1")
        if origin is not None and not self._hosts.allow_origin(origin.decode("latin-1"), own):
            return _send_error(request, 403, "this origin is not allowed; open the WebSocket from this server's page")
        request.channel.requests.clear()  # otherwise the channel and this request keep each other in memory
        connection.write(_accepted(request, key))
        self._open_lines(connection).begin()
        return NOT_DONE_YET


def _came_by_https(request: Request, connection: WebConnection) -> bool:
    """Return True if a proxy in front of the server says that it has removed the TLS of this request."""
    return connection.confidential and request.getHeader(b"X-Forwarded-Proto") == b"https"


def _redirect(request: Request, own: Origin) -> int:
    """Send a browser to the same address with TLS, at the same port."""
    port = f":{own.port}" if own.port != DEFAULT_PORTS["http"] else ""
    target = request.uri if request.uri.startswith(b"/") else b"/"
    request.setHeader(b"Location", f"https://{own.host}{port}".encode() + target)
    return _send_error(request, 308, "this server speaks TLS: use https:// instead of http://")


def _accepted(request: Request, key: bytes) -> bytes:
    """Return the response that opens the WebSocket (RFC 6455 section 4.2.2)."""
    accept = b64encode(sha1(key + _ACCEPT_GUID, usedforsecurity=False).digest())
    fields = [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Accept", accept)]
    fields += [(name, value) for name, values in request.responseHeaders.getAllRawHeaders() for value in values]
    return b"HTTP/1.1 101 Switching Protocols\r\n%b\r\n" % b"".join(b"%b: %b\r\n" % field for field in fields)


def _lists(request: Request, header: bytes, token: bytes) -> bool:
    """Return True if a header that is a list (RFC 9110 section 5.6.1) contains this lower-case token."""
    values = request.requestHeaders.getRawHeaders(header, [])
    return any(token == item.strip().lower() for value in values for item in value.split(b","))


def _send_error(request: Request, code: int, sentence: str) -> int:
    request.setResponseCode(code, REASONS.get(code))
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
