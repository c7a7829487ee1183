"""The records of the one log, and the kinds of records."""

from dataclasses import dataclass
from typing import NamedTuple

MESSAGE = "message"
ACTION = "action"
NOTICE = "notice"
JOINED = "joined"
LEFT = "left"
TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Kind:
    """The facts about a kind of record that the core and the stores ask for.

    `is_text` is True for what users say, as opposed to what happens; the server counts it as unread.
    `may_be_repeated` is True when a client may send the same request again, with the same label.
    """

    is_text: bool = False
    is_searched: bool = False
    changes_membership: bool = False
    sets_topic: bool = False
    may_be_repeated: bool = False


KINDS = {
    MESSAGE: Kind(is_text=True, is_searched=True, may_be_repeated=True),
    ACTION: Kind(is_text=True, is_searched=True, may_be_repeated=True),
    NOTICE: Kind(is_text=True, is_searched=True),
    JOINED: Kind(changes_membership=True, may_be_repeated=True),
    LEFT: Kind(changes_membership=True, may_be_repeated=True),
    TOPIC: Kind(sets_topic=True, may_be_repeated=True),
}

SPOKEN = tuple(name for name, kind in KINDS.items() if kind.is_text)
SEARCHED = tuple(name for name, kind in KINDS.items() if kind.is_searched)
MEMBERSHIP_CHANGES = tuple(name for name, kind in KINDS.items() if kind.changes_membership)
TOPIC_CHANGES = tuple(name for name, kind in KINDS.items() if kind.sets_topic)
REPEATABLE = tuple(name for name, kind in KINDS.items() if kind.may_be_repeated)

GUESTS = 2**32
"""Identities below this number belong to accounts, the others to guests.

Likewise, numbers below it belong to the clients of accounts, the others to connections.
"""

Conversation = str | tuple[int, int]
"""The conversation that a record belongs to: a room's key, or two identities, the smaller first."""


def direct(one: int, other: int) -> Conversation:
    """Return the direct conversation of two identities, which may be the same."""
    return (one, other) if one < other else (other, one)


class Record(NamedTuple):
    """Hold one message or event, as the log keeps it and every reader sees it.

    `id` is the record's position in the log; later records have larger ids. `time` is in
    milliseconds since 1970, UTC. `sender` and `to` are names as shown at that time. `author` is the
    sender's identity, `sender_number` the number of the connection or client that sent it.
    """

    id: int
    time: int
    kind: str
    sender: str
    to: str
    text: str
    conversation: Conversation
    author: int
    sender_number: int
