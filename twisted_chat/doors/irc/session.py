"""An IRC client's session: lines for this client alone, with its nick, its labels and its batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.core.messages import ACTION, JOINED, LEFT, MESSAGE, NOTICE, SPOKEN, TOPIC, Record
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Absence, Entry
from twisted_chat.doors.catchup import LIVE
from twisted_chat.doors.crowds import CrowdNews
from twisted_chat.doors.irc.dialect import BATCH, ECHO, REPLIES, SERVER, IrcDialect, dialect_of, one_line, renamed
from twisted_chat.doors.irc.hosts import Hosts, hosts_of
from twisted_chat.doors.irc.lines import LONG_NICK_LINES, SHORT_NAMES_BYTES, SHORT_NICK_LINES, acknowledgement, word
from twisted_chat.doors.irc.problems import numeric_for, sentence_for
from twisted_chat.doors.session import Session
from twisted_chat.sentences import notice_sentence
from twisted_chat.wire.errors import NOT_UTF8, ParseError
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import add_tag, render
from twisted_chat.wire.irc.names import nick_of
from twisted_chat.wire.irc.text import split_text

LINES_PER_STEP = 32
"""Lines of a long answer that are made in one step (doors/slices.py): some 0.2 ms of work."""
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

    __slots__ = ("_batch_count", "_pinged", "capabilities")
    dialect: IrcDialect

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._batch_count = self._pinged = 0
        self.use_capabilities(frozenset())

    def use_capabilities(self, capabilities: frozenset[str]) -> None:
        """Write with these capabilities from now on."""
        self.capabilities = _shared(capabilities)
        self.speak(dialect_of(capabilities, self.hosts), b"\r\n")

    @property
    def hosts(self) -> Hosts:
        return hosts_of(self._hub)

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

    def names_of(self, name: str) -> Iterator[Sequence[str]]:
        """Return the reply to NAMES in slices: the members of a room, connected or not. Raises ChatError(bad-name)."""
        room = self._hub.rooms.get(name)
        if room is not None:
            name = room.name
            nicks = LONG_NICK_LINES if len(self.nick + name) * 4 <= SHORT_NAMES_BYTES else SHORT_NICK_LINES
            for lines in room.ordered.slices(nicks):
                start = f":{SERVER} {numerics.RPL_NAMREPLY} {self.nick} = {name} :"
                yield [start + line for line in lines]
        yield (self.numeric(numerics.RPL_ENDOFNAMES, word(name), "End of /NAMES list"),)

    def joined(self, name: str) -> Iterator[Sequence[str]]:
        """Return, in slices, the lines that follow the client's own JOIN: the room's topic and its members."""
        room = self._hub.rooms.get(name)
        if room is not None and room.topic:
            yield (self.numeric_text(numerics.RPL_TOPIC, (room.name,), room.topic),)
        yield from self.names_of(name)

    def write_joined(self, name: str) -> None:
        """Queue the lines that follow a JOIN, those of a large room in slices."""
        self._flusher.slices.begin(self, self._answer_slices(None, self.joined(name), ()))

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

    async def write_sliced_answer(
        self, label: str | None, slices: Iterator[Sequence[str]], batch: tuple[str, ...] = ()
    ) -> None:
        """Queue an answer of many lines, a slice at a time; return when it is all queued."""
        await self.write_slices(self._answer_slices(label, slices, batch))

    def _answer_slices(
        self, label: str | None, slices: Iterator[Sequence[str]], batch: tuple[str, ...]
    ) -> Iterator[None]:
        """Write an answer, LINES_PER_STEP lines in each step; in a batch if it is of that type, or has a label."""
        if label is not None:
            batch = batch or ("labeled-response",)
        number = self._open_batch(label, batch) if batch and BATCH in self.capabilities else ""
        count = 0
        for lines in slices:
            if number:
                lines = [add_tag(line, "batch", number) for line in lines]
            elif label is not None and lines:
                lines, label = [add_tag(lines[0], "label", label), *lines[1:]], None
            self.write(*lines)
            count += len(lines)
            if count >= LINES_PER_STEP:
                count = 0
                yield
        if number:
            self.write(render("BATCH", f"-{number}", source=SERVER))

    def _open_batch(self, label: str | None, batch: tuple[str, ...]) -> str:
        """Queue the line that begins a batch, and return the batch's name."""
        self._batch_count += 1
        begin = render("BATCH", f"+{self._batch_count}", *batch, source=SERVER)
        self.write(begin if label is None else add_tag(begin, "label", label))
        return str(self._batch_count)

    def _answer(self, label: str | None, lines: Sequence[str], batch: tuple[str, ...] = ()) -> Sequence[str]:
        if label is not None and len(lines) > 1:
            batch = batch or ("labeled-response",)
        if batch:
            lines = self.in_batch(lines, batch)
        if label is None:
            return lines
        return [add_tag(lines[0], "label", label), *lines[1:]] if lines else [acknowledgement(label)]

    def in_batch(self, lines: Sequence[str], batch: tuple[str, ...]) -> Sequence[str]:
        """Return lines as a batch of a type with parameters, if the client has requested batches."""
        if BATCH not in self.capabilities:
            return lines
        self._batch_count += 1
        number = str(self._batch_count)
        inner = [add_tag(line, "batch", number) for line in lines]
        begin = render("BATCH", f"+{number}", *batch, source=SERVER)
        return [begin, *inner, render("BATCH", f"-{number}", source=SERVER)]

    # how far the client has read

    def ping(self) -> str:
        """Return a PING; the client that answers it has received everything so far."""
        self._pinged = self.catchup.position
        return render("PING", SERVER)

    def answered_ping(self) -> None:
        """Note that the client has answered the last PING."""
        self._confirmed = max(self._confirmed, self._pinged)

    # what the hub calls

    def deliver_join(self, entry: Entry) -> None:
        super().deliver_join(entry)
        user = self.user
        if user is not None and entry.envelope.author == user.identity:
            self.write_joined(entry.envelope.to)  # another connection of the account has joined for this one

    def deliver_copy(self, entry: Entry) -> None:
        if ECHO in self.capabilities:  # other clients would show it as a message from the account to itself
            super().deliver_copy(entry)

    def render_replayed(self, record: Record) -> list[str]:
        assert self.user is not None
        own = record.author == self.user.identity
        if own and record.kind in SPOKEN and not is_room(record.to) and record.to != self.user.name:
            return super().render_replayed(record) if ECHO in self.capabilities else []
        return super().render_replayed(record)

    def write_replayed(self, records: Sequence[Record], label: str | None) -> None:
        for record in records:
            self.write(*self.render_replayed(record))
            if record.kind == JOINED and self.user is not None and record.author == self.user.identity:
                self.write_joined(record.to)

    def write_acknowledgement(self, entry: Entry) -> None:
        labels = entry.labels
        if entry.kind not in SPOKEN:
            for index, record in enumerate(entry.records()):
                lines = self.dialect.render_history(record)
                if record.kind != JOINED:
                    self.write_answer(labels.get(index), lines)
                    continue
                slices = chain((lines,), self.joined(record.to))
                self._flusher.slices.begin(self, self._answer_slices(labels.get(index), slices, ()))
        elif ECHO not in self.capabilities:
            if labels:
                self.write(*map(acknowledgement, labels.values()))
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
        self.write(renamed(before, now, self.hosts.of(identity)))

    def crowd_changed(self, news: CrowdNews) -> None:
        """Queue new names, all in one write."""
        own = -1 if self.user is None else self.user.identity
        for identity, (before, now) in news.renames.items():
            if identity != own:
                self.presence_changed(identity, before, now)

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


@lru_cache(1024)
def _shared(capabilities: frozenset[str]) -> frozenset[str]:
    """Return an equal set that all clients with the same capabilities share."""
    return capabilities
