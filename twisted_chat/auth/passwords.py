"""Password rules and password hashes.

A hash costs time and memory on purpose. It is computed on threads of its own, so that
the chat goes on meanwhile. Networks take turns, and the waiting passwords of each have a limit.
"""

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError
from precis_i18n import get_profile
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_chat.auth.common import is_common
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.limits import MAX_HELD_SHOWN, LimitRow
from twisted_chat.core.names import Name
from twisted_chat.core.ratelimit import BUSY_WAIT_SECONDS, slow_down_error
from twisted_chat.core.turns import Turns

_log = Logger()

T = TypeVar("T")

MIN_PASSWORD_CHARACTERS = 8
"""Of a new password; those that were set before go on working."""
MIN_CHARACTERS_BESIDE_NAME = 5
"""Characters of a new password that remain when the name is taken out of it."""
MAX_PASSWORD_BYTES = 1024
MAX_QUEUED_PASSWORDS = 64
"""For each first key of a turn, that is for each network."""
HASHING_THREADS = min(2, os.cpu_count() or 1)
"""Argon2 lets other threads run meanwhile; two hash twice as many, with 19 MiB each."""
MAX_STARTED_PASSWORDS = HASHING_THREADS + 1
"""One is hashed by each thread, and the next is ready for them; the others wait for their turns."""
MAX_STARTED_PER_NETWORK = max(HASHING_THREADS - 1, 1)
"""So a network that signs in again and again leaves a thread to others, and a core to the chat."""
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


def check_new_password(password: str, name: Name) -> None:
    """Check a password that an account is to have from now on, as NIST SP 800-63B has it.

    Raises ChatError as `prepare_password`, and wrong-password for one that is short, common, or little more
    than the name.
    """
    text = prepare_password(password)
    if len(text) < MIN_PASSWORD_CHARACTERS:
        raise ChatError(Reason.PASSWORD_SHORT, min=MIN_PASSWORD_CHARACTERS)
    folded = text.casefold()
    for part in {name.key.casefold(), name.shown.casefold(), name.shown.casefold()[::-1]}:
        rest = folded.replace(part, "")
        if rest != folded and (len(rest) < MIN_CHARACTERS_BESIDE_NAME or _is_weak(rest)):
            raise ChatError(Reason.PASSWORD_IS_NAME)
    if is_common(text):
        raise ChatError(Reason.PASSWORD_COMMON)


def _is_weak(rest: str) -> bool:
    """Return True if what a password has besides the name is a common one itself, or a few digits and signs."""
    return is_common(rest) or (len(rest) < MIN_PASSWORD_CHARACTERS and not any(map(str.isalpha, rest)))


class _Job(NamedTuple):
    answer: Deferred[Any]
    key: str
    function: Callable[..., Any]
    args: tuple[str, ...]


class Passwords:
    """Hashes passwords and compares them with hashes, a few at a time, on the threads behind `run`.

    `turn` is a path of keys, such as a network and a name. The keys take turns (see Turns).
    """

    def __init__(self, run: Run, hasher: PasswordHasher = HASHER) -> None:
        self._run, self._hasher = run, hasher
        self._jobs: Turns[_Job] = Turns()
        self._queued: Counter[str] = Counter()
        self._started: Counter[str] = Counter()

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

    def rows(self) -> list[LimitRow]:
        """Return the limit for `twisted-chat limits`."""
        held = [f"{key} ({count} wait)" for key, count in self._queued.most_common(MAX_HELD_SHOWN)]
        bound = (
            f"{MAX_QUEUED_PASSWORDS}; {HASHING_THREADS} are hashed at a time, {MAX_STARTED_PER_NETWORK} of a network"
        )
        return [LimitRow("passwords of a network that wait to be hashed", bound, str(sum(self._queued.values())), held)]

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
        while self._started.total() < MAX_STARTED_PASSWORDS:
            busy = [key for key, count in self._started.items() if count >= MAX_STARTED_PER_NETWORK]
            job = self._jobs.take_except(busy)
            if job is None:
                return
            if job.answer.called:  # it was cancelled, so nothing needs to be hashed
                self._leave(job.key)
                continue
            self._started[job.key] += 1
            self._run(job.function, *job.args).addBoth(self._done, job.key).chainDeferred(job.answer)

    def _done(self, result: object, key: str) -> object:
        self._started[key] -= 1
        if not self._started[key]:
            del self._started[key]
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


_thread = threading.local()


def at_low_priority(function: Callable[..., T], *args: Any) -> T:
    """Call a function with the calling thread's priority lowered, so that hashing does not slow the chat down."""
    if sys.platform == "linux" and not hasattr(_thread, "lowered"):  # elsewhere nice() changes the whole process
        os.nice(NICE_INCREMENT)
        _thread.lowered = True
    return function(*args)
