"""The authenticator for accounts whose password hashes the server stores itself."""

from twisted.internet.interfaces import IReactorTime

from twisted_chat.auth.guard import LoginThrottle
from twisted_chat.auth.passwords import Passwords, prepare_password
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Accounts, Verified
from twisted_chat.core.names import Name
from twisted_chat.core.networks import NetworkRateLimit, networks_of
from twisted_chat.core.ratelimit import Rate, slow_down_error

NEW_ACCOUNTS_PER_NETWORK = Rate(burst=40, seconds_per_token=60.0)
"""High enough for a class that shares one address."""


class BuiltIn:
    """Compares passwords with the hashes in `accounts`; any client may create an account.

    Implements core.interfaces.Authenticator.
    """

    def __init__(self, accounts: Accounts, passwords: Passwords, clock: IReactorTime) -> None:
        self._accounts, self._passwords = accounts, passwords
        self._throttle = LoginThrottle(clock)
        self._new_accounts = NetworkRateLimit(NEW_ACCOUNTS_PER_NETWORK, clock.seconds)

    async def verify(self, name: Name, identity: int | None, password: str, address: str) -> Verified:
        if identity is None:
            secret = await self._hash_for_new_account(name, password, address)
            self._throttle.signed_in(name, address)
            return Verified(name, secret)
        await self._check(name, identity, password, address)
        return Verified(name)

    async def change(self, name: Name, identity: int, old: str, new: str, address: str) -> str:
        prepare_password(new)
        await self._check(name, identity, old, address)
        return await self._passwords.hash(new, _turn(name, address))

    async def _check(self, name: Name, identity: int, password: str, address: str) -> None:
        async def check() -> None:
            secret = await self._accounts.secret(identity)
            if secret is None:
                raise ChatError(Reason.PASSWORD_NOT_SET, name=name.shown)
            if not await self._passwords.verify(secret, password, _turn(name, address)):
                raise ChatError(Reason.PASSWORD_MISMATCH, name=name.shown)

        await self._throttle.attempt(name, address, check)

    async def _hash_for_new_account(self, name: Name, password: str, address: str) -> str:
        wait = self._new_accounts.wait_seconds(address)
        if wait > 0:
            raise slow_down_error(Reason.TOO_MANY_NEW_ACCOUNTS, wait)
        self._new_accounts.take(address)
        try:
            return await self._passwords.hash(password, _turn(name, address))
        except BaseException:
            self._new_accounts.give_back(address)
            raise


def _turn(name: Name, address: str) -> list[str]:
    """Return the keys whose turns the hashing of a password waits for: the address's networks, then the name."""
    return [*reversed(networks_of(address)), name.key]
