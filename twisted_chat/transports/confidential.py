"""Tell whether others on the way could read a connection: TLS, and networks that the internet does not reach.

Below the PROXY protocol it is the proxy that counts, not the client's own address: the operator decides how clients
reach the proxy.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from twisted.internet.interfaces import ISSLTransport, ITransport

LOOPBACK = "127.0.0.1"
PRIVATE_IPV4 = tuple(
    map(IPv4Network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"))
)
PRIVATE_IPV6 = tuple(map(IPv6Network, ("::1/128", "fc00::/7", "fe80::/10")))
"""Loopback, private use (RFC 1918, RFC 4193) and link-local; not ipaddress's `is_private`, which has more."""


def is_over_tls(transport: object) -> bool:
    """Return True if TLS is one of the layers below."""
    return any(ISSLTransport.providedBy(layer) for layer in _layers(transport))


def is_private(address: str) -> bool:
    """Return True for an IP address of this machine or of a private network."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            return any(ip in network for network in PRIVATE_IPV6)
        ip = ip.ipv4_mapped
    return isinstance(ip, IPv4Address) and any(ip in network for network in PRIVATE_IPV4)


def is_loopback(address: str) -> bool:
    """Return True for an IP address that only this machine can have."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback


def socket_peer(transport: object) -> str | None:
    """Return the IP address at the other end of the socket; LOOPBACK for this machine, None if there is no transport.

    Sockets without an IP address, such as a Unix socket, and pipes do not leave this machine.
    """
    *_, socket = _layers(transport)
    if not ITransport.providedBy(socket):
        return None
    peer, host = socket.getPeer(), socket.getHost()
    address = getattr(peer, "host", None)
    return LOOPBACK if address is None or address == getattr(host, "host", None) else str(address)


def is_confidential(transport: object) -> bool:
    """Return True over TLS, within this machine, and from a private network."""
    if is_over_tls(transport):
        return True
    peer = socket_peer(transport)
    return peer is not None and is_private(peer)


def _layers(transport: object) -> Iterator[object]:
    """Yield a transport and each transport below it, such as those of TLS or of the PROXY protocol."""
    layer: object | None = transport
    while layer is not None:
        yield layer
        layer = getattr(layer, "transport", None)
