"""What the core asks of the outside: a log, accounts, and an authenticator."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.names import Name
from twisted_chat.core.participants import Entry


class StoreError(Exception):
    """What keeps the log cannot be used; the text says why, and what to do, for the operator."""


Deliver = Callable[[Sequence[Entry]], None]


class Page(NamedTuple):
    """Some of the log for one reader, and up to which id that is all that concerns it."""

    records: list[Record]
    up_to: int


class Membership(NamedTuple):
    """An account is in a room since the record `id`."""

    identity: int
    room: str
    id: int


class Restored(NamedTuple):
    """Who is in which rooms, and the rooms' topics by key."""

    memberships: Sequence[Membership] = ()
    topics: Mapping[str, str] = MappingProxyType({})


MAX_UNREAD_COUNTED = 10_000


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

    def wait_durable(self) -> Awaitable[None]:
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

    def unread(
        self, identity: int, rooms: Collection[str], after: int, up_to: int, limit: int
    ) -> Awaitable[tuple[list[Record], int]]:
        """What others said with after < id <= up_to in these rooms, and to this identity.

        The newest `limit` records, oldest first, and how many there are, counted up to MAX_UNREAD_COUNTED + 1.
        """

    def partners(self, identity: int, limit: int) -> Awaitable[list[int]]:
        """The identities of those with whom one has talked directly, the latest first."""

    def first_membership_changes(self, identity: int, after: int) -> Awaitable[dict[str, str]]:
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
    read_up_to: int = 0
    created_at: int = 0


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

    def client_number(self, identity: int, client_id: str) -> Awaitable[int]:
        """The number of an account's client, below messages.GUESTS: always the same for the same client-id."""

    def note_read_up_to(self, places: Sequence[tuple[int, int]]) -> None:
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
