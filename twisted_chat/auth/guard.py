"""The throttle for wrong passwords: a client that guesses has to wait before the server hashes anything."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twisted_chat.auth.ratelimit import BUSY_WAIT_SECONDS, Rate, RateLimit, slow_down_error
from twisted_chat.core.errors import WRONG_PASSWORD, ChatError, Reason
from twisted_chat.core.names import Name

T = TypeVar("T")

WRONG_PASSWORDS_PER_NAME = Rate(burst=20, seconds_per_token=3.0)
WRONG_PASSWORDS_PER_NETWORK = Rate(burst=10, seconds_per_token=6.0)
MAX_LOGIN_ATTEMPTS = 64
"""Attempts that are checked or wait for others at the same time."""


class LoginThrottle:
    """Limits wrong passwords by name and by network.

    Attempts may run at the same time, but never more than the wrong passwords that are left:
    further attempts wait for the outcome. So many guesses at once gain nothing, and many
    people behind one address are not slowed down when their passwords are right.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._names = RateLimit(WRONG_PASSWORDS_PER_NAME, clock.seconds)
        self._networks = RateLimit(WRONG_PASSWORDS_PER_NETWORK, clock.seconds)
        self._running: Counter[tuple[RateLimit, str]] = Counter()
        self._waiting: list[Deferred[None]] = []
        self._attempts = 0

    async def attempt(self, name: Name, address: str, check: Callable[[], Awaitable[T]]) -> T:
        """Call `check` and return its result, as soon as the name and the network may try a password.

        A ChatError(wrong-password) of `check` is counted and raised. Raises ChatError(slow-down)
        for too many wrong passwords or too many attempts. An empty `address` is not limited.
        """
        keys = [(self._names, name.key)]
        if address:
            keys.append((self._networks, network_of(address)))
        with self._slot():
            while not self._may_run(keys):
                self._waiting.append(Deferred())
                await self._waiting[-1]
            self._running.update(keys)
            try:
                return await check()
            except ChatError as error:
                if error.code == WRONG_PASSWORD:
                    for limit, key in keys:
                        limit.take(key)
                raise
            finally:
                self._finish(keys)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if self._attempts >= MAX_LOGIN_ATTEMPTS:
            raise slow_down_error(Reason.TOO_MANY_SIGN_INS, BUSY_WAIT_SECONDS)
        self._attempts += 1
        try:
            yield
        finally:
            self._attempts -= 1

    def _may_run(self, keys: list[tuple[RateLimit, str]]) -> bool:
        """Return True if one more wrong password is allowed; raise ChatError(slow-down) if none is left."""
        wait = max(limit.wait_seconds(key) for limit, key in keys)
        if wait > 0:
            raise slow_down_error(Reason.TOO_MANY_WRONG_PASSWORDS, wait)
        return all(self._running[limit, key] < limit.remaining(key) for limit, key in keys)

    def _finish(self, keys: list[tuple[RateLimit, str]]) -> None:
        for key in keys:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
        waiting, self._waiting = self._waiting, []
        for attempt in waiting:
            attempt.callback(None)


def network_of(address: str) -> str:
    """Return the network that one person controls: an IPv4 address, or the first 64 bits of an IPv6 address."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    return str(ip.ipv4_mapped or IPv6Address(int(ip) >> 64 << 64))
