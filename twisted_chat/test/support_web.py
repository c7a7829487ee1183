"""A browser in memory, at the web door of a server in memory, for the tests of the web door."""

from __future__ import annotations

from collections.abc import Collection

from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection, CloseConnection, Event, Ping, RejectConnection, Request, TextMessage

from twisted_chat.doors.web.factory import WebFactory
from twisted_chat.test.support import MemoryTransport, Server


class WebServer(Server):
    """A server with a web door beside its line door."""

    def __init__(self, origins: Collection[str] = (), most: int | None = None) -> None:
        super().__init__(most=most)
        self.web = WebFactory(self.factory, origins, hosts=["chat.example"])

    def browse(self) -> Browser:
        """Return a browser that has just connected."""
        return Browser(self)

    def open(self, *lines: str) -> Browser:
        """Return a browser with a WebSocket that has sent these lines and read the answers."""
        browser = Browser(self)
        browser.upgrade()
        browser.say("hello,events", *lines)
        browser.lines()
        return browser


class Browser:
    """A client of the web door: it sends bytes, HTTP requests or WebSocket messages, and keeps what it receives."""

    def __init__(
        self, server: WebServer, factory: Factory | None = None, transport: type[MemoryTransport] = MemoryTransport
    ) -> None:
        connection = (factory or server.web).buildProtocol(None)
        assert isinstance(connection, Protocol), "the server has rejected the connection"
        self.clock, self.connection = server.clock, connection
        self.transport = transport(server.clock, connection)
        self.socket = WSConnection(ConnectionType.CLIENT)
        self.events: list[Event] = []
        connection.makeConnection(self.transport)

    @property
    def closed(self) -> bool:
        """True once the server has ended the connection."""
        self.clock.advance(0)
        return self.transport.lost

    @property
    def close_code(self) -> int | None:
        """The code with which the server has closed the WebSocket, or None."""
        self._receive()
        codes = [event.code for event in self.events if isinstance(event, CloseConnection)]
        return codes[0] if codes else None

    # HTTP

    def send(self, data: bytes) -> None:
        """Send bytes that the server receives in one read."""
        self.transport.incoming(data)
        self.clock.advance(0)

    def ask(self, path: str = "/", *headers: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Send one request; return the status, headers and body of its response."""
        self.send("\r\n".join((f"{method} {path} HTTP/1.1", "Host: chat.example", *headers, "", "")).encode())
        return self.response()

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Return the status, headers and body of the response that came since the last call."""
        head, _, body = self.read().partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines)
        return int(status.split()[1]), {name.lower(): value for name, value in fields.items()}, body

    def read(self) -> bytes:
        """Return the bytes that came since the last call."""
        self.clock.advance(0)
        got, self.transport.writes = self.transport.writes, []
        return b"".join(got)

    # WebSocket

    def upgrade(self, origin: str | None = "http://chat.example") -> bool:
        """Ask for a WebSocket; return True if the server accepts it."""
        headers = [(b"Origin", origin.encode())] if origin is not None else []
        self.send(self.socket.send(Request(host="chat.example", target="/socket", extra_headers=headers)))
        self._receive()
        opened, self.events = self.events[0], self.events[1:]
        assert isinstance(opened, (AcceptConnection, RejectConnection))
        return isinstance(opened, AcceptConnection)

    def say(self, *lines: str) -> None:
        """Send each line as a message, all of them in one read."""
        self.send(b"".join(self.socket.send(TextMessage(line)) for line in lines))

    def ping(self, payload: bytes) -> None:
        """Send a WebSocket ping."""
        self.send(self.socket.send(Ping(payload)))

    def lines(self) -> list[str]:
        """Return the lines that came since the last call; each must be a frame of its own."""
        self._receive()
        got = [event for event in self.events if isinstance(event, TextMessage)]
        self.events = [event for event in self.events if not isinstance(event, TextMessage)]
        assert all(event.message_finished for event in got)
        return [event.data for event in got]

    def drop(self) -> None:
        """Lose the connection without a close frame."""
        self.transport.end(ConnectionLost())

    def _receive(self) -> None:
        self.socket.receive_data(self.read())
        self.events += self.socket.events()


class Socket:
    """A WebSocket that is used as a connection of the line door: the tests send and read lines only."""

    def __init__(self, browser: Browser) -> None:
        assert browser.upgrade()
        self.browser = browser

    def ask(self, line: str) -> list[str]:
        """Send one line; return its answer's lines, behind those that were not read yet."""
        self.browser.say(line)
        return self.lines()

    def lines(self) -> list[str]:
        """Return the lines that came since the last call."""
        return self.browser.lines()

    def drop(self) -> None:
        """Lose the connection without a close frame."""
        self.browser.drop()
