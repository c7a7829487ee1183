"""The authenticator for accounts whose passwords are stored elsewhere: it asks checkers of twisted.cred."""

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

from twisted_chat.auth.guard import LoginThrottle
from twisted_chat.auth.passwords import prepare_password
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Verified
from twisted_chat.core.names import Name, user_name

_log = Logger()

CHECKER_TIMEOUT_SECONDS = 30


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

    def __init__(self, checkers: Iterable[ICredentialsChecker], clock: IReactorTime) -> None:
        self._portals = [Portal(_NameRealm(), [_with_bytes(checker)]) for checker in checkers]
        self._clock, self._throttle = clock, LoginThrottle(clock)

    async def verify(self, name: Name, identity: int | None, password: str, address: str) -> Verified:
        async def check() -> Verified:
            return Verified(_name(await self._avatar(name, prepare_password(password))))

        return await self._throttle.attempt(name, address, check)

    async def change(self, name: Name, identity: int, old: str, new: str, address: str) -> str:
        raise ChatError(Reason.PASSWORDS_ELSEWHERE)

    async def _avatar(self, name: Name, password: str) -> object:
        """Return the name from the first checker that accepts the password."""
        failed = False
        for portal in self._portals:
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
