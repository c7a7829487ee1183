"""Shares in what all connections use together: memory, and the room in the file.

Small amounts are free, so that ordinary traffic asks nothing here. A connection that wants more asks once for
a large piece, which its network and the whole server must have left. Without it, the connection waits.
"""

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from typing import Protocol

from twisted_chat.core.limits import MAX_HELD_SHOWN, LimitRow
from twisted_chat.core.networks import NETWORK_FACTORS, Bucket, NetworkRateLimit, longest_wait, networks_of
from twisted_chat.core.participants import User
from twisted_chat.core.ratelimit import Rate, RateLimit

KIB, MIB = 1024, 1024 * 1024

MAX_UNSTORED_BYTES_PER_NETWORK = 1 * MIB
MAX_UNSTORED_BYTES = 8 * MIB
"""Bytes that may wait for the log, beyond the first ones of each connection (see doors.unstored)."""
MAX_OUTBOX_BYTES_PER_NETWORK = 18 * MIB
MAX_OUTBOX_BYTES_IN_ALL = 64 * MIB
"""Bytes that may wait for clients that do not read (see doors.outbox)."""
MAX_INPUT_BYTES_PER_NETWORK = 10 * MIB
MAX_INPUT_BYTES = 48 * MIB
"""Bytes of lines, WebSocket messages and HTTP requests that have not ended, and of requests that must wait."""
FREE_INPUT_BYTES = 1024
"""The first of them, for which a connection needs no share of the memory."""
INPUT_STEP_BYTES = 4 * 1024
MAX_MEMBERSHIP_BYTES_PER_NETWORK = 6 * MIB
MAX_MEMBERSHIP_BYTES = 48 * MIB
FREE_ROOMS, ROOMS_AT_A_TIME, MEMBERSHIP_BYTES = 2, 7, 320
"""The rooms of a guest beyond the first two are paid for some at a time, until the guest goes."""
MAX_ROUTE_BYTES_PER_NETWORK = 4 * MIB
MAX_ROUTE_BYTES = 16 * MIB
FREE_ROUTES, ROUTES_AT_A_TIME, ROUTE_BYTES = 4, 20, 320
"""The same for the routes that a connection remembers (see core.router)."""
MAX_PRESENCE_BYTES_PER_NETWORK = 2 * MIB
MAX_PRESENCE_BYTES = 16 * MIB
"""Bytes of presence changes that wait for clients that do not read (see doors.presence_reader)."""

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


ALMOST_ALL = 0.9
"""A network that has taken this part of its share is shown as held back."""


NO_BOUND_BYTES = 2**40
"""More than any server has: for shares that are bounded for each network only."""


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

    def has(self, address: str, size: int) -> bool:
        """Return True if a client at this address may take so many bytes now."""
        taken = self.take(address, size)
        if taken:
            self.give_back(address, size)
        return taken

    def change(self, address: str, before: int, now: int) -> bool:
        """Have a client use more or fewer bytes than before; return False, and change nothing, if too few are left."""
        if now > before:
            return self.take(address, now - before)
        self.give_back(address, before - now)
        return True

    def row(self, subject: str) -> LimitRow:
        """Return the limit for `twisted-chat limits`, with the networks that have little or nothing left."""
        bound = f"{self._max_per_network // KIB} KiB a network"
        if self._max_in_all < NO_BOUND_BYTES:
            bound += f", {self._max_in_all // KIB} KiB in all"
        almost_all = self._max_per_network * ALMOST_ALL
        held = [
            f"{network} ({used // KIB} KiB)"
            for network, used in self._used.most_common(MAX_HELD_SHOWN)
            if used >= almost_all
        ]
        return LimitRow(subject, bound, f"{self.used // KIB} KiB", held)

    def give_back(self, address: str, size: int) -> None:
        """Return bytes that `take` gave."""
        if not size:
            return
        self.used -= size
        for network in networks_of(address):
            self._used[network] -= size
            if not self._used[network]:
                del self._used[network]


def input_share(size: int) -> int:
    """Return the bytes of the share for input of this size that waits, or has not ended."""
    return 0 if size <= FREE_INPUT_BYTES else -(-size // INPUT_STEP_BYTES) * INPUT_STEP_BYTES


class Payer(Protocol):
    """The part of a participant that pays for what it says: `credit` is what is left of its prepaid bytes.

    It may be in `max_rooms` rooms, and remember `max_routes` routes, until it pays for more.
    """

    address: str
    user: User | None
    credit: int
    max_rooms: int
    max_routes: int


class WritingRates:
    """Token buckets for the bytes that go into the file: of each person, each network, and all guests.

    A person may write `person_bytes_per_second` for long; the other rates and all bursts are in proportion.
    """

    def __init__(self, now: Callable[[], float], person_bytes_per_second: int = PERSON_BYTES_PER_SECOND) -> None:
        def rate(burst: int, bytes_per_second: int) -> Rate:
            scale = person_bytes_per_second / PERSON_BYTES_PER_SECOND
            return Rate(round(burst * scale), 1 / (bytes_per_second * scale))

        self._people = RateLimit(rate(PERSON_BURST_BYTES, PERSON_BYTES_PER_SECOND), now)
        self._networks = NetworkRateLimit(rate(NETWORK_BURST_BYTES, NETWORK_BYTES_PER_SECOND), now)
        self._private = NetworkRateLimit(rate(PRIVATE_BURST_BYTES, PRIVATE_BYTES_PER_SECOND), now)
        self._guests = RateLimit(rate(GUESTS_BURST_BYTES, GUESTS_BYTES_PER_SECOND), now)

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
        light = all(limit.remaining(key) >= limit.rate.burst - LIGHT_USE_BYTES for limit, key in own)
        patience = LIGHT_PATIENCE_SECONDS if light else 0.0
        return max(longest_wait(own), longest_wait(self._shared(payer)) - patience)

    def rows(self) -> list[LimitRow]:
        """Return the rates for `twisted-chat limits`, and who is over them now."""
        return [
            LimitRow("bytes that a person writes", self._people.rate.text, held=self._people.held()),
            LimitRow("bytes that the people of a network write", self._networks.bound, held=self._networks.held()),
            LimitRow("the same from a private network", self._private.bound, held=self._private.held()),
            LimitRow("bytes that all guests write", self._guests.rate.text, held=self._guests.held()),
        ]

    def _own(self, payer: Payer) -> list[Bucket]:
        return [] if payer.user is None else [Bucket(self._people, str(payer.user.identity))]

    def _shared(self, payer: Payer) -> list[Bucket]:
        networks = self._private if is_private(payer.address) else self._networks
        buckets = networks.buckets(payer.address)
        if payer.user is None or not payer.user.is_account:
            buckets.append(Bucket(self._guests, ""))
        return buckets


class Shares:
    """The shares of a server. Without `now`, which gives seconds, or with a rate of 0, no writing is limited.

    A person may write `person_bytes_per_second` for long. Where nothing is written to a file, no rate is needed.
    `writing` is the share of what goes into the file, the others are those of the memory.
    """

    def __init__(
        self, now: Callable[[], float] | None = None, person_bytes_per_second: int = PERSON_BYTES_PER_SECOND
    ) -> None:
        self.writing = WritingRates(now, person_bytes_per_second) if now and person_bytes_per_second else None
        self.unstored = Pool(MAX_UNSTORED_BYTES_PER_NETWORK, MAX_UNSTORED_BYTES)
        self.outboxes = Pool(MAX_OUTBOX_BYTES_PER_NETWORK, MAX_OUTBOX_BYTES_IN_ALL)
        self.input = Pool(MAX_INPUT_BYTES_PER_NETWORK, MAX_INPUT_BYTES)
        self.memberships = Pool(MAX_MEMBERSHIP_BYTES_PER_NETWORK, MAX_MEMBERSHIP_BYTES)
        self.routes = Pool(MAX_ROUTE_BYTES_PER_NETWORK, MAX_ROUTE_BYTES)
        self.presence = Pool(MAX_PRESENCE_BYTES_PER_NETWORK, MAX_PRESENCE_BYTES)

    def rows(self) -> list[LimitRow]:
        """Return the limits for `twisted-chat limits`, and who is held back by them now."""
        return [
            *([] if self.writing is None else self.writing.rows()),
            self.unstored.row("bytes that wait for the log"),
            self.outboxes.row("bytes that wait for clients that do not read"),
            self.input.row("bytes of requests that wait"),
            self.memberships.row("bytes of the rooms that guests are in"),
            self.routes.row("bytes of remembered routes"),
            self.presence.row("bytes of presence that waits"),
        ]

    def more_rooms(self, payer: Payer) -> bool:
        """Let a payer be in some more rooms; return False if its network has no share left."""
        if not self.memberships.take(payer.address, ROOMS_AT_A_TIME * MEMBERSHIP_BYTES):
            return False
        payer.max_rooms += ROOMS_AT_A_TIME
        return True

    def more_routes(self, payer: Payer) -> bool:
        """Let a payer remember some more routes; return False if its network has no share left."""
        if not self.routes.take(payer.address, ROUTES_AT_A_TIME * ROUTE_BYTES):
            return False
        payer.max_routes += ROUTES_AT_A_TIME
        return True

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
        if (rooms := payer.max_rooms - FREE_ROOMS) > 0:
            self.memberships.give_back(payer.address, rooms * MEMBERSHIP_BYTES)
        if (routes := payer.max_routes - FREE_ROUTES) > 0:
            self.routes.give_back(payer.address, routes * ROUTE_BYTES)
        payer.max_rooms, payer.max_routes = FREE_ROOMS, FREE_ROUTES


def is_private(address: str) -> bool:
    """Return True for a loopback or private address."""
    try:
        return ip_address(address.partition("%")[0]).is_private
    except ValueError:
        return False
