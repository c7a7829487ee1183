"""Joins and leaves as entries of the log."""

from __future__ import annotations

from twisted_chat.core.messages import JOINED
from twisted_chat.core.participants import Entry, Envelope, Participant
from twisted_chat.core.rooms import Room


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

    def begin_room(self, first_id: int) -> None:
        """Note with which id the room began, if this is its first join; let go of the room."""
        room, self.room = self.room, None
        if self.begins and room is not None and room.first_id is None:
            room.first_id = first_id
