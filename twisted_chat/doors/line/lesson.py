"""Detect and serve the textbook's client, which sends commands without line endings and reads with one recv.

Its first read is, whole, one valid `register,<name>`, and 50 ms pass with nothing
more. From then on one read is one command, until the client sends its first line ending.
The client takes the recv after `list,friends` for the whole list, so messages to it are
held until then.

    state    event                                    → state
    FIRST    a read that is one `register,<name>`     → PENDING   wait for 50 ms
    FIRST    any other read                           → (over)    the read is lines
    PENDING  50 ms pass                               → LESSON    carry out the command
    PENDING  another read                             → (over)    both reads are lines
    LESSON   a read without a line ending             → LESSON    carry out the command
    LESSON   a read with a line ending                → (over)    the read is lines, and the client a person
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import user_name
from twisted_chat.doors.line.dialects import LESSON as LESSON_DIALECT
from twisted_chat.doors.line.dialects import PLAIN
from twisted_chat.doors.line.requests import LineConnection
from twisted_chat.wire.errors import BAD_COMMAND, ParseError
from twisted_chat.wire.line import parse

SILENCE_SECONDS = 0.05
"""Seconds with nothing more, after which a first read without a line ending is the lesson's."""
HOLD_WITHOUT_LIST_SECONDS = 10.0
"""Seconds from `ack` for which messages are held, when no list is asked for."""
HOLD_AFTER_LIST_SECONDS = 1.0
"""Seconds from the list's answer for which messages are held."""


class State(Enum):
    """The state of the detection; see the table in the head of this file."""

    FIRST = "first"
    PENDING = "pending"
    LESSON = "lesson"


FIRST, PENDING, LESSON = State


class LessonConnection(LineConnection, Protocol):
    """The part of the connection that this detector uses, beside what a verb uses."""

    lesson: Lesson | None

    def request(self, line: bytes) -> None:
        """Carry out one line."""

    def in_turn(self, work: Callable[[], None]) -> None:
        """Do work at once, or when it is this connection's turn; a request in it is carried out at once."""

    def refuse(self, label: str | None, problem: ParseError) -> None:
        """Answer a request that was not carried out."""


class Lesson:
    """Takes the reads of a connection that may be the lesson's client, and carries out its commands."""

    def __init__(self, connection: LessonConnection, clock: IReactorTime) -> None:
        self._connection, self._clock = connection, clock
        self._state = FIRST
        self._first = b""
        self._timer: IDelayedCall | None = None
        self._late_ending = False  # `register` was a line whose ending may come in the next read

    def take(self, data: bytes) -> bytes:
        """Take a read. Returns the bytes that are lines after all, or none."""
        connection = self._connection
        if self._state is LESSON and b"\n" not in data:
            self._late_ending = False
            self._carry_out(data)
            return b""
        if self._state is FIRST and _is_register(data):
            self._state, self._first = PENDING, data
            self._restart(SILENCE_SECONDS, self._silent)
            return b""
        self.stop()
        connection.lesson = None
        if self._state is not LESSON:
            return self._first + data
        connection.speak(PLAIN)
        connection.session.catchup.release()
        if self._late_ending:  # now its answer gets an ending, too
            connection.sendLine(b"")
            data = data.removeprefix(b"\r").removeprefix(b"\n")
        return data

    def end(self) -> bytes:
        """Return what was read and not carried out, at the end of input."""
        self.stop()
        return self._first if self._state is PENDING else b""

    def stop(self) -> None:
        """Cancel what was to happen later."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _silent(self) -> None:
        self._state = LESSON
        self._connection.speak(LESSON_DIALECT)
        self._connection.in_turn(self._carry_out_first)

    def _carry_out_first(self) -> None:
        if self._connection.lesson is self:  # it has not gone on with lines meanwhile
            self._carry_out_now(self._first)
            self._late_ending = self._connection.session.user is not None

    def _carry_out(self, data: bytes) -> None:
        self._connection.in_turn(partial(self._carry_out_now, data))

    def _carry_out_now(self, data: bytes) -> None:
        session = self._connection.session
        if data.count(b",") > 1:
            sentence = "a command without a line ending has at most two fields; end the line with a line feed"
            self._connection.refuse(None, ParseError(BAD_COMMAND, sentence))
            session.flush()
            return
        unregistered = session.user is None
        self._connection.request(data)
        if unregistered and session.user is not None:
            session.catchup.hold()
            self._restart(HOLD_WITHOUT_LIST_SECONDS, session.catchup.release)
        elif data.startswith(b"list,") and not unregistered:
            self._restart(HOLD_AFTER_LIST_SECONDS, session.catchup.release)

    def _restart(self, seconds: float, then: Callable[[], None]) -> None:
        self.stop()
        self._timer = self._clock.callLater(seconds, then)


def _is_register(data: bytes) -> bool:
    """Return True for a read that is, whole, one `register,<name>` with a valid name."""
    try:
        label, verb, rest = parse(data)
        return label is None and verb == "register" and rest is not None and bool(user_name(rest))
    except (ParseError, ChatError):
        return False
