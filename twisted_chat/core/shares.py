"""Shares in what all connections use together: memory, and the room in the file.

Small amounts are free, so that ordinary traffic asks nothing here. A connection that wants more asks once for
a large piece, which its network and the whole server must have left. Without it, the connection waits.
"""

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from typing import Protocol

from twisted_chat.core.networks import NETWORK_FACTORS, Bucket, NetworkRateLimit, longest_wait, networks_of
from twisted_chat.core.participants import User
from twisted_chat.core.ratelimit import Rate, RateLimit

KIB, MIB = 1024, 1024 * 1024

MAX_UNSTORED_BYTES_PER_NETWORK = 1 * MIB
MAX_UNSTORED_BYTES = 8 * MIB
"""Bytes that may wait for the log, beyond the first ones of each connection (see doors.session)."""
MAX_OUTBOX_BYTES_PER_NETWORK = 16 * MIB
MAX_OUTBOX_BYTES_IN_ALL = 64 * MIB
"""Bytes that may wait for clients that do not read, beyond the first ones of each connection (see doors.outbox)."""

PERSON_BURST_BYTES, PERSON_BYTES_PER_SECOND = 32 * MIB, 64 * KIB
NETWORK_BURST_BYTES, NETWORK_BYTES_PER_SECOND = 32 * MIB, 1 * MIB
PRIVATE_BURST_BYTES, PRIVATE_BYTES_PER_SECOND = 128 * MIB, 8 * MIB
"""The share of a loopback or private address: a whole office, or everybody behind a proxy, may have the same one."""
GUESTS_BURST_BYTES, GUESTS_BYTES_PER_SECOND = 512 * MIB, 2 * MIB
"""The share of all guests together."""
PREPAID_BYTES = 64 * KIB
"""A connection pays for its next bytes in pieces of this size."""
UNLIMITED_BYTES = 2**29  # a number that Python computes with fast
LIGHT_USE_BYTES = 256 * KIB
LIGHT_PATIENCE_SECONDS = 30.0
"""A person who has said less than this lately waits for what others did only when they are so far over their share."""


class Pool:
    """Counts bytes that are in use, by network and in all, and gives out no more than both allow.

    The wider networks around an IPv6 address may have the multiples of NETWORK_FACTORS.
    """

    def __init__(self, max_per_network: int, max_in_all: int) -> None:
        self._max_per_network, self._max_in_all = max_per_network, max_in_all
        self._used: Counter[str] = Counter()
        self.used = 0

    def take(self, address: str, size: int) -> bool:
        """Take bytes for a client at this address; return False, and take nothing, if its share has too few left."""
        networks = networks_of(address)
        limits = zip(networks, NETWORK_FACTORS, strict=False)
        if self.used + size > self._max_in_all or any(
            self._used[network] + size > self._max_per_network * factor for network, factor in limits
        ):
            return False
        self.used += size
        self._used.update(dict.fromkeys(networks, size))
        return True

    def give_back(self, address: str, size: int) -> None:
        """Return bytes that `take` gave."""
        self.used -= size
        for network in networks_of(address):
            self._used[network] -= size
            if not self._used[network]:
                del self._used[network]


class Payer(Protocol):
    """The part of a participant that pays for what it says: `credit` is what is left of its prepaid bytes."""

    address: str
    user: User | None
    credit: int


class WritingRates:
    """Token buckets for the bytes that go into the file: of each person, each network, and all guests."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._people = RateLimit(Rate(PERSON_BURST_BYTES, 1 / PERSON_BYTES_PER_SECOND), now)
        self._networks = NetworkRateLimit(Rate(NETWORK_BURST_BYTES, 1 / NETWORK_BYTES_PER_SECOND), now)
        self._private = NetworkRateLimit(Rate(PRIVATE_BURST_BYTES, 1 / PRIVATE_BYTES_PER_SECOND), now)
        self._guests = RateLimit(Rate(GUESTS_BURST_BYTES, 1 / GUESTS_BYTES_PER_SECOND), now)

    def pay(self, payer: Payer) -> None:
        """Take the payer's debt, and its next bytes in advance, from its buckets."""
        size = PREPAID_BYTES - payer.credit
        for limit, key in self._own(payer) + self._shared(payer):
            limit.take(key, size)
        payer.credit = PREPAID_BYTES

    def settle(self, payer: Payer) -> None:
        """Take the debt of a payer that ends, or put back what it has paid in advance."""
        for limit, key in self._own(payer) + self._shared(payer):
            limit.take(key, -payer.credit)
        payer.credit = 0

    def wait_seconds(self, payer: Payer) -> float:
        """Return the seconds until the payer may go on."""
        own = self._own(payer)
        light = all(limit.remaining(key) >= PERSON_BURST_BYTES - LIGHT_USE_BYTES for limit, key in own)
        patience = LIGHT_PATIENCE_SECONDS if light else 0.0
        return max(longest_wait(own), longest_wait(self._shared(payer)) - patience)

    def _own(self, payer: Payer) -> list[Bucket]:
        return [] if payer.user is None else [Bucket(self._people, str(payer.user.identity))]

    def _shared(self, payer: Payer) -> list[Bucket]:
        networks = self._private if is_private(payer.address) else self._networks
        buckets = networks.buckets(payer.address)
        if payer.user is None or not payer.user.is_account:
            buckets.append(Bucket(self._guests, ""))
        return buckets


class Shares:
    """The shares of a server. Without `now`, which gives seconds, nothing is written to a file, and no rate is limited.

    `writing` is the share of what goes into the file, `unstored` and `outboxes` are those of the memory.
    """

    def __init__(self, now: Callable[[], float] | None = None) -> None:
        self.writing = None if now is None else WritingRates(now)
        self.unstored = Pool(MAX_UNSTORED_BYTES_PER_NETWORK, MAX_UNSTORED_BYTES)
        self.outboxes = Pool(MAX_OUTBOX_BYTES_PER_NETWORK, MAX_OUTBOX_BYTES_IN_ALL)

    def pay(self, payer: Payer) -> float:
        """Have a payer without credit pay for what it said; return the seconds for which it must wait."""
        if self.writing is None:
            payer.credit = UNLIMITED_BYTES
            return 0.0
        self.writing.pay(payer)
        return self.writing.wait_seconds(payer)

    def wait_seconds(self, payer: Payer) -> float:
        """Return the seconds until a payer may go on."""
        return 0.0 if self.writing is None else self.writing.wait_seconds(payer)

    def settle(self, payer: Payer) -> None:
        """Take the debt of a payer that ends, or put back what it has paid in advance."""
        if self.writing is not None:
            self.writing.settle(payer)


def is_private(address: str) -> bool:
    """Return True for a loopback or private address."""
    try:
        return ip_address(address.partition("%")[0]).is_private
    except ValueError:
        return False
