"""How many rooms there may be: for each person, for each network, for guests, for accounts, and in all."""

from collections import Counter
from typing import NamedTuple

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.limits import MAX_HELD_SHOWN, LimitRow
from twisted_chat.core.networks import NETWORK_FACTORS, networks_of
from twisted_chat.core.participants import User


class RoomLimits(NamedTuple):
    """The bounds for rooms that exist at the same time.

    A room counts for the one who made it until it ends: for an account, or for the guests of a network; those that
    accounts made count for the network of that time too, until the server's next start. The
    /56 and the /48 around an IPv6 address may have some times as many as a /64. Guests cannot take up the
    share of accounts, nor accounts that of guests.
    """

    account: int = 100
    network: int = 200
    accounts_of_network: int = 1000
    guests: int = 10_000
    accounts: int = 10_000


DEFAULT_ROOM_LIMITS = RoomLimits()


class RoomCounts:
    """Counts the rooms that exist, by the keys for which they count."""

    def __init__(self, limits: RoomLimits = DEFAULT_ROOM_LIMITS) -> None:
        self.limits = limits
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._counts)

    def made(self, user: User, address: str) -> tuple[str, ...]:
        """Count a room that the user makes, and return its keys for `ended`.

        Raises ChatError(not-allowed) beyond a limit. An empty address, of a client at a Unix socket, has no network.
        """
        limits, keys = self.limits, self.keys(user, address)
        if user.is_account:
            factors = (limits.accounts_of_network * factor for factor in NETWORK_FACTORS)
            bounds: tuple[int, ...] = (limits.accounts, limits.account, *factors)
        else:
            bounds = (limits.guests, *(limits.network * factor for factor in NETWORK_FACTORS))
        for index, (key, bound) in enumerate(zip(keys, bounds, strict=False)):
            if self._counts[key] >= bound:
                raise ChatError(Reason.TOO_MANY_ROOMS_MADE if index else Reason.TOO_MANY_ROOMS_HERE, max=bound)
        self.add(keys)
        return keys

    def keys(self, user: User, address: str) -> tuple[str, ...]:
        """Return the keys for which a room of this user counts; the first is that of all guests or all accounts."""
        if user.is_account:
            networks = [f"accounts at {network}" for network in networks_of(address)] if address else []
            return ("accounts", f"account {user.identity}", *networks)
        return ("guests", *(networks_of(address) if address else ()))

    def rows(self) -> list[LimitRow]:
        """Return the limits, and the networks of guests that may make no more rooms now."""
        limits, counts = self.limits, self._counts
        held = [key for key, count in counts.items() if count >= limits.network and " " not in key and key != "guests"]
        held = [key for key in held if key != "accounts"][:MAX_HELD_SHOWN]
        return [
            LimitRow("rooms that guests made", f"{limits.guests}", f"{counts['guests']}"),
            LimitRow("rooms that accounts made", f"{limits.accounts}, {limits.account} each", f"{counts['accounts']}"),
            LimitRow("rooms that the guests of one address made", f"{limits.network}", held=held),
            LimitRow("rooms that the accounts of one address made", f"{limits.accounts_of_network}"),
        ]

    def add(self, keys: tuple[str, ...]) -> None:
        """Count a room without a limit, as one that the log has from an earlier start."""
        for key in keys:
            self._counts[key] += 1

    def ended(self, keys: tuple[str, ...]) -> None:
        """Count no longer a room that has ended."""
        for key in keys:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]
