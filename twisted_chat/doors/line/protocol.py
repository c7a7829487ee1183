"""The line door: the protocol that `nc`, the lesson's client and programs speak.

A read is split once. If all its lines are messages, they are parsed and said together; otherwise each
line becomes a request: a row of the command table and a call of the hub. What all reads of a turn say
is flushed once.
"""

from __future__ import annotations

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.doors.line.commands import COMMANDS
from twisted_chat.doors.line.dialects import DONE, PLAIN, Answer, LineDialect, PlainDialect
from twisted_chat.doors.line.lesson import Lesson
from twisted_chat.doors.line.requests import Command
from twisted_chat.doors.line.session import LineSession
from twisted_chat.doors.line.suggestions import suggestion
from twisted_chat.doors.protocol import MAX_IDLE_CHECKS_UNANSWERED, DoorProtocol, Problem
from twisted_chat.doors.state import ENDING, OPEN
from twisted_chat.wire.bidi import closed
from twisted_chat.wire.detect import is_http_request
from twisted_chat.wire.errors import BAD_COMMAND, ParseError
from twisted_chat.wire.events import SERVER_MARK
from twisted_chat.wire.line import MAX_LINE_BYTES, escape, label_of, parse, parse_chats, unescape
from twisted_chat.wire.stream import LineSplitter
from twisted_chat.wire.tags import NO_TAGS, Tags, split_request
from twisted_chat.wire.telnet import IAC_BYTE, NUL_BYTE, TelnetFilter

HINT = f"{SERVER_MARK}register,<name> takes a name; help lists all commands"
PASSWORD_KNOWN_SECONDS = 300.0
"""After a sign-in with a password, so long `password,<new>` needs no old one."""


class ChatProtocol(DoorProtocol):
    """One connection that speaks lines, in one of the three dialects.

    A subclass adds verbs by extending `commands`, or looks at every line in `lineReceived`.
    """

    commands: dict[str, Command] = COMMANDS
    delimiter = b"\n"
    session: LineSession
    tags: Tags = NO_TAGS
    """The tags of the request that is being carried out."""
    _telnet: TelnetFilter | None = None
    session_type = LineSession
    dialect = PLAIN
    door_name = "line"
    _password_time = float("-inf")
    full = b"error,unavailable,the server is full; try again later\n"

    def __init__(self) -> None:
        super().__init__()
        self._splitter = LineSplitter(MAX_LINE_BYTES)
        self._hinted = False
        # a subclass that looks at the lines, or has a `chat` of its own, gets every line
        self._says_all = (
            type(self).lineReceived is ChatProtocol.lineReceived and self.commands["chat"] is COMMANDS["chat"]
        )

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
        if self.state is not OPEN:
            return
        if self._telnet is not None:
            data = self._without_telnet(data)
        if self.lesson is not None:
            data = self.lesson.take(data)
        splitter = self._splitter
        lines = splitter.feed(data)
        if splitter.tail or self._input_paid:
            self._hold_input(splitter.tail)
        if not lines and not (self._begins_telnet(b"") and (lines := self._take_telnet(b""))):
            return
        if splitter.crlf and self.delimiter == b"\n":
            self.delimiter = b"\r\n"
            self.speak(self.session.dialect)
        if self._says_all and self.ready and self._say_all(lines):
            return
        if self._begins_telnet(lines):
            lines = self._take_telnet(lines)
        self.take_lines(lines)

    def _begins_telnet(self, lines: bytes) -> bool:
        """Return True if these lines, or the one that has not ended, are the first to hold what Telnet sends."""
        if self._telnet is not None:
            return False
        tail = self._splitter.tail
        return IAC_BYTE in lines or NUL_BYTE in lines or IAC_BYTE in tail or NUL_BYTE in tail

    def _take_telnet(self, lines: bytes) -> bytes:
        """Read these lines, and the one that has not ended, again as Telnet; return the lines. It stays so."""
        self._telnet, splitter = TelnetFilter(), self._splitter
        data, splitter.tail = lines + splitter.tail, b""
        return splitter.feed(self._without_telnet(data))

    def _without_telnet(self, data: bytes) -> bytes:
        """Return a read without Telnet's sequences, and decline what the client asks for."""
        assert self._telnet is not None
        data, answer = self._telnet.feed(data, self._splitter.tail[-1:] == b"\r")
        if answer:
            self.session.outbox.put(answer)
            self.session.flush()
        return data

    def _say_all(self, lines: bytes) -> bool:
        """Say a read that consists of messages, and return True; False for any other read."""
        session = self.session
        if session.user is None or (session.dialect.for_programs and b"\\" in lines):
            return False
        messages = parse_chats(lines)
        if messages is None:
            return False
        self.say_lines(lines, messages)
        return True

    def readConnectionLost(self) -> None:
        """Answer what was read before the client's end of input, then close."""
        if self.lesson is not None:
            self._splitter.tail = self.lesson.end()
        if self._telnet is not None:
            self._splitter.tail += self._telnet.end()
        super().readConnectionLost()

    def lineReceived(self, line: bytes) -> None:
        """Carry out one request, given without its line ending; an empty line is none."""
        if not line:
            return
        label, session = None, self.session
        try:
            label, verb, rest = parse(line)
            command = self.commands.get(verb)
            if command is None:
                if is_http_request(line):  # a web page made a browser send this: what follows is no request either
                    self.finish()
                command, rest = self._tagged(verb, rest)
            run, usage, _, least, most, needs_name, begins_with_name = command
            if needs_name and session.user is None:
                raise ChatError(Reason.NO_NAME)
            fields = rest.split(",", most - 1 if most else 0) if rest is not None else []
            if begins_with_name and fields and " " in fields[0]:
                fields[0] = fields[0].strip(" ")
            if not least <= len(fields) <= most:
                raise ParseError(BAD_COMMAND, f"usage: {usage}")
            unstored, last = session.unstored, self.hub.log.last
            result = run(self, label, *fields)
            if result is None and session.unstored == unstored and self.hub.log.last == last:
                result = DONE  # it has said nothing, so the log will answer nothing
        except (ChatError, ParseError) as problem:
            self._complete(label or getattr(problem, "label", None), problem)
        except Exception:
            self._complete(label, self._internal_error())
        else:
            if result is not None:
                self._complete(label, result)
        if self.tags is not NO_TAGS:
            del self.tags  # it is the class's again

    def _tagged(self, verb: str, rest: str | None) -> tuple[Command, str | None]:
        """Take the tags in front of a program's request; return its command and the rest.

        Raises ParseError(bad-command) if there is no such command. People's requests have no tags.
        """
        if verb[:1] == ";" and self.session.dialect.for_programs:
            self.tags, verb, rest = split_request(verb, rest)
        command = self.commands.get(verb)
        if command is None:
            raise ParseError(BAD_COMMAND, self._unknown(verb, rest))
        return command, rest

    # what goes out

    def sendLine(self, line: bytes) -> None:
        """Send one line, with the line ending that the client uses."""
        self.session.outbox.put(line + self.delimiter)
        if not self._running:
            self.session.flush()

    def answer(self, label: str | None, answer: Answer | None) -> None:
        """Send the answer to a request that was carried out; a verb that returned nothing gets an empty one."""
        answer = DONE if answer is None else answer
        try:
            self.session.write_answer(label, answer)
        except Exception:  # it is no Answer: a subclass's verb may return anything
            self.refuse(label, self._internal_error())
            return
        if answer.last:
            self._splitter.tail = b""
            self.finish()

    def refuse(self, label: str | None, problem: Problem) -> None:
        """Send the answer to a request that was not carried out."""
        self.session.write_error(label, problem)
        if problem.code == BAD_COMMAND and not self._hinted and isinstance(self.session.dialect, PlainDialect):
            self._hinted = True
            self.session.write(HINT)

    def _unknown(self, verb: str, rest: str | None) -> str:
        """Return the sentence for an unknown verb; a person reads what to type instead, if that can be guessed."""
        meant = None
        if isinstance(self.session.dialect, PlainDialect):
            line = verb if rest is None else f"{verb},{rest}"
            meant = suggestion(line, self.commands, self.session.user is not None)
        what = "help lists all commands" if meant is None else f"did you mean {meant}"
        return f"unknown command {verb[:32]}; {what}"

    def speak(self, dialect: LineDialect) -> None:
        """Write in another dialect from now on."""
        self.session.speak(dialect, self.delimiter)

    def note_password(self) -> None:
        """Note that the client has signed in with its password now."""
        self._password_time = self.factory.clock.seconds()

    @property
    def knows_password(self) -> bool:
        """Return True for a few minutes after a sign-in with a password: a new one can be set without the old one."""
        return 0 <= self.factory.clock.seconds() - self._password_time < PASSWORD_KNOWN_SECONDS

    def text(self, field: str) -> str:
        """Return the text that a field of a request holds, closed. Raises ParseError(bad-text)."""
        return closed(unescape(field) if self.session.dialect.for_programs else field)

    def field(self, text: str) -> str:
        """Return a text as a field of an answer."""
        return escape(text) if self.session.dialect.for_programs else text

    def silent(self) -> None:
        """Ping a program, and cut it off if it does not answer; people may be silent for ever."""
        if self.session.dialect.for_programs:
            if self.session.is_answering:  # a ping would stand within a line
                return
            if self.silent_checks > MAX_IDLE_CHECKS_UNANSWERED:
                self.transport.abortConnection()
            else:
                self.sendLine(f"ping,{self.session.sender_number}".encode())

    # one request after the other

    @property
    def _tail(self) -> bytes:
        return self._splitter.tail

    def request(self, line: bytes) -> None:
        """Take one line as if it had been read just now."""
        self.heard = True
        if self.state is OPEN:
            if self._unsplit:
                self._unsplit += line + b"\n"
            else:
                self._lines.insert(0, line)
            self.wake()

    def _throttle(self) -> None:
        tail = self._splitter.tail
        if self.state is ENDING and tail and not (self.has_requests or self._waits or self.session.unstored):
            self._splitter.tail = b""
            sentence = "the last line has no line ending, so it was not carried out; end it with a line feed"
            self.refuse(label_of(tail), ParseError(BAD_COMMAND, sentence))
        super()._throttle()
