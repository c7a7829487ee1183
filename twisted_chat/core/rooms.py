"""Rooms and their members."""

from __future__ import annotations

from collections.abc import Iterator

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

    Others are shown only what the log has: `shown` is the number of members whose join it has delivered and whose
    leave it has not, and `ordered` are these. A guest that is gone is not shown: another may have the name.
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
        "shown",
        "topic",
        "version",
    )

    def __init__(self, name: Name, counted: tuple[str, ...] = ()) -> None:
        self.name, self.key = name
        self.counted, self.version, self.shown = counted, 0, 0
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
        """Return the shown members in the order of their keys: sorted when first asked for, then kept in order."""
        if self._ordered is None:
            self._ordered = Ordered()
            for user in self.shown_members():
                self._ordered.add(user)
        return self._ordered

    def shown_members(self) -> Iterator[User]:
        """Return the users who are in the room as far as the log has delivered joins and leaves."""
        key = self.key
        for user in self.members.values():
            if key in user.delivered_rooms:
                yield user
        for identity, (user, _) in self.leaving.items():
            if identity not in self.members and key in user.delivered_rooms:
                yield user

    def names(self) -> list[str]:
        """Return the names of the shown members, sorted by their keys."""
        return [user.name for user in self.ordered]

    def show(self, user: User) -> None:
        """Show a member whose join the log has delivered."""
        self.shown += 1
        if self._ordered is not None:
            self._ordered.remove(user.key)
            self._ordered.add(user)

    def hide(self, user: User) -> None:
        """Show a user no more, whose leave the log has delivered."""
        self.shown -= 1
        if self._ordered is not None:
            self._ordered.remove(user.key)

    def count_shown(self) -> None:
        """Find out anew who is shown, when the room is back that had ended."""
        self._ordered, self.shown = None, sum(1 for _ in self.shown_members())

    def add(self, user: User) -> None:
        """Add a member."""
        self.members[user.identity] = user
        self._participants = None
        self.version += 1

    def remove(self, user: User) -> None:
        """Remove a member."""
        del self.members[user.identity]
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
        """Put a shown member whose key or name has changed in its new place."""
        if self._ordered is not None and self.key in user.delivered_rooms:
            self._ordered.remove(old_key)
            self._ordered.add(user)

    def members_changed(self) -> None:
        """Forget the tuple of participants, because a member or a member's connection has come or gone."""
        self._participants = None


class Rooms:
    """The rooms that have members. A room is made by the first user who joins, and removed with its last member.

    `ordered` are the rooms that others are shown: those with a member whose join the log has.
    """

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

    def find_shown(self, name: str) -> Room:
        """Return the room with this name, if others are shown it. Raises ChatError: no-such-room, bad-name."""
        room = self.find(name)
        if not room.shown:
            raise ChatError(Reason.UNKNOWN_ROOM, room=name)
        return room

    def find_joined(self, user: User, name: str) -> Room:
        """Return a room that the user is in. Raises ChatError: no-such-room, not-a-member, bad-name."""
        room = self.find(name)
        if user.identity not in room.members:
            raise ChatError(Reason.NOT_IN_ROOM, room=self.find_shown(name).name)
        return room

    def names(self) -> list[str]:
        """Return the names of the rooms that others are shown, sorted by their keys."""
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
        self.show(user, room)
        return room

    def show(self, user: User, room: Room) -> None:
        """Show a member whose join the log has delivered; with the first one, show the room."""
        if not room.shown and self._rooms.get(room.key) is room:
            self.ordered.add(room)
        room.show(user)

    def hide_guest(self, user: User) -> None:
        """Show a guest that is gone in no room."""
        for room in self.shown_of(user):
            self.hide(user, room)

    def hide(self, user: User, room: Room) -> None:
        """Show a user no more, whose leave the log has delivered, or a guest that is gone."""
        room.hide(user)
        if not room.shown and self._rooms.get(room.key) is room:
            self.ordered.remove(room.key)

    def rejoin(self, user: User, room: Room) -> None:
        """Make the user a member of a room again, because its leaving was not stored."""
        present = self._rooms.get(room.key)
        if present is None:
            present = self._rooms[room.key] = room
            self.counts.add(room.counted)
            self._looks.add(Name(room.name, room.key))
        present.add(user)
        user.rooms |= {room.key}
        present.count_shown()
        self.ordered.remove(room.key)
        self.ordered.add(present)

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
        for room in self.shown_of(user):
            room.renamed(user, old_key)

    def joined_by(self, user: User) -> list[Room]:
        """Return the rooms that the user is in, sorted by their keys."""
        return [self._rooms[key] for key in sorted(user.rooms)]

    def shown_of(self, user: User) -> list[Room]:
        """Return the rooms in which the user is shown, sorted by their keys."""
        rooms = [self._rooms.get(key) for key in sorted(user.delivered_rooms)]
        return [room for room in rooms if room is not None]

    def neighbours(self, user: User) -> list[User]:
        """Return the other users who are shown in the rooms in which this one is shown, once each."""
        found = {other.identity: other for room in self.shown_of(user) for other in room.shown_members()}
        found.pop(user.identity, None)
        return list(found.values())

    def reach(self, user: User) -> int:
        """Return a bound for the number of the user's neighbours, at the cost of the user's rooms."""
        return sum([room.shown for room in self.shown_of(user)])

    def _make(self, name: Name, counted: tuple[str, ...]) -> Room:
        room = self._rooms[name.key] = Room(name, counted)
        self._looks.add(name)
        return room
