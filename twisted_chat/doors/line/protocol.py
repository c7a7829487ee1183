"""The line door: the protocol that `nc`, the lesson's client and programs speak.

A read is split once into lines; each becomes a request, a row of the command table
and a call of the hub. What all the reads of a turn say is flushed once.
"""

from __future__ import annotations

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from twisted_chat.core.errors import BAD_COMMAND, NOT_REGISTERED, ChatError
from twisted_chat.doors.line.commands import COMMANDS, Command
from twisted_chat.doors.line.dialects import EVENTS, PLAIN, Answer, Dialect
from twisted_chat.doors.line.lesson import Lesson
from twisted_chat.doors.protocol import UNANSWERED, UNSTORED, DoorProtocol, Problem
from twisted_chat.wire.line import LONGEST, ParseError, error, escape, is_plain, label_of, parse, unescape

HINT = "* say register,<name> to take a name, and help to see what else there is"


class ChatProtocol(DoorProtocol):
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
        self._to, self._again = "", b""  # to whom the last line spoke; how one that does so too begins, up to the text
        self._between = ""  # from one such text to the next

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
            data, self._tail = self._tail + data, b""
        whole = data.endswith(self.delimiter)
        if not whole:
            data = self._whole_lines(data)
            whole = data.endswith(self.delimiter)
        if not (whole and self._again and data.startswith(self._again) and self._say_again(data)):
            self._split(data)

    def _whole_lines(self, data: bytes) -> bytes:
        """Put by what has no end yet; what is too long gets one here."""
        end = data.rfind(b"\n") + 1
        data, self._tail = data[:end], data[end:]
        if len(self._tail) > LONGEST + 1:  # a CR may be the last of it
            data, self._tail, self._skipping = data + self._tail + b"\n", b"", True
        return data

    def _say_again(self, data: bytes) -> bool:
        """Take a read whole, if each line of it says more to the same as the last ones, and none has to wait."""
        session, ending = self.session, self.delimiter
        if self._lines or self._stuck or session.outbox.full or session.unstored > UNSTORED or not data.isascii():
            return False
        said = data[len(self._again) : -len(ending)].decode()
        texts = said.split(self._between)
        if not is_plain(data, ending, len(texts)) or ("\\" in said and session.dialect is EVENTS):
            return False
        if len(data) > LONGEST and max(map(len, texts)) > LONGEST - len(self._again):
            return False
        try:
            self.hub.say(session, self._to, texts)
        except ChatError:
            return False
        session.unstored += len(texts)
        self.factory.flusher.request(len(texts))
        if session.outbox.size:  # the hub had a word to say
            session.outbox.flush()
        return True

    def _split(self, data: bytes) -> None:
        """Make requests of a read, and carry out what may be now."""
        if b"\r\n" in data:
            data = data.replace(b"\r\n", b"\n")
            if self.delimiter == b"\n":
                self.delimiter = b"\r\n"
                self.speak(self.session.dialect)
        lines = data.split(b"\n")
        lines.pop()  # nothing is behind the last end
        short = len(data) <= LONGEST or max(map(len, lines), default=0) <= LONGEST
        self._plain = short and not self._lines and is_plain(data, b"\n", len(lines))
        lines.reverse()
        self._lines = lines + self._lines if self._lines else lines
        self.wake()

    def readConnectionLost(self) -> None:
        """The client's end of input: what was read is still answered."""
        if self.lesson is not None:
            self._tail = self.lesson.end()
        super().readConnectionLost()

    def lineReceived(self, line: bytes) -> None:
        """Carry out one request, given without its line ending; an empty line is none."""
        if not line:
            return
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
        except (ChatError, ParseError) as problem:
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
        self._again = b""
        self.session.speak(dialect, self.delimiter)

    def again(self, to: str) -> None:
        """A line has spoken to somebody: after the second in a row, the next may well do so too."""
        if to != self._to:
            self._again, self._to = b"", to
        elif not self._again and self.lesson is None and self._as_it_comes():
            again = f"chat,{to},"
            self._again, self._between = again.encode(), self.delimiter.decode() + again

    def _as_it_comes(self) -> bool:
        """Whether no subclass looks at the lines, or has a `chat` of its own."""
        return type(self).lineReceived is ChatProtocol.lineReceived and self.commands["chat"] is COMMANDS["chat"]

    def text(self, text: str) -> str:
        """A text as it was meant, from the field that it came in; raises ParseError(bad-text)."""
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
                self.sendLine(f"ping,{self.session.sender_number}".encode())

    # one request after the other

    def request(self, line: bytes) -> None:
        """Take one line as if it had been read just now."""
        self.heard = True
        if not self._ended:
            self._lines.insert(0, line)
            self.wake()

    def _carry_out(self, turns: int) -> None:
        super()._carry_out(turns)
        self._plain = False

    def _read_or_not(self) -> None:
        if self._ended and self._tail and not (self._lines or self._stuck or self.session.unstored):
            unended = "the last line had no line ending, so it was not carried out"
            self.refuse(label_of(self._tail), ChatError(BAD_COMMAND, unended))
            self._tail = b""
        super()._read_or_not()
