"""The PROXY protocol (versions 1 and 2): a proxy says in a header which client a connection comes from.

The protocol behind it is made only when the header has come, so that it knows the client's address from the start.
A connection without a valid header is ended.
"""

from __future__ import annotations

from ipaddress import IPv4Address as Ip4
from ipaddress import IPv6Address as Ip6
from ipaddress import ip_address
from typing import NamedTuple

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IProtocolFactory,
    IReactorTime,
    IStreamServerEndpoint,
    ITransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

_log = Logger()

HEADER_TIMEOUT_SECONDS = 10.0
"""Seconds in which the proxy must have sent the header."""
WARNING_INTERVAL_SECONDS = 60.0
"""Invalid headers are logged once in this time."""
MAX_V1_BYTES = 107
_V1, _V2 = b"PROXY ", b"\r\n\r\n\x00\r\nQUIT\n"
_V2_HEAD_BYTES = 16
_V2_ADDRESS_BYTES = {0x1: 4, 0x2: 16}
_LOCAL, _PROXY = 0, 1

AnyAddress = IPv4Address | IPv6Address | UNIXAddress


class Header(NamedTuple):
    """A whole header: its size, and the addresses of the client's connection (None: those of the proxy's own)."""

    size: int
    peer: AnyAddress | None = None
    host: AnyAddress | None = None


class InvalidHeader(ValueError):
    """These bytes cannot begin with a header."""


def parse_header(data: bytes) -> Header | None:
    """Return the header at the beginning of these bytes, or None while it is not complete; raises InvalidHeader."""
    if data.startswith(_V2):
        return _parse_v2(data)
    if data.startswith(_V1):
        return _parse_v1(data)
    if _V1.startswith(data) or _V2.startswith(data):
        return None
    raise InvalidHeader


def _parse_v1(data: bytes) -> Header | None:
    line, ended, _ = data[:MAX_V1_BYTES].partition(b"\r\n")
    if not ended:
        if len(data) >= MAX_V1_BYTES:
            raise InvalidHeader
        return None
    size = len(line) + 2
    family, *fields = line[len(_V1) :].split(b" ")
    if family == b"UNKNOWN":
        return Header(size)
    if family not in (b"TCP4", b"TCP6") or len(fields) != 4 or b"%" in line:  # no zones (RFC 6874): they hold any text
        raise InvalidHeader
    try:
        source, destination = (ip_address(field.decode("ascii")) for field in fields[:2])
    except ValueError:
        raise InvalidHeader from None
    ports = [int(field) for field in fields[2:] if field.isdigit() and len(field) <= 5]
    if len(ports) != 2 or any(address.version != (4 if family == b"TCP4" else 6) for address in (source, destination)):
        raise InvalidHeader
    return Header(size, _tcp(source, ports[0]), _tcp(destination, ports[1]))


def _parse_v2(data: bytes) -> Header | None:
    if len(data) < _V2_HEAD_BYTES:
        return None
    version, command = data[12] >> 4, data[12] & 0xF
    if version != 2 or command not in (_LOCAL, _PROXY):
        raise InvalidHeader
    size = _V2_HEAD_BYTES + int.from_bytes(data[14:16], "big")
    if len(data) < size:
        return None
    addresses, width = data[_V2_HEAD_BYTES:size], _V2_ADDRESS_BYTES.get(data[13] >> 4)
    if command == _LOCAL or width is None:  # a check by the proxy itself, or a family without a port
        return Header(size)
    if len(addresses) < 2 * width + 4:
        raise InvalidHeader
    kind = Ip4 if width == 4 else Ip6
    source, destination = kind(addresses[:width]), kind(addresses[width : 2 * width])
    ports = addresses[2 * width : 2 * width + 4]
    return Header(
        size,
        _tcp(source, int.from_bytes(ports[:2], "big")),
        _tcp(destination, int.from_bytes(ports[2:], "big")),
    )


def _tcp(address: Ip4 | Ip6, port: int) -> AnyAddress:
    if port > 0xFFFF:
        raise InvalidHeader
    return IPv4Address("TCP", str(address), port) if address.version == 4 else IPv6Address("TCP", str(address), port)


class ProxiedConnection(ProtocolWrapper):
    """A connection from a proxy, as the transport of a protocol that sees the client's address."""

    factory: ProxyFactory

    def __init__(self, factory: ProxyFactory) -> None:
        super().__init__(factory, Protocol())  # type: ignore[arg-type]  # this Protocol, until the header has come
        self._header: Header | None = None
        self._data = b""
        self._timeout: IDelayedCall | None = None

    def makeConnection(self, transport: ITransport) -> None:
        self._timeout = self.factory.clock.callLater(HEADER_TIMEOUT_SECONDS, transport.loseConnection)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        if self._header is not None:
            self.wrappedProtocol.dataReceived(data)
            return
        self._data += data
        try:
            self._header = parse_header(self._data)
        except InvalidHeader:
            self.factory.warn(super().getPeer())  # type: ignore[no-untyped-call]
            self.loseConnection()  # type: ignore[no-untyped-call]
            return
        if self._header is not None:
            self._begin(self._header)

    def _begin(self, header: Header) -> None:
        """Make the protocol behind the header, and give it what follows the header."""
        self._cancel_timeout()
        rest, self._data = self._data[header.size :], b""
        protocol = self.factory.wrappedFactory.buildProtocol(self.getPeer())
        if protocol is None:
            self.loseConnection()  # type: ignore[no-untyped-call]
            return
        self.wrappedProtocol = protocol
        protocol.makeConnection(self)
        if rest and not self.disconnecting:
            self.wrappedProtocol.dataReceived(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._cancel_timeout()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def _cancel_timeout(self) -> None:
        if self._timeout is not None and self._timeout.active():
            self._timeout.cancel()

    def getPeer(self) -> IAddress:
        return (self._header and self._header.peer) or super().getPeer()  # type: ignore[no-untyped-call]

    def getHost(self) -> IAddress:
        return (self._header and self._header.host) or super().getHost()  # type: ignore[no-untyped-call]


class ProxyFactory(WrappingFactory):
    """Makes a ProxiedConnection for each connection, and a protocol of `wrapped` behind each valid header."""

    noisy = False

    def __init__(self, wrapped: IProtocolFactory, clock: IReactorTime) -> None:
        super().__init__(wrapped)  # type: ignore[no-untyped-call]
        self.clock = clock
        self._next_warning = 0.0

    def buildProtocol(self, addr: IAddress | None) -> ProxiedConnection:
        return ProxiedConnection(self)

    def warn(self, proxy: IAddress) -> None:
        """Log that a connection had no valid header, if that was not logged just now."""
        now = self.clock.seconds()
        if now >= self._next_warning:
            self._next_warning = now + WARNING_INTERVAL_SECONDS
            sentence = "a connection from {host} has no valid PROXY header and was ended; is it the proxy's?"
            _log.warn(sentence, host=getattr(proxy, "host", proxy))


@implementer(IStreamServerEndpoint)
class ProxyEndpoint:
    """Listens at another endpoint, whose connections begin with a PROXY header."""

    def __init__(self, inner: IStreamServerEndpoint, clock: IReactorTime) -> None:
        self.inner, self._clock = inner, clock

    def around(self, inner: IStreamServerEndpoint) -> ProxyEndpoint:
        """Return the same at another endpoint."""
        return ProxyEndpoint(inner, self._clock)

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen, for connections that begin with a header."""
        return self.inner.listen(ProxyFactory(protocolFactory, self._clock))
