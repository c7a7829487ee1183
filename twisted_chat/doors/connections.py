"""The connections of all doors together: counted for each network, bounded, and sent away to make room.

A network may hold any number of connections up to MAX_PER_NETWORK while the server has room. When it is full, a
newcomer gets the place of a guest, or of a client without a name: first of the network that holds more than its
share, else of the one that was idle longest. Accounts are never sent away, and some places are kept for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain, islice
from typing import TypeVar

from twisted_chat.core.bans import Ban, Bans
from twisted_chat.core.errors import Notice
from twisted_chat.core.limits import MAX_HELD_SHOWN, LimitRow
from twisted_chat.core.networks import NETWORK_FACTORS, NetworkRateLimit, network_of, networks_of
from twisted_chat.core.ratelimit import Rate
from twisted_chat.core.shares import MIB, NO_BOUND_BYTES, Pool
from twisted_chat.doors.occupants import Occupant

MAX_PER_NETWORK = 20_480
"""Idle connections of one address that fit into 64 MiB; IPv6: twice that for a /56, four times for a /48."""
IDLE_CONNECTION_BYTES = 64 * MIB // MAX_PER_NETWORK
MIN_TLS_BYTES = 1 * MIB
"""The TLS connections of a network may take as much memory as the idle ones without TLS that it may hold."""
SHARES = 16
"""A network holds more than its share if it has more than this part of all connections."""
ACCOUNT_PLACES = 16
"""One in so many connections is kept for accounts."""
REFILL_SECONDS = 60.0
"""In this time a network may open as many new connections again as it may hold."""
MIN_NEW_PER_SECOND = 20.0
FIRST_WORD_SECONDS = 10.0
"""A client without a name that is silent for longer gives its place to a newcomer when the server is full."""
VICTIMS_AT_A_TIME = 256
VICTIM_SECONDS = 1.0
"""The connections that are sent away next are chosen once in this time, since that looks at many of them."""
MAX_LOOKED_AT = 4096
"""Connections that are looked at for that, some 10 ms of work; with more connections, others the next time."""


T = TypeVar("T", bound=Occupant)


class Members(set[T]):
    """The connections of one door, which a register counts."""

    def __init__(self, register: ConnectionRegister) -> None:
        super().__init__()
        self._register = register
        register.doors.append(self)  # type: ignore[arg-type]  # a set of some occupants

    def add(self, connection: T) -> None:
        """Add a new connection."""
        if connection not in self:
            self._register.entered(connection)
            super().add(connection)

    def discard(self, connection: T) -> None:  # type: ignore[override]  # a set would discard any object
        """Remove a connection, if it is there."""
        if connection in self:
            super().discard(connection)
            self._register.left(connection)


class ConnectionRegister:
    """Counts the connections of all doors by network, and decides who is admitted.

    `most` is the number of all connections that the server can hold; `now` gives seconds. Each connection has a
    number of its own, which also says when it came: in milliseconds since the server's start, or one more than the
    connection before it.
    """

    def __init__(self, now: Callable[[], float], bans: Bans | None = None, per_network: int = MAX_PER_NETWORK) -> None:
        self.doors: list[Members[Occupant]] = []
        self.uncounted: Sequence[Collection[object]] = ()  # the connections of doors that have no Members
        self.most: int | None = None
        self._now, self._bans, self._per_network = now, bans, per_network
        self._start, self._last_number = now(), 0
        self._by_network: Counter[str] = Counter()
        self._expelled: set[Occupant] = set()
        self._victims: list[Occupant] = []
        self._victims_chosen = float("-inf")
        self._looked_at = 0
        self._without_room: set[str] = set()  # networks for which no victim was found, until others are chosen
        new_per_second = max(per_network / REFILL_SECONDS, MIN_NEW_PER_SECOND)
        self._new = NetworkRateLimit(Rate(per_network, 1 / new_per_second), now)
        self.tls = Pool(max(per_network * IDLE_CONNECTION_BYTES, MIN_TLS_BYTES), NO_BOUND_BYTES)

    def __len__(self) -> int:
        """Return the number of connections that stay."""
        return sum(map(len, (*self.doors, *self.uncounted))) - len(self._expelled)

    def connections(self) -> Iterator[Occupant]:
        """Return all connections, without those that were sent away."""
        return (one for door in self.doors for one in door if one not in self._expelled)

    def age(self, connection: Occupant) -> float:
        """Return for how many seconds a connection has been there."""
        return max(0.0, self._now() - self._start - connection.number / 1000)

    # called by Members

    def entered(self, connection: Occupant) -> None:
        """Count a new connection, and give it a number."""
        self._last_number = connection.number = max(self._last_number + 1, int((self._now() - self._start) * 1000))
        if connection.address:
            self._by_network.update(networks_of(connection.address))

    def left(self, connection: Occupant) -> None:
        """Count a connection no longer."""
        self._expelled.discard(connection)
        for network in networks_of(connection.address) if connection.address else ():
            self._by_network[network] -= 1
            if self._by_network[network] <= 0:
                del self._by_network[network]

    # who is admitted

    def ban_of(self, address: str) -> Ban | None:
        """Return the ban that an address is under, or None."""
        return None if self._bans is None else self._bans.of_address(address)

    def network_is_full(self, address: str) -> bool:
        """Return True if a network of this address has as many connections as it may hold."""
        return any(held >= self._per_network * factor for held, factor in self._held(address))

    def new_connection_wait(self, address: str) -> float:
        """Take the turn of a new connection, and return the seconds until it comes."""
        wait = self._new.wait_seconds(address)
        self._new.take(address)
        return wait

    def new_connection_left(self, address: str) -> None:
        """Give back the turn of a new connection that ended before it came."""
        self._new.give_back(address)

    @property
    def guest_places(self) -> float:
        """Return the number of connections up to which the server admits guests without making room."""
        return float("inf") if self.most is None else self.most - self.most // ACCOUNT_PLACES

    def has_room_for_guest(self) -> bool:
        """Return True if a client that is already connected may become a guest."""
        return len(self) <= self.guest_places or self.make_room("")

    def make_room(self, address: str) -> bool:
        """Send a guest, or a client without a name, away for a newcomer; return False if none may be sent away."""
        if self._now() - self._victims_chosen >= VICTIM_SECONDS:
            self._choose_victims()
        weight = self.weight(address)
        network = network_of(address) if self._is_over(weight) else ""
        if network in self._without_room:
            return False
        for index, victim in enumerate(self._victims):
            if not self._may_go(victim):
                continue
            if self._is_over(weight) and (self.weight(victim.address) < weight or not self._is_idle(victim)):
                continue  # one who has more than a share gets the place of an idle one of the same network only
            del self._victims[index]
            self.expel(victim, Notice.MAKING_ROOM)
            return True
        self._without_room.add(network)
        return False

    def expel(self, connection: Occupant, notice: Notice, detail: str = "") -> None:
        """End a connection, whose place is free from now on."""
        if any(connection in door for door in self.doors):
            self._expelled.add(connection)
        connection.expel(notice, detail)

    def weight(self, address: str) -> float:
        """Return how many connections the fullest network of an address has, for its size."""
        return max((held / factor for held, factor in self._held(address)), default=0.0)

    def over_share(self, address: str) -> bool:
        """Return True if a network of this address holds more than its share of all connections."""
        return self._is_over(self.weight(address))

    def rows(self) -> list[LimitRow]:
        """Return the limits for `twisted-chat limits`."""
        full = [f"{network} ({held})" for network, held in self._by_network.most_common(MAX_HELD_SHOWN)]
        over = [
            text for text, (_, held) in zip(full, self._by_network.most_common(), strict=False) if self._is_over(held)
        ]
        places = "" if self.most is None else f"{self.most // ACCOUNT_PLACES} kept for accounts"
        return [
            LimitRow("connections", f"{self.most}, {places}" if places else "no limit", str(len(self))),
            LimitRow(
                "connections of a network",
                f"{self._per_network}; above a {SHARES}th of all they make room when the server is full",
                held=over,
            ),
            LimitRow("new connections of a network", self._new.bound, held=self._new.held()),
            self.tls.row("bytes of TLS connections"),
        ]

    def _held(self, address: str) -> Iterator[tuple[int, int]]:
        if not address:
            return iter(())
        return (
            (self._by_network[one], factor) for one, factor in zip(networks_of(address), NETWORK_FACTORS, strict=False)
        )

    def _is_over(self, weight: float) -> bool:
        return self.most is not None and weight > max(1, self.most // SHARES)

    def _may_go(self, one: Occupant) -> bool:
        if one in self._expelled or not self._is_guest(one) or not any(one in door for door in self.doors):
            return False
        return self._is_over(self.weight(one.address)) or self._is_idle(one)

    def _is_guest(self, one: Occupant) -> bool:
        """Return True for a guest or a client without a name."""
        user = one.user
        return user is None or not user.is_account

    def _is_idle(self, one: Occupant) -> bool:
        if one.user is None:
            return self.age(one) > FIRST_WORD_SECONDS
        return one.silent_checks > 0 and not one.heard

    def _choose_victims(self) -> None:
        """Sort those who may be sent away: of networks over their share first, then the longest idle."""
        self._victims_chosen = self._now()
        self._without_room.clear()

        weights: dict[str, float] = {}

        def rank(one: Occupant) -> tuple[float, int, int]:
            weight = weights[one.address]
            return (-weight if self._is_over(weight) else 0.0, -one.silent_checks, one.number)

        found: list[Occupant] = []
        for one in self._some_connections():
            address = one.address
            if address not in weights:
                weights[address] = self.weight(address)
            if self._is_guest(one) and (self._is_over(weights[address]) or self._is_idle(one)):
                found.append(one)
        self._victims = sorted(found, key=rank)[:VICTIMS_AT_A_TIME]

    def _some_connections(self) -> Iterator[Occupant]:
        """Return all connections, or some of them if they are many, and others the next time."""
        count = len(self)
        if count <= MAX_LOOKED_AT:
            return self.connections()
        start = self._looked_at % count
        self._looked_at = start + MAX_LOOKED_AT
        return islice(chain(self.connections(), self.connections()), start, start + MAX_LOOKED_AT)
