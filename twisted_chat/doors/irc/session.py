"""An IRC client's part in the conversation: what is said to it alone, with its own nick and labels."""

from __future__ import annotations

from collections.abc import Sequence

from twisted_chat.core import errors
from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import ACTION, JOINED, LEFT, MESSAGE, NOTICE, SPOKEN, TOPIC, Record
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Entry
from twisted_chat.doors.irc.dialect import BATCH, ECHO, REPLIES, SERVER, dialect_of, one_line, renamed
from twisted_chat.doors.session import Session
from twisted_chat.wire import line
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import render, tagged
from twisted_chat.wire.irc.names import nick_of
from twisted_chat.wire.irc.text import pieces
from twisted_chat.wire.line import ParseError

ENDS = frozenset({"shutdown", "timeout", "replaced", "disabled", "deleted"})
"""Words of the server's that the end of the connection follows."""
LONGEST_WORD = 64
"""Characters of what a client said that an error repeats."""

_COMMANDS = {
    MESSAGE: "PRIVMSG",
    ACTION: "PRIVMSG",
    NOTICE: "NOTICE",
    JOINED: "JOIN",
    LEFT: "PART",
    TOPIC: "TOPIC",
}
_PROBLEMS = {
    errors.NO_SUCH_USER: (numerics.ERR_NOSUCHNICK, "there is nobody of this nick, here or away"),
    errors.NO_SUCH_ROOM: (numerics.ERR_NOSUCHCHANNEL, "there is no such channel, or you are not in it; JOIN makes it"),
    errors.NOT_A_MEMBER: (numerics.ERR_NOTONCHANNEL, "you are not in this channel; JOIN it first"),
    errors.NAME_TAKEN: (
        numerics.ERR_NICKNAMEINUSE,
        "this nick is taken; choose another, or sign in with its password (PASS or SASL) if it is an account of yours",
    ),
}
"""The hub's refusals that have a number, with a sentence for those who speak IRC."""


class IrcSession(Session):
    """A participant of the hub with an IRC client behind it."""

    capabilities: frozenset[str] = frozenset()
    speaking_to = ""
    """The nick to whom it is just saying something: who may be away."""
    _batches = 0

    def use(self, capabilities: frozenset[str]) -> None:
        """Write with these capabilities from now on."""
        self.capabilities = capabilities
        self.speak(dialect_of(capabilities), b"\r\n")

    @property
    def nick(self) -> str:
        """The client's nick; * before it has one."""
        return "*" if self.user is None else nick_of(self.user.name)

    # lines for this client

    def numeric(self, number: str, *params: str) -> str:
        """A numeric reply; all but the last of `params` must be words."""
        return render(number, self.nick, *params, source=SERVER)

    def listed(self, number: str, params: tuple[str, ...], words: Sequence[str]) -> list[str]:
        """A list, in as many numeric replies as it takes."""
        overhead = len(self.numeric(number, *params, ":").encode())
        return [self.numeric(number, *params, piece.strip()) for piece in pieces(" ".join(words), overhead)]

    def described(self, number: str, params: tuple[str, ...], text: str) -> str:
        """A numeric reply that ends with as much of somebody's text as fits."""
        return self.numeric(number, *params, one_line(text, len(self.numeric(number, *params, ":").encode())))

    def names(self, name: str) -> list[str]:
        """Who is in a room, away or not; raises ChatError(bad-name)."""
        room = self._hub.rooms.get(name)
        lines = []
        if room is not None:
            nicks = [nick_of(member) for member in room.names()]
            lines = self.listed(numerics.RPL_NAMREPLY, ("=", room.name), nicks)
            name = room.name
        return [*lines, self.numeric(numerics.RPL_ENDOFNAMES, word(name), "these are all")]

    def entered(self, name: str) -> list[str]:
        """What one is shown of a room behind one's JOIN."""
        room = self._hub.rooms.get(name)
        if room is None or not room.topic:
            return self.names(name)
        return [self.described(numerics.RPL_TOPIC, (room.name,), room.topic), *self.names(name)]

    def problem(self, command: str, target: str, problem: ChatError | ParseError) -> list[str]:
        """What is said of a request that was not carried out."""
        code, sentence = problem.code, problem.sentence
        if code in _PROBLEMS:
            number, sentence = _PROBLEMS[code]
            if code == errors.NOT_A_MEMBER and command in ("PRIVMSG", "NOTICE"):
                number = numerics.ERR_CANNOTSENDTOCHAN
            return [self.numeric(number, word(target), sentence)]
        if code in (errors.BAD_NAME, errors.NOT_ALLOWED):
            number = _refusal(command, target, code)
            return [self.numeric(number, word(target), sentence)]
        if code == line.TOO_LONG:
            return [self.numeric(numerics.ERR_INPUTTOOLONG, sentence)]
        if code == line.NOT_UTF8:
            return [self.failure("*", "INVALID_UTF8", (), sentence)]
        return [self.failure(command or "*", code.upper().replace("-", "_"), (), sentence)]

    def failure(self, command: str, code: str, context: tuple[str, ...], sentence: str) -> str:
        """A refusal that has no number."""
        if REPLIES in self.capabilities:
            return render("FAIL", word(command), code, *map(word, context), sentence, source=SERVER)
        if code == "INVALID_UTF8":
            return render("NOTICE", self.nick, sentence, source=SERVER)
        return self.numeric(numerics.ERR_UNKNOWNERROR, word(command), sentence)

    def answered(self, label: str | None, lines: Sequence[str], batch: tuple[str, ...] = ()) -> None:
        """Queue the whole answer to a request, in a batch of its own kind if it is one."""
        lines = list(lines)
        if label is not None and len(lines) > 1:
            batch = batch or ("labeled-response",)
        if batch and BATCH in self.capabilities:
            self._batches += 1
            number = str(self._batches)
            inner = [tagged(one, "batch", number) for one in lines]
            begin = render("BATCH", f"+{number}", *batch, source=SERVER)
            lines = [begin, *inner, render("BATCH", f"-{number}", source=SERVER)]
        if label is not None:
            lines = lines or [render("ACK", source=SERVER)]
            lines[0] = tagged(lines[0], "label", label)
        self.write(*lines)

    # what the hub says

    def deliver(self, entry: Entry) -> None:
        super().deliver(entry)
        user = self.user
        if (
            entry.kind == JOINED
            and user is not None
            and entry.envelope.author == user.identity
            and self._cursor is None
        ):
            self.write(*self.entered(entry.envelope.to))  # another connection of the account's has joined for this one

    def deliver_copy(self, entry: Entry) -> None:
        if ECHO in self.capabilities:  # other clients would show it as if somebody had said it to them
            super().deliver_copy(entry)

    def render_replayed(self, record: Record) -> list[str]:
        assert self.user is not None
        own = record.author == self.user.identity
        if own and record.kind in SPOKEN and not is_room(record.to) and record.to != self.user.name:
            return super().render_replayed(record) if ECHO in self.capabilities else []
        return [*super().render_replayed(record), *(self.entered(record.to) if own and record.kind == JOINED else ())]

    def write_acknowledgement(self, entry: Entry) -> None:
        labels, spoken = entry.labels, entry.kind in SPOKEN
        if spoken and ECHO not in self.capabilities:
            for label in labels.values():
                self.answered(label, ())
        elif spoken and not labels:
            self.outbox.put(self._render(entry))
        else:
            for index, record in enumerate(entry.records()):
                shown = self.entered(record.to) if record.kind == JOINED else ()
                self.answered(labels.get(index), [*self.dialect.past(record), *shown])

    def write_rejection(self, entry: Entry, label: str | None, problem: ChatError) -> None:
        self.answered(label, self.problem(_COMMANDS[entry.kind], entry.envelope.to, problem))

    def presence_changed(self, who: int, before: str | None, now: str | None) -> None:
        """Tell of a new name at once, before the next that is said under it; who comes and goes, joins and leaves."""
        if before is None or now is None:
            return
        if self._cursor is not None or self.outbox.full:
            super().presence_changed(who, before, now)
            return
        if not self.outbox.size:
            self._clock.callLater(0, self.flush)
        self.write(renamed(before, now))

    def notify(self, code: str, sentence: str) -> None:
        if code in ENDS:
            self.write(render("ERROR", sentence))
        elif code == "away":
            user = self._hub.registry.find(self.speaking_to)
            text = user.away if user.participants and user.away else "is not here now, and will find it later"
            self.write(self.described(numerics.RPL_AWAY, (nick_of(user.name),), text))
        else:
            sentence = "you read too slowly: some of what happened is not shown" if code == "gap" else sentence
            self.write(render("NOTICE", self.nick, sentence, source=SERVER))

    def read_marker_moved(self, name: str, id: int) -> None:
        """IRC has no read markers that our ids would fit."""


def word(text: str) -> str:
    """What a client said, perhaps more than a word, as a word of an answer."""
    return text[:LONGEST_WORD].replace(" ", "_").lstrip(":") or "*"


def _refusal(command: str, target: str, code: str) -> str:
    """The number for a name that cannot be, or that one may not have."""
    if command == "JOIN":
        return numerics.ERR_BADCHANMASK if code == errors.BAD_NAME else numerics.ERR_TOOMANYCHANNELS
    if command == "NICK":
        return numerics.ERR_ERRONEUSNICKNAME
    return numerics.ERR_NOSUCHCHANNEL if is_room(target) else numerics.ERR_NOSUCHNICK
