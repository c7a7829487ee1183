"""The dialects of the line door: for people (plain), for programs (events), for the lesson's client."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from twisted_chat.core.errors import Notice
from twisted_chat.core.interfaces import Unread
from twisted_chat.core.messages import GUESTS, SPOKEN, TOPIC, Conversation, Record
from twisted_chat.core.participants import Entry, Envelope
from twisted_chat.doors.dialect import Dialect, PresenceChange
from twisted_chat.wire.events import (
    SERVER_MARK,
    plain,
    plain_opening,
    second,
    split_timestamps,
    structured,
    timestamp,
)
from twisted_chat.wire.line import escape, labelled, ok
from twisted_chat.wire.tags import about_tag, guest_tags


class Answer(NamedTuple):
    """The answer to a request: `lines` for a person, or `ok` and `fields`; records of `history` come first.

    A `silent` answer is none, except to a label. `then` is called when the answer is queued.
    With `listed` the lines are for programs too, in front of the `ok`. After the `last` answer the server ends
    the connection.
    """

    lines: tuple[str, ...] = ("ack",)
    fields: tuple[str, ...] = ()
    history: Sequence[Record] = ()
    last: bool = False
    silent: bool = False
    listed: bool = False
    then: Callable[[], None] | None = None


SILENT = Answer(lines=(), silent=True)
"""No answer, except to a label."""
DONE = Answer(lines=())
"""No answer to a person; a program, and a label, get `ok`."""

WRITTEN = Answer(lines=(), silent=True)
"""An answer that was written already, in slices, or that the log gives."""

_opening = lru_cache(4096)(plain_opening)


def session_number(identity: int) -> int:
    """Return the number of a guest's session, by which programs tell guests of one name apart; 0 for an account."""
    return identity - GUESTS + 1 if identity >= GUESTS else 0


class LineDialect(Dialect):
    """A dialect of the line door; here what people read, the other dialects differ from it.

    With `marks_guests` the reader is shown, or told as data, what comes from guests.
    """

    ended = True
    """True if answers have a line ending."""

    def __init__(self, marks_guests: bool = False) -> None:
        self._marks_guests = marks_guests

    def _tags(self, author: int, conversation: Conversation = "") -> str:
        """Return the tags of a record, or of another line about a person; only programs are sent some."""
        return ""

    def _marks(self, author: int) -> bool:
        """Return True if what this author said is marked as a guest's."""
        return self._marks_guests and author >= GUESTS

    def render(self, entry: Entry, ending: str) -> str:
        envelope, texts = entry.envelope, entry.texts
        if self._marks_guests and envelope.author >= GUESTS:
            opening = _opening(entry.kind, envelope.sender, envelope.to, False, True)
        else:
            opening = _opening(entry.kind, envelope.sender, envelope.to)
        if opening is None:
            return ""
        if entry.kind == TOPIC:
            return "".join([line + ending for line in self._plain(entry.kind, envelope, texts)])
        if len(texts) == 1:
            text = texts[0]
            return opening + (text.replace("\n", "\\n") if "\n" in text else text) + ending
        if "\n" in "".join(texts):  # a line break within a text must not end the line
            texts = [text.replace("\n", "\\n") for text in texts]
        return opening + (ending + opening).join(texts) + ending

    def render_copy(self, entry: Entry) -> list[str]:
        return self._plain(entry.kind, entry.envelope, entry.texts, own=True)

    def render_replayed(self, record: Record, own: bool) -> list[str]:
        return self._plain(record.kind, record, [record.text], own)

    def render_history(self, record: Record) -> list[str]:
        """Return the record's line with its id and time (UTC), so that a person can ask for what was before."""
        when = second(record.time).replace("T", " ")
        return [f"{record.id} {when} {line}" for line in self._plain(record.kind, record, [record.text])]

    def _plain(self, kind: str, of: Record | Envelope, texts: list[str], own: bool = False) -> list[str]:
        return plain(kind, of.sender, of.to, texts, own, self._marks(of.author))

    def answer(self, label: str | None, answer: Answer) -> list[str]:
        """Return all lines of an answer."""
        history = [line for record in answer.history for line in self.render_history(record)]
        if label is None:
            return [*history, *answer.lines]
        listed = answer.lines if answer.listed else ()
        return [*labelled(label, [*history, *listed]), ok(label, answer.fields)]

    def unread(self, label: str | None, found: Sequence[tuple[str, int, Unread]], fields: Sequence[str]) -> Answer:
        """Return the answer that names the conversations with unread messages, each with the other's identity.

        A program gets name, count, mentions and first id, and "more" if not everything was counted.
        """
        if label is not None or self.for_programs:
            rows = [
                f"{self._tags(who)}unread,{name},{one.total},{one.mentions},{one.first}{',more' if one.more else ''}"
                for name, who, one in found
            ]
            return Answer(tuple(rows), tuple(fields), listed=True)
        lines = [
            f"{name}: {'more than ' if one.more else ''}{one.total} unread, {one.mentions} for you, "
            f"the first is {one.first}"
            for name, _, one in found
        ]
        if len(fields) > 1:
            lines.append(f"there are more; unread,before={fields[-1]} shows them")
        return Answer(tuple(lines or ["nothing is unread"]), tuple(fields))

    def list_opening(self, label: str | None) -> str:
        """Return what stands in front of a list that has names, in its line."""
        return "" if label is None else ok(label, ("",))

    def acknowledgement(self, entry: Entry, ending: str) -> str:
        """Return the lines for what the log has; a person is not told of messages."""
        if entry.kind not in SPOKEN and not entry.labels:
            return "ack" + ending if self.ended else "ack"
        first = entry.first
        return "".join([f"@{label} ok,{first + index}{ending}" for index, label in entry.labels.items()])

    def server_notice(self, notice: Notice, sentence: str, about: str = "") -> list[str]:
        """Return the lines of a notice of the server's own, which may be `about` a person."""
        return [SERVER_MARK + sentence]


class PlainDialect(LineDialect):
    """Lines for people."""


class LessonDialect(LineDialect):
    """As plain, but answers have no line ending, and the server says nothing on its own."""

    ended = False

    def server_notice(self, notice: Notice, sentence: str, about: str = "") -> list[str]:
        return []


class EventsDialect(LineDialect):
    """Lines for programs: every request is answered, and everything else is an event.

    A program that takes tags is told by them of guests, and whom a notice is about.
    """

    for_programs = True

    def render(self, entry: Entry, ending: str) -> str:
        envelope, kind, texts = entry.envelope, entry.kind, entry.texts
        if kind not in SPOKEN:
            return "".join([line + ending for line in self.render_copy(entry)])
        before = f"{kind},"
        if self._marks_guests:
            before = self._tags(envelope.author, envelope.conversation) + before
        between = f",{envelope.sender},{envelope.to},"
        if "\\" in (joined := "".join(texts)) or "\n" in joined:
            texts = [escape(text) for text in texts]
        if len(texts) == 1:
            return f"{before}{entry.ids[0]},{timestamp(entry.times[0])}{between}{texts[0]}{ending}"
        begin, ends = split_timestamps(entry.times)
        lines = zip(entry.ids, ends, texts, strict=True)
        return "".join([f"{before}{id},{begin}{end}{between}{text}{ending}" for id, end, text in lines])

    def render_copy(self, entry: Entry) -> list[str]:
        sender, to, conversation, author, _ = entry.envelope
        tags = self._tags(author, conversation)
        return structured(entry.kind, sender, to, entry.texts, entry.first, entry.time, tags)

    def render_history(self, record: Record) -> list[str]:
        id, time, kind, sender, to, text, conversation, author, _ = record
        return structured(kind, sender, to, [text], id, time, self._tags(author, conversation))

    def render_replayed(self, record: Record, own: bool) -> list[str]:
        return self.render_history(record)

    def answer(self, label: str | None, answer: Answer) -> list[str]:
        if label is not None:
            return super().answer(label, answer)
        history = [line for record in answer.history for line in self.render_history(record)]
        listed = answer.lines if answer.listed else ()
        return [*history, *listed, *(() if answer.silent else (ok(None, answer.fields),))]

    def list_opening(self, label: str | None) -> str:
        return ok(label, ("",))

    def acknowledgement(self, entry: Entry, ending: str) -> str:
        labels, first, count = entry.labels, entry.first, len(entry.texts)
        if len(labels) == count:
            return "".join([f"@{label} ok,{id}{ending}" for id, label in enumerate(labels.values(), first)])
        if not labels:
            return "".join([f"ok,{id}{ending}" for id in range(first, first + count)])
        openings = [f"@{labels[index]} ok" if index in labels else "ok" for index in range(count)]
        return "".join([f"{opening},{id}{ending}" for id, opening in enumerate(openings, first)])

    def _tags(self, author: int, conversation: Conversation = "") -> str:
        if not self._marks_guests:
            return ""
        if isinstance(conversation, str):
            return guest_tags(session_number(author))
        one, other = conversation
        return guest_tags(session_number(author), session_number(other if one == author else one))

    def presence(self, changes: Sequence[PresenceChange]) -> list[str]:
        lines = []
        for before, now, identity in changes:
            tags = self._tags(identity)
            if before is None:
                lines.append(f"{tags}online,{now}")
            else:
                lines.append(f"{tags}offline,{before}" if now is None else f"{tags}renamed,{before},{now}")
        return lines

    def server_notice(self, notice: Notice, sentence: str, about: str = "") -> list[str]:
        tag = about_tag(about) if about and self._marks_guests else ""
        return [f"{tag}server,{notice.value},{escape(sentence)}"]


PLAIN, LESSON, EVENTS = PlainDialect(), LessonDialect(), EventsDialect()
PLAIN_FOR_ACCOUNTS = PlainDialect(marks_guests=True)
"""An account's readers can always tell a guest from an account; guests among themselves read the lesson's words."""
EVENTS_WITH_TAGS = EventsDialect(marks_guests=True)
