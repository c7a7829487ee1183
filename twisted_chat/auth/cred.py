"""Accounts whose passwords are kept elsewhere: twisted.cred's checkers decide."""

import traceback
from collections.abc import Callable, Iterable

from twisted.cred.checkers import ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import Interface, implementer

from twisted_chat.auth.guard import Guard
from twisted_chat.auth.passwords import prepared
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Verified
from twisted_chat.core.names import Name, user_name

_log = Logger()

PATIENCE = 30
"""Seconds that a checker may take."""


class IAccountName(Interface):
    """Whose password it was, as the checker says: bytes, text, or ANONYMOUS."""


@implementer(IRealm)
class _Names:
    """A realm in which everybody's avatar is the name."""

    def requestAvatar(
        self, avatarId: object, mind: object, *interfaces: object
    ) -> tuple[type[Interface], object, Callable[[], None]]:
        return IAccountName, avatarId, lambda: None


class Cred:
    """Asks `checkers`, of IUsernamePassword, one after the other. (A core.interfaces.Authenticator.)

    They are given the name as it was typed, and the password as RFC 8265 prepares it, both in UTF-8.
    """

    def __init__(self, checkers: Iterable[ICredentialsChecker], clock: IReactorTime) -> None:
        self._portals = [Portal(_Names(), [_with_bytes(checker)]) for checker in checkers]
        self._clock, self._guard = clock, Guard(clock)

    async def verify(self, name: Name, identity: int | None, password: str, address: str) -> Verified:
        async def check() -> Verified:
            return Verified(_name(await self._avatar(name, prepared(password))))

        return await self._guard.attempt(name, address, check)

    async def change(self, name: Name, identity: int, old: str, new: str, address: str) -> str:
        raise ChatError(Reason.PASSWORDS_ELSEWHERE)

    async def _avatar(self, name: Name, password: str) -> object:
        """The name that the first checker gives which knows the password."""
        failed = False
        for portal in self._portals:
            credentials = UsernamePassword(name.shown.encode(), password.encode())
            try:
                login = portal.login(credentials, None, IAccountName).addTimeout(PATIENCE, self._clock)
                _, avatar, _ = await login
                return avatar
            except UnauthorizedLogin:
                pass
            except CancelledError:
                raise
            except Exception as problem:
                _report(problem)
                failed = True
        if failed:
            raise ChatError(Reason.PASSWORDS_UNCHECKED)
        raise ChatError(Reason.PASSWORD_MISMATCH, name=name.shown)


def _with_bytes(checker: ICredentialsChecker) -> ICredentialsChecker:
    """The same; but strcred's `memory` keeps text, where cred means bytes."""
    if not isinstance(checker, InMemoryUsernamePasswordDatabaseDontUse):
        return checker
    same = InMemoryUsernamePasswordDatabaseDontUse()
    for name, password in checker.users.items():
        same.addUser(_bytes(name), _bytes(password))
    return same


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _name(avatar: object) -> Name:
    """The name that a checker has given; raises ChatError(wrong-password) for none that a user may have."""
    try:
        if isinstance(avatar, str | bytes):
            return user_name(avatar if isinstance(avatar, str) else avatar.decode())
    except (ChatError, UnicodeDecodeError):
        pass
    raise ChatError(Reason.NO_USABLE_NAME)


def _report(problem: Exception) -> None:
    """Say where a checker failed, and by what; its message may hold the password, and is left out."""
    where = "".join(traceback.format_tb(problem.__traceback__))
    _log.error("A checker of passwords failed: {kind}\n{where}", kind=type(problem).__name__, where=where)
