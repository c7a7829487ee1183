"""The IRC door: the protocol that irssi, WeeChat and other IRC clients speak.

A read is split once. If all its lines are messages, they are parsed and said together; otherwise each line
becomes a request: a row of the command table and a call of the hub, which decides it, as at every door.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.doors.factory import DoorFactory
from twisted_chat.doors.irc.commands import COMMANDS
from twisted_chat.doors.irc.devices import Devices
from twisted_chat.doors.irc.dialect import IRC, LABELS
from twisted_chat.doors.irc.hosts import hosts_of, is_server_name
from twisted_chat.doors.irc.lines import word
from twisted_chat.doors.irc.requests import IrcCommand, Reply, Request, Result, reply_line
from twisted_chat.doors.irc.session import IrcSession
from twisted_chat.doors.irc.state import REGISTERED, Registration
from twisted_chat.doors.protocol import MAX_IDLE_CHECKS_UNANSWERED, DoorProtocol, Problem
from twisted_chat.doors.state import OPEN
from twisted_chat.wire.errors import BAD_COMMAND, ParseError
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import MAX_MESSAGE_BYTES, Message, command_of, mended, parse, parse_privmsgs
from twisted_chat.wire.stream import LineSplitter

MAX_LABEL_BYTES = 64
"""Bytes of a label, as labeled-response limits it; a longer one is ignored."""


MENDED_COMMANDS = {"USER": "?", "QUIT": "?", "PART": "?", "NICK": "\ufffd"}
"""Commands that are carried out although their text is not valid; by what bytes that are not UTF-8 are replaced.

The text of the first three does not matter, and a client that is refused would wait for ever. No nick has U+FFFD.
"""


def _parse(line: bytes) -> Message:
    try:
        return parse(line)
    except ParseError:
        unreadable = MENDED_COMMANDS.get(command_of(line)[0].upper())
        if unreadable is None:
            raise
        return parse(mended(line, unreadable))


class IrcProtocol(DoorProtocol):
    """One connection that speaks IRC.

    A subclass adds commands by extending `commands`, looks at every line in `lineReceived`, or has a `motd`.
    """

    commands: dict[str, IrcCommand] = COMMANDS
    network = "twisted_chat"
    motd: Sequence[str] = ()
    session_type = IrcSession
    dialect = IRC
    door_name = "irc"
    full = b"ERROR :the server is full; try again later\r\n"
    session: IrcSession

    def __init__(self) -> None:
        super().__init__()
        self._splitter = LineSplitter(MAX_MESSAGE_BYTES)
        self.registration = Registration()
        # a subclass that looks at the lines, or has a PRIVMSG of its own, gets every line
        self._says_all = (
            type(self).lineReceived is IrcProtocol.lineReceived and self.commands["PRIVMSG"] is COMMANDS["PRIVMSG"]
        )

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self._end_device()

    def close(self) -> None:
        super().close()
        self._end_device()  # now, since a server that stops closes its store next

    def _end_device(self) -> None:
        device, self.registration.device = self.registration.device, None
        if device is not None:
            self.devices.end(device, self.session)

    @property
    def devices(self) -> Devices:
        """Return what the devices of accounts have been shown."""
        assert isinstance(self.factory, IrcFactory)
        return self.factory.devices

    @property
    def registered(self) -> bool:
        return self.registration.state is REGISTERED

    # what comes in

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        if self.state is not OPEN:
            return
        lines = self._splitter.feed(data)
        if self._splitter.tail or self._input_paid:
            self._hold_input(self._splitter.tail)
        if lines and not (self._says_all and self.ready and self._say_all(lines)):
            self.take_lines(lines)

    def _say_all(self, lines: bytes) -> bool:
        """Say a read that consists of messages, and return True; False for any other read."""
        if not self.registered or (b"@label=" in lines and LABELS not in self.session.capabilities):
            return False
        messages = parse_privmsgs(lines)
        if messages is None:
            return False
        self.say_lines(lines, messages)
        return True

    def lineReceived(self, line: bytes) -> None:
        """Carry out one request, given without its line ending; an empty line is none."""
        line = line.lstrip(b"\r")  # the end of a line before, as some clients send it
        if not line:
            return
        request = Request()
        result: Result | Problem | None
        try:
            message = _parse(line)
            params = message.params
            if message.command == "PASS" and len(params) > 1:  # with spaces, and without a colon in front
                params = command_of(line)[1:]
            request = Request(message.command, params, self._label(message.tags.get("label")))
            unstored, last = self.session.unstored, self.hub.log.last
            result = self._carry_out_request(request)
            if result is None and self.session.unstored == unstored and self.hub.log.last == last:
                result = Reply()  # it has said nothing, so the log will answer nothing
        except (ChatError, ParseError) as problem:
            if isinstance(problem, ParseError) and not request.command:
                request = Request(label=self._label(problem.label))
            result = problem
            if problem.code == BAD_COMMAND:
                result = self._unknown_command(command_of(line)[0])
        except Exception:
            result = self._internal_error()
        if result is not None:
            self._complete(request, result)

    def _carry_out_request(self, request: Request) -> Result | None:
        row, numeric = self.commands.get(request.command), self.session.numeric
        if row is None:
            return self._unknown_command(request.command)
        if row.needs_name and not self.registered:
            sentence = "You have not registered; send NICK and USER first"
            return reply_line(numeric(numerics.ERR_NOTREGISTERED, sentence))
        if len(request.params) < row.least:
            sentence = f"Not enough parameters; usage: {row.usage}"
            return reply_line(numeric(numerics.ERR_NEEDMOREPARAMS, request.command, sentence))
        return row.run(self, request)

    def _unknown_command(self, command: str) -> Reply:
        return reply_line(self.session.numeric(numerics.ERR_UNKNOWNCOMMAND, word(command), "Unknown command"))

    # what goes out

    def answer(self, request: Request, reply: Reply) -> None:
        """Send the reply to a request that was carried out."""
        self.session.write_answer(request.label if reply.labelled else None, reply.lines, reply.batch)
        if reply.then is not None:
            reply.then()
        if reply.last:
            self.finish()

    def refuse(self, request: Request, problem: Problem) -> None:
        """Send the reply to a request that was not carried out."""
        target = request.params[0] if request.params else ""
        lines = [] if request.command == "NOTICE" else self.session.problem(request.command, target, problem)
        self.session.write_answer(request.label, lines)

    def silent(self) -> None:
        """Ping a client that has a name, and end its connection if it does not answer."""
        if self.silent_checks > MAX_IDLE_CHECKS_UNANSWERED:
            self.session.welcomed = False  # it has perhaps not read what was sent to it
            self.session.notify(Notice.TIMEOUT)
            self.close()
        else:
            self.session.write(self.session.ping())
            self.session.flush()

    @property
    def _tail(self) -> bytes:
        return self._splitter.tail

    def _label(self, label: str | None) -> str | None:
        """Return a request's label, if its answer is to have one."""
        if label and LABELS in self.session.capabilities and len(label.encode()) <= MAX_LABEL_BYTES:
            return label
        return None


class IrcFactory(DoorFactory):
    """Makes an IrcProtocol for each connection to one hub: see DoorFactory.

    A `network` and a `motd` that are not empty are shown to clients instead of the protocol's own. `server_name`,
    a host name with a dot, is the source of the server's lines; the hub's other IRC doors have the same.
    """

    protocol: type[IrcProtocol] = IrcProtocol

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.devices = Devices(self.hub.accounts)
        self.network, self.motd = "", list[str]()

    @property
    def server_name(self) -> str:
        return hosts_of(self.hub).server

    @server_name.setter
    def server_name(self, name: str) -> None:
        if not is_server_name(name):
            raise ValueError(f"{name!r} is not the name of a server, such as irc.example.org")
        hosts_of(self.hub).server = name

    def idle_check(self) -> None:
        super().idle_check()
        self.devices.note_all()

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        protocol = super().buildProtocol(addr)
        if isinstance(protocol, IrcProtocol):
            protocol.network = self.network or protocol.network
            protocol.motd = self.motd or protocol.motd
        return protocol
