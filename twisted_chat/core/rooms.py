"""Rooms and their members."""

from __future__ import annotations

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.lookalikes import LookIndex
from twisted_chat.core.names import Name, room_name
from twisted_chat.core.ordered import Ordered
from twisted_chat.core.participants import Participant, User
from twisted_chat.core.roomlimits import DEFAULT_ROOM_LIMITS, RoomCounts, RoomLimits

MAX_ROOMS_PER_USER = 100
MAX_TOPIC_CHARACTERS = 400
"""Characters of a topic, which is kept in memory for each room; every IRC client can show that many."""


class Room:
    """A room and its members, by identity.

    `topic` is the newest topic, `delivered_topic` the newest one that the log has delivered. `counted` are the
    keys for which the room counts (see RoomCounts). `leaving` are the users, by identity, who have left, but
    whose leave the log has not delivered yet, each with the number of such leaves. `version` grows with each
    join and leave: the next message to the room comes behind it in the log. `first_id` is the id of the record
    with which the room began, or None until the log has it: a later room of the same name does not show what
    was said before.
    """

    __slots__ = (
        "_ordered",
        "_participants",
        "counted",
        "delivered_topic",
        "first_id",
        "key",
        "leaving",
        "members",
        "name",
        "topic",
        "version",
    )

    def __init__(self, name: Name, counted: tuple[str, ...] = ()) -> None:
        self.name, self.key = name
        self.counted, self.version = counted, 0
        self.topic = self.delivered_topic = ""
        self.first_id: int | None = None
        self.members: dict[int, User] = {}
        self.leaving: dict[int, tuple[User, int]] = {}
        self._ordered: Ordered[User] | None = None
        self._participants: tuple[Participant, ...] | None = None

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Return all members' participants: the same tuple for every message, until `members_changed`."""
        if self._participants is None:
            self._participants = tuple(p for user in self.members.values() for p in user.participants)
        return self._participants

    @property
    def ordered(self) -> Ordered[User]:
        """Return the members in the order of their keys: sorted when first asked for, then kept in order."""
        if self._ordered is None:
            self._ordered = Ordered()
            for user in self.members.values():
                self._ordered.add(user)
        return self._ordered

    def names(self) -> list[str]:
        """Return the members' names, sorted by their keys."""
        return [user.name for user in self.ordered]

    def add(self, user: User) -> None:
        """Add a member."""
        self.members[user.identity] = user
        if self._ordered is not None:
            self._ordered.add(user)
        self._participants = None
        self.version += 1

    def remove(self, user: User) -> None:
        """Remove a member."""
        del self.members[user.identity]
        if self._ordered is not None:
            self._ordered.remove(user.key)
        self._participants = None
        self.version += 1

    def leaves(self, user: User) -> None:
        """Note that the log will deliver that this user has left."""
        _, count = self.leaving.get(user.identity, (user, 0))
        self.leaving[user.identity] = user, count + 1

    def left(self, identity: int) -> None:
        """Note that the log has delivered it, or will not."""
        user, count = self.leaving.pop(identity, (None, 0))
        if user is not None and count > 1:
            self.leaving[identity] = user, count - 1

    def renamed(self, user: User, old_key: str) -> None:
        """Put a member whose key or name has changed in its new place."""
        if self._ordered is not None:
            self._ordered.remove(old_key)
            self._ordered.add(user)

    def members_changed(self) -> None:
        """Forget the tuple of participants, because a member or a member's connection has come or gone."""
        self._participants = None


class Rooms:
    """The rooms that have members. A room is made by the first user who joins, and removed with its last member."""

    def __init__(self, limits: RoomLimits = DEFAULT_ROOM_LIMITS) -> None:
        self._rooms: dict[str, Room] = {}
        self._looks = LookIndex()
        self.ordered: Ordered[Room] = Ordered()
        self.counts = RoomCounts(limits)

    def __len__(self) -> int:
        return len(self._rooms)

    def get(self, name: str) -> Room | None:
        """Return the room with this name, or None. Raises ChatError(bad-name)."""
        return self._rooms.get(room_name(name).key)

    def by_key(self, key: str) -> Room | None:
        """Return the room with this key, or None."""
        return self._rooms.get(key)

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
        return [room.name for room in self.ordered]

    def join(self, user: User, name: str, address: str = "") -> Room | None:
        """Make the user, who connects from `address`, a member and return the room; return None for a member.

        Raises ChatError: bad-name, and not-allowed for a user who is in MAX_ROOMS_PER_USER rooms or would
        make one room too many.
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
            room = self._make(checked, self.counts.made(user, address))
        room.add(user)
        user.rooms |= {room.key}
        return room

    def restore(self, user: User, name: str, id: int) -> Room:
        """Add a membership from before the server's start, whose join is the record `id`."""
        checked = room_name(name)
        room = self._rooms.get(checked.key)
        if room is None:
            keys = self.counts.keys(user, "")
            self.counts.add(keys)
            room = self._make(checked, keys)
        room.add(user)
        user.rooms |= {room.key}
        user.delivered_rooms = {**user.delivered_rooms, room.key: id}
        return room

    def rejoin(self, user: User, room: Room) -> None:
        """Make the user a member of a room again, because its leaving was not stored."""
        present = self._rooms.get(room.key)
        if present is None:
            present = self._rooms[room.key] = room
            self.ordered.add(room)
            self.counts.add(room.counted)
            self._looks.add(Name(room.name, room.key))
        present.add(user)
        user.rooms |= {room.key}

    def connections_changed(self, user: User) -> None:
        """Note in each of the user's rooms that one of the user's connections has come or gone."""
        for key in user.rooms:
            self._rooms[key].members_changed()

    def leave(self, user: User, room: Room) -> None:
        """End a membership, and remove the room with its last member."""
        room.remove(user)
        user.rooms -= {room.key}
        if not room.members:
            del self._rooms[room.key]
            self.ordered.remove(room.key)
            self.counts.ended(room.counted)
            self._looks.remove(Name(room.name, room.key))

    def renamed(self, user: User, old_key: str) -> None:
        """Note in each of the user's rooms that the user has another name than the one with this key."""
        for key in user.rooms:
            self._rooms[key].renamed(user, old_key)

    def joined_by(self, user: User) -> list[Room]:
        """Return the rooms that the user is in, sorted by their keys."""
        return [self._rooms[key] for key in sorted(user.rooms)]

    def neighbours(self, user: User) -> list[User]:
        """Return the other members of the user's rooms, once each."""
        found = {other.identity: other for room in self.joined_by(user) for other in room.members.values()}
        found.pop(user.identity, None)
        return list(found.values())

    def reach(self, user: User) -> int:
        """Return a bound for the number of the user's neighbours, at the cost of the user's rooms."""
        return sum([len(self._rooms[key].members) for key in user.rooms])

    def _make(self, name: Name, counted: tuple[str, ...]) -> Room:
        room = self._rooms[name.key] = Room(name, counted)
        self._looks.add(name)
        self.ordered.add(room)
        return room
