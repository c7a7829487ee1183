"""The line door: the protocol that `nc`, the lesson's client and programs speak.

A read is split once into lines; each becomes a request, a row of the command table
and a call of the hub. What all the reads of a turn say is flushed once.
"""

from __future__ import annotations

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from twisted_chat.core.errors import BAD_COMMAND, NOT_REGISTERED, ChatError
from twisted_chat.doors.commands import COMMANDS, Command
from twisted_chat.doors.dialects import EVENTS, PLAIN, Answer, Dialect
from twisted_chat.doors.lesson import Lesson
from twisted_chat.doors.pump import UNANSWERED, UNSTORED, Problem, Pump
from twisted_chat.wire.line import LONGEST, LineError, error, escape, is_plain, label_of, parse, unescape

HINT = "* say register,<name> to take a name, and help to see what else there is"


class ChatProtocol(Pump):
    """One connection that speaks lines, in one of the three dialects.

    A subclass adds verbs by extending `commands`, or looks at every line in
    `lineReceived`.
    """

    commands: dict[str, Command] = COMMANDS
    delimiter = b"\n"
    full = b"error,unavailable,the server is full; try again later\n"

    def __init__(self) -> None:
        super().__init__()
        self._hinted = self._skipping = self._plain = False
        self._tail = b""
        self._again, self._to = b"\n", ""  # how the last lines began, up to the text, and to whom they spoke

    def connectionMade(self) -> None:
        super().connectionMade()
        self.lesson: Lesson | None = Lesson(self, self.factory.clock)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.lesson is not None:
            self.lesson.stop()
            self.lesson = None
        super().connectionLost(reason)

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
        if self.lesson is not None:
            self._tail = self.lesson.end()
        super().readConnectionLost()

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
            self._settle(label, self._fault())
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

    def silent(self) -> None:
        """Ping a program; people may be silent for ever."""
        if self.session.dialect is EVENTS:
            if self.silences > UNANSWERED:
                self.transport.abortConnection()
            else:
                self.sendLine(f"ping,{self.session.number}".encode())

    # one request after the other

    def request(self, line: bytes) -> None:
        """Take one line as if it had been read just now."""
        self.heard = True
        if not self._ended:
            self._lines.insert(0, line)
            self.wake()

    def _carry_out(self, turns: int) -> None:
        session, outbox, lines = self.session, self.session.outbox, self._lines
        while lines and turns and not (self._stuck or outbox.full or session.unstored > UNSTORED):
            turns -= 1
            line = lines.pop()
            if self._plain and line.startswith(self._again):
                turns -= self._say_again(line, turns)
            elif line:
                self.lineReceived(line)
        self._plain = False

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
        if self._ended and self._tail and not (self._lines or self._stuck or self.session.unstored):
            unended = "the last line had no line ending, so it was not carried out"
            self.refuse(label_of(self._tail), ChatError(BAD_COMMAND, unended))
            self._tail = b""
        super()._read_or_not()
