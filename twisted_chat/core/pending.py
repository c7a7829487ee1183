"""The changes of rooms that are under way: asked for, and neither stored nor refused yet."""

from twisted_chat.core.messages import TOPIC
from twisted_chat.core.participants import Entry
from twisted_chat.core.rooms import Room

TOPIC_IDENTITY = -1


class Change:
    """The changes under way of a membership or a topic: how many they are, and what was before the first of them."""

    __slots__ = ("count", "is_settled", "joined_at", "room")

    def __init__(self, room: Room, joined_at: int | None) -> None:
        self.count, self.room, self.joined_at, self.is_settled = 0, room, joined_at, False


def place_of(entry: Entry) -> tuple[int, str]:
    """Return whose membership an entry changes, and the room's key; TOPIC_IDENTITY stands for the topic."""
    key = entry.envelope.conversation
    assert isinstance(key, str)
    return TOPIC_IDENTITY if entry.kind == TOPIC else entry.envelope.author, key
