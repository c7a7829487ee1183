"""The operator's changes to accounts, in a running server or in its file while no server runs."""

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import NamedTuple

from twisted.internet.defer import DeferredLock

from twisted_chat.auth.passwords import check_new_password
from twisted_chat.core.errors import ChatError, Notice, Reason
from twisted_chat.core.hub import MAX_ACCOUNTS, Hub
from twisted_chat.core.interfaces import Accounts
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.participants import Entry, Route, User

ACCOUNTS_PER_PAGE = 500
"""Accounts in one answer to the operator: few enough that nothing else waits for it."""

OPERATOR = "the operator"

Hash = Callable[[str], Awaitable[str]]


class AccountRow(NamedTuple):
    """An account in the operator's list.

    `state` is "disabled", "here" (with a connection) or "away" (without one). `made` is the
    time at which the account was created, in milliseconds since 1970, UTC.
    """

    name: str
    state: str
    connections: int
    rooms: int
    made: int


class AccountAdmin:
    """Changes the `accounts` of a hub, one change after the other.

    `hash` returns a password's hash; it is None if passwords are stored elsewhere. `check_new` raises
    ChatError for a password that is too weak. Each change is told to the hub's audit. It
    returns a sentence that says what was done, even if there was nothing to do, and raises
    ChatError if it is not possible.
    """

    def __init__(
        self,
        hub: Hub,
        accounts: Accounts,
        hash: Hash | None,
        check_new: Callable[[str, Name], object] = check_new_password,
    ) -> None:
        self.hub, self._accounts, self._hash, self._check_new = hub, accounts, hash, check_new
        self._lock = DeferredLock()

    @property
    def stores_passwords(self) -> bool:
        """Return True if the server stores the passwords' hashes itself."""
        return self._hash is not None

    def page(self, after: str = "") -> list[AccountRow]:
        """Return the next ACCOUNTS_PER_PAGE accounts behind the name `after`, sorted by their keys."""
        users = self.hub.registry.accounts(user_name(after).key if after else "")
        return [
            AccountRow(user.name, _state(user), len(user.participants), len(user.rooms), user.created_at)
            for user in islice(users, ACCOUNTS_PER_PAGE)
        ]

    async def create(self, name: str, password: str) -> str:
        """Create an account. Raises ChatError: bad-name, name-taken, and for a forbidden password."""
        return await self._one_at_a_time(self._create, user_name(name), password)

    async def set_password(self, name: str, password: str) -> str:
        """Set an account's password, and end its connections, which may be an intruder's."""
        return await self._one_at_a_time(self._set_password, user_name(name), password)

    async def disable(self, name: str) -> str:
        """Disable an account: end its connections and refuse new ones."""
        return await self._one_at_a_time(self._disable, user_name(name))

    async def enable(self, name: str) -> str:
        """Enable a disabled account again."""
        return await self._one_at_a_time(self._enable, user_name(name))

    async def delete(self, name: str) -> str:
        """Delete an account: it leaves its rooms; its messages stay, and its name stays taken."""
        return await self._one_at_a_time(self._delete, user_name(name))

    async def _one_at_a_time(self, change: Callable[..., Awaitable[str]], *values: object) -> str:
        await self._lock.acquire()
        try:
            return await change(*values)
        finally:
            self._lock.release()

    async def _create(self, name: Name, password: str) -> str:
        registry = self.hub.registry
        user = registry.account(name)
        if user is not None:
            reason = Reason.NAME_OF_DELETED_ACCOUNT if user.deleted else Reason.ACCOUNT_EXISTS
            raise ChatError(reason, name=user.name)
        if registry.account_count >= MAX_ACCOUNTS:
            raise ChatError(Reason.TOO_MANY_ACCOUNTS, max=MAX_ACCOUNTS)
        registry.claim(name)
        try:
            registry.add_account(await self._accounts.create(name, await self._secret(name, password)))
        finally:
            registry.unclaim(name)
        self.hub.audit.account_changed("created", name.shown, OPERATOR)
        return f"created the account {name.shown}"

    async def _set_password(self, name: Name, password: str) -> str:
        user = self._find(name)
        await self._accounts.set_secret(user.identity, await self._secret(name, password))
        self.hub.audit.account_changed("password set", user.name, OPERATOR)
        connections = len(user.participants)
        self.hub.password_changed(user)
        ended = f"; {_count(connections, 'connection')} ended" if connections else ""
        return f"changed the password of {user.name}{ended}"

    async def _disable(self, name: Name) -> str:
        user = self._find(name)
        if not user.enabled:
            return f"{user.name} is already disabled"
        await self._accounts.set_enabled(user.identity, False)
        self.hub.audit.account_changed("disabled", user.name, OPERATOR)
        user.enabled = False
        user.version += 1
        connections = _count(len(user.participants), "connection")
        self.hub.disconnect_user(user, Notice.DISABLED)
        return f"{user.name} is disabled; {connections} ended"

    async def _enable(self, name: Name) -> str:
        user = self._find(name)
        if user.enabled:
            return f"{user.name} is already enabled"
        await self._accounts.set_enabled(user.identity, True)
        self.hub.audit.account_changed("enabled", user.name, OPERATOR)
        user.enabled = True
        user.version += 1
        return f"{user.name} is enabled"

    async def _delete(self, name: Name) -> str:
        user = self.hub.registry.account(name)
        if user is None or not (user.deleted and user.rooms):  # if the log failed, it is deleted but in its rooms
            user = self._find(name)
        rooms, connections = _count(len(user.rooms), "room"), _count(len(user.participants), "connection")
        await self._accounts.delete(user.identity)
        self.hub.audit.account_changed("deleted", user.name, OPERATOR)
        self.hub.remove(user, OperatorParticipant(self.hub.log.new_identity()))
        await self.hub.log.wait_durable()
        if user.rooms:
            raise ChatError(Reason.STILL_IN_ROOMS, name=user.name)
        return f"{user.name} is deleted; it left {rooms}, and {connections} ended"

    def _find(self, name: Name) -> User:
        user = self.hub.registry.account(name)
        if user is None or user.deleted:
            reason = Reason.UNKNOWN_ACCOUNT if user is None else Reason.DELETED_ACCOUNT
            raise ChatError(reason, name=name.shown)
        return user

    async def _secret(self, name: Name, password: str) -> str:
        if self._hash is None:
            raise ChatError(Reason.PASSWORDS_ELSEWHERE)
        self._check_new(password, name)
        return await self._hash(password)


def _state(user: User) -> str:
    if not user.enabled:
        return "disabled"
    return "here" if user.participants else "away"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


class OperatorParticipant:
    """The sender of the leave records of an account that the operator deletes; it receives nothing.

    Implements core.participants.Participant.
    """

    def __init__(self, sender_number: int) -> None:
        self.sender_number = sender_number
        self.client_id, self.address, self.door, self.read_up_to = "", "", "", 0
        self.user: User | None = None
        self.routes: dict[str, Route] = {}
        self.unstored = self.credit = self.max_rooms = self.max_routes = 0

    def deliver(self, entry: Entry) -> None: ...

    def deliver_copy(self, entry: Entry) -> None: ...

    def acknowledge(self, entry: Entry) -> bool:
        return False

    def reject(self, entry: Entry, error: ChatError) -> None: ...

    def all_stored(self) -> None: ...

    def presence_changed(self, identity: int, before: str | None, now: str | None) -> None: ...

    def crowd_changed(self, news: object) -> None: ...

    def notify(self, notice: Notice, detail: str = "") -> None: ...

    def read_marker_moved(self, name: str, id: int) -> None: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def disconnect(self, notice: Notice, detail: str = "") -> None: ...

    def flush(self) -> None: ...
