"""Write the records of the log as IRC lines, for each set of capabilities."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from twisted_chat.core.errors import Notice
from twisted_chat.core.messages import ACTION, GUESTS, JOINED, LEFT, NOTICE, SPOKEN, Record
from twisted_chat.core.mixed import MixedEntry
from twisted_chat.core.moves import QuitEntry
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Entry
from twisted_chat.doors.dialect import Dialect, PresenceChange
from twisted_chat.doors.irc.channels import channel_of
from twisted_chat.doors.irc.hosts import NO_HOSTS, Hosts, longest_host
from twisted_chat.wire.events import split_timestamps, timestamp
from twisted_chat.wire.irc.message import MAX_BODY_BYTES, escape_tag_value, render
from twisted_chat.wire.irc.names import nick_of
from twisted_chat.wire.irc.text import ACTION_CLOSING, ACTION_OPENING, fit_as_they_are, split_text

CAPABILITIES = {
    "message-tags": "everything that is stored has its id in the tag `msgid`",
    "server-time": "everything that is stored has its time in the tag `time`",
    "account-tag": "everything from an account has the account's name in the tag `account`",
    "extended-join": "a JOIN shows the account and the real name",
    "echo-message": "your own messages come back when they are stored, as the acknowledgement",
    "labeled-response": "the answer to a labelled request has its label, and every labelled request is answered",
    "batch": "an answer of several lines, or a page of history, is one batch",
    "standard-replies": "an error for which IRC has no number is a FAIL",
    "sasl": "sign in to an account, or make one, by PLAIN",
    "draft/chathistory": "the command CHATHISTORY; unread messages are not sent unasked",
    "draft/event-playback": "JOIN, PART and TOPIC are in the history too",
    "cap-notify": "accepted without effect: the capabilities never change",
}
"""Each capability, and what it brings."""
TAGS, TIME, ACCOUNT, EXTENDED, ECHO, LABELS, BATCH, REPLIES, SASL, HISTORY, PLAYBACK, _ = CAPABILITIES

ELLIPSIS = "…"
MIN_TEXT_BYTES = 16
"""Bytes of a text that are shown although very long names fill the line."""


class Frame(NamedTuple):
    """The parts around a text in a line, without tags: `opening`, `closing`, and how many bytes they take at most."""

    opening: str
    closing: str
    overhead: int


def source_of(name: str, host: str) -> str:
    """Return the source of a person's lines: the nick, a user that is the same for all, and the host."""
    return f"{nick_of(name)}!u@{host}"


def target_of(name: str) -> str:
    """Return a room's or a person's name as a target."""
    return channel_of(name) if is_room(name) else nick_of(name)


def one_line(text: str, overhead: int) -> str:
    """Return as much of a text as fits in one line, beside `overhead` bytes of other things."""
    first, *more = split_text(text, overhead + len(ELLIPSIS.encode()))
    return first + ELLIPSIS if more else first


def renamed(before: str, now: str, host: str) -> str:
    """Return the line for a guest's new name."""
    return render("NICK", nick_of(now), source=source_of(before, host))


@lru_cache(4096)
def frame_of(kind: str, sender: str, host: str, to: str) -> Frame:
    """Return the frame of a message, an action or a notice.

    A long text is split beside the longest host of its sender, so that its parts are the same whatever is known of
    the sender now: clients know them by their ids.
    """
    command = "NOTICE" if kind == NOTICE else "PRIVMSG"
    opening, closing = render(command, target_of(to), "", source=source_of(sender, host)), ""
    if kind == ACTION:
        opening, closing = opening + ACTION_OPENING, ACTION_CLOSING
    overhead = len((opening + closing).encode()) + longest_host(host, sender) - len(host.encode())
    return Frame(opening, closing, overhead)


class IrcDialect(Dialect):
    """Lines as IRC has them, with the tags that a client has asked for."""

    for_programs = True

    def __init__(self, capabilities: frozenset[str], hosts: Hosts = NO_HOSTS) -> None:
        self._hosts = hosts
        self._ids, self._times = TAGS in capabilities, TIME in capabilities
        self._accounts, self._extended = ACCOUNT in capabilities, EXTENDED in capabilities

    @property
    def server(self) -> str:
        """Return the server's name, the source of its own lines."""
        return self._hosts.server

    def render(self, entry: Entry, ending: str) -> str:
        rendered = self._render_short(entry, ending) if entry.kind in SPOKEN else None
        return "".join([line + ending for line in self.render_copy(entry)]) if rendered is None else rendered

    def _render_short(self, entry: Entry, ending: str) -> str | None:
        """Return the lines of an entry whose texts fit in a line each, as most do; None for any other."""
        envelope, texts = entry.envelope, entry.texts
        kind, sender, is_account = entry.kind, envelope.sender, envelope.author < GUESTS
        if self._times and len(texts) > 1:
            return self._render_timed(entry, ending)
        before, after = self._tags(entry.times[0], sender, is_account)
        host = self._hosts.of(envelope.author)
        if entry.__class__ is MixedEntry:  # to several people
            frames = [frame_of(kind, sender, host, to) for _, to, *_ in entry.envelopes]
            if not fit_as_they_are(texts, max([overhead for _, _, overhead in frames])):
                return None
            lines = zip(entry.ids, texts, frames, strict=True)
            if self._ids:
                return "".join(
                    [f"{before}{id}{after}{start}{text}{end}{ending}" for id, text, (start, end, _) in lines]
                )
            return "".join([f"{after}{start}{text}{end}{ending}" for _, text, (start, end, _) in lines])
        start, end, overhead = frame_of(kind, sender, host, envelope.to)
        if not fit_as_they_are(texts, overhead):
            return None
        start, end = after + start, end + ending
        if self._ids:
            return "".join([f"{before}{id}{start}{text}{end}" for id, text in zip(entry.ids, texts, strict=True)])
        return start + (end + start).join(texts) + end

    def _render_timed(self, entry: Entry, ending: str) -> str | None:
        """Return the same for several texts, each with the tag of its own time."""
        kind, sender, is_account = entry.kind, entry.envelope.sender, entry.envelope.author < GUESTS
        host = self._hosts.of(entry.envelope.author)
        frames = [frame_of(kind, sender, host, to) for _, to, *_ in entry.envelopes]
        if not fit_as_they_are(entry.texts, max([overhead for _, _, overhead in frames])):
            return None
        after = f";account={escape_tag_value(nick_of(sender))} " if self._accounts and is_account else " "
        begin, ends = split_timestamps(entry.times)
        lines = zip(entry.ids, ends, entry.texts, frames, strict=True)
        if self._ids:
            return "".join(
                [f"@time={begin}{end};msgid={id}{after}{a}{text}{z}{ending}" for id, end, text, (a, z, _) in lines]
            )
        return "".join([f"@time={begin}{end}{after}{a}{text}{z}{ending}" for _, end, text, (a, z, _) in lines])

    def render_copy(self, entry: Entry) -> list[str]:
        if isinstance(entry, QuitEntry):
            return [self._quit(record) for record in entry.records()]
        return [line for record in entry.records() for line in self.render_history(record)]

    def acknowledgement(self, entry: Entry, ending: str) -> str:
        return self.render(entry, ending)

    def server_notice(self, notice: Notice, sentence: str) -> list[str]:
        return [render("NOTICE", "*", sentence, source=self.server)]

    def render_replayed(self, record: Record, own: bool) -> list[str]:
        return self.render_history(record)

    def render_history(self, record: Record) -> list[str]:
        """Return the line of a record, or several if its text does not fit in one; the first has the id."""
        is_account = record.author < GUESTS
        if record.kind in SPOKEN:
            opening, closing, overhead = frame_of(record.kind, record.sender, self._hosts.of(record.author), record.to)
            bodies = [f"{opening}{piece}{closing}" for piece in split_text(record.text, overhead)]
        else:
            bodies = [self._membership_or_topic(record, is_account)]
        before, after = self._tags(record.time, record.sender, is_account)
        if not self._ids:
            return [after + body for body in bodies]
        # further lines have an id of their own, since clients drop a line whose id they know
        return [
            f"{before}{record.id}.{part}{after}{body}" if part else f"{before}{record.id}{after}{body}"
            for part, body in enumerate(bodies)
        ]

    def presence(self, changes: Sequence[PresenceChange]) -> list[str]:
        """Return the lines for changed names. People who come and go are seen to join and part their rooms."""
        return [
            renamed(before, now, self._hosts.of_name(now))
            for before, now, _ in changes
            if before is not None and now is not None
        ]

    def _membership_or_topic(self, record: Record, is_account: bool) -> str:
        to, source = target_of(record.to), source_of(record.sender, self._hosts.of(record.author))
        if record.kind == JOINED:
            if not self._extended:
                return render("JOIN", to, source=source)
            account = nick_of(record.sender) if is_account else "*"
            overhead = len(render("JOIN", to, account, ":", source=source).encode())
            real_name = self._hosts.real_name_of(record.author, record.sender)
            return render(
                "JOIN", to, account, one_line(real_name, min(overhead, MAX_BODY_BYTES - MIN_TEXT_BYTES)), source=source
            )
        if record.kind == LEFT:
            return render("PART", to, *self._reason(record, f":{source} PART {to} :"), source=source)
        overhead = len(render("TOPIC", to, "", source=source).encode())
        return render("TOPIC", to, one_line(record.text, overhead) if record.text else "", source=source)

    def _quit(self, record: Record) -> str:
        source = source_of(record.sender, self._hosts.of(record.author))
        [reason] = self._reason(record, f":{source} QUIT :Quit: ") or ("",)
        before, after = self._tags(record.time, record.sender, False)
        line = render("QUIT", f"Quit: {reason}" if reason else "Left", source=source)
        return f"{before}{record.id}{after}{line}" if self._ids else after + line

    def _reason(self, record: Record, opening: str) -> tuple[str, ...]:
        """Return the reason of a leave, if there is one, as much as fits behind the opening of a line."""
        return (one_line(record.text, len(opening.encode())),) if record.text else ()

    def _tags(self, time: int, sender: str, is_account: bool) -> tuple[str, str]:
        """Return a line's tags in front of the id and behind it, up to the source; all are behind it without ids."""
        account = f"account={escape_tag_value(nick_of(sender))}" if self._accounts and is_account else ""
        if self._ids:
            before = f"@time={timestamp(time)};msgid=" if self._times else "@msgid="
            return before, f";{account} " if account else " "
        if self._times:
            return "", f"@time={timestamp(time)};{account} " if account else f"@time={timestamp(time)} "
        return "", f"@{account} " if account else ""


@lru_cache(256)
def _make_dialect(capabilities: frozenset[str], hosts: Hosts) -> IrcDialect:
    return IrcDialect(capabilities, hosts)


def dialect_of(capabilities: frozenset[str], hosts: Hosts = NO_HOSTS) -> IrcDialect:
    """Return the dialect of all clients with these capabilities: 16 at most, since the others change no rendering."""
    return _make_dialect(capabilities & {TAGS, TIME, ACCOUNT, EXTENDED}, hosts)


IRC = dialect_of(frozenset())
