"""What one reader may see of the log, when it reads the log itself."""

from collections.abc import Iterable

from twisted_chat.core.interfaces import Page
from twisted_chat.core.messages import JOINED, LEFT, Record


class Cursor:
    """A connection's position in the log, and the rooms that its user was in there.

    The records of a room are seen from one's join to one's leave; those of a
    direct conversation by its two sides. What this very connection (or client) sent is left
    out, but for what one says to oneself: `numbers` are those that it has had.
    """

    __slots__ = ("identity", "numbers", "position", "rooms")

    def __init__(self, identity: int, rooms: Iterable[str], number: int, position: int) -> None:
        self.identity = identity
        self.rooms = frozenset(rooms)
        self.numbers = frozenset((number,))
        self.position = position

    def jump_to(self, position: int, rooms: Iterable[str]) -> None:
        """Go on at a later position, in the rooms that the user is in there."""
        self.position = position
        self.rooms = frozenset(rooms)

    def take(self, page: Page, size: int) -> list[Record]:
        """Those of the log's next records that are to be seen, until their texts have `size` characters.

        The position moves behind the last that was looked at.
        """
        taken = []
        for record in page.records:
            self.position = record.id
            if self._sees(record):
                taken.append(record)
                size -= len(record.text)
                if size <= 0:
                    return taken
        self.position = max(self.position, page.up_to)
        return taken

    def _sees(self, record: Record) -> bool:
        by_me = record.author == self.identity
        own = by_me and record.sender_number in self.numbers
        conversation = record.conversation
        if not isinstance(conversation, str):
            mine, other = conversation
            return self.identity in conversation and (not own or mine == other)
        member = conversation in self.rooms
        if by_me:
            if record.kind == JOINED:
                member, self.rooms = True, self.rooms | {conversation}
            elif record.kind == LEFT:
                self.rooms -= {conversation}
        return member and not own
