"""What one reader may see of the log, when it reads the log itself."""

from collections.abc import Iterable

from twisted_chat.core.interfaces import Page
from twisted_chat.core.messages import JOINED, LEFT, Record


class View:
    """A connection's place in the log, and the rooms that its user was in there.

    The records of a room are seen from one's join to one's leave; those of a
    direct conversation by its two sides. What this very connection (or client) sent is left
    out, but for what one says to oneself: `numbers` are those that it has had.
    """

    __slots__ = ("identity", "numbers", "place", "rooms")

    def __init__(self, identity: int, rooms: Iterable[str], number: int, place: int) -> None:
        self.identity = identity
        self.rooms = frozenset(rooms)
        self.numbers = frozenset((number,))
        self.place = place

    def skip(self, place: int, rooms: Iterable[str]) -> None:
        """Go on at a later place, in the rooms that the user is in there."""
        self.place = place
        self.rooms = frozenset(rooms)

    def pick(self, page: Page, size: int) -> list[Record]:
        """Those of the log's next records that are to be seen, until their texts have `size` characters.

        The place moves behind the last that was looked at.
        """
        picked = []
        for record in page.records:
            self.place = record.id
            if self._sees(record):
                picked.append(record)
                size -= len(record.text)
                if size <= 0:
                    return picked
        self.place = max(self.place, page.upto)
        return picked

    def _sees(self, record: Record) -> bool:
        by_me = record.author == self.identity
        own = by_me and record.origin in self.numbers
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
