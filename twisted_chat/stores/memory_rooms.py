"""The rooms as the log in memory knows them: since when there are rooms, their topics, and their members."""

from collections.abc import Iterable

from twisted_chat.core.interfaces import Membership, Restored, RoomState
from twisted_chat.core.messages import GUESTS, JOINED, LEFT, TOPIC, Conversation
from twisted_chat.core.moves import Readers
from twisted_chat.core.participants import Entry

ROOM_CHANGES = frozenset((JOINED, LEFT, TOPIC))


class MemoryRooms:
    """Follows the joins, leaves and topics of the log. A room begins with its first member, and ends with its last."""

    def __init__(self) -> None:
        self._rooms: dict[Conversation, RoomState] = {}
        self._members: dict[Conversation, dict[int, Membership]] = {}

    def apply(self, entries: Iterable[Entry]) -> None:
        """Carry out the changes among entries that the log has."""
        for entry in entries:
            if entry.kind not in ROOM_CHANGES:
                continue
            key, author = entry.envelope.conversation, entry.envelope.author
            if entry.kind == JOINED:
                if (
                    isinstance(entry.recipients, Readers) and entry.recipients.begins
                ):  # a guest whose leave was refused may still be a member
                    self._rooms.pop(key, None)
                    self._members.pop(key, None)
                self._rooms.setdefault(key, RoomState(entry.first))
                members = self._members.setdefault(key, {})
                members.setdefault(author, Membership(author, entry.envelope.to, entry.first))
            elif entry.kind == LEFT:
                self._leave(key, author)
            elif entry.kind == TOPIC and key in self._rooms:
                self._rooms[key] = self._rooms[key]._replace(topic=entry.texts[-1])

    def restore(self) -> Restored:
        """Return what a restarted server finds: guests are gone."""
        for key, members in list(self._members.items()):
            for identity in [identity for identity in members if identity >= GUESTS]:
                self._leave(key, identity)
        memberships = [one for members in self._members.values() for one in members.values()]
        rooms = {key: state for key, state in self._rooms.items() if isinstance(key, str)}
        return Restored(sorted(memberships, key=lambda one: one.id), rooms)

    def _leave(self, key: Conversation, identity: int) -> None:
        members = self._members.get(key, {})
        members.pop(identity, None)
        if not members:
            self._members.pop(key, None)
            self._rooms.pop(key, None)
