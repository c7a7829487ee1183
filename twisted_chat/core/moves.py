"""Joins and leaves on their way to the log: the rooms that they begin, and how they are undone."""

from __future__ import annotations

from contextlib import suppress

from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import JOINED, LEFT
from twisted_chat.core.participants import Entry, Envelope, Participant, User
from twisted_chat.core.rooms import Room, Rooms


class Move(Entry):
    """A join or a leave, with its `room` until the log has it; `begins` is True for the first join of a room."""

    __slots__ = ("begins", "room")

    def __init__(
        self,
        kind: str,
        envelope: Envelope,
        recipients: tuple[Participant, ...],
        connection: Participant,
        labels: dict[int, str],
        room: Room,
    ) -> None:
        super().__init__(kind, envelope, recipients, [""], connection, labels, True)
        self.room: Room | None = room
        self.begins = kind == JOINED and room.first_id is None and len(room.members) == 1


class Moves:
    """The joins and leaves that the log does not have yet.

    When the log refuses one, the membership is set back to what the log has, unless a later move of the same
    user is under way, which decides instead.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._newest: dict[tuple[int, str], Move] = {}  # by the user's identity and the room's key

    def add(self, move: Move) -> None:
        """Note a move that the log is asked to keep."""
        self._newest[_place(move)] = move

    def stored(self, move: Move, user: User | None) -> None:
        """Note that the log has a move: readers of the log know the membership from here on, or no longer."""
        room, _ = self._end(move)
        if move.begins and room is not None and room.first_id is None:
            room.first_id = move.first
        if user is not None:
            _, key = _place(move)
            delivered = {other: joined for other, joined in user.delivered_rooms.items() if other != key}
            if move.kind == JOINED:
                delivered[key] = move.first
            user.delivered_rooms = delivered

    def refused(self, move: Move, user: User | None, last: int) -> bool:
        """Undo a move; return True if the user's membership has changed. `last` is the log's last id."""
        room, is_newest = self._end(move)
        if move.begins and room is not None and room.first_id is None:
            room.first_id = last + 1  # for others who joined it meanwhile
        if user is None or room is None:
            return False
        if move.kind == LEFT and room.key in user.delivered_rooms:
            self._rooms.go_on(room)
        if not is_newest:
            return False
        if room.key in user.delivered_rooms:
            with suppress(ChatError):  # the user is in as many rooms as allowed meanwhile: then it stays left
                self._rooms.rejoin(user, room)
        elif room.key in user.rooms:
            current = self._rooms.get(room.name)
            if current is not None:
                self._rooms.leave(user, current)
        return True

    def _end(self, move: Move) -> tuple[Room | None, bool]:
        """Return the move's room, and True if it is the user's newest move there; forget both."""
        room, move.room = move.room, None
        place = _place(move)
        is_newest = self._newest.get(place) is move
        if is_newest:
            del self._newest[place]
        return room, is_newest


def _place(move: Move) -> tuple[int, str]:
    key = move.envelope.conversation
    assert isinstance(key, str)
    return move.envelope.author, key
