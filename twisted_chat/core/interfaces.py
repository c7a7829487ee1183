"""What the core asks of the outside: who takes part, and what keeps the log."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.names import Name

if TYPE_CHECKING:
    from twisted_chat.core.registry import User
    from twisted_chat.core.rooms import Room


class Participant(Protocol):
    """One connection of one user, at whichever door it came in.

    `number` is its own for as long as the process lives; `user` and
    `routes`, to whom it has spoken, are the hub's.
    """

    number: int
    user: "User | None"
    routes: "dict[str, Route]"

    def deliver(self, entry: "Entry") -> None:
        """Queue what another said, now in the log. The same object is handed to all its readers."""

    def stored(self, entry: "Entry") -> bool:
        """Queue the acknowledgement of what this connection said, now in the log; whether there is any."""

    def refused(self, entry: "Entry", problem: ChatError) -> None:
        """Queue the news that the log could not keep what this connection said: nobody has seen it."""

    def presence(self, who: int, before: str | None, now: str | None) -> None:
        """Queue news of a person, by identity: the name before and now, None for being away."""

    def told(self, code: str, sentence: str) -> None:
        """Queue the server's own word."""

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
    """Where what a participant says to a name goes, until anybody comes, goes or changes: see Hub.say."""

    changes: int
    envelope: Envelope
    target: "User | Room"


class Entry:
    """What the hub asks the log to keep, and whom it then concerns.

    One or several `texts` that one participant, the `origin`, said in a row in one
    conversation, with the `labels` of its requests by the text's index. Each text becomes a record: the
    log sets `time` and `first`, the id of the first; the others follow. `recipients`
    are decided when it is said. `asked` is whether even a person waits to hear that
    it was done. Once delivered, an entry lets go of its participants.
    """

    __slots__ = ("asked", "envelope", "first", "kind", "labels", "origin", "recipients", "texts", "time")

    def __init__(
        self,
        kind: str,
        envelope: Envelope,
        recipients: tuple[Participant, ...],
        texts: list[str],
        origin: Participant,
        label: str | None,
        asked: bool,
    ) -> None:
        self.kind = kind
        self.envelope = envelope
        self.recipients = recipients
        self.texts = texts
        self.origin: Participant | None = origin
        self.labels: dict[int, str] = {} if label is None else {0: label}
        self.asked = asked

    first: int
    time: int

    def records(self) -> list[Record]:
        """Its records, once the log has kept it."""
        kind, time = self.kind, self.time
        sender, to, place, author, origin = self.envelope
        numbered = enumerate(self.texts, self.first)
        return [Record(id, time, kind, sender, to, text, place, author, origin) for id, text in numbered]


class StoreError(Exception):
    """What keeps the log cannot be used; the text says why, and what to do, for the operator."""


Deliver = Callable[[Sequence[Entry]], None]


class MessageLog(Protocol):
    """The one log: it gives every record its place, and says when it is kept."""

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

    def read(self, after: int, limit: int) -> Awaitable[list[Record]]:
        """At most `limit` records of all conversations with id > after, oldest first."""


class Account(NamedTuple):
    """A name that is somebody's for good. Its `identity` is below messages.GUESTS; `place` is how far it has read."""

    identity: int
    name: Name
    enabled: bool = True
    place: int = 0


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

    def reached(self, places: Sequence[tuple[int, int]]) -> Awaitable[None]:
        """How far accounts have read, by identity."""

    def markers(self, identity: int) -> Awaitable[list[tuple[Conversation, int]]]:
        """An account's read markers."""

    def mark(self, identity: int, conversation: Conversation, id: int) -> Awaitable[None]:
        """Move a read marker, never back."""


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
