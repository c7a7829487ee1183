"""Helpers for the tests of the front door: doors that record what they get, and clients in memory."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress, IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.doors.front import FrontFactory
from twisted_chat.test.support import Connection, MemoryTransport
from twisted_chat.test.support_web import Browser, WebServer
from twisted_chat.wire.detect import IRC, LINE, WEB


class SwitchingTransport(MemoryTransport):
    """A transport that can switch its `protocol`, as the reactor's transports can."""

    @property
    def protocol(self) -> Protocol | None:
        return self._protocol

    @protocol.setter
    def protocol(self, protocol: Protocol) -> None:
        self._protocol = protocol


class OneSided(Protocol):
    """A door's protocol that records its reads and the loss of its connection."""

    factory: RecordingDoor

    def __init__(self) -> None:
        self.reads: list[bytes] = []
        self.ended = self.lost = False

    def connectionMade(self) -> None:
        self.factory.connections.append(self)

    def dataReceived(self, data: bytes) -> None:
        self.reads.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
        self.factory.connections.remove(self)
        self.factory.gone.append(self)


@implementer(IHalfCloseableProtocol)
class Recording(OneSided):
    """A half-closeable OneSided, which records the end of input."""

    def readConnectionLost(self) -> None:
        self.ended = True

    def writeConnectionLost(self) -> None: ...


class RecordingDoor(Factory):
    """A door whose protocols record what they get."""

    noisy = False

    def __init__(self, kind: type[OneSided] = Recording) -> None:
        self.kind = kind
        self.connections: list[OneSided] = []
        self.gone: list[OneSided] = []

    def buildProtocol(self, addr: IAddress | None) -> OneSided:  # type: ignore[override]  # Factory allows Any
        protocol = self.kind()
        protocol.factory = self
        return protocol


class Client:
    """A client of a front door in memory."""

    def __init__(self, factory: FrontFactory, clock: Clock, transport: type[MemoryTransport]) -> None:
        self.clock = clock
        self.front = factory.buildProtocol(None)
        self.transport = transport(clock, self.front)
        self.front.makeConnection(self.transport)

    @property
    def closed(self) -> bool:
        """Return True if the connection is lost."""
        self.clock.advance(0)
        return self.transport.lost

    def says(self, *reads: bytes) -> None:
        """Send bytes that the server gets in exactly these reads."""
        for data in reads:
            self.transport.incoming(data)

    def ends_input(self) -> None:
        """Half-close the connection: send nothing more, but go on reading."""
        self.transport.incoming(None)

    def heard(self) -> bytes:
        """Return the bytes that the server has sent since the last call."""
        self.clock.advance(0)
        writes, self.transport.writes = self.transport.writes, []
        return b"".join(writes)


class FrontServer(WebServer):
    """A server whose clients all connect through the front door."""

    def __init__(self) -> None:
        super().__init__()
        self.front = FrontFactory({LINE: self.factory, IRC: self.irc_factory, WEB: self.web}, self.clock)

    def connect(self) -> Connection:
        return Connection(self, self.front, SwitchingTransport)

    def irc_stranger(self) -> Connection:
        stranger = self.connect()
        stranger.say(b"CAP LIST\r\n")  # it lets the front door detect IRC, and changes nothing
        stranger.read()
        return stranger

    def browse(self) -> Browser:
        return Browser(self, self.front, SwitchingTransport)
