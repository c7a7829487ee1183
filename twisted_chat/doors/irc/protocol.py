"""The IRC door: the protocol that irssi, WeeChat and other IRC clients speak.

A line becomes a request, a row of the command table and a call of the hub, as at
the line door; what may be done is decided there.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted_chat.core.errors import ChatError
from twisted_chat.doors.factory import DoorFactory
from twisted_chat.doors.irc.commands import COMMANDS
from twisted_chat.doors.irc.dialect import IRC, LABELS, SERVER
from twisted_chat.doors.irc.registration import Registration
from twisted_chat.doors.irc.requests import IrcCommand, Reply, Request
from twisted_chat.doors.irc.session import IrcSession, word
from twisted_chat.doors.protocol import UNANSWERED, DoorProtocol, Problem
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import Lines, parse, render
from twisted_chat.wire.line import ParseError

LONGEST_LABEL = 64
"""Bytes; labeled-response asks for no more."""


class IrcProtocol(DoorProtocol):
    """One connection that speaks IRC. A subclass may have more commands, or a message of the day."""

    commands: dict[str, IrcCommand] = COMMANDS
    network = "twisted_chat"
    motd: Sequence[str] = ()
    participant = IrcSession
    dialect = IRC
    full = b"ERROR :the server is full; try again later\r\n"
    session: IrcSession

    def connectionMade(self) -> None:
        super().connectionMade()
        self._input = Lines()
        self.session.use(frozenset())
        self.registration: Registration | None = Registration()

    @property
    def registered(self) -> bool:
        return self.registration is None

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        if not self._ended:
            self._lines = self._input.feed(data)[::-1] + self._lines
            self.wake()

    def lineReceived(self, line: bytes) -> None:
        """Carry out one request, given without its line ending."""
        request = Request()
        try:
            message = parse(line)
            request = Request(message.command, message.params, self._label(message.tags.get("label")))
            row, session = self.commands.get(request.command), self.session
            result: Reply | Problem | object | None
            if row is None:
                result = Reply((session.numeric(numerics.ERR_UNKNOWNCOMMAND, word(request.command), _UNKNOWN),))
            elif row.needs_name and not self.registered:
                result = Reply((session.numeric(numerics.ERR_NOTREGISTERED, _NAMELESS),))
            elif len(request.params) < row.least:
                needed = f"it is said like this: {row.usage}"
                result = Reply((session.numeric(numerics.ERR_NEEDMOREPARAMS, request.command, needed),))
            else:
                result = row.run(self, request)
        except (ChatError, ParseError) as problem:
            if isinstance(problem, ParseError) and not request.command:
                request = Request(label=self._label(problem.label))
            result = problem
        except Exception:
            result = self._fault()
        if result is not None:
            self._settle(request, result)

    def answer(self, request: Request, reply: Reply) -> None:
        """Send what closes a request that was carried out."""
        self.session.answered(request.label if reply.labelled else None, reply.lines, reply.batch)
        if reply.last:
            self._ended = True
            self._lines.clear()

    def refuse(self, request: Request, problem: Problem) -> None:
        """Send what closes a request that was not."""
        target = request.params[0] if request.params else ""
        lines = [] if request.command == "NOTICE" else self.session.problem(request.command, target, problem)
        self.session.answered(request.label, lines)

    def silent(self) -> None:
        if self.silences > UNANSWERED:
            self.session.notify("timeout", "you have not answered for long; come back any time")
            self.close()
        else:
            self.session.write(render("PING", SERVER))
            self.session.flush()

    def _label(self, label: str | None) -> str | None:
        """A request's label, if its answer is to have one."""
        if label and LABELS in self.session.capabilities and len(label.encode()) <= LONGEST_LABEL:
            return label
        return None


_UNKNOWN = "there is no such command"
_NAMELESS = "you have no name yet: NICK and USER first"


class IrcFactory(DoorFactory):
    """Makes an IrcProtocol for each connection to one hub: see DoorFactory."""

    protocol: type[IrcProtocol] = IrcProtocol
