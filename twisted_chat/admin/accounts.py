"""What whoever runs the server may do to accounts, whether others are in the conversation or not."""

from bisect import bisect_right
from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import NamedTuple

from twisted.internet.defer import DeferredLock

from twisted_chat.core.errors import NAME_TAKEN, NO_SUCH_USER, NOT_ALLOWED, UNAVAILABLE, ChatError
from twisted_chat.core.hub import MOST_ACCOUNTS, Hub
from twisted_chat.core.interfaces import Accounts
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.participants import Entry, Route, User

PAGE = 4000
"""Accounts in one page of the list."""

Hash = Callable[[str], Awaitable[str]]


class Listed(NamedTuple):
    """An account as the operator sees it; `made` is in milliseconds since 1970, UTC."""

    name: str
    state: str
    connections: int
    rooms: int
    made: int


class Operator:
    """Changes the `accounts` of a hub; `hash` makes a password's secret, None where passwords are kept elsewhere.

    Each change gives a sentence that says what was done, also where nothing was to be done, and
    raises ChatError for what cannot be. One is made after the other.
    """

    def __init__(self, hub: Hub, accounts: Accounts, hash: Hash | None) -> None:
        self.hub, self._accounts, self._hash = hub, accounts, hash
        self._lock = DeferredLock()

    @property
    def keeps_passwords(self) -> bool:
        """Whether passwords are kept here, and not elsewhere."""
        return self._hash is not None

    def list(self, after: str = "") -> list[Listed]:
        """A page of the accounts: those whose keys follow on that of the name `after`."""
        users = self.hub.registry.accounts()
        start = bisect_right(users, user_name(after).key, key=attrgetter("key")) if after else 0
        return [
            Listed(user.name, _state(user), len(user.participants), len(user.rooms), user.created_at)
            for user in users[start : start + PAGE]
        ]

    async def create(self, name: str, password: str) -> str:
        """Make an account; raises ChatError: bad-name, name-taken, and as for a password."""
        return await self._alone(self._create, user_name(name), password)

    async def password(self, name: str, password: str) -> str:
        """Give an account another password; who is signed in stays so."""
        return await self._alone(self._password, user_name(name), password)

    async def disable(self, name: str) -> str:
        """Let an account in no more, and end its connections."""
        return await self._alone(self._disable, user_name(name))

    async def enable(self, name: str) -> str:
        """Let an account in again."""
        return await self._alone(self._enable, user_name(name))

    async def delete(self, name: str) -> str:
        """End an account for good: it leaves its rooms, what it said stays, and nobody gets its name."""
        return await self._alone(self._delete, user_name(name))

    async def _alone(self, change: Callable[..., Awaitable[str]], *values: object) -> str:
        await self._lock.acquire()
        try:
            return await change(*values)
        finally:
            self._lock.release()

    async def _create(self, name: Name, password: str) -> str:
        registry = self.hub.registry
        user = registry.account(name)
        if user is not None:
            was = "was the name of an account that is deleted" if user.deleted else "has an account already"
            raise ChatError(NAME_TAKEN, f"{user.name} {was}; choose another name")
        if len(registry.accounts()) >= MOST_ACCOUNTS:
            raise ChatError(NOT_ALLOWED, f"there are {MOST_ACCOUNTS} accounts, which is as many as a server keeps")
        try:
            registry.claim(name)
        except ChatError:
            sentence = f"somebody uses the name {name.shown} just now; choose another, or wait until it is free"
            raise ChatError(NAME_TAKEN, sentence) from None
        try:
            registry.adopt(await self._accounts.create(name, await self._secret(password)))
        finally:
            registry.unclaim(name)
        return f"{name.shown} has an account now"

    async def _password(self, name: Name, password: str) -> str:
        user = self._find(name)
        await self._accounts.set_secret(user.identity, await self._secret(password))
        return f"{user.name} has a new password"

    async def _disable(self, name: Name) -> str:
        user = self._find(name)
        if not user.enabled:
            return f"{user.name} was disabled already"
        await self._accounts.set_enabled(user.identity, False)
        user.enabled = False
        ended = _count(len(user.participants), "connection")
        self.hub.shut_out(user, "disabled", "this account has been disabled")
        return f"{user.name} is disabled; {ended} ended"

    async def _enable(self, name: Name) -> str:
        user = self._find(name)
        if user.enabled:
            return f"{user.name} was enabled already"
        await self._accounts.set_enabled(user.identity, True)
        user.enabled = True
        return f"{user.name} is enabled"

    async def _delete(self, name: Name) -> str:
        user = self.hub.registry.account(name)
        if user is None or not (user.deleted and user.rooms):  # an earlier try may have left it in its rooms
            user = self._find(name)
        left, ended = _count(len(user.rooms), "room"), _count(len(user.participants), "connection")
        await self._accounts.delete(user.identity)
        self.hub.forget(user, _Nobody(self.hub.log.new_identity()))
        await self.hub.log.wait_durable()
        if user.rooms:
            raise ChatError(
                UNAVAILABLE,
                f"{user.name} is deleted, but still stands in its rooms, since the disk fails: delete it again later",
            )
        return f"{user.name} is deleted; {left} left, {ended} ended"

    def _find(self, name: Name) -> User:
        user = self.hub.registry.account(name)
        if user is None or user.deleted:
            why = f"there is no account {name.shown}" if user is None else f"the account {user.name} has been deleted"
            raise ChatError(NO_SUCH_USER, f"{why}; list shows those that there are")
        return user

    async def _secret(self, password: str) -> str:
        if self._hash is None:
            raise ChatError(
                NOT_ALLOWED, "passwords are kept where --auth says: whoever signs in with one has an account"
            )
        return await self._hash(password)


def _state(user: User) -> str:
    if not user.enabled:
        return "disabled"
    return "here" if user.participants else "away"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


class _Nobody:
    """By whom an account leaves its rooms that does not do so itself. (A core.interfaces.Participant.)"""

    def __init__(self, number: int) -> None:
        self.sender_number = number
        self.client_id, self.address, self.read_up_to = "", "", 0
        self.user: User | None = None
        self.routes: dict[str, Route] = {}

    def deliver(self, entry: Entry) -> None: ...

    def deliver_copy(self, entry: Entry) -> None: ...

    def acknowledge(self, entry: Entry) -> bool:
        return False

    def reject(self, entry: Entry, problem: ChatError) -> None: ...

    def presence_changed(self, who: int, before: str | None, now: str | None) -> None: ...

    def notify(self, code: str, sentence: str) -> None: ...

    def read_marker_moved(self, name: str, id: int) -> None: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def disconnect(self, code: str, sentence: str) -> None: ...

    def flush(self) -> None: ...
