"""An IRC client's session: lines for this client alone, with its nick, its labels and its batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.core.messages import ACTION, JOINED, LEFT, MESSAGE, NOTICE, SPOKEN, TOPIC, Record
from twisted_chat.core.moves import Block, Quit, quit_of
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Absence, Entry
from twisted_chat.core.routes import absence_of
from twisted_chat.doors.catchup import LIVE
from twisted_chat.doors.crowds import CrowdNews
from twisted_chat.doors.irc.answers import IrcAnswers
from twisted_chat.doors.irc.channels import channel_of, room_of
from twisted_chat.doors.irc.dialect import ECHO, renamed, target_of
from twisted_chat.doors.irc.lines import LONG_NICK_LINES, SHORT_NAMES_BYTES, SHORT_NICK_LINES, acknowledgement, word
from twisted_chat.sentences import notice_sentence
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import add_tag, render
from twisted_chat.wire.irc.names import nick_of

MAX_TOLD_QUITS = 64
"""Blocks of quits that are remembered for a client until the guests have left all their rooms."""
NOT_CONNECTED = "not connected now; the message is kept"

_COMMANDS = {
    MESSAGE: "PRIVMSG",
    ACTION: "PRIVMSG",
    NOTICE: "NOTICE",
    JOINED: "JOIN",
    LEFT: "PART",
    TOPIC: "TOPIC",
}


class IrcSession(IrcAnswers):
    """A participant of the hub with an IRC client behind it."""

    __slots__ = ()

    # lines of rooms

    def names_of(self, name: str) -> Iterator[Sequence[str]]:
        """Return the reply to NAMES in slices: the members of a room, connected or not. Raises ChatError(bad-name)."""
        room = self._hub.rooms.get(room_of(name))
        name = channel_of(name if room is None else room.name)
        if room is not None:
            nicks = LONG_NICK_LINES if len(self.nick + name) * 4 <= SHORT_NAMES_BYTES else SHORT_NICK_LINES
            for lines in room.ordered.slices(nicks):
                start = f":{self.server} {numerics.RPL_NAMREPLY} {self.nick} = {name} :"
                yield [start + line for line in lines]
        yield (self.numeric(numerics.RPL_ENDOFNAMES, word(name), "End of /NAMES list"),)

    def joined(self, name: str) -> Iterator[Sequence[str]]:
        """Return, in slices, the lines that follow the client's own JOIN: the room's topic and its members."""
        room = self._hub.rooms.get(name)
        if room is not None and room.delivered_topic:
            yield (self.numeric_text(numerics.RPL_TOPIC, (channel_of(room.name),), room.delivered_topic),)
        yield from self.names_of(name)

    def write_joined(self, name: str) -> None:
        """Queue the lines that follow a JOIN, those of a large room in slices."""
        self._flusher.slices.begin(self, self._answer_slices(None, self.joined(name), ()))

    # how far the client has read

    def ping(self) -> str:
        """Return a PING; the client that answers it has received everything so far."""
        self._pinged = self.catchup.position
        return render("PING", self.server)

    def answered_ping(self) -> None:
        """Note that the client has answered the last PING."""
        self._confirmed = max(self._confirmed, self._pinged)

    # what the hub calls

    def deliver_move(self, entry: Entry) -> None:
        """Queue a join or leave; a guest that is gone has quit, and is seen to do so once, not in each room."""
        author, user = entry.envelope.author, self.user
        for part in self._without_told(entry):
            super().deliver_move(part)
        if entry.kind == JOINED and user is not None and author == user.identity:
            self.write_joined(entry.envelope.to)  # another connection of the account has joined for this one

    def _without_told(self, entry: Entry) -> Sequence[Entry]:
        """Return the entry, or the parts of a block, without the quits that the client was told of in another room."""
        quits: Mapping[int, Quit] = {}
        if isinstance(entry, Block):
            quits = entry.quits()
        elif (quit := quit_of(entry)) is not None:
            quits = {entry.envelope.author: quit}
        if not quits:
            return (entry,)
        told = self._told_quits
        again = {author for author in quits if any(author in some for some in told)} if told else ()
        if any(quit.rest for quit in quits.values()):
            awaited = [some for some in told if any(quit.rest for quit in some.values())]
            self._told_quits = (*awaited[-MAX_TOLD_QUITS:], quits)
        if not again:
            return (entry,)
        return entry.without_quits(again) if isinstance(entry, Block) else ()

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
                slices = chain((lines,), self.joined(record.to) if record.kind == JOINED else ())
                if self._gathers(slices):
                    continue
                if record.kind != JOINED:
                    self.write_answer(labels.get(index), lines)
                    continue
                self._flusher.slices.begin(self, self._answer_slices(labels.get(index), slices, ()))
        elif ECHO not in self.capabilities:
            if labels:
                self.write(*[acknowledgement(label, self.server) for label in labels.values()])
        elif labels:
            self._write_labelled_echo(entry)
        elif not self._gathers((self._render(entry).decode().split("\r\n")[:-1],)):
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
        lines = self.problem(_COMMANDS[entry.kind], target_of(entry.envelopes[index].to), problem)
        if not self._gathers((lines,)):
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
        if self.catchup.mode is LIVE and not self.outbox.full:
            data = news.rendered_renames(self._render_renamed, own)
            if data:
                self.outbox.put(data)
            return
        for identity, (before, now) in news.renames.items():
            if identity != own:
                self.presence_changed(identity, before, now)

    def _render_renamed(self, identity: int, before: str, now: str) -> bytes:
        return f"{renamed(before, now, self.hosts.of(identity))}\r\n".encode()

    def expects_absence(self, name: str) -> bool:
        """Return True if a message to this name would perhaps be answered with the news that its owner is absent."""
        route = self.routes.get(name)
        if route is not None and route.version == route.target.version:
            return False
        try:
            user = self._hub.registry.get(name)
        except ChatError:
            return False
        return user is not None and absence_of(user) is not None

    def tell_absence(self, absence: Absence | None) -> None:
        """Queue the news, if any, that the recipient of a message is away or not connected."""
        if absence is not None:
            params = (nick_of(absence.name),)
            line = self.numeric_text(numerics.RPL_AWAY, params, absence.away or NOT_CONNECTED)
            if not self._gathers(((line,),)):
                self.write(line)

    def notify(self, notice: Notice, detail: str = "") -> None:
        sentence = notice_sentence(notice, detail)
        if notice is Notice.GAP:
            self.write(render("NOTICE", self.nick, sentence, source=self.server))
        else:
            self.write(render("ERROR", sentence))

    def read_marker_moved(self, name: str, id: int) -> None:
        """Do nothing: IRC's read markers are times, and ours are ids."""
