"""Password rules and password hashes.

A hash costs time and memory on purpose. It is computed on a thread of its own, so that
the chat goes on meanwhile, and the number of waiting passwords has a limit.
"""

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError
from precis_i18n import get_profile
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_chat.auth.ratelimit import BUSY_WAIT_SECONDS, slow_down_error
from twisted_chat.core.errors import ChatError, Reason

_log = Logger()

MAX_PASSWORD_BYTES = 1024
MAX_QUEUED_PASSWORDS = 64
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Argon2id with 19 MiB: the minimum in OWASP's Password Storage Cheat Sheet."""
NICE_INCREMENT = 10

_opaque = get_profile("OpaqueString")

Run = Callable[..., Deferred[Any]]
"""Runs a function with its arguments on the hashing thread, as deferToThreadPool does."""


def prepare_password(password: str) -> str:
    """Return a password in the form that is hashed and compared (RFC 8265 section 4, OpaqueString).

    Raises ChatError: wrong-password for an empty password or a forbidden character, too-long.
    """
    if not password:
        raise ChatError(Reason.PASSWORD_EMPTY)
    if len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        raise ChatError(Reason.PASSWORD_LENGTH, max=MAX_PASSWORD_BYTES)
    try:
        return _opaque.enforce(password)
    except UnicodeError:
        pass  # it contains the password, so the ChatError must not be raised while it is handled
    raise ChatError(Reason.PASSWORD_CHARACTERS)


class Passwords:
    """Hashes passwords and compares them with hashes, one at a time, on the thread behind `run`."""

    def __init__(self, run: Run, hasher: PasswordHasher = HASHER) -> None:
        self._run, self._hasher = run, hasher
        self._queued = 0

    async def hash(self, password: str) -> str:
        """Return the hash of a password. Raises ChatError: as `prepare_password`, and slow-down, unavailable."""
        text = prepare_password(password)
        try:
            secret: str = await self._queue(self._hasher.hash, text)
        except Argon2Error as error:
            _unavailable(error)
        return secret

    async def verify(self, secret: str, password: str) -> bool:
        """Return True if `secret` is the hash of this password. Raises ChatError as `hash` does."""
        text = prepare_password(password)
        try:
            return bool(await self._queue(self._hasher.verify, secret, text))
        except VerifyMismatchError:
            return False
        except (Argon2Error, InvalidHashError, UnicodeError) as error:
            _unavailable(error)

    def _queue(self, function: Callable[..., Any], *args: str) -> Deferred[Any]:
        if self._queued >= MAX_QUEUED_PASSWORDS:
            raise slow_down_error(Reason.TOO_MANY_SIGN_INS, BUSY_WAIT_SECONDS)
        self._queued += 1
        answer: Deferred[Any] = Deferred()  # a second Deferred: cancelling it does not stop the thread's work
        self._run(function, *args).addBoth(self._done).chainDeferred(answer)
        return answer

    def _done(self, result: object) -> object:
        self._queued -= 1
        return result


def _unavailable(error: Exception) -> NoReturn:
    _log.error(
        "could not hash or compare a password, so the request was refused: {kind}: {problem}",
        kind=type(error).__name__,
        problem=str(error),
    )
    raise ChatError(Reason.PASSWORDS_UNCHECKED) from None


def lower_priority() -> None:
    """Lower the priority of the calling thread, so that hashing does not slow the chat down."""
    if sys.platform == "linux":  # elsewhere nice() changes the whole process
        os.nice(NICE_INCREMENT)
