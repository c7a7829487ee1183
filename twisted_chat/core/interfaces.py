"""The interfaces that the core needs from outside: a log, accounts, and an authenticator."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from twisted_chat.core.bans import Ban
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.names import Name
from twisted_chat.core.participants import Entry, User
from twisted_chat.core.readings import Contact as Contact
from twisted_chat.core.readings import Membership as Membership
from twisted_chat.core.readings import MembershipChange as MembershipChange
from twisted_chat.core.readings import Page as Page
from twisted_chat.core.readings import Restored as Restored
from twisted_chat.core.readings import RoomState as RoomState
from twisted_chat.core.readings import Span as Span
from twisted_chat.core.readings import Unread as Unread

MAX_UNREAD_COUNTED = 10_000
"""Unread messages are counted up to this number; more are shown as "more than"."""


UNREAD_WINDOW_RECORDS = 1000
"""So many records at each end of what is unread in a conversation are looked at, the oldest and the newest ones."""
MAX_DEVICES_PER_ACCOUNT = 8
"""IRC devices of an account that are remembered; the one that was here last the longest ago is forgotten."""
MAX_SPANS = 50
"""Conversations with people of one name that the server looks at."""


class StoreError(Exception):
    """The store cannot be used; the text tells the operator why, and what to do."""


Deliver = Callable[[Sequence[Entry]], None]


class MessageLog(Protocol):
    """The one log: it gives each record its id, and says when the record is durable.

    A message whose label the same client of an account has used before is neither stored nor
    delivered again: the log acknowledges it with its first id, or rejects it if its text differs.
    The newest labels of each client are remembered, whatever the clock says, or as long as the log has
    room for their records.
    """

    def subscribe(self, deliver: Deliver, refuse: Deliver) -> None:
        """Call `deliver` with each batch of stored entries, in order, and `refuse` with those that cannot be stored."""

    def open(self) -> None:
        """Open the store, before any entry is appended. Raises StoreError."""

    def close(self) -> Awaitable[None]:
        """Store what was flushed, and close everything."""

    def new_identity(self) -> int:
        """Return a number for a guest or a connection, which was never given before and is in no record."""

    def append(self, entry: Entry) -> None:
        """Take an entry; it is stored and delivered some time after the next `flush`."""

    def flush(self) -> None:
        """Store the appended entries, now or as soon as the log can."""

    def wait_durable(self, matters: Callable[[Entry], bool] | None = None) -> Awaitable[None]:
        """Wait until the entries flushed so far are stored and delivered, or refused: all, or those that matter."""

    @property
    def epoch(self) -> str:
        """Return the word that tells this history of ids from another, after `open`."""

    @property
    def secret(self) -> bytes:
        """Return a secret key of this store, after `open`."""

    def suspect_epoch(self, id: int) -> None:
        """Begin a new epoch, at most once: an account knows an `id` of this epoch that the log has not given."""

    @property
    def first(self) -> int:
        """Return the id of the oldest record that the log still has; last + 1 if it has none."""

    @property
    def last(self) -> int:
        """Return the id of the newest record; 0 if there was none yet."""

    def history(self, conversation: Conversation, before: int, after: int, limit: int) -> Awaitable[list[Record]]:
        """Return the newest `limit` records of a conversation with after < id < before, oldest first.

        With `after` given (not 0) and `before` not given (0), return the oldest `limit` instead.
        """

    def search(self, conversation: Conversation, words: str, limit: int, after: int = 0) -> Awaitable[list[Record]]:
        """Return the newest `limit` texts of a conversation with id > after that contain all these words, oldest first.

        Texts that the log had at the call are found; those that come meanwhile perhaps not.
        """

    def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Awaitable[Page]:
        """Return the next records after `after` for a user who is in these rooms there; others may be among them."""

    def unread(
        self, identity: int, rooms: Mapping[str, int], after: int, up_to: int, limit: int
    ) -> Awaitable[tuple[list[Record], int]]:
        """Return what others said with after < id <= up_to in these rooms, and to this user directly.

        `rooms` maps each room's key to the id of the user's join, behind which records of the room count.
        The result is the newest `limit` records, oldest first, and the number of all such
        records, counted up to MAX_UNREAD_COUNTED + 1.
        """

    def unread_in(
        self, identity: int, name: Name, asked: Sequence[tuple[Conversation, int]]
    ) -> Awaitable[dict[Conversation, Unread]]:
        """Return what others said after an id in each of these conversations, where there is anything.

        Looks at UNREAD_WINDOW_RECORDS at each end of what is unread; with records between these, there may be `more`.
        A text with the `name` as a word is a mention.
        """

    def contacts(
        self, identity: int, before: int, limit: int, guests: Collection[int] | None = None
    ) -> Awaitable[list[Contact]]:
        """Return the user's direct conversations whose last record is before an id, latest first.

        With `guests`, those with other guests are left out.
        """

    def spans(self, identity: int, partner: int | None, name: Name) -> Awaitable[list[Span]]:
        """Return an account's direct conversation with a partner; without one, those with this name, latest first.

        A name is that of the partner in the conversation's records. At most MAX_SPANS are returned.
        """

    def first_membership_changes(self, identity: int, after: int) -> Awaitable[dict[str, str]]:
        """Return, by room key, the kind of the user's first membership change after the id `after`: joined or left."""

    def find_label(self, sender_number: int, label: str) -> Awaitable[Record | None]:
        """Return the record that a client of an account has stored with this label, or None."""

    def restore(self) -> Restored:
        """Return the memberships and rooms that the log has after `open`."""


class Account(NamedTuple):
    """A name that belongs to one user for good.

    `identity` is below messages.GUESTS. `read_up_to` is the id up to which the account has read.
    `created_at` is in milliseconds since 1970, UTC.
    """

    identity: int
    name: Name
    enabled: bool = True
    deleted: bool = False
    read_up_to: int = 0
    created_at: int = 0


class Accounts(Protocol):
    """The stored accounts. A change is durable when its Awaitable has a result.

    A name is given once: it stays taken after its account is deleted.
    """

    def open(self) -> list[Account]:
        """Open the store, after the log, and return all accounts. Raises StoreError."""

    def close(self) -> Awaitable[None]:
        """Store all changes and close everything, before the log is closed."""

    def create(self, name: Name, secret: str | None) -> Awaitable[Account]:
        """Create an account with a password's hash, or with None for no password. Raises ChatError(name-taken)."""

    def secret(self, identity: int) -> Awaitable[str | None]:
        """Return the hash of the account's password, or None."""

    def set_secret(self, identity: int, secret: str) -> Awaitable[None]:
        """Replace the hash of the account's password, and forget its tickets."""

    def set_enabled(self, identity: int, enabled: bool) -> Awaitable[None]:
        """Enable or disable an account; its tickets are forgotten."""

    def delete(self, identity: int) -> Awaitable[None]:
        """Delete an account; its messages stay, and its name stays taken."""

    def bans(self) -> list[Ban]:
        """Return the stored bans; call this after `open`."""

    def put_ban(self, ban: Ban) -> Awaitable[None]:
        """Store a ban, instead of an earlier one of the same target."""

    def remove_ban(self, kind: str, target: str) -> Awaitable[None]:
        """Forget a ban."""

    def put_ticket(self, identity: int, client_id: str, hash: str, seconds: int) -> Awaitable[None]:
        """Store the hash of a client's ticket, valid for so many seconds; it replaces the one before.

        An account has a bounded number of tickets; the one that ends first is forgotten.
        """

    def has_ticket(self, identity: int, hash: str) -> Awaitable[bool]:
        """Return True if the account has a ticket with this hash that is still valid."""

    def forget_tickets(self, identity: int) -> Awaitable[None]:
        """Forget all tickets of an account."""

    def networks(self, identity: int) -> Awaitable[list[str]]:
        """Return the last few networks that the account has signed in from, the latest at the end."""

    def note_network(self, identity: int, network: str) -> None:
        """Note a network that the account has signed in from; stored a little later."""

    def client_number(self, identity: int, client_id: str, in_use: Collection[int] = ()) -> Awaitable[int]:
        """Return the number of an account's client, below messages.GUESTS; a client-id always has the same number.

        The store may forget clients that have not signed in for long, when there are many, but none with
        a number `in_use`.
        """

    def note_read_up_to(self, positions: Sequence[tuple[int, int]]) -> None:
        """Note, as (identity, id), how far accounts have read; stored a little later."""

    def device_positions(self, identity: int) -> Awaitable[dict[bytes, int]]:
        """Return, by device, up to which id it was shown everything; the device that was here last is the last."""

    def note_device_positions(self, positions: Sequence[tuple[int, bytes, int]]) -> None:
        """Note, as (identity, device, id), what devices have been shown; stored a little later, and never less."""

    def read_markers(self, identity: int) -> Awaitable[list[tuple[Conversation, int]]]:
        """Return the account's read markers."""

    def read_markers_in(
        self, identity: int, conversations: Collection[Conversation]
    ) -> Awaitable[dict[Conversation, int]]:
        """Return the account's read markers in these conversations, where it has one."""

    def move_read_marker(self, identity: int, conversation: Conversation, id: int) -> Awaitable[bool]:
        """Move a read marker forward to `id`. Return True if it has moved; it never moves back."""


class Crowds(Protocol):
    """Tells the people of large rooms, a little later and some at a time, who came, went or has another name."""

    def add(self, rooms: Collection[str], user: User, before: str | None, now: str | None) -> None:
        """Note a change of a user's presence, to be told in the rooms with these keys."""

    def settle(self, user: User) -> None:
        """Tell everything now if a new name of this user is to be told: the user is about to be seen under it."""

    def settle_name(self, key: str) -> None:
        """Tell everything now if the user who had the name with this key is gone: another takes it."""


class Verified(NamedTuple):
    """The account's name, as the authenticator proved it, and for a new account the hash of its password."""

    name: Name
    secret: str | None = None


class Authenticator(Protocol):
    """Checks passwords. `makes_accounts` is True if it accepts any password of a name without an account."""

    makes_accounts: bool

    def verify(self, name: Name, identity: int | None, password: str, address: str) -> Awaitable[Verified]:
        """Check an account's password, or accept a new account's (`identity` None) from the client at `address`.

        Raises ChatError: wrong-password, slow-down, too-long, unavailable.
        """

    def refuse_unknown(self, name: Name, address: str) -> Awaitable[None]:
        """Raise ChatError: wrong-password, since the name has no account, or slow-down; it counts as a guess."""

    def change(self, name: Name, identity: int, old: str | None, new: str, address: str) -> Awaitable[str]:
        """Check the old password, if one is given, and return the hash of the new one.

        Raises ChatError as `verify`, and not-allowed.
        """


class Tickets(Protocol):
    """Gives tickets, with which an account signs in again without its password for a short time."""

    def issue(self, identity: int, client_id: str) -> Awaitable[tuple[str, int]]:
        """Return a new ticket of an account's client, and for how many seconds it is valid."""

    def check(self, identity: int, ticket: str, address: str) -> Awaitable[None]:
        """Wait for the network's turn, and raise ChatError(gone) if this is no valid ticket of the account."""


class Audit:
    """Is told of failed sign-ins and of changes to accounts; this one does nothing with them."""

    def sign_in_failed(self, name: str, address: str, door: str) -> None:
        """Take note of a wrong password for an account."""

    def account_changed(self, change: str, name: str, by: str) -> None:
        """Take note of a change to an account, for example "created", and by whom."""
