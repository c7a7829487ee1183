"""A room's changes that the log has delivered, or refused."""

from contextlib import suppress

from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import JOINED, LEFT, TOPIC
from twisted_chat.core.participants import Entry, User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import Rooms
from twisted_chat.core.routes import forget_routes


def apply_change(registry: UserRegistry, rooms: Rooms, entry: Entry) -> None:
    """Move a membership, or a topic, as readers of the log know it, past its own record."""
    key, user = entry.envelope.conversation, registry.by_identity(entry.envelope.author)
    assert isinstance(key, str)
    if entry.kind == TOPIC:
        room = rooms.get(entry.envelope.to)
        if room is not None:
            room.delivered_topic = entry.texts[-1]
    elif user is not None:
        delivered = {other: joined for other, joined in user.delivered_rooms.items() if other != key}
        if entry.kind == JOINED:
            delivered[key] = entry.first
        user.delivered_rooms = delivered


def undo_change(rooms: Rooms, entry: Entry, user: User) -> None:
    """Set a room back to what it was before a change that the log has refused."""
    if entry.kind == JOINED:
        room = rooms.get(entry.envelope.to)
        if room is not None and room.key in user.rooms:
            rooms.leave(user, room)
            forget_routes(user)
    elif entry.kind == TOPIC:
        room = rooms.get(entry.envelope.to)
        if room is not None:
            room.topic = room.delivered_topic
    elif entry.kind == LEFT:
        with suppress(ChatError):  # the user is in as many rooms as allowed meanwhile: then it stays left
            rooms.join(user, entry.envelope.to)
