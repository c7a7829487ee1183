"""What a door asks of a transport, and what it asks of the kernel for every connection."""

import socket
from typing import Any, Protocol

from twisted.internet.interfaces import ITCPTransport

USER_TIMEOUT = 60_000
"""Milliseconds for which sent data may stay unacknowledged by a peer (TCP_USER_TIMEOUT, RFC 5482)."""


class Writer(Protocol):
    """The writing half of a Twisted transport (ITransport and IConsumer)."""

    def write(self, data: bytes) -> None: ...
    def registerProducer(self, producer: Any, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def loseConnection(self) -> None: ...


class Transport(Writer, Protocol):
    """A whole one (IPushProducer and ITCPTransport's abortConnection besides)."""

    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def abortConnection(self) -> None: ...


def watch(transport: object) -> None:
    """Have the kernel send small writes at once, and notice a peer that is gone."""
    if not ITCPTransport.providedBy(transport):
        return
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    handle = transport.getHandle() if hasattr(transport, "getHandle") else None
    if not isinstance(handle, socket.socket) or handle.family not in (socket.AF_INET, socket.AF_INET6):
        return
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT)
