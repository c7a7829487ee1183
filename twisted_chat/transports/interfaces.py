"""What a door asks of a transport, and what it asks of the kernel for every connection."""

import socket
from typing import Any, Protocol

from twisted.internet.interfaces import IAddress, IProtocol, ITCPTransport, ITransport
from twisted.protocols.policies import ProtocolWrapper

OPTIONS = {"TCP_KEEPIDLE": 120, "TCP_KEEPINTVL": 60, "TCP_USER_TIMEOUT": 600_000}
"""How a peer that is gone is found, where the system knows these: probes after 120 s of silence, every 60 s, and an
end after 600,000 ms without an answer (RFC 5482). A client that is there but reads nothing has as long."""


class Writer(Protocol):
    """The writing half of a Twisted transport (ITransport and IConsumer)."""

    def write(self, data: bytes) -> None: ...
    def registerProducer(self, producer: Any, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def loseConnection(self) -> None: ...


class Transport(Writer, Protocol):
    """A whole one (IPushProducer, ITransport's addresses and ITCPTransport's abortConnection besides)."""

    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def abortConnection(self) -> None: ...
    def getPeer(self) -> IAddress: ...
    def getHost(self) -> IAddress: ...


def peer(transport: object) -> str:
    """The address that a transport's other end has; "" where there is none, as on a Unix socket."""
    address = transport.getPeer() if ITransport.providedBy(transport) else None
    return str(getattr(address, "host", ""))


def watch(transport: object) -> None:
    """Have the kernel send small writes at once, and notice a peer that is gone."""
    while isinstance(transport, ProtocolWrapper):  # TLS, or what a proxy says
        transport = transport.transport
    if not ITCPTransport.providedBy(transport):
        return
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    handle = transport.getHandle() if hasattr(transport, "getHandle") else None
    if not isinstance(handle, socket.socket) or handle.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for name, value in OPTIONS.items():
        if hasattr(socket, name):
            handle.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def hand_over(transport: object, protocol: IProtocol) -> bool:
    """Have a transport speak to another protocol from now on; False if it cannot.

    A connection of the reactor or of an event loop has the `protocol` that it speaks
    to, and TLS and what understands proxies have a `wrappedProtocol`.
    """
    if isinstance(transport, ProtocolWrapper):
        transport.wrappedProtocol = protocol
    elif hasattr(transport, "protocol"):
        transport.protocol = protocol
    else:
        return False
    return True
