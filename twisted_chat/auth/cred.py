"""The authenticator for accounts whose passwords are stored elsewhere: it asks checkers of twisted.cred."""

import os
import traceback
from collections.abc import Callable, Iterable

from twisted.cred.checkers import FilePasswordDB, ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import Interface, implementer

from twisted_chat.auth.guard import LoginThrottle, turn_of
from twisted_chat.auth.passwords import prepare_password
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Accounts, Verified
from twisted_chat.core.limits import LimitRow
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.turns import Turns

_log = Logger()

CHECKER_TIMEOUT_SECONDS = 30
MAX_CHECKS = 16
"""Checks of passwords that are under way; further ones wait, and the networks and names take turns."""


class IAccountName(Interface):
    """The name that a checker returned: bytes, text, or ANONYMOUS."""


@implementer(IRealm)
class _NameRealm:
    """A realm that returns the checker's name as the avatar."""

    def requestAvatar(
        self, avatarId: object, mind: object, *interfaces: object
    ) -> tuple[type[Interface], object, Callable[[], None]]:
        return IAccountName, avatarId, lambda: None


class Cred:
    """Asks `checkers` for IUsernamePassword in turn until one accepts the password.

    A checker gets the name as the client typed it and the password as RFC 8265 prepares it,
    both in UTF-8. Implements core.interfaces.Authenticator.
    """

    makes_accounts = False

    def __init__(
        self, checkers: Iterable[ICredentialsChecker], clock: IReactorTime, accounts: Accounts | None = None
    ) -> None:
        self._checkers = list(checkers)
        self._portals = [Portal(_NameRealm(), [_with_bytes(checker)]) for checker in self._checkers]
        self._clock, self._throttle, self._accounts = clock, LoginThrottle(clock), accounts
        self._waiting: Turns[Deferred[None]] = Turns()
        self._running = 0

    def unreadable_files(self) -> list[str]:
        """Return what is wrong with each file of passwords that cannot be read now."""
        return [problem for checker in self._checkers if (problem := _file_problem(checker))]

    async def verify(self, name: Name, identity: int | None, password: str, address: str) -> Verified:
        prepared = prepare_password(password)

        async def check() -> Verified:
            await self._turn(name, address)
            try:
                return Verified(_name(await self._avatar(name, prepared)))
            finally:
                self._running -= 1
                self._start()

        if identity is not None and self._accounts is not None:
            accounts, account = self._accounts, identity
            await self._throttle.know(name, lambda: accounts.networks(account))
        return await self._throttle.attempt(name, address, check)

    async def refuse_unknown(self, name: Name, address: str) -> None:
        await self._throttle.refuse_unknown(name, address)

    async def change(self, name: Name, identity: int, old: str | None, new: str, address: str) -> str:
        raise ChatError(Reason.PASSWORDS_ELSEWHERE)

    def rows(self) -> list[LimitRow]:
        """Return the limits for `twisted-chat limits`."""
        now = f"{self._running} checked"
        return [*self._throttle.rows(), LimitRow("passwords that are checked at a time", str(MAX_CHECKS), now)]

    async def _turn(self, name: Name, address: str) -> None:
        """Wait until fewer than MAX_CHECKS are under way, in turn with the other networks and names."""
        turn: Deferred[None] = Deferred()
        self._waiting.add(turn_of(name, address), turn)
        self._start()
        await turn

    def _start(self) -> None:
        while self._waiting and self._running < MAX_CHECKS:
            turn = self._waiting.take()
            if not turn.called:  # otherwise it was cancelled
                self._running += 1
                turn.callback(None)

    async def _avatar(self, name: Name, password: str) -> object:
        """Return the name from the first checker that accepts the password."""
        failed = False
        for checker, portal in zip(self._checkers, self._portals, strict=True):
            problem = _file_problem(checker)
            if problem:  # the checker would say that the password is wrong
                _log.error("{problem}; sign-ins are refused until it can be read", problem=problem)
                failed = True
                continue
            credentials = UsernamePassword(name.shown.encode(), password.encode())
            try:
                login = portal.login(credentials, None, IAccountName).addTimeout(CHECKER_TIMEOUT_SECONDS, self._clock)
                _, avatar, _ = await login
                return avatar
            except UnauthorizedLogin:
                pass
            except CancelledError:
                raise
            except Exception as error:
                _log_failure(error)
                failed = True
        if failed:
            raise ChatError(Reason.PASSWORDS_UNCHECKED)
        raise ChatError(Reason.PASSWORD_MISMATCH, name=name.shown)


def _with_bytes(checker: ICredentialsChecker) -> ICredentialsChecker:
    """Return a checker that compares bytes, as cred does: strcred's `memory` checker stores text."""
    if not isinstance(checker, InMemoryUsernamePasswordDatabaseDontUse):
        return checker
    same = InMemoryUsernamePasswordDatabaseDontUse()
    for name, password in checker.users.items():
        same.addUser(_bytes(name), _bytes(password))
    return same


def _file_problem(checker: ICredentialsChecker) -> str:
    """Return why the file of a checker cannot be used now; "" if it can, or if the checker has none."""
    if not isinstance(checker, FilePasswordDB):
        return ""
    path = os.fsdecode(checker.filename)
    try:
        with open(path, "rb") as file:
            return "" if file.read(1) else f"the file of passwords {path} is empty"
    except OSError as problem:
        return f"cannot read the file of passwords {path}: {problem.strerror}"


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _name(avatar: object) -> Name:
    """Return a checker's name as a user name; raise ChatError(wrong-password) if a user cannot have that name."""
    try:
        if isinstance(avatar, str | bytes):
            return user_name(avatar if isinstance(avatar, str) else avatar.decode())
    except (ChatError, UnicodeDecodeError):
        pass
    raise ChatError(Reason.NO_USABLE_NAME)


def _log_failure(error: Exception) -> None:
    """Log where a checker failed, and the kind of error; its message may contain the password and is left out."""
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error("a checker for passwords failed: {kind}\n{where}", kind=type(error).__name__, where=where)
