"""What one reader may see of the log, when it reads the log itself."""

from collections.abc import Iterable

from twisted_chat.core.messages import JOINED, LEFT, Record
from twisted_chat.core.registry import User


class View:
    """A connection's place in the log, and the rooms that its user was in there.

    The records of a room are seen from one's join to one's leave; those of a
    direct conversation by its two sides. What this very connection sent is left
    out, but for what one says to oneself.
    """

    __slots__ = ("identity", "number", "place", "rooms")

    def __init__(self, user: User, number: int, place: int) -> None:
        self.identity = user.identity
        self.number = number
        self.place = place
        self.rooms = frozenset(user.settled)

    def skip(self, place: int, user: User) -> None:
        """Go on at a later place: in the rooms that the user has been in since before it."""
        self.place = place
        self.rooms = frozenset(room for room, joined in user.settled.items() if joined <= place)

    def pick(self, records: Iterable[Record], size: int) -> list[Record]:
        """Those of the log's next records that are to be seen, until their texts have `size` characters.

        The place moves behind the last that was looked at.
        """
        picked = []
        for record in records:
            self.place = record.id
            if self._sees(record):
                picked.append(record)
                size -= len(record.text)
                if size <= 0:
                    break
        return picked

    def _sees(self, record: Record) -> bool:
        own = record.origin == self.number
        conversation = record.conversation
        if not isinstance(conversation, str):
            mine, other = conversation
            return self.identity in conversation and (not own or mine == other)
        member = conversation in self.rooms
        if record.author == self.identity:
            if record.kind == JOINED:
                member, self.rooms = True, self.rooms | {conversation}
            elif record.kind == LEFT:
                self.rooms -= {conversation}
        return member and not own
