"""A reader's position in the log, and which of the log's records the reader may see."""

from collections import deque
from collections.abc import Iterable

from twisted_chat.core.interfaces import MembershipChange, Page
from twisted_chat.core.messages import JOINED, LEFT, Record


class Cursor:
    """A connection's position in the log, and the rooms that its user was in at that position.

    A user sees the records of a room from its own join to its own leave, and the records of its
    direct conversations. Records that this connection (or client) sent are left out, except those
    that the user sent to itself: `sender_numbers` are the numbers that the connection has had.
    """

    __slots__ = ("identity", "position", "rooms", "sender_numbers")

    def __init__(self, identity: int, rooms: Iterable[str], sender_number: int, position: int) -> None:
        self.identity = identity
        self.rooms = frozenset(rooms)
        self.sender_numbers = frozenset((sender_number,))
        self.position = position

    def copy(self) -> "Cursor":
        """Return a cursor at the same position, which moves independently."""
        cursor = Cursor(self.identity, self.rooms, 0, self.position)
        cursor.sender_numbers = self.sender_numbers
        return cursor

    def jump_to(self, position: int, rooms: Iterable[str]) -> None:
        """Move to a later position; `rooms` are those that the user is in there."""
        self.position = position
        self.rooms = frozenset(rooms)

    def take(self, page: Page, max_characters: int) -> list[Record]:
        """Return the records of the log's next page that the user may see, and move past the records read.

        Stops after the record with which the texts have `max_characters` characters.
        """
        taken = []
        changes = deque(page.deleted_changes)
        for record in page.records:
            while changes and changes[0].id < record.id:
                self._change(changes.popleft())
            self.position = record.id
            if self._sees(record):
                taken.append(record)
                max_characters -= len(record.text)
                if max_characters <= 0:
                    return taken
        for change in changes:
            self._change(change)
        self.position = max(self.position, page.up_to)
        return taken

    def _change(self, change: MembershipChange) -> None:
        """Follow a membership change whose record was deleted."""
        self.rooms = self.rooms | {change.room} if change.kind == JOINED else self.rooms - {change.room}

    def _sees(self, record: Record) -> bool:
        by_user = record.author == self.identity
        by_connection = by_user and record.sender_number in self.sender_numbers
        conversation = record.conversation
        if not isinstance(conversation, str):
            first, second = conversation
            return self.identity in conversation and (not by_connection or first == second)
        member = conversation in self.rooms
        if by_user:
            if record.kind == JOINED:
                member, self.rooms = True, self.rooms | {conversation}
            elif record.kind == LEFT:
                self.rooms -= {conversation}
        return member and not by_connection
