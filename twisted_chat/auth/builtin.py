"""Accounts whose passwords the server keeps itself, as hashes."""

from twisted.internet.interfaces import IReactorTime

from twisted_chat.auth.guard import Guard, network
from twisted_chat.auth.passwords import Passwords, prepared
from twisted_chat.auth.ratelimit import Limit, slow_down
from twisted_chat.core.errors import WRONG_PASSWORD, ChatError
from twisted_chat.core.interfaces import Accounts, Verified
from twisted_chat.core.names import Name

NEW_ACCOUNTS = (40, 60.0)
"""Accounts made from an address, which a class may share: how many at once, and after how many seconds one more."""


class BuiltIn:
    """Compares with the hashes in `accounts`; anybody may make an account. (A core.interfaces.Authenticator.)"""

    def __init__(self, accounts: Accounts, passwords: Passwords, clock: IReactorTime) -> None:
        self._accounts, self._passwords = accounts, passwords
        self._guard = Guard(clock)
        self._creations = Limit(*NEW_ACCOUNTS, clock.seconds)

    async def verify(self, name: Name, identity: int | None, password: str, address: str) -> Verified:
        if identity is None:
            return Verified(name, await self._new_secret(password, address))
        await self._check(name, identity, password, address)
        return Verified(name)

    async def change(self, name: Name, identity: int, old: str, new: str, address: str) -> str:
        prepared(new)
        await self._check(name, identity, old, address)
        return await self._passwords.hash(new)

    async def _check(self, name: Name, identity: int, password: str, address: str) -> None:
        async def check() -> None:
            secret = await self._accounts.secret(identity)
            if secret is None:
                sentence = f"{name.shown} has an account without a password: the operator can give it one"
                raise ChatError(WRONG_PASSWORD, sentence)
            if not await self._passwords.verify(secret, password):
                raise ChatError(
                    WRONG_PASSWORD, f"this is not the password of {name.shown}: try again, or take another name"
                )

        await self._guard.attempt(name, address, check)

    async def _new_secret(self, password: str, address: str) -> str:
        if not address:  # a Unix socket: whoever may open it is known to the operator
            return await self._passwords.hash(password)
        place = network(address)
        wait = self._creations.wait(place)
        if wait > 0:
            raise slow_down("too many new accounts from your address", wait)
        self._creations.take(place)
        try:
            return await self._passwords.hash(password)
        except BaseException:
            self._creations.give_back(place)
            raise
