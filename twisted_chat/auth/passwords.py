"""Passwords: what one may be, and their hashes.

Hashing costs time and memory on purpose. It is done on one thread of its own, so that
the chat goes on, and only so much of it may wait.
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

from twisted_chat.auth.ratelimit import slow_down
from twisted_chat.core.errors import TOO_LONG, UNAVAILABLE, WRONG_PASSWORD, ChatError

_log = Logger()

LONGEST = 1024
"""Bytes of a password, in UTF-8."""
WAITING = 64
"""Passwords that are hashed or wait for it."""
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Argon2id with 19 MiB: the least that OWASP's Password Storage Cheat Sheet asks for."""

_opaque = get_profile("OpaqueString")

Run = Callable[..., Deferred[Any]]
"""Runs a function with its arguments on the one thread that hashes, as deferToThreadPool does."""


def prepared(password: str) -> str:
    """A password as it is compared (RFC 8265 section 4, OpaqueString).

    Raises ChatError: wrong-password for an empty one or for what no password can be, too-long.
    """
    if not password:
        raise ChatError(WRONG_PASSWORD, "a password is not empty")
    if len(password.encode("utf-8", "surrogatepass")) > LONGEST:
        raise ChatError(TOO_LONG, f"a password has at most {LONGEST} bytes")
    try:
        return _opaque.enforce(password)
    except UnicodeError:
        pass  # which would show the password, so what is raised must not hold it
    raise ChatError(WRONG_PASSWORD, "a password is letters, digits, signs and spaces, and nothing that is invisible")


class Passwords:
    """Hashes passwords, and compares them with hashes, one at a time. `run` gives work to the thread that does it."""

    def __init__(self, run: Run, hasher: PasswordHasher = HASHER) -> None:
        self._run, self._hasher = run, hasher
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """What to keep of a password. Raises ChatError: as `prepared`, and slow-down, unavailable."""
        text = prepared(password)
        try:
            secret: str = await self._queue(self._hasher.hash, text)
        except Argon2Error as problem:
            _unavailable(problem)
        return secret

    async def verify(self, secret: str, password: str) -> bool:
        """Whether a password is the one that `secret` is the hash of. Raises ChatError as `hash`."""
        text = prepared(password)
        try:
            return bool(await self._queue(self._hasher.verify, secret, text))
        except VerifyMismatchError:
            return False
        except (Argon2Error, InvalidHashError, UnicodeError) as problem:
            _unavailable(problem)

    def _queue(self, function: Callable[..., Any], *args: str) -> Deferred[Any]:
        if self._waiting >= WAITING:
            raise slow_down("many passwords are checked just now", 2)
        self._waiting += 1
        answer: Deferred[Any] = Deferred()  # of its own: the work goes on when nobody waits for it any more
        self._run(function, *args).addBoth(self._done).chainDeferred(answer)
        return answer

    def _done(self, result: object) -> object:
        self._waiting -= 1
        return result


def _unavailable(problem: Exception) -> NoReturn:
    _log.error(
        "A password could not be hashed or compared. {kind}: {problem}",
        kind=type(problem).__name__,
        problem=str(problem),
    )
    raise ChatError(
        UNAVAILABLE, "passwords cannot be checked just now: try again later, or tell the operator"
    ) from None


def step_back() -> None:
    """Let the other threads go first: for the thread that hashes to call."""
    if sys.platform == "linux":  # elsewhere it would mean the whole process
        os.nice(10)
