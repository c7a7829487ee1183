"""An IRC client's session: lines for this client alone, with its nick, its labels and its batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.core.messages import ACTION, JOINED, LEFT, MESSAGE, NOTICE, SPOKEN, TOPIC, Record
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Absence, Entry
from twisted_chat.doors.catchup import LIVE
from twisted_chat.doors.irc.dialect import BATCH, ECHO, REPLIES, SERVER, IrcDialect, dialect_of, one_line, renamed
from twisted_chat.doors.irc.problems import numeric_for, sentence_for
from twisted_chat.doors.session import Session
from twisted_chat.sentences import notice_sentence
from twisted_chat.wire.errors import NOT_UTF8, ParseError
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import add_tag, escape_tag_value, render
from twisted_chat.wire.irc.names import nick_of
from twisted_chat.wire.irc.text import split_text

MAX_WORD_CHARACTERS = 64
"""Characters of a client's parameter that an error repeats."""
INVALID_UTF8 = "INVALID_UTF8"
"""The code of IRCv3's utf8-only for a line that is not UTF-8."""
NOT_CONNECTED = "not connected now; the message is kept"

_COMMANDS = {
    MESSAGE: "PRIVMSG",
    ACTION: "PRIVMSG",
    NOTICE: "NOTICE",
    JOINED: "JOIN",
    LEFT: "PART",
    TOPIC: "TOPIC",
}


class IrcSession(Session):
    """A participant of the hub with an IRC client behind it."""

    __slots__ = ("_batch_count", "capabilities")
    dialect: IrcDialect

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._batch_count = 0
        self.use_capabilities(frozenset())

    def use_capabilities(self, capabilities: frozenset[str]) -> None:
        """Write with these capabilities from now on."""
        self.capabilities = capabilities
        self.speak(dialect_of(capabilities), b"\r\n")

    @property
    def nick(self) -> str:
        """Return the client's nick; * before it has one."""
        return "*" if self.user is None else nick_of(self.user.name)

    # lines for this client

    def numeric(self, number: str, *params: str) -> str:
        """Return a numeric reply; all but the last of `params` must be words."""
        return render(number, self.nick, *params, source=SERVER)

    def numeric_list(self, number: str, params: tuple[str, ...], words: Sequence[str]) -> list[str]:
        """Return a list of words, in as many numeric replies as it takes."""
        overhead = len(self.numeric(number, *params, ":").encode())
        return [self.numeric(number, *params, piece.strip()) for piece in split_text(" ".join(words), overhead)]

    def numeric_text(self, number: str, params: tuple[str, ...], text: str) -> str:
        """Return a numeric reply that ends with as much of a person's text as fits."""
        return self.numeric(number, *params, one_line(text, len(self.numeric(number, *params, ":").encode())))

    def names_of(self, name: str) -> list[str]:
        """Return the reply to NAMES: the members of a room, connected or not. Raises ChatError(bad-name)."""
        room = self._hub.rooms.get(name)
        lines = []
        if room is not None:
            nicks = [nick_of(member) for member in room.names()]
            lines = self.numeric_list(numerics.RPL_NAMREPLY, ("=", room.name), nicks)
            name = room.name
        return [*lines, self.numeric(numerics.RPL_ENDOFNAMES, word(name), "End of /NAMES list")]

    def joined(self, name: str) -> list[str]:
        """Return the lines that follow the client's own JOIN: the room's topic and its members."""
        room = self._hub.rooms.get(name)
        if room is None or not room.topic:
            return self.names_of(name)
        return [self.numeric_text(numerics.RPL_TOPIC, (room.name,), room.topic), *self.names_of(name)]

    def problem(self, command: str, target: str, problem: ChatError | ParseError) -> list[str]:
        """Return the answer to a request that was not carried out."""
        numeric = numeric_for(command, target, problem)
        if numeric is not None:
            params = (word(target),) if numeric.names_target else ()
            return [self.numeric(numeric.number, *params, numeric.text)]
        sentence = sentence_for(problem)
        if problem.code == NOT_UTF8:
            return [self.failure("*", INVALID_UTF8, (), sentence)]
        return [self.failure(command or "*", problem.code.upper().replace("-", "_"), (), sentence)]

    def failure(self, command: str, code: str, context: tuple[str, ...], sentence: str) -> str:
        """Return an error for which IRC has no number: FAIL, or 400 without standard-replies."""
        if REPLIES in self.capabilities:
            return render("FAIL", word(command), code, *map(word, context), sentence, source=SERVER)
        if code == INVALID_UTF8:
            return render("NOTICE", self.nick, sentence, source=SERVER)
        return self.numeric(numerics.ERR_UNKNOWNERROR, word(command), sentence)

    # answers

    def write_answer(self, label: str | None, lines: Sequence[str], batch: tuple[str, ...] = ()) -> None:
        """Queue the whole answer to a request, in a batch of the given type if it is one."""
        self.write(*self._answer(label, lines, batch))

    def _answer(self, label: str | None, lines: Sequence[str], batch: tuple[str, ...] = ()) -> Sequence[str]:
        if label is not None and len(lines) > 1:
            batch = batch or ("labeled-response",)
        if batch and BATCH in self.capabilities:
            self._batch_count += 1
            number = str(self._batch_count)
            inner = [add_tag(line, "batch", number) for line in lines]
            begin = render("BATCH", f"+{number}", *batch, source=SERVER)
            lines = [begin, *inner, render("BATCH", f"-{number}", source=SERVER)]
        if label is None:
            return lines
        return [add_tag(lines[0], "label", label), *lines[1:]] if lines else [_ack(label)]

    # what the hub calls

    def deliver_join(self, entry: Entry) -> None:
        super().deliver_join(entry)
        user = self.user
        if user is not None and entry.envelope.author == user.identity:
            self.write(*self.joined(entry.envelope.to))  # another connection of the account has joined for this one

    def deliver_copy(self, entry: Entry) -> None:
        if ECHO in self.capabilities:  # other clients would show it as a message from the account to itself
            super().deliver_copy(entry)

    def render_replayed(self, record: Record) -> list[str]:
        assert self.user is not None
        own = record.author == self.user.identity
        if own and record.kind in SPOKEN and not is_room(record.to) and record.to != self.user.name:
            return super().render_replayed(record) if ECHO in self.capabilities else []
        return [*super().render_replayed(record), *(self.joined(record.to) if own and record.kind == JOINED else ())]

    def write_acknowledgement(self, entry: Entry) -> None:
        labels = entry.labels
        if entry.kind not in SPOKEN:
            for index, record in enumerate(entry.records()):
                joined = self.joined(record.to) if record.kind == JOINED else ()
                self.write_answer(labels.get(index), [*self.dialect.render_history(record), *joined])
        elif ECHO not in self.capabilities:
            if labels:
                self.write(*map(_ack, labels.values()))
        elif labels:
            self._write_labelled_echo(entry)
        else:
            self.outbox.put(self._render(entry))

    def _write_labelled_echo(self, entry: Entry) -> None:
        labels, lines = entry.labels, self._render(entry).decode().split("\r\n")[:-1]
        if len(lines) == len(entry.texts):  # a line for each, as is usual
            for index, label in labels.items():
                lines[index] = add_tag(lines[index], "label", label)
            self.write(*lines)
            return
        for index, record in enumerate(entry.records()):
            self.write_answer(labels.get(index), self.dialect.render_history(record))

    def write_rejection(self, entry: Entry, index: int, problem: ChatError) -> None:
        lines = self.problem(_COMMANDS[entry.kind], entry.envelopes[index].to, problem)
        self.write_answer(entry.labels.get(index), lines)

    def presence_changed(self, identity: int, before: str | None, now: str | None) -> None:
        """Queue a new name at once, before anything that is said under it. Comings and goings are JOIN and PART."""
        if before is None or now is None:
            return
        if self.catchup.mode is not LIVE or self.outbox.full:
            super().presence_changed(identity, before, now)
            return
        if not self.outbox.size:
            self._clock.callLater(0, self.flush)
        self.write(renamed(before, now))

    def tell_absence(self, absence: Absence | None) -> None:
        """Queue the news, if any, that the recipient of a message is away or not connected."""
        if absence is not None:
            params = (nick_of(absence.name),)
            self.write(self.numeric_text(numerics.RPL_AWAY, params, absence.away or NOT_CONNECTED))

    def notify(self, notice: Notice, detail: str = "") -> None:
        sentence = notice_sentence(notice, detail)
        if notice is Notice.GAP:
            self.write(render("NOTICE", self.nick, sentence, source=SERVER))
        else:
            self.write(render("ERROR", sentence))

    def read_marker_moved(self, name: str, id: int) -> None:
        """Do nothing: IRC's read markers are times, and ours are ids."""


def word(text: str) -> str:
    """Return a client's parameter, which may be longer than a word, as a word of an answer."""
    return text[:MAX_WORD_CHARACTERS].replace(" ", "_").lstrip(":") or "*"


def _ack(label: str) -> str:
    return f"@label={escape_tag_value(label)} :{SERVER} ACK"
