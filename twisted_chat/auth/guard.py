"""The throttle for sign-ins: a share for each network and account, and rate limits that come before any hashing."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from twisted_chat.auth.known import KnownNetworks
from twisted_chat.core.errors import WRONG_PASSWORD, ChatError, Reason
from twisted_chat.core.limits import MAX_HELD_SHOWN, LimitRow
from twisted_chat.core.names import Name
from twisted_chat.core.networks import (
    NETWORK_FACTORS,
    Bucket,
    NetworkRateLimit,
    longest_wait,
    network_of,
    networks_of,
)
from twisted_chat.core.ratelimit import BUSY_WAIT_SECONDS, Rate, RateLimit, slow_down_error

T = TypeVar("T")

WRONG_PASSWORDS_PER_NAME = Rate(burst=20, seconds_per_token=3.0)
WRONG_PASSWORDS_PER_NETWORK = Rate(burst=10, seconds_per_token=6.0)
ATTEMPTS_PER_NETWORK = Rate(burst=300, seconds_per_token=0.25)
"""Right passwords count too. Clients that share one address, as behind a proxy, reconnect at once after a restart."""
MAX_ATTEMPTS_PER_NETWORK = 64
"""Attempts of a network that wait or are checked at the same time; they delay no other network."""
MAX_ATTEMPTS_PER_NAME_AND_NETWORK = 8
"""More than the devices of one account that reconnect at the same time."""


class LoginThrottle:
    """Limits sign-ins by network and by account, and wrong passwords more than right ones.

    Attempts may run at the same time, but never more than the wrong passwords that are left:
    further attempts wait for the outcome. So many guesses at once gain nothing. An attempt that
    waits takes room from its own network and account only.

    Wrong passwords for a name are counted by network, so that a stranger who guesses does not lock
    the owner out. The limit for the name alone covers all networks that the account has not yet signed in from.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._attempts = NetworkRateLimit(ATTEMPTS_PER_NETWORK, clock.seconds)
        self._wrong_by_network = NetworkRateLimit(WRONG_PASSWORDS_PER_NETWORK, clock.seconds)
        self._wrong_by_name_and_network = RateLimit(WRONG_PASSWORDS_PER_NAME, clock.seconds)
        self._wrong_by_name = RateLimit(WRONG_PASSWORDS_PER_NAME, clock.seconds)
        self._known = KnownNetworks()
        self._shares = _Shares()
        self._running: Counter[Bucket] = Counter()
        self._waiting: dict[Bucket, list[Deferred[None]]] = {}  # by the bucket that has too few tokens

    async def attempt(self, name: Name, address: str, check: Callable[[], Awaitable[T]]) -> T:
        """Call `check` and return its result, as soon as the name and the network may try a password.

        A ChatError(wrong-password) of `check` is counted and raised. Raises ChatError(slow-down)
        for too many wrong passwords or too many attempts. For an empty `address` only the name is limited.
        """
        _refuse_if_empty(self._buckets(name, address))
        with self._shares.hold(name, address):
            await self._take_attempt(address)
            buckets = await self._wait_for_room(name, address)
            self._running.update(buckets)
            try:
                result = await check()
            except ChatError as error:
                if error.code == WRONG_PASSWORD:
                    for limit, key in buckets:
                        limit.take(key)
                raise
            else:
                self.signed_in(name, address)
                return result
            finally:
                self._finish(buckets)

    async def refuse_unknown(self, name: Name, address: str) -> None:
        """Raise ChatError for a name without an account, and count it as a wrong password."""

        async def check() -> None:
            raise ChatError(Reason.NO_ACCOUNT_OF_NAME, name=name.shown)

        await self.attempt(name, address, check)

    async def know(self, name: Name, load: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """Load the networks that an account has signed in from, if they are not known since the server's start."""
        if not self._known.has_name(name.key):
            networks = await load()
            if not self._known.has_name(name.key):  # another attempt may have loaded them meanwhile
                self._known.load(name.key, networks)

    def rows(self) -> list[LimitRow]:
        """Return the limits for `twisted-chat limits`."""
        wrong = [*self._wrong_by_network.held(), *self._wrong_by_name_and_network.held()]
        return [
            LimitRow("sign-ins of a network", self._attempts.bound, held=self._attempts.held()),
            LimitRow(
                "sign-ins of a network that run or wait",
                f"{MAX_ATTEMPTS_PER_NETWORK}, and {MAX_ATTEMPTS_PER_NAME_AND_NETWORK} to one name",
                str(sum(self._running.values())),
                self._shares.held(),
            ),
            LimitRow("wrong passwords from a network", WRONG_PASSWORDS_PER_NETWORK.text, held=wrong),
            LimitRow(
                "wrong passwords for a name from networks that are new to it",
                WRONG_PASSWORDS_PER_NAME.text,
                held=self._wrong_by_name.held(),
            ),
        ]

    def signed_in(self, name: Name, address: str) -> None:
        """Remember the network of the address as one that the account signs in from."""
        self._known.add(name.key, network_of(address))

    def _buckets(self, name: Name, address: str) -> list[Bucket]:
        """Return the buckets that a wrong password takes a token from."""
        network = network_of(address)
        buckets = [Bucket(self._wrong_by_name_and_network, _both(name, network))]
        if not self._known.has(name.key, network):
            buckets.append(Bucket(self._wrong_by_name, name.key))
        return buckets + self._wrong_by_network.buckets(address)

    async def _take_attempt(self, address: str) -> None:
        """Take the network's next token, and wait until it is there. Attempts get theirs in the order they came."""
        wait = self._attempts.wait_seconds(address)
        self._attempts.take(address)
        if not wait:
            return
        try:
            await deferLater(self._clock, wait)
        except BaseException:
            self._attempts.give_back(address)
            raise

    async def _wait_for_room(self, name: Name, address: str) -> list[Bucket]:
        """Wait until one more wrong password would be allowed, and return the buckets that it would take from."""
        while True:
            buckets = self._buckets(name, address)
            _refuse_if_empty(buckets)
            used_up = [one for one in buckets if self._running[one] >= one.limit.remaining(one.key)]
            if not used_up:
                return buckets
            outcome: Deferred[None] = Deferred()
            self._waiting.setdefault(used_up[0], []).append(outcome)
            await outcome

    def _finish(self, buckets: list[Bucket]) -> None:
        for bucket in buckets:
            self._running[bucket] -= 1
            if not self._running[bucket]:
                del self._running[bucket]
        for outcome in [one for bucket in buckets for one in self._waiting.pop(bucket, ())]:
            outcome.callback(None)


class _Shares:
    """Counts the attempts that each network, and each account from a network, has waiting or under way."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def held(self) -> list[str]:
        """Return the networks, and names at networks, that have used up their share."""
        return [key for key, count in self._held.items() if count >= self._bound(key)][:MAX_HELD_SHOWN]

    def _bound(self, key: str) -> int:
        if " " in key:
            return MAX_ATTEMPTS_PER_NAME_AND_NETWORK
        return MAX_ATTEMPTS_PER_NETWORK * (4 if key.endswith("/48") else 2 if key.endswith("/56") else 1)

    @contextmanager
    def hold(self, name: Name, address: str) -> Iterator[None]:
        """Count an attempt as long as the caller's block runs. Raises ChatError(slow-down) if a share is used up."""
        networks = networks_of(address)
        bounds = {
            network: MAX_ATTEMPTS_PER_NETWORK * factor
            for network, factor in zip(networks, NETWORK_FACTORS, strict=False)
        }
        bounds[_both(name, networks[0])] = MAX_ATTEMPTS_PER_NAME_AND_NETWORK
        if any(self._held[key] >= bound for key, bound in bounds.items()):
            raise slow_down_error(Reason.TOO_MANY_SIGN_INS, BUSY_WAIT_SECONDS)
        self._held.update(bounds.keys())
        try:
            yield
        finally:
            for key in bounds:
                self._held[key] -= 1
                if not self._held[key]:
                    del self._held[key]


def turn_of(name: Name, address: str) -> list[str]:
    """Return the keys whose turns the check of a password waits for: the address's networks, then the name."""
    return [*reversed(networks_of(address)), name.key]


def _both(name: Name, network: str) -> str:
    """Return the key of a name at a network; a name contains no space."""
    return f"{name.key} {network}"


def _refuse_if_empty(buckets: list[Bucket]) -> None:
    """Raise ChatError(slow-down) if no wrong password is left in one of the buckets."""
    wait = longest_wait(buckets)
    if wait > 0:
        raise slow_down_error(Reason.TOO_MANY_WRONG_PASSWORDS, wait)
