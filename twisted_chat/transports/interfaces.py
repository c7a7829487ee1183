"""The parts of Twisted's transport interfaces that a protocol here uses, and functions that take any transport.

A function looks below TLS and the PROXY protocol, or does nothing where a transport has no such thing.
"""

import socket
from typing import Any, Protocol

from twisted.internet.interfaces import IAddress, IProtocol, ITCPTransport, ITransport
from twisted.protocols.haproxy._wrapper import HAProxyProtocolWrapper
from twisted.protocols.policies import ProtocolWrapper

TCP_OPTIONS = {
    "TCP_KEEPIDLE": 120,  # seconds of silence before the first keepalive probe
    "TCP_KEEPINTVL": 60,  # seconds between two probes
    "TCP_USER_TIMEOUT": 600_000,  # milliseconds that sent bytes or probes may stay unanswered (RFC 5482)
}
"""Socket options that let the kernel detect a dead peer; an option that the platform lacks is skipped. The last one
also ends a connection whose client is alive but reads nothing for that long."""


class Writer(Protocol):
    """The write half of a Twisted transport: parts of ITransport and IConsumer."""

    def write(self, data: bytes) -> None: ...
    def registerProducer(self, producer: Any, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def loseConnection(self) -> None: ...


class Transport(Writer, Protocol):
    """Both halves: adds parts of IPushProducer, ITransport's addresses and ITCPTransport's abortConnection."""

    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def abortConnection(self) -> None: ...
    def getPeer(self) -> IAddress: ...
    def getHost(self) -> IAddress: ...


def peer_host(transport: object) -> str:
    """Return the peer's IP address, or "" if the transport has none, for example on a Unix socket."""
    address = transport.getPeer() if ITransport.providedBy(transport) else None
    return str(getattr(address, "host", ""))


def knows_peer(transport: object) -> bool:
    """Return False while the transport waits for a PROXY header, which says who the peer is."""
    return not isinstance(transport, HAProxyProtocolWrapper) or transport._proxyInfo is not None


def tune_socket(transport: object) -> None:
    """Ask the kernel to send small writes immediately and to detect a dead peer."""
    while isinstance(transport, ProtocolWrapper):  # TLS or the PROXY protocol
        transport = transport.transport
    if not ITCPTransport.providedBy(transport):
        return
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    handle = transport.getHandle() if hasattr(transport, "getHandle") else None
    if not isinstance(handle, socket.socket) or handle.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for name, value in TCP_OPTIONS.items():
        if hasattr(socket, name):
            handle.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def switch_protocol(transport: object, protocol: IProtocol) -> bool:
    """Make `protocol` the receiver of the transport's events; return False if the transport does not support it.

    The transports of the reactor and LoopTransport call their attribute `protocol`;
    TLS and Twisted's PROXY protocol wrapper call `wrappedProtocol`.
    """
    if isinstance(transport, ProtocolWrapper):
        transport.wrappedProtocol = protocol
    elif hasattr(transport, "protocol"):
        transport.protocol = protocol
    else:
        return False
    return True
