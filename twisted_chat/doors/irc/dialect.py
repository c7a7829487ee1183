"""How the IRC door writes the records of the log, for each set of capabilities."""

from collections.abc import Sequence
from functools import lru_cache

from twisted_chat.core.messages import ACTION, GUESTS, JOINED, LEFT, NOTICE, TOPIC, Record
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Entry
from twisted_chat.doors.line.dialects import Dialect
from twisted_chat.wire.events import timestamp
from twisted_chat.wire.irc.message import render
from twisted_chat.wire.irc.names import nick_of
from twisted_chat.wire.irc.text import ACTION_OVERHEAD, action, pieces

SERVER = "chat.local"
"""The server's name: it has a dot, which no nick has."""

CAPABILITIES = {
    "message-tags": "tags; everything that is kept has its id as `msgid`",
    "server-time": "everything that is kept has the time at which it was said",
    "account-tag": "what an account says has its name",
    "extended-join": "a JOIN says whose account it is",
    "echo-message": "what one says comes back when it is kept: the acknowledgement",
    "labeled-response": "the answer to a labelled request has its label, and every request has one",
    "batch": "an answer of several lines, or a page of history, is one batch",
    "standard-replies": "what IRC has no number for is refused by FAIL",
    "sasl": "PLAIN: sign in to an account, or make it",
    "draft/chathistory": "CHATHISTORY; what one has missed is not sent unasked",
    "draft/event-playback": "JOIN, PART and TOPIC are in the history too",
    "cap-notify": "nothing: the capabilities stay the same",
}
"""Each capability, and what it brings."""
TAGS, TIME, ACCOUNT, EXTENDED, ECHO, LABELS, BATCH, REPLIES, SASL, HISTORY, PLAYBACK, _ = CAPABILITIES


def source_of(name: str, is_account: bool) -> str:
    """Where a person's lines come from: the nick, and a user and host that say no more than what kind of name it is."""
    return f"{nick_of(name)}!u@{'account' if is_account else 'guest'}"


def target_of(name: str) -> str:
    """A room's or a person's name as a target."""
    return name if is_room(name) else nick_of(name)


def one_line(text: str, overhead: int) -> str:
    """As much of a text as IRC can say in one line, beside so many bytes of other things."""
    first, *more = pieces(text, overhead + 3)
    return first + "…" if more else first


class IrcDialect(Dialect):
    """Lines as IRC has them, with the tags that a client has asked for."""

    program = True

    def __init__(self, capabilities: frozenset[str]) -> None:
        self._ids, self._times = TAGS in capabilities, TIME in capabilities
        self._accounts, self._extended = ACCOUNT in capabilities, EXTENDED in capabilities

    def live(self, entry: Entry) -> list[str]:
        return [line for record in entry.records() for line in self.past(record)]

    def deliver_copy(self, entry: Entry) -> list[str]:
        return self.live(entry)

    def render_replayed(self, record: Record, own: bool) -> list[str]:
        return self.past(record)

    def past(self, record: Record) -> list[str]:
        """A record: one line, or several if its text has more than one holds, of which the first has the id."""
        source = source_of(record.sender, record.author < GUESTS)
        return [
            render(command, *params, source=source, tags=self._tags(record, part))
            for part, (command, *params) in enumerate(self._said(record, source))
        ]

    def news(self, changes: Sequence[tuple[str | None, str | None]]) -> list[str]:
        """Guests have changed their names; who comes and goes, joins and leaves."""
        return [renamed(before, now) for before, now in changes if before is not None and now is not None]

    def _said(self, record: Record, source: str) -> list[tuple[str, ...]]:
        kind, to = record.kind, target_of(record.to)
        if kind == JOINED:
            if self._extended:
                nick = nick_of(record.sender)
                return [("JOIN", to, nick if record.author < GUESTS else "*", nick)]
            return [("JOIN", to)]
        if kind == LEFT:
            return [("PART", to)]
        if kind == TOPIC:
            return [("TOPIC", to, one_line(record.text, _overhead("TOPIC", to, source)) if record.text else "")]
        command = "NOTICE" if kind == NOTICE else "PRIVMSG"
        overhead = _overhead(command, to, source)
        if kind == ACTION:
            return [(command, to, action(piece)) for piece in pieces(record.text, overhead + ACTION_OVERHEAD)]
        return [(command, to, piece) for piece in pieces(record.text, overhead)]

    def _tags(self, record: Record, part: int) -> dict[str, str]:
        tags = {}
        if self._times:
            tags["time"] = timestamp(record.time)
        if self._ids:  # clients drop what has an id that they know
            tags["msgid"] = f"{record.id}.{part}" if part else str(record.id)
        if self._accounts and record.author < GUESTS:
            tags["account"] = nick_of(record.sender)
        return tags


@lru_cache(1024)
def _overhead(command: str, to: str, source: str) -> int:
    """Bytes of a line beside its text; tags do not count."""
    return len(render(command, to, "", source=source).encode())


def renamed(before: str, now: str) -> str:
    """A guest's new name."""
    return render("NICK", nick_of(now), source=source_of(before, False))


@lru_cache
def _made(capabilities: frozenset[str]) -> IrcDialect:
    return IrcDialect(capabilities)


def dialect_of(capabilities: frozenset[str]) -> IrcDialect:
    """The one dialect of all who have these capabilities: 16 at most, since the others change no rendering."""
    return _made(capabilities & {TAGS, TIME, ACCOUNT, EXTENDED})


IRC = dialect_of(frozenset())
