"""The forms in which the log tells its readers what it has."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from twisted_chat.core.messages import Conversation, Record


class MembershipChange(NamedTuple):
    """A user's own join or leave: its id, the room's key, and joined or left."""

    id: int
    room: str
    kind: str


class Page(NamedTuple):
    """The next records of the log for one reader; no other record up to the id `up_to` concerns that reader.

    `deleted_changes` are the reader's own membership changes up to there whose records were deleted.
    """

    records: list[Record]
    up_to: int
    deleted_changes: Sequence[MembershipChange] = ()


class Membership(NamedTuple):
    """An account's membership of a room, which began with the record `id`."""

    identity: int
    room: str
    id: int


class RoomState(NamedTuple):
    """A room that has members: the id of the record with which it began, and its topic."""

    first_id: int
    topic: str = ""


class Restored(NamedTuple):
    """The memberships of all accounts, and by key the rooms that these are in."""

    memberships: Sequence[Membership] = ()
    rooms: Mapping[str, RoomState] = MappingProxyType({})


class Contact(NamedTuple):
    """A direct conversation of a user: the other's identity and last name, the last record's id and time.

    `name` is empty and `time` 0 if its records were deleted.
    """

    conversation: Conversation
    partner: int
    name: str
    last: int
    time: int


class Span(NamedTuple):
    """A conversation, and the ids of its first and last record."""

    conversation: Conversation
    first: int
    last: int


class Unread(NamedTuple):
    """The unread texts of a conversation: how many, how many of them name the reader, and the first one's id.

    `more` is True when the records were too many to look at them all: there may be more texts and mentions.
    """

    total: int
    mentions: int
    first: int
    more: bool = False
