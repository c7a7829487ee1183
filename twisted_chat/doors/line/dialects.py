"""How the line door writes: for people (plain), for programs (events), for the lesson's client."""

from collections.abc import Sequence
from typing import NamedTuple

from twisted_chat.core.messages import ACTION, MESSAGE, Record
from twisted_chat.core.participants import Entry
from twisted_chat.wire.events import plain, plain_opening, second, structured
from twisted_chat.wire.line import escape, labelled, ok


class Answer(NamedTuple):
    """What a request is answered: `lines` to a person, or `ok` and `fields`; records of the `past` come first.

    After the `last` answer the connection ends.
    """

    lines: tuple[str, ...] = ("ack",)
    fields: tuple[str, ...] = ()
    past: Sequence[Record] = ()
    last: bool = False


SILENT = Answer(lines=())
"""No answer, but to a label."""


class Dialect:
    """Lines that a person reads; the others differ from it."""

    ended = True
    """Whether answers have a line ending."""
    program = False
    """Whether a program reads: it hears that each thing was done, and who comes and goes."""

    def live(self, entry: Entry) -> list[str]:
        """What has just been said."""
        envelope = entry.envelope
        return plain(entry.kind, envelope.sender, envelope.to, entry.texts)

    def rendered(self, entry: Entry, ending: str) -> str:
        """What has just been said, as lines with that ending."""
        lines = self.live(entry)
        return ending.join(lines) + ending if lines else ""

    def deliver_copy(self, entry: Entry) -> list[str]:
        """What one has just said oneself, by another connection."""
        envelope = entry.envelope
        return plain(entry.kind, envelope.sender, envelope.to, entry.texts, own=True)

    def render_replayed(self, record: Record, own: bool) -> list[str]:
        """What was said, perhaps by oneself, while the reader was behind."""
        return plain(record.kind, record.sender, record.to, [record.text], own)

    def past(self, record: Record) -> list[str]:
        """What was said long ago: with its id and time (UTC), so that one can ask for what was before."""
        when = second(record.time).replace("T", " ")
        lines = plain(record.kind, record.sender, record.to, [record.text])
        return [f"{record.id} {when} {line}" for line in lines]

    def answer(self, label: str | None, answer: Answer) -> list[str]:
        """All the lines of an answer."""
        past = [line for record in answer.past for line in self.past(record)]
        if label is None:
            return [*past, *answer.lines]
        return [*labelled(label, past), ok(label, answer.fields)]

    def acknowledgement(self, entry: Entry) -> list[str]:
        """The acknowledgement of what the log now has; a person is told nothing of messages."""
        if entry.kind not in (MESSAGE, ACTION) and not entry.labels:
            return ["ack"]
        return [f"@{label} ok,{entry.first + i}" for i, label in entry.labels.items()]

    def news(self, changes: Sequence[tuple[str | None, str | None]]) -> list[str]:
        """Who came, went or changed name: the names before and now, None for being away; a person is not bothered."""
        return []

    def server_notice(self, code: str, sentence: str) -> str:
        """The server's own word."""
        return f"* {sentence}"


class Plain(Dialect):
    """That, with many texts of one entry made lines at once."""

    def rendered(self, entry: Entry, ending: str) -> str:
        envelope, texts = entry.envelope, entry.texts
        opening = plain_opening(entry.kind, envelope.sender, envelope.to)
        if opening is None or "\n" in "".join(texts):
            return super().rendered(entry, ending)
        return opening + (ending + opening).join(texts) + ending


class Lesson(Plain):
    """As plain, but answers have no line ending, and the server says nothing of its own."""

    ended = False

    def server_notice(self, code: str, sentence: str) -> str:
        return ""


class Events(Dialect):
    """Lines that a program reads: every request is answered, and everything else is an event."""

    program = True

    def live(self, entry: Entry) -> list[str]:
        envelope = entry.envelope
        return structured(entry.kind, envelope.sender, envelope.to, entry.texts, entry.first, entry.time)

    def deliver_copy(self, entry: Entry) -> list[str]:
        return self.live(entry)

    def past(self, record: Record) -> list[str]:
        return structured(record.kind, record.sender, record.to, [record.text], record.id, record.time)

    def render_replayed(self, record: Record, own: bool) -> list[str]:
        return self.past(record)

    def answer(self, label: str | None, answer: Answer) -> list[str]:
        if label is not None:
            return super().answer(label, answer)
        past = [line for record in answer.past for line in self.past(record)]
        return [] if answer is SILENT else [*past, ok(None, answer.fields)]

    def acknowledgement(self, entry: Entry) -> list[str]:
        labels, first = entry.labels, entry.first
        return [f"@{labels[i]} ok,{first + i}" if i in labels else f"ok,{first + i}" for i in range(len(entry.texts))]

    def news(self, changes: Sequence[tuple[str | None, str | None]]) -> list[str]:
        lines = []
        for before, now in changes:
            if before is None:
                lines.append(f"online,{now}")
            else:
                lines.append(f"offline,{before}" if now is None else f"renamed,{before},{now}")
        return lines

    def server_notice(self, code: str, sentence: str) -> str:
        return f"server,{code},{escape(sentence)}"


PLAIN, LESSON, EVENTS = Plain(), Lesson(), Events()


class RenderCache:
    """Entries to bytes for one dialect and line ending, made once for all the readers of an entry."""

    __slots__ = ("_bytes", "_ending", "_entry", "_rendered")

    def __init__(self, dialect: Dialect, delimiter: bytes) -> None:
        self._rendered, self._ending = dialect.rendered, delimiter.decode()
        self._entry: Entry | None = None
        self._bytes = b""

    def __call__(self, entry: Entry) -> bytes:
        if entry is not self._entry:
            self._entry, self._bytes = entry, self._rendered(entry, self._ending).encode()
        return self._bytes


class RenderCaches(dict[tuple[Dialect, bytes], RenderCache]):
    """One server's render_caches: by dialect and line ending, each made when first asked for."""

    def __missing__(self, key: tuple[Dialect, bytes]) -> RenderCache:
        rendering = self[key] = RenderCache(*key)
        return rendering
