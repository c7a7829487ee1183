"""Who tries wrong passwords is slowed down, before anything is computed for it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twisted_chat.auth.ratelimit import Limit, slow_down
from twisted_chat.core.errors import WRONG_PASSWORD, ChatError
from twisted_chat.core.names import Name

T = TypeVar("T")

OF_A_NAME = (20, 3.0)
"""Wrong passwords of a name: how many at once, and after how many seconds one more."""
FROM_AN_ADDRESS = (10, 6.0)
"""Wrong passwords from an address."""
UNDER_WAY = 64
"""Attempts that are under way or wait for others."""


class Guard:
    """Lets a password be tried while its name and its address have wrong attempts left.

    Several may be under way, but never more than could be wrong: the others wait
    for the outcome. So guesses that come all at once gain nothing, and a crowd that comes
    from one address is not slowed down for being right.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._names = Limit(*OF_A_NAME, clock.seconds)
        self._addresses = Limit(*FROM_AN_ADDRESS, clock.seconds)
        self._trying: Counter[tuple[Limit, str]] = Counter()
        self._waiting: list[Deferred[None]] = []
        self._count = 0

    async def attempt(self, name: Name, address: str, check: Callable[[], Awaitable[T]]) -> T:
        """What `check` gives; its ChatError(wrong-password) counts. Raises that, or ChatError(slow-down)."""
        keys = [(self._names, name.key)]
        if address:
            keys.append((self._addresses, network(address)))
        with self._place():
            while not self._may_try(keys):
                self._waiting.append(Deferred())
                await self._waiting[-1]
            self._trying.update(keys)
            try:
                return await check()
            except ChatError as problem:
                if problem.code == WRONG_PASSWORD:
                    for limit, key in keys:
                        limit.take(key)
                raise
            finally:
                self._tried(keys)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._count >= UNDER_WAY:
            raise slow_down("many people sign in just now", 2)
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    def _may_try(self, keys: list[tuple[Limit, str]]) -> bool:
        """Whether there is room for one more wrong attempt; raises ChatError(slow-down) when none is left."""
        wait = max(limit.wait(key) for limit, key in keys)
        if wait > 0:
            raise slow_down("too many wrong passwords", wait)
        return all(self._trying[limit, key] < limit.left(key) for limit, key in keys)

    def _tried(self, keys: list[tuple[Limit, str]]) -> None:
        for key in keys:
            self._trying[key] -= 1
            if not self._trying[key]:
                del self._trying[key]
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)


def network(address: str) -> str:
    """What belongs to one person: an IPv4 address, or the 64 bits in front of an IPv6 address."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    return str(ip.ipv4_mapped or IPv6Address(int(ip) >> 64 << 64))
