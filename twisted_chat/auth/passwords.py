"""Password rules and password hashes.

A hash costs time and memory on purpose. It is computed on a thread of its own, so that
the chat goes on meanwhile. Networks take turns, and the waiting passwords of each have a limit.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError
from precis_i18n import get_profile
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.ratelimit import BUSY_WAIT_SECONDS, slow_down_error
from twisted_chat.core.turns import Turns

_log = Logger()

MAX_PASSWORD_BYTES = 1024
MAX_QUEUED_PASSWORDS = 64
"""For each first key of a turn, that is for each network."""
MAX_STARTED_PASSWORDS = 2
"""One is hashed, and the next is ready for the thread; the others wait for their turns."""
OPERATOR_TURN = ("operator",)
"""Not an address: what the operator asks for does not wait behind any network's passwords."""
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


class _Job(NamedTuple):
    answer: Deferred[Any]
    key: str
    function: Callable[..., Any]
    args: tuple[str, ...]


class Passwords:
    """Hashes passwords and compares them with hashes, one at a time, on the thread behind `run`.

    `turn` is a path of keys, such as a network and a name. The keys take turns (see Turns).
    """

    def __init__(self, run: Run, hasher: PasswordHasher = HASHER) -> None:
        self._run, self._hasher = run, hasher
        self._jobs: Turns[_Job] = Turns()
        self._queued: Counter[str] = Counter()
        self._started = 0

    async def hash(self, password: str, turn: Sequence[str] = OPERATOR_TURN) -> str:
        """Return the hash of a password. Raises ChatError: as `prepare_password`, and slow-down, unavailable."""
        text = prepare_password(password)
        try:
            secret: str = await self._queue(turn, self._hasher.hash, text)
        except Argon2Error as error:
            _unavailable(error)
        return secret

    async def verify(self, secret: str, password: str, turn: Sequence[str] = OPERATOR_TURN) -> bool:
        """Return True if `secret` is the hash of this password. Raises ChatError as `hash` does."""
        text = prepare_password(password)
        try:
            return bool(await self._queue(turn, self._hasher.verify, secret, text))
        except VerifyMismatchError:
            return False
        except (Argon2Error, InvalidHashError, UnicodeError) as error:
            _unavailable(error)

    def _queue(self, turn: Sequence[str], function: Callable[..., Any], *args: str) -> Deferred[Any]:
        key = turn[0]
        if self._queued[key] >= MAX_QUEUED_PASSWORDS:
            raise slow_down_error(Reason.TOO_MANY_SIGN_INS, BUSY_WAIT_SECONDS)
        self._queued[key] += 1
        answer: Deferred[Any] = Deferred()  # a second Deferred: cancelling it does not stop the thread's work
        self._jobs.add(turn, _Job(answer, key, function, args))
        self._start()
        return answer

    def _start(self) -> None:
        while self._jobs and self._started < MAX_STARTED_PASSWORDS:
            job = self._jobs.take()
            if job.answer.called:  # it was cancelled, so nothing needs to be hashed
                self._leave(job.key)
                continue
            self._started += 1
            self._run(job.function, *job.args).addBoth(self._done, job.key).chainDeferred(job.answer)

    def _done(self, result: object, key: str) -> object:
        self._started -= 1
        self._leave(key)
        self._start()
        return result

    def _leave(self, key: str) -> None:
        self._queued[key] -= 1
        if not self._queued[key]:
            del self._queued[key]


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
