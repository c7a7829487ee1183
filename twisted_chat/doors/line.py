"""The line door: the protocol that `nc`, the lesson's client and programs speak.

A read is split once into lines; each becomes a request, a row of the command table
and a call of the hub. What all the reads of a turn say is flushed once.
"""

from __future__ import annotations

from collections.abc import Coroutine
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.core.errors import BAD_COMMAND, NOT_REGISTERED, UNAVAILABLE, ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.doors.commands import COMMANDS, Command, Result
from twisted_chat.doors.dialects import EVENTS, PLAIN, Answer, Dialect
from twisted_chat.doors.lesson import Lesson
from twisted_chat.doors.session import Session
from twisted_chat.doors.transport import Transport
from twisted_chat.wire.line import LONGEST, LineError, error, escape, is_plain, label_of, parse, unescape

if TYPE_CHECKING:
    from twisted_chat.doors.factory import ChatFactory

_log = Logger()

SLICE = 256
"""Requests of one connection that are carried out before the others have their turn."""
UNSTORED = 1000
"""What one connection has said that the log does not have yet, past which it is not read from."""
CLOSING = 10.0
"""Seconds that a client has to read the last words."""
WENT_WRONG = "that went wrong at the server, which has noted why; it was not carried out"
HINT = "* say register,<name> to take a name, and help to see what else there is"

Problem = ChatError | LineError


@implementer(IHalfCloseableProtocol)
class ChatProtocol(Protocol):
    """One connection that speaks lines, in one of the three dialects.

    A subclass adds verbs by extending `commands`, or looks at every line in
    `lineReceived`.
    """

    commands: dict[str, Command] = COMMANDS
    delimiter = b"\n"
    factory: ChatFactory
    transport: Transport  # type: ignore[assignment]  # Protocol says no more than ITransport

    def __init__(self) -> None:
        self.heard = True
        self.silences = 0
        self._hinted = self._skipping = self._plain = self._pumping = False
        self._stuck = self._paused = self._ended = self._closed = False
        self._held: tuple[str | None, Result | Problem] | None = None
        self._closing: IDelayedCall | None = None
        self._lines: list[bytes] = []  # the next one is the last
        self._tail = b""
        self._again, self._to = b"\n", ""  # how the last lines began, up to the text, and to whom they spoke

    def connectionMade(self) -> None:
        self.hub: Hub = self.factory.hub
        self.session: Session = self.factory.session(self.transport, self)
        self.lesson: Lesson | None = Lesson(self, self.factory.clock)
        self.factory.connections.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.connections.discard(self)
        if self.lesson is not None:
            self.lesson.stop()
            self.lesson = None
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        if self._held is not None and iscoroutine(self._held[1]):
            self._held[1].close()
        self._closed, self._lines, self._held = True, [], None
        self.session.end()

    # what comes in

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        if self._ended:
            return
        if self.lesson is not None:
            data = self.lesson.take(data)
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            self._skipping = not newline
        if self._tail:
            data = self._tail + data
        if b"\r\n" in data:
            data = data.replace(b"\r\n", b"\n")
            if self.delimiter == b"\n":
                self.delimiter = b"\r\n"
                self.speak(self.session.dialect)
        lines = data.split(b"\n")
        short = len(data) <= LONGEST or max(map(len, lines)) <= LONGEST
        self._plain = short and not self._lines and is_plain(data)
        self._tail = lines.pop()
        if len(self._tail) > LONGEST + 1:  # a CR may be the last of it
            lines.append(self._tail)
            self._tail, self._skipping = b"", True
        lines.reverse()
        self._lines = lines + self._lines if self._lines else lines
        self.wake()

    def readConnectionLost(self) -> None:
        """The client's end of input: what was read is still answered."""
        self._ended = True
        if self.lesson is not None:
            self._tail = self.lesson.end()
        self.wake()

    def writeConnectionLost(self) -> None:
        """Nothing can be sent any more; connectionLost follows."""

    def lineReceived(self, line: bytes) -> None:
        """Carry out one request, given without its line ending."""
        label, session = None, self.session
        try:
            label, verb, rest = parse(line, self._plain)
            command = self.commands.get(verb)
            if command is None:
                raise ChatError(BAD_COMMAND, f"there is no verb {verb[:32]}; help shows those that there are")
            run, usage, _, least, most, needs_name = command
            if needs_name and session.user is None:
                raise ChatError(NOT_REGISTERED, "you have no name yet; register,<name> first")
            fields = rest.split(",", most - 1 if most else 0) if rest is not None else []
            if not least <= len(fields) <= most:
                raise ChatError(BAD_COMMAND, f"it is said like this: {usage}")
            result = run(self, label, *fields)
        except (ChatError, LineError) as problem:
            self._settle(label or getattr(problem, "label", None), problem)
        except Exception:
            _log.failure("a request of {number} went wrong", number=self.session.number)
            self._settle(label, ChatError(UNAVAILABLE, WENT_WRONG))
        else:
            if result is None:
                session.unstored += 1
            else:
                self._settle(label, result)

    # what goes out

    def sendLine(self, line: bytes) -> None:
        """Send one line, with the ending that the client uses."""
        self.session.outbox.put(line + self.delimiter)
        if not self._pumping:
            self.session.flush()

    def answer(self, label: str | None, answer: Answer) -> None:
        """Send what closes a request that was carried out."""
        self.session.answer(label, answer)
        if answer.last:
            self._ended, self._tail = True, b""
            self._lines.clear()

    def refuse(self, label: str | None, problem: Problem) -> None:
        """Send what closes a request that was not."""
        self.session.write(error(label, problem.code, problem.sentence))
        if problem.code == BAD_COMMAND and not self._hinted and self.session.dialect is PLAIN:
            self._hinted = True
            self.session.write(HINT)

    def speak(self, dialect: Dialect) -> None:
        """Write in another dialect from now on."""
        self._again = b"\n"
        self.session.speak(dialect, self.delimiter)

    def again(self, to: str) -> None:
        """A line has spoken to somebody: after the second in a row, the next may well do so too."""
        if to != self._to:
            self._again, self._to = b"\n", to
            return
        seen = type(self).lineReceived is not ChatProtocol.lineReceived
        if self.session.dialect is not EVENTS and not seen and self.commands["chat"] is COMMANDS["chat"]:
            self._again = f"chat,{to},".encode()

    def text(self, text: str) -> str:
        """A text as it was meant, from the field that it came in; raises LineError(bad-text)."""
        return unescape(text) if self.session.dialect is EVENTS else text

    def field(self, text: str) -> str:
        """A text as a field of an answer."""
        return escape(text) if self.session.dialect is EVENTS else text

    def close(self) -> None:
        """Say all that is queued, then end the connection; cut it off if the client does not read."""
        if not self._closed:
            self._closed = self._ended = True
            self._lines = []
            if self._paused:  # TLS ends a connection by reading
                self.transport.resumeProducing()
            self.session.sign_out()
            self.session.outbox.close()
            self._closing = self.factory.clock.callLater(CLOSING, self.transport.abortConnection)

    # one request after the other

    def request(self, line: bytes) -> None:
        """Take one line as if it had been read just now."""
        self._lines.insert(0, line)
        self.wake()

    def wake(self) -> None:
        """Carry out the requests that were read, as far as may be now."""
        if self._pumping or self._closed:
            return
        session, outbox, lines = self.session, self.session.outbox, self._lines
        said = session.unstored
        self._pumping = True
        if self._stuck:
            self._go_on()
        turns = SLICE
        while lines and turns and not (self._stuck or outbox.full or session.unstored > UNSTORED):
            turns -= 1
            line = lines.pop()
            if self._plain and line.startswith(self._again):
                turns -= self._say_again(line, turns)
            elif line:
                self.lineReceived(line)
        self._plain = self._pumping = False
        if session.unstored:
            self.factory.turn.said(max(session.unstored - said, 1))
        if outbox.size:
            outbox.flush()
        if lines or self._stuck or self._paused or self._ended or outbox.full:
            self._read_or_not()

    def _say_again(self, line: bytes, most: int) -> int:
        """Say more to the same, all that there is in a row of it, without parsing it; returns how many lines more."""
        again, lines = self._again, self._lines
        said, start = [line], len(again)
        while lines and len(said) <= most and lines[-1].startswith(again):
            said.append(lines.pop())
        try:
            self.hub.say(self.session, self._to, [text[start:].decode() for text in said])
            self.session.unstored += len(said)
        except ChatError:
            for line in said:
                self.lineReceived(line)
        return len(said) - 1

    def _read_or_not(self) -> None:
        """Read on, wait, or come to an end, after the requests that could be carried out."""
        session, stuck = self.session, self._stuck
        if self._ended and not self._lines and not stuck and not session.unstored:
            if self._tail:
                unended = "the last line had no line ending, so it was not carried out"
                self.refuse(label_of(self._tail), ChatError(BAD_COMMAND, unended))
            self.close()
            return
        stuck = stuck or session.outbox.full or session.unstored > UNSTORED
        if self._lines and not stuck:
            self.factory.clock.callLater(0, self.wake)  # the others have their turn
        pause = stuck or bool(self._lines)
        session.waiting = session.unstored > 0 and (pause or self._ended)
        if pause is not self._paused and not self._ended:
            self._paused = pause
            if pause:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    def _settle(self, label: str | None, result: Result | Problem) -> None:
        """Close a request, behind everything that this connection said before it."""
        if self.session.unstored:
            self.hub.flush()
        if self.session.unstored:
            self._stuck, self._held = True, (label, result)
        elif isinstance(result, Answer):
            self.answer(label, result)
        elif isinstance(result, (ChatError, LineError)):
            self.refuse(label, result)
        else:
            self._wait(label, result)

    def _go_on(self) -> None:
        """Close the request that waited for the log, if that has everything now."""
        if self._held is not None and not self.session.unstored:
            held, self._held, self._stuck = self._held, None, False
            self._settle(*held)

    def _wait(self, label: str | None, result: Coroutine[Any, Any, Answer] | Deferred[Answer]) -> None:
        self._stuck = True
        waited: Deferred[Any] = ensureDeferred(result)
        waited.addCallback(lambda answer: self.answer(label, answer))
        waited.addErrback(self._failed, label)
        waited.addBoth(self._waited)

    def _failed(self, failure: Failure, label: str | None) -> None:
        if isinstance(failure.value, (ChatError, LineError)):
            self.refuse(label, failure.value)
        else:
            _log.failure("a request of {number} went wrong", failure, number=self.session.number)
            self.refuse(label, ChatError(UNAVAILABLE, WENT_WRONG))

    def _waited(self, _: object) -> None:
        self._stuck = False
        if self._closed:
            self.session.end()  # a sign-in may have come true too late
        self.wake()
