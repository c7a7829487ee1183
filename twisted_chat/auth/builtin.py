"""The authenticator for accounts whose password hashes the server stores itself."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from twisted_chat.auth.guard import LoginThrottle, turn_of
from twisted_chat.auth.passwords import Passwords, check_new_password
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Accounts, Verified
from twisted_chat.core.limits import LimitRow
from twisted_chat.core.names import Name
from twisted_chat.core.networks import NetworkRateLimit
from twisted_chat.core.ratelimit import Rate, slow_down_error

NEW_ACCOUNTS_PER_NETWORK = Rate(burst=40, seconds_per_token=60.0)
"""High enough for a class that shares one address."""


class BuiltIn:
    """Compares passwords with the hashes in `accounts`; any client may create an account.

    `check_new` raises ChatError for a new password that is too weak. Implements core.interfaces.Authenticator.
    """

    makes_accounts = True

    def __init__(
        self,
        accounts: Accounts,
        passwords: Passwords,
        clock: IReactorTime,
        check_new: Callable[[str, Name], object] = check_new_password,
    ) -> None:
        self._accounts, self._passwords, self._check_new = accounts, passwords, check_new
        self._throttle = LoginThrottle(clock)
        self._new_accounts = NetworkRateLimit(NEW_ACCOUNTS_PER_NETWORK, clock.seconds)

    async def verify(self, name: Name, identity: int | None, password: str, address: str) -> Verified:
        if identity is None:
            self._check_new(password, name)
            secret = await self._hash_for_new_account(name, password, address)
            self._throttle.signed_in(name, address)
            return Verified(name, secret)
        await self._check(name, identity, password, address)
        return Verified(name)

    async def refuse_unknown(self, name: Name, address: str) -> None:
        await self._throttle.refuse_unknown(name, address)

    async def change(self, name: Name, identity: int, old: str | None, new: str, address: str) -> str:
        self._check_new(new, name)
        if old is not None:
            await self._check(name, identity, old, address)
        return await self._passwords.hash(new, turn_of(name, address))

    async def _check(self, name: Name, identity: int, password: str, address: str) -> None:
        async def check() -> None:
            secret = await self._accounts.secret(identity)
            if secret is None:
                raise ChatError(Reason.PASSWORD_NOT_SET, name=name.shown)
            if not await self._passwords.verify(secret, password, turn_of(name, address)):
                raise ChatError(Reason.PASSWORD_MISMATCH, name=name.shown)

        await self._throttle.know(name, lambda: self._accounts.networks(identity))
        await self._throttle.attempt(name, address, check)

    async def _hash_for_new_account(self, name: Name, password: str, address: str) -> str:
        wait = self._new_accounts.wait_seconds(address)
        if wait > 0:
            raise slow_down_error(Reason.TOO_MANY_NEW_ACCOUNTS, wait)
        self._new_accounts.take(address)
        try:
            return await self._passwords.hash(password, turn_of(name, address))
        except BaseException:
            self._new_accounts.give_back(address)
            raise

    def rows(self) -> list[LimitRow]:
        """Return the limits for `twisted-chat limits`."""
        new = LimitRow("new accounts of a network", self._new_accounts.bound, held=self._new_accounts.held())
        return [*self._throttle.rows(), new, *self._passwords.rows()]
