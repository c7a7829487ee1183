"""Membership: which rooms there are and who is in each."""

from twisted_chat.core.errors import NO_SUCH_ROOM, NOT_A_MEMBER, NOT_ALLOWED, ChatError
from twisted_chat.core.names import Name, room_name
from twisted_chat.core.participants import Participant, User

MOST = 100


class Room:
    """A room and its members, by identity; `delivered_topic` is its topic as far as the log has delivered."""

    __slots__ = ("_audience", "delivered_topic", "key", "members", "name", "topic")

    def __init__(self, name: Name) -> None:
        self.name, self.key = name
        self.topic = self.delivered_topic = ""
        self.members: dict[int, User] = {}
        self._audience: tuple[Participant, ...] | None = None

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Every member's participants: one tuple for all messages until somebody comes or goes."""
        if self._audience is None:
            self._audience = tuple(p for user in self.members.values() for p in user.participants)
        return self._audience

    def names(self) -> list[str]:
        """The members' names, in the order of their keys."""
        return [user.name for user in sorted(self.members.values(), key=lambda user: user.key)]

    def changed(self) -> None:
        """Members, or a member's participants, are no longer what they were."""
        self._audience = None


class Rooms:
    """The rooms that have members. The first to join makes a room, the last to leave ends it."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._names: list[str] | None = None

    def get(self, name: str) -> Room | None:
        """The room of that name, or None; raises ChatError(bad-name)."""
        return self._rooms.get(room_name(name).key)

    def find(self, name: str) -> Room:
        """The room of that name; raises ChatError(no-such-room, bad-name)."""
        room = self.get(name)
        if room is None:
            raise ChatError(NO_SUCH_ROOM, f"there is no room {name}; join,{name} makes it")
        return room

    def of(self, user: User, name: str) -> Room:
        """A room that the user is in; raises ChatError(no-such-room, not-a-member, bad-name)."""
        room = self.find(name)
        if user.identity not in room.members:
            raise ChatError(NOT_A_MEMBER, f"you are not in {room.name}; join,{room.name} first")
        return room

    def names(self) -> list[str]:
        """The rooms' names, in the order of their keys."""
        if self._names is None:
            self._names = [self._rooms[key].name for key in sorted(self._rooms)]
        return self._names

    def join(self, user: User, name: str) -> Room | None:
        """Make the user a member; None for one who is already.

        Raises ChatError: bad-name, or not-allowed for one who is in MOST rooms.
        """
        checked = room_name(name)
        room = self._rooms.get(checked.key)
        if room is not None and user.identity in room.members:
            return None
        if len(user.rooms) >= MOST:
            raise ChatError(NOT_ALLOWED, f"nobody is in more than {MOST} rooms at once; leave one first")
        if room is None:
            room = self._rooms[checked.key] = Room(checked)
            self._names = None
        room.members[user.identity] = user
        user.rooms |= {room.key}
        room.changed()
        return room

    def restore(self, user: User, name: str, id: int) -> Room:
        """Have a member whose join, long ago, was the record `id`."""
        checked = room_name(name)
        room = self._rooms.setdefault(checked.key, Room(checked))
        room.members[user.identity] = user
        user.rooms |= {room.key}
        user.delivered_rooms = {**user.delivered_rooms, room.key: id}
        self._names = None
        return room

    def refresh(self, user: User) -> None:
        """A user has come with another participant, or gone with one."""
        for key in user.rooms:
            self._rooms[key].changed()

    def leave(self, user: User, room: Room) -> None:
        """End a membership, and the room with its last member."""
        del room.members[user.identity]
        user.rooms -= {room.key}
        room.changed()
        if not room.members:
            del self._rooms[room.key]
            self._names = None

    def joined_by(self, user: User) -> list[Room]:
        """The rooms that the user is in, in the order of their keys."""
        return [self._rooms[key] for key in sorted(user.rooms)]

    def neighbours(self, user: User) -> list[User]:
        """Everyone who shares a room with the user, once each, the user left out."""
        found = {other.identity: other for room in self.joined_by(user) for other in room.members.values()}
        found.pop(user.identity, None)
        return list(found.values())
