"""What the core asks of the outside: who takes part, and what keeps the log."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.names import Name

if TYPE_CHECKING:
    from twisted_chat.core.registry import User
    from twisted_chat.core.rooms import Room


class Participant(Protocol):
    """One connection of one user, at whichever door it came in.

    What it says carries its `number`: one that no other connection ever had, until it is
    known as the `client` (a client-id, or "") of an account, and then that client's.
    `address` is where it comes from. `user` and `routes`, to whom it has spoken, are the hub's.
    """

    number: int
    client: str
    address: str
    user: "User | None"
    routes: "dict[str, Route]"

    @property
    def place(self) -> int:
        """The id up to which it has certainly seen everything that it was to see."""

    def deliver(self, entry: "Entry") -> None:
        """Queue what another said, now in the log. The same object is handed to all its readers."""

    def copied(self, entry: "Entry") -> None:
        """Queue what the same account said to somebody by another connection."""

    def stored(self, entry: "Entry") -> bool:
        """Queue the acknowledgement of what this connection said, now in the log; whether there is any."""

    def refused(self, entry: "Entry", problem: ChatError) -> None:
        """Queue the news that the log could not keep what this connection said: nobody has seen it."""

    def presence(self, who: int, before: str | None, now: str | None) -> None:
        """Queue news of a person, by identity: the name before and now, None for being away."""

    def told(self, code: str, sentence: str) -> None:
        """Queue the server's own word."""

    def marked(self, name: str, id: int) -> None:
        """Queue the news that another connection of the account has moved a read marker."""

    def hold(self) -> None:
        """Take nothing live from now on, but keep one's place in the log."""

    def release(self) -> None:
        """Read on from there, and go on live."""

    def dismiss(self, code: str, sentence: str) -> None:
        """Say why, and end the connection."""

    def flush(self) -> None:
        """Send what is queued."""


class Envelope(NamedTuple):
    """Who speaks where: names as they are shown, and what a record has of them."""

    sender: str
    to: str
    conversation: Conversation
    author: int
    origin: int


class Route(NamedTuple):
    """Where what a participant says to a name goes, until anybody comes, goes or changes: see Hub.say.

    `copies` are the speaker's other connections, `notice` what it was told about the one spoken to.
    """

    changes: int
    envelope: Envelope
    target: "User | Room"
    copies: tuple[Participant, ...] = ()
    notice: str = ""


class Entry:
    """What the hub asks the log to keep, and whom it then concerns.

    One or several `texts` that one participant, the `origin`, said in a row in one
    conversation, with the `labels` of its requests by the text's index. Each text becomes a record: the
    log sets `time` and `first`, the id of the first; the others follow. `recipients`
    are decided when it is said, and so are the `copies` that go to the speaker's other
    connections. `asked` is whether even a person waits to hear that it was done.
    A `problem` is why it was refused, if it is not the log's own failure.
    Once delivered, an entry lets go of its participants.
    """

    __slots__ = (
        "asked",
        "copies",
        "envelope",
        "first",
        "kind",
        "labels",
        "origin",
        "problem",
        "recipients",
        "texts",
        "time",
    )

    def __init__(
        self,
        kind: str,
        envelope: Envelope,
        recipients: tuple[Participant, ...],
        texts: list[str],
        origin: Participant,
        label: str | None,
        asked: bool,
        copies: tuple[Participant, ...] = (),
    ) -> None:
        self.kind = kind
        self.envelope = envelope
        self.recipients = recipients
        self.texts = texts
        self.origin: Participant | None = origin
        self.labels: dict[int, str] = {} if label is None else {0: label}
        self.asked = asked
        self.copies = copies
        self.problem: ChatError | None = None

    first: int
    time: int

    def part(self, indexes: Sequence[int]) -> "Entry":
        """Some of its texts, as an entry of their own."""
        assert self.origin is not None
        texts = [self.texts[index] for index in indexes]
        part = Entry(self.kind, self.envelope, self.recipients, texts, self.origin, None, self.asked, self.copies)
        part.labels = {new: self.labels[old] for new, old in enumerate(indexes) if old in self.labels}
        return part

    def records(self) -> list[Record]:
        """Its records, once the log has kept it."""
        kind, time = self.kind, self.time
        sender, to, place, author, origin = self.envelope
        numbered = enumerate(self.texts, self.first)
        return [Record(id, time, kind, sender, to, text, place, author, origin) for id, text in numbered]


class StoreError(Exception):
    """What keeps the log cannot be used; the text says why, and what to do, for the operator."""


Deliver = Callable[[Sequence[Entry]], None]


class Page(NamedTuple):
    """Some of the log for one reader, and up to which id that is all that concerns it."""

    records: list[Record]
    upto: int


class Membership(NamedTuple):
    """An account is in a room since the record `id`."""

    identity: int
    room: str
    id: int


class Restored(NamedTuple):
    """Who is in which rooms, and the rooms' topics by key."""

    memberships: Sequence[Membership] = ()
    topics: Mapping[str, str] = MappingProxyType({})


MOST_COUNTED = 10_000


class MessageLog(Protocol):
    """The one log: it gives every record its place, and says when it is kept.

    A message with a label that the same client of an account has used before is not kept
    again: it is delivered to nobody and acknowledged with its first id, or refused if it
    differs. Labels are remembered for at least a day, or as long as there is room for them.
    """

    def subscribe(self, deliver: Deliver, refuse: Deliver) -> None:
        """Call `deliver` with each batch of entries once it is kept, in order; `refuse` with what cannot be."""

    def open(self) -> None:
        """Take what it needs, before anything is said; raises StoreError."""

    def close(self) -> Awaitable[None]:
        """Keep what was flushed, and let go of everything."""

    def new_identity(self) -> int:
        """A number for a guest, that was never given before and stands in no record."""

    def append(self, entry: Entry) -> None:
        """Take one entry; it is kept, and delivered, some time after the next `flush`."""

    def flush(self) -> None:
        """Keep what was appended, now or as soon as the log can."""

    def settled(self) -> Awaitable[None]:
        """Wait until everything that was flushed so far is kept and delivered, or refused."""

    @property
    def first(self) -> int:
        """The id of the oldest record that is still kept (last + 1 of an empty log)."""

    @property
    def last(self) -> int:
        """The id of the newest record that is kept; 0 before the first."""

    def history(self, conversation: Conversation, before: int, after: int, limit: int) -> Awaitable[list[Record]]:
        """The newest `limit` records of a conversation with after < id < before, oldest first.

        With `after` given (not 0) and `before` not (0), the oldest instead.
        """

    def search(self, conversation: Conversation, words: str, limit: int) -> Awaitable[list[Record]]:
        """The newest `limit` texts of a conversation that have all these words in them, oldest first."""

    def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Awaitable[Page]:
        """The next that one may see who is in these rooms at the place `after`, perhaps with others among it."""

    def missed(
        self, identity: int, rooms: Collection[str], after: int, upto: int, limit: int
    ) -> Awaitable[tuple[list[Record], int]]:
        """What others said with after < id <= upto in these rooms, and to this identity.

        The newest `limit` records, oldest first, and how many there are, counted up to MOST_COUNTED + 1.
        """

    def partners(self, identity: int, limit: int) -> Awaitable[list[int]]:
        """The identities of those with whom one has talked directly, the latest first."""

    def moves(self, identity: int, after: int) -> Awaitable[dict[str, str]]:
        """What first became of one's part in each room since a place: joined or left, by the room's key."""

    def restore(self) -> Restored:
        """The rooms as the log knows them, after `open`."""


class Account(NamedTuple):
    """A name that is somebody's for good.

    Its `identity` is below messages.GUESTS; `place` is how far it has read; `made` is in milliseconds since 1970, UTC.
    """

    identity: int
    name: Name
    enabled: bool = True
    deleted: bool = False
    place: int = 0
    made: int = 0


class Accounts(Protocol):
    """What is kept of those who have an account. What is awaited is kept when the result is there.

    A name is given once: it stays taken when its account is deleted.
    """

    def open(self) -> list[Account]:
        """Take what it needs, after the log; all the accounts that there are. Raises StoreError."""

    def close(self) -> Awaitable[None]:
        """Keep what there is to keep, and let go of everything, before the log."""

    def create(self, name: Name, secret: str | None) -> Awaitable[Account]:
        """Make an account, with the secret that proves whose it is, or none; raises ChatError(name-taken)."""

    def secret(self, identity: int) -> Awaitable[str | None]:
        """What proves whose account it is: a password's hash."""

    def set_secret(self, identity: int, secret: str) -> Awaitable[None]:
        """Have another secret from now on."""

    def set_enabled(self, identity: int, enabled: bool) -> Awaitable[None]:
        """Let an account in, or do not."""

    def delete(self, identity: int) -> Awaitable[None]:
        """End an account; what it said stays, and its name stays taken."""

    def client(self, identity: int, client_id: str) -> Awaitable[int]:
        """The number of an account's client, below messages.GUESTS: always the same for the same client-id."""

    def reached(self, places: Sequence[tuple[int, int]]) -> None:
        """Note how far accounts have read, by identity; kept some time soon."""

    def markers(self, identity: int) -> Awaitable[list[tuple[Conversation, int]]]:
        """An account's read markers."""

    def mark(self, identity: int, conversation: Conversation, id: int) -> Awaitable[bool]:
        """Move a read marker, never back; whether it has moved."""


class Verified(NamedTuple):
    """Who somebody has shown to be: the account's name, and the secret of an account that is to be made."""

    name: Name
    secret: str | None = None


class Authenticator(Protocol):
    """Who decides whether a password is right."""

    def verify(self, name: Name, identity: int | None, password: str, address: str) -> Awaitable[Verified]:
        """Check a password, or take a new account's (`identity` None); `address` is where it came from.

        Raises ChatError: wrong-password, slow-down, too-long, unavailable.
        """

    def change(self, name: Name, identity: int, old: str, new: str, address: str) -> Awaitable[str]:
        """The secret that is to be kept instead of the old one. Raises ChatError, as `verify`, and not-allowed."""
