"""Users, their connections (participants), routes and entries: the types that know each other."""

from collections.abc import Mapping, Sequence
from sys import getsizeof
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.core.messages import GUESTS, Conversation, Record
from twisted_chat.core.names import Name

LIST_ITEM_BYTES = 16
"""Bytes that a text costs in lists, beside itself."""

_NO_ROOMS: frozenset[str] = frozenset()
_DELIVERED_NOWHERE: Mapping[str, int] = MappingProxyType({})
_NOT_AWAY: "Mapping[Participant, str]" = MappingProxyType({})
"""Shared by all users who are in no room and not away, as most are at first: collections of their own cost memory."""


class User:
    """A person: a guest while connected, or an account, connected or not.

    A guest's `identity` is new each time, so that a message to one guest never belongs to a
    later guest of the same name. `rooms` holds the keys of the user's rooms;
    `delivered_rooms` maps the same keys to the id of the user's join, as far as the log has
    delivered joins and leaves. `read_up_to` is the id up to which an account has read, and `read_at_start`
    the same when the server started. `created_at` is in milliseconds since 1970, UTC. `version` grows when a
    route to the user is out of date.
    """

    __slots__ = (
        "_away_texts",
        "created_at",
        "deleted",
        "delivered_rooms",
        "enabled",
        "identity",
        "key",
        "name",
        "participants",
        "read_at_start",
        "read_up_to",
        "rooms",
        "version",
    )

    def __init__(self, name: Name, identity: int) -> None:
        self.name, self.key = name
        self.identity = identity
        self.participants: tuple[Participant, ...] = ()
        self.rooms = _NO_ROOMS
        self.delivered_rooms: Mapping[str, int] = _DELIVERED_NOWHERE
        self._away_texts = _NOT_AWAY  # of the connections that are away, the one that said so last at the end
        self.enabled, self.deleted = True, False
        self.read_up_to = self.read_at_start = self.created_at = self.version = 0

    @property
    def is_account(self) -> bool:
        """Return True for an account, False for a guest."""
        return self.identity < GUESTS

    @property
    def away(self) -> str | None:
        """Return the newest away text if each of the user's connections is away, otherwise None."""
        texts = self._away_texts
        return [*texts.values()][-1] if texts and len(texts) == len(self.participants) else None

    def set_away(self, participant: "Participant", text: str | None) -> None:
        """Set or end (None) the being away of one connection."""
        others = {other: said for other, said in self._away_texts.items() if other is not participant}
        self._away_texts = (others if text is None else {**others, participant: text}) or _NOT_AWAY


class Participant(Protocol):
    """One connection of one user, at any door.

    Records that it sends carry its `sender_number`: the connection's own number, or, once
    the connection is known as the client `client_id` of an account, the number of that
    client, which stays the same over reconnects. `address` is the peer's address. The hub
    owns `user`, `routes` and `unstored`, the bytes (see Entry.size) that the log does not have
    yet, and takes the bytes of what is said from `credit`; `max_rooms` and `max_routes` grow when
    it pays for more (see core.shares).
    """

    sender_number: int
    client_id: str
    address: str
    user: User | None
    routes: "dict[str, Route]"
    unstored: int
    credit: int
    max_rooms: int
    max_routes: int

    @property
    def door(self) -> str:
        """Return the name of the door that the client came through; "" once the connection is gone."""

    @property
    def read_up_to(self) -> int:
        """Return the id up to which the client has certainly received everything."""

    def deliver(self, entry: "Entry") -> None:
        """Queue what another participant said. The log has it; all recipients get the same object."""

    def deliver_copy(self, entry: "Entry") -> None:
        """Queue what another connection of the same account said to a person."""

    def acknowledge(self, entry: "Entry") -> bool:
        """Queue the acknowledgement of what this connection said. Return False if there is nothing to send."""

    def reject(self, entry: "Entry", error: ChatError) -> None:
        """Queue the error for what this connection said and the log could not keep; no recipient has seen it."""

    def all_stored(self) -> None:
        """Note that the log has, or has refused, everything that this connection said before it signed out."""

    def presence_changed(self, identity: int, before: str | None, now: str | None) -> None:
        """Queue a change of a person's presence: the name before and now, None for offline."""

    def crowd_changed(self, news: Any) -> None:
        """Queue what is new about the people of large rooms, to be flushed later."""

    def notify(self, notice: Notice, detail: str = "") -> None:
        """Queue a notice of the server's own, with the operator's reason if there is one."""

    def read_marker_moved(self, name: str, id: int) -> None:
        """Queue the new read marker that another connection of the account has set."""

    def hold(self) -> None:
        """Deliver nothing live from now on; remember the position in the log."""

    def release(self) -> None:
        """Read on from that position, then deliver live again."""

    def disconnect(self, notice: Notice, detail: str = "") -> None:
        """Send the notice that says why, with the operator's reason, and end the connection."""

    def flush(self) -> None:
        """Send what is queued."""


class Audience(Protocol):
    """The target of a route: a user or a room."""

    version: int
    """Grows when what a sender has to know of the target changes: its name, or whether it can be reached."""

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Return the connections that receive what is said to the target."""


class Envelope(NamedTuple):
    """The fields that all records of a conversation's entry share; names are as shown at that time."""

    sender: str
    to: str
    conversation: Conversation
    author: int
    sender_number: int


class Absence(NamedTuple):
    """The fact that a recipient is away, with its text, or not connected (None)."""

    name: str
    away: str | None


class Route:
    """The way of a participant's messages to one name, valid while `version` is the target's.

    `copies` are the sender's other connections, `absence` is the recipient's as the sender was last told.
    `exclusive` is True when no other route of the sender has a recipient in common with this one.
    """

    __slots__ = ("absence", "copies", "envelope", "exclusive", "target", "version")

    def __init__(
        self,
        envelope: Envelope,
        target: Audience,
        copies: tuple[Participant, ...] = (),
        absence: Absence | None = None,
        exclusive: bool = False,
    ) -> None:
        self.envelope, self.target, self.version = envelope, target, target.version
        self.copies, self.absence, self.exclusive = copies, absence, exclusive


def size_of(texts: Sequence[str]) -> int:
    """Return about the bytes that texts take in memory; one that is not ASCII may take four for each character."""
    if len(texts) == 1:
        return getsizeof(texts[0]) + LIST_ITEM_BYTES
    return sum(map(getsizeof, texts)) + LIST_ITEM_BYTES * len(texts)


class Entry:
    """Texts that the hub asks the log to keep, with their recipients.

    One or more `texts` that one `connection` said in a row in one conversation, with the
    `labels` of its requests by the text's index. Each text becomes a record: the log sets
    `first` and `time`, those of the first text; the others follow. `recipients` are a tuple,
    decided when it is said, and so are `copies`, the sender's other connections; for a join or leave
    they are the room's Readers, found when it is delivered. `size` is about the number of bytes that
    the texts take in memory. `asked` is True when even a person waits for the acknowledgement. `problem`
    is the error to answer with when the log rejects the entry for a reason of its own. Once delivered,
    an entry lets go of its participants.
    """

    __slots__ = (
        "asked",
        "connection",
        "copies",
        "envelope",
        "first",
        "kind",
        "labels",
        "problem",
        "recipients",
        "size",
        "texts",
        "time",
    )

    def __init__(
        self,
        kind: str,
        envelope: Envelope,
        recipients: Any,
        texts: list[str],
        connection: Participant,
        labels: dict[int, str],
        asked: bool,
        copies: tuple[Participant, ...] = (),
        size: int | None = None,
    ) -> None:
        self.size = size_of(texts) if size is None else size
        self.kind = kind
        self.envelope = envelope
        self.recipients = recipients
        self.texts = texts
        self.connection: Participant | None = connection
        self.labels = labels
        self.asked = asked
        self.copies = copies
        self.problem: ChatError | None = None

    first: int
    time: int

    @property
    def ids(self) -> Sequence[int]:
        """Return the id of each text, once the log has kept the entry."""
        return range(self.first, self.first + len(self.texts))

    @property
    def times(self) -> Sequence[int]:
        """Return the time of each text, once the log has kept the entry: the next one is a millisecond later."""
        return range(self.time, self.time + len(self.texts))

    @property
    def envelopes(self) -> Sequence[Envelope]:
        """Return the envelope of each text."""
        return (self.envelope,) * len(self.texts)

    def part(self, indexes: Sequence[int]) -> "Entry":
        """Return some texts of one conversation as an entry of their own, to be kept by the log."""
        assert self.connection is not None
        return Entry(
            self.kind,
            self.envelope,
            self.recipients,
            [self.texts[index] for index in indexes],
            self.connection,
            {new: self.labels[old] for new, old in enumerate(indexes) if old in self.labels},
            self.asked,
            self.copies,
        )

    def repeat(self, id: int, time: int) -> None:
        """Make this the answer to a text that the log has already: it is acknowledged, and reaches nobody again."""
        self.first, self.time, self.recipients, self.copies = id, time, (), ()

    def forget_participants(self) -> None:
        """Let go of the connections, which the log must not keep alive."""
        self.connection, self.recipients, self.copies = None, (), ()

    def records(self) -> list[Record]:
        """Return the entry's records, once the log has kept it."""
        kind = self.kind
        return [
            Record(id, time, kind, sender, to, text, conversation, author, sender_number)
            for id, time, text, (sender, to, conversation, author, sender_number) in zip(
                self.ids, self.times, self.texts, self.envelopes, strict=True
            )
        ]
