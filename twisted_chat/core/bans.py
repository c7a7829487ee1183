"""Bans: names and networks that the operator keeps out, for a time or for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from twisted_chat.core.errors import ChatError, Reason

Network = IPv4Network | IPv6Network

MAX_BANS = 10_000
ADDRESS, NAME = "address", "name"


class Ban(NamedTuple):
    """A ban. `target` is a name's key or a network; `until` is in milliseconds since 1970, UTC, and 0 for good."""

    kind: str
    target: str
    until: int = 0
    reason: str = ""
    made: int = 0


class Bans:
    """The bans that are in force. `now` gives seconds since 1970, UTC."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._names: dict[str, Ban] = {}
        self._networks: dict[tuple[int, int], dict[int, Ban]] = {}  # by IP version and prefix, then by first address

    def load(self, bans: Iterable[Ban]) -> None:
        """Take over the bans that the store has."""
        for ban in bans:
            self.add(ban)

    def milliseconds(self) -> int:
        """Return the time now, in milliseconds since 1970, UTC."""
        return int(self._now() * 1000)

    def all(self) -> list[Ban]:
        """Return the bans in force, the oldest first."""
        networks = [ban for bans in self._networks.values() for ban in bans.values()]
        return sorted(filter(self._in_force, [*self._names.values(), *networks]), key=lambda ban: (ban.made, ban[:2]))

    def add(self, ban: Ban) -> None:
        """Put a ban in force; it replaces an earlier one of the same target."""
        if ban.kind == NAME:
            self._names[ban.target] = ban
        else:
            network = ip_network(ban.target)
            self._networks.setdefault(_family(network), {})[int(network.network_address)] = ban

    def remove(self, kind: str, target: str) -> bool:
        """Lift a ban; return False if there is none."""
        if kind == NAME:
            return self._names.pop(target, None) is not None
        network = ip_network(target)
        family = self._networks.get(_family(network), {})
        removed = family.pop(int(network.network_address), None)
        if not family:
            self._networks.pop(_family(network), None)
        return removed is not None

    def of_name(self, key: str) -> Ban | None:
        """Return the ban of a name, or None."""
        ban = self._names.get(key)
        return ban if ban is not None and self._in_force(ban) else None

    def of_address(self, address: str) -> Ban | None:
        """Return a ban that contains an address, or None."""
        if not self._networks or not address:
            return None
        try:
            ip = ip_address(address.partition("%")[0])
        except ValueError:
            return None
        ip = getattr(ip, "ipv4_mapped", None) or ip
        number = int(ip)
        for (version, prefix), bans in self._networks.items():
            if version == ip.version:
                host_bits = ip.max_prefixlen - prefix
                ban = bans.get(number >> host_bits << host_bits)
                if ban is not None and self._in_force(ban):
                    return ban
        return None

    def check(self, key: str, address: str) -> None:
        """Raise ChatError(not-allowed) if the name or the address is banned."""
        if not (self._names or self._networks):
            return
        ban = self.of_name(key) or self.of_address(address)
        if ban is not None:
            raise ChatError(Reason.BANNED, why=reason_suffix(ban.reason))

    def _in_force(self, ban: Ban) -> bool:
        return not ban.until or ban.until > self.milliseconds()


def reason_suffix(reason: str) -> str:
    """Return what a sentence says of the operator's reason."""
    return f": {reason}" if reason else ""


def network_text(text: str) -> str | None:
    """Return an address or a network in its one form; None if the text is neither."""
    try:
        network = ip_network(text.partition("%")[0], strict=False)
    except ValueError:
        return None
    first = network.network_address
    mapped = getattr(first, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:
        network = ip_network((mapped, network.prefixlen - 96))
    return str(network)


def _family(network: Network) -> tuple[int, int]:
    return network.version, network.prefixlen
