"""What is said: the records of the one log."""

from typing import NamedTuple

MESSAGE = "message"
ACTION = "action"
NOTICE = "notice"
JOINED = "joined"
LEFT = "left"
TOPIC = "topic"

SPOKEN = (MESSAGE, ACTION, NOTICE)
"""Kinds of what is said, as opposed to what happens."""

GUESTS = 2**32
"""Identities below this are accounts', the others guests'; so are the numbers of their clients and of connections."""

Conversation = str | tuple[int, int]
"""Where a record belongs: a room's key, or two identities, the smaller first."""


def direct(one: int, other: int) -> Conversation:
    """The conversation of two identities, which may be the same one's."""
    return (one, other) if one < other else (other, one)


class Record(NamedTuple):
    """One thing that happened, as the log keeps it and every reader sees it.

    `id` is its place in the log: only ever larger. `time` is in milliseconds
    since 1970, UTC. `sender` and `to` are names as they were shown then;
    `author` is the sender's identity and `origin` the number of the connection
    that it came by.
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
