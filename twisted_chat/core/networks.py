"""The networks of an address, and rate limits for each of them."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from twisted_chat.core.limits import MAX_HELD_SHOWN
from twisted_chat.core.ratelimit import Rate, RateLimit

IPV6_PREFIX_BITS = (64, 56, 48)
"""A link has a /64; a customer of a provider usually gets a /56 or a /48 and may use all of it."""
NETWORK_FACTORS = (1, 2, 4)
"""The limits of a /56 and of a /48 are this many times those of a /64 or of an IPv4 address."""
MAX_ADDRESSES_KNOWN = 4096
"""Addresses whose networks are remembered: to parse one costs as much as a request."""


@lru_cache(MAX_ADDRESSES_KNOWN)
def networks_of(address: str) -> tuple[str, ...]:
    """Return the networks of an address, the narrowest first: an IPv4 address itself, or an IPv6 /64, /56 and /48."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return (address,)
    if not isinstance(ip, IPv6Address):
        return (address,)
    if ip.ipv4_mapped:
        return (str(ip.ipv4_mapped),)
    link, *wider = ((bits, IPv6Address(int(ip) >> 128 - bits << 128 - bits)) for bits in IPV6_PREFIX_BITS)
    return (str(link[1]), *(f"{network}/{bits}" for bits, network in wider))


def network_of(address: str) -> str:
    """Return the network that one person controls: an IPv4 address, or the first 64 bits of an IPv6 address."""
    return networks_of(address)[0]


class Bucket(NamedTuple):
    """The tokens of one key in one rate limit."""

    limit: RateLimit
    key: str


class NetworkRateLimit:
    """A rate limit for the network of an address, and multiples of it for the wider networks around an IPv6 address.

    An empty address, of a client at a Unix socket, is not limited.
    """

    def __init__(self, rate: Rate, now: Callable[[], float]) -> None:
        rates = [Rate(rate.burst * factor, rate.seconds_per_token / factor) for factor in NETWORK_FACTORS]
        self._limits = [RateLimit(one, now) for one in rates]

    @property
    def bound(self) -> str:
        """Return the rate in words."""
        return self._limits[0].rate.text

    def held(self) -> list[str]:
        """Return the networks that have no token now."""
        return [one for limit in self._limits for one in limit.held()][:MAX_HELD_SHOWN]

    def buckets(self, address: str) -> list[Bucket]:
        """Return the buckets that an action of this address takes a token from."""
        if not address:
            return []
        return [Bucket(*both) for both in zip(self._limits, networks_of(address), strict=False)]

    def wait_seconds(self, address: str) -> float:
        """Return the seconds until all networks of the address have a token; 0 if they have one now."""
        return longest_wait(self.buckets(address))

    def take(self, address: str) -> None:
        """Take a token of each network. Without one left, this reserves the token that comes next."""
        for limit, key in self.buckets(address):
            limit.take(key)

    def give_back(self, address: str) -> None:
        """Put the last tokens back, because the action did not happen."""
        for limit, key in self.buckets(address):
            limit.give_back(key)


def longest_wait(buckets: list[Bucket]) -> float:
    """Return the seconds until each of the buckets has a token."""
    return max((limit.wait_seconds(key) for limit, key in buckets), default=0.0)
