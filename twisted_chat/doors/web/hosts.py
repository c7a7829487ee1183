"""Hosts: the names under which a browser may reach the web door, and the pages that may open a WebSocket.

A page of a stranger can make its own name resolve to this server's address (DNS rebinding); the browser then sends
that name in `Host`, and treats this server as the stranger's own. So a name must be one that belongs to this server.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Collection
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from twisted_chat.transports.confidential import is_loopback

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65_535
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{0,5}))?", re.ASCII)


class Origin(NamedTuple):
    """The origin of a page (RFC 6454): with the port, also where it is the scheme's own."""

    scheme: str
    host: str
    port: int


class InvalidHost(ValueError):
    """A Host field that RFC 9110 does not allow."""


def parse_host(field: str, scheme: str) -> Origin:
    """Return the origin that a Host field and a scheme name; raises InvalidHost."""
    match = _HOST.fullmatch(field.lower())
    if match is None:
        raise InvalidHost(field)
    host, port = match[1].removesuffix("."), match[2]
    if not host or host[0] == "." or ".." in host or int(port or 0) > MAX_PORT:
        raise InvalidHost(field)
    if host[0] == "[" and not _is_ipv6(host):
        raise InvalidHost(field)
    return Origin(scheme, host, int(port) if port else DEFAULT_PORTS[scheme])


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True


def parse_origin(text: str) -> Origin:
    """Return the origin that a URL or an Origin field names; raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in DEFAULT_PORTS or parts.username is not None or not parts.netloc:
        raise ValueError(text)
    return parse_host(parts.netloc, parts.scheme)


def own_names() -> list[str]:
    """Return the name of this machine, alone and as multicast DNS (RFC 6762) has it."""
    name = socket.gethostname().lower()
    return [name] if "." in name else [name, f"{name}.local"]


def is_local(host: str) -> bool:
    """Return True for a name or an address that can only be this machine."""
    return host == "localhost" or host.endswith(".localhost") or is_loopback(host.strip("[]"))


class Hosts:
    """The server's names: `names`, those of `origins`, and those that `certified` returns at each look.

    `origins` are the URLs of pages that may open a WebSocket, besides the server's own page. A name of a certificate
    may begin with `*.`, which stands for one label.
    """

    def __init__(
        self, names: Collection[str], origins: Collection[str], certified: Callable[[], Collection[str]]
    ) -> None:
        self._origins = frozenset(map(parse_origin, origins))
        self._names = {name.lower().rstrip(".") for name in names} | {origin.host for origin in self._origins}
        self._certified = certified

    def allow(self, host: str) -> bool:
        """Return True if this host is the server: an IP address, localhost, or one of its names."""
        if host in self._names or is_local(host):
            return True
        try:
            ip_address(host.strip("[]"))
        except ValueError:
            wildcard = f"*.{host.partition('.')[2]}"
            return any(name.lower() in (host, wildcard) for name in self._certified())
        return True

    def allow_origin(self, text: str, own: Origin) -> bool:
        """Return True if a page of this origin may open a WebSocket; the browser reaches the server as `own`."""
        try:
            origin = parse_origin(text)
        except ValueError:
            return False
        if text.count("/") != 2 or "?" in text or "#" in text:
            return False  # an address, and no origin (RFC 6454, section 7.1)
        return origin == own or origin in self._origins
