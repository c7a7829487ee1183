"""Rooms and their members."""

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.lookalikes import LookIndex
from twisted_chat.core.names import Name, room_name
from twisted_chat.core.participants import Participant, User

MAX_ROOMS_PER_USER = 100


class Room:
    """A room and its members, by identity.

    `topic` is the newest topic, `delivered_topic` the newest one that the log has delivered.
    """

    __slots__ = ("_participants", "delivered_topic", "key", "members", "name", "topic")

    version: int = 0  # a sender's route to a room is removed when its membership ends, so it is never out of date

    def __init__(self, name: Name) -> None:
        self.name, self.key = name
        self.topic = self.delivered_topic = ""
        self.members: dict[int, User] = {}
        self._participants: tuple[Participant, ...] | None = None

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Return all members' participants: the same tuple for every message, until `members_changed`."""
        if self._participants is None:
            self._participants = tuple(p for user in self.members.values() for p in user.participants)
        return self._participants

    def names(self) -> list[str]:
        """Return the members' names, sorted by their keys."""
        return [user.name for user in sorted(self.members.values(), key=lambda user: user.key)]

    def members_changed(self) -> None:
        """Forget the tuple of participants, because a member or a member's connection has come or gone."""
        self._participants = None


class Rooms:
    """The rooms that have members. A room is made by the first user who joins, and removed with its last member."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._looks = LookIndex()
        self._names: list[str] | None = None

    def get(self, name: str) -> Room | None:
        """Return the room with this name, or None. Raises ChatError(bad-name)."""
        return self._rooms.get(room_name(name).key)

    def find(self, name: str) -> Room:
        """Return the room with this name. Raises ChatError: no-such-room, bad-name."""
        room = self.get(name)
        if room is None:
            raise ChatError(Reason.UNKNOWN_ROOM, room=name)
        return room

    def find_joined(self, user: User, name: str) -> Room:
        """Return a room that the user is in. Raises ChatError: no-such-room, not-a-member, bad-name."""
        room = self.find(name)
        if user.identity not in room.members:
            raise ChatError(Reason.NOT_IN_ROOM, room=room.name)
        return room

    def names(self) -> list[str]:
        """Return the rooms' names, sorted by their keys."""
        if self._names is None:
            self._names = [self._rooms[key].name for key in sorted(self._rooms)]
        return self._names

    def join(self, user: User, name: str) -> Room | None:
        """Make the user a member and return the room; return None if the user is a member already.

        Raises ChatError: bad-name, and not-allowed for a user who is in MAX_ROOMS_PER_USER rooms.
        """
        checked = room_name(name)
        room = self._rooms.get(checked.key)
        if room is not None and user.identity in room.members:
            return None
        if len(user.rooms) >= MAX_ROOMS_PER_USER:
            raise ChatError(Reason.TOO_MANY_ROOMS, max=MAX_ROOMS_PER_USER)
        if room is None:
            if self._looks.is_like_another(checked, self._rooms):
                raise ChatError(Reason.ROOM_LOOKS_LIKE_ANOTHER, room=checked.shown)
            room = self._rooms[checked.key] = Room(checked)
            self._looks.add(checked)
            self._names = None
        room.members[user.identity] = user
        user.rooms |= {room.key}
        room.members_changed()
        return room

    def restore(self, user: User, name: str, id: int) -> Room:
        """Add a membership from before the server's start, whose join is the record `id`."""
        checked = room_name(name)
        room = self._rooms.setdefault(checked.key, Room(checked))
        self._looks.add(checked)
        room.members[user.identity] = user
        user.rooms |= {room.key}
        user.delivered_rooms = {**user.delivered_rooms, room.key: id}
        self._names = None
        return room

    def connections_changed(self, user: User) -> None:
        """Note in each of the user's rooms that one of the user's connections has come or gone."""
        for key in user.rooms:
            self._rooms[key].members_changed()

    def leave(self, user: User, room: Room) -> None:
        """End a membership, and remove the room with its last member."""
        del room.members[user.identity]
        user.rooms -= {room.key}
        room.members_changed()
        if not room.members:
            del self._rooms[room.key]
            self._looks.remove(Name(room.name, room.key))
            self._names = None

    def joined_by(self, user: User) -> list[Room]:
        """Return the rooms that the user is in, sorted by their keys."""
        return [self._rooms[key] for key in sorted(user.rooms)]

    def neighbours(self, user: User) -> list[User]:
        """Return the other members of the user's rooms, once each."""
        found = {other.identity: other for room in self.joined_by(user) for other in room.members.values()}
        found.pop(user.identity, None)
        return list(found.values())
