"""The textbook's client: it sends commands without line endings and reads with one recv.

Its first read is, whole, one valid `register,<name>`, and 50 ms pass with nothing
more. From then on one read is one command, until it sends its first line ending.
It takes the recv that follows `list,friends` for the whole list, so what others say
to it is held meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twisted_chat.core.errors import BAD_COMMAND, ChatError
from twisted_chat.core.names import user_name
from twisted_chat.doors.line.dialects import LESSON, PLAIN
from twisted_chat.wire.line import ParseError, parse

if TYPE_CHECKING:
    from twisted_chat.doors.line.protocol import ChatProtocol

SILENCE = 0.05
"""Seconds with nothing more, after which a first read without an ending is the lesson's."""
HELD_WITHOUT_LIST = 10.0
"""Seconds from `ack` for which messages are held, when no list is asked for."""
HELD_AFTER_LIST = 1.0
"""Seconds from the list's answer for which messages are held."""


class Lesson:
    """What a connection may yet be, or is: the lesson's client."""

    def __init__(self, connection: ChatProtocol, clock: IReactorTime) -> None:
        self._connection, self._clock = connection, clock
        self._first = b""
        self._timer: IDelayedCall | None = None
        self._sure = False
        self._unended = False

    def take(self, data: bytes) -> bytes:
        """Take a read; gives back the bytes that are lines after all, or none."""
        connection = self._connection
        if self._sure and b"\n" not in data:
            self._unended = False
            self._command(data)
            return b""
        if not self._sure and not self._first and _is_register(data):
            self._first = data
            self._restart(SILENCE, self._silent)
            return b""
        self.stop()
        connection.lesson = None
        if not self._sure:
            return self._first + data
        connection.speak(PLAIN)
        connection.session.release()
        if self._unended:  # `register` was a line whose ending came late: now its answer gets one too
            connection.sendLine(b"")
            data = data.removeprefix(b"\r").removeprefix(b"\n")
        return data

    def end(self) -> bytes:
        """At the end of input: gives back what was read and not carried out."""
        self.stop()
        return b"" if self._sure else self._first

    def stop(self) -> None:
        """Forget what was to happen later."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _silent(self) -> None:
        self._sure = True
        self._connection.speak(LESSON)
        self._command(self._first)
        self._unended = self._connection.session.user is not None

    def _command(self, data: bytes) -> None:
        if data.count(b",") > 1:
            self._connection.refuse(None, ChatError(BAD_COMMAND, "without line endings a command has two fields"))
            self._connection.session.flush()
            return
        session = self._connection.session
        nameless = session.user is None
        self._connection.request(data)
        if nameless and session.user is not None:
            session.hold()
            self._restart(HELD_WITHOUT_LIST, session.release)
        elif data.startswith(b"list,") and not nameless:
            self._restart(HELD_AFTER_LIST, session.release)

    def _restart(self, seconds: float, then: Callable[[], None]) -> None:
        self.stop()
        self._timer = self._clock.callLater(seconds, then)


def _is_register(data: bytes) -> bool:
    """Whether a read is, whole, one `register,<name>` with a name that may be."""
    try:
        label, verb, rest = parse(data)
        return label is None and verb == "register" and rest is not None and bool(user_name(rest))
    except (ParseError, ChatError):
        return False
