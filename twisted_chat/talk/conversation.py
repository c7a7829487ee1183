"""Conversations: rooms and users that a person talks with, in order; what is unread in each; and the current one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import is_room, room_name, user_name
from twisted_chat.wire.events import SPOKEN, Event

MAX_UNREAD = 1000
"""Unread messages that are counted in one conversation."""
MAX_HELD_RECORDS = 1000
"""Records that wait while the history of a conversation is on its way."""
MAX_CONVERSATIONS = 500
"""With more, the oldest conversation with a user goes, unless it is the current one."""


def key(name: str) -> str:
    """Return the same key for every spelling of a user's or a room's name."""
    try:
        return (room_name if is_room(name) else user_name)(name).key
    except ChatError:
        return name


def contains_name(text: str, name: str) -> bool:
    """Return True if the name stands in the text as a word, whatever its case: `ann` is in `Ann?`, not in `planned`."""
    text, name = text.casefold(), name.casefold()
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        if not _is_letter(text[start - 1 : start]) and not _is_letter(text[end : end + 1]):
            return True
        start = text.find(name, start + 1)
    return False


def _is_letter(character: str) -> bool:
    return character == "_" or character.isalnum()


class Conversation:
    """A conversation with a user or in a room.

    `last` is the id of its newest known record, `shown` the id of the newest record on the screen. `held` has the
    records that wait until the history is shown. `highlighted` is set if an unread message is a direct message or
    mentions the person.
    """

    __slots__ = ("held", "highlighted", "last", "name", "shown", "unread")

    def __init__(self, name: str) -> None:
        self.name = name
        self.last = self.shown = 0
        self.unread: deque[int] = deque(maxlen=MAX_UNREAD)
        self.highlighted = False
        self.held: deque[Event] | None = None

    @property
    def is_room(self) -> bool:
        return is_room(self.name)

    def arrived(self, event: Event, own: bool, mentions: bool) -> None:
        """Count a record that is not shown now. The person's own record means that all before it was read."""
        self.last = max(self.last, event.id)
        if own:
            self.read(event.id)
        elif event.kind in SPOKEN:
            self.unread.append(event.id)
            self.highlighted = self.highlighted or mentions or not self.is_room

    def read(self, id: int) -> None:
        """Take note that the person has read up to an id, here or on another device."""
        while self.unread and self.unread[0] <= id:
            self.unread.popleft()
        self.highlighted = self.highlighted and bool(self.unread)

    def show(self, id: int) -> None:
        """Take note that the screen shows it up to an id."""
        self.shown = max(self.shown, id)
        self.last = max(self.last, id)
        self.read(id)

    def begin_anew(self) -> None:
        """Forget all ids, since the server's log is another log."""
        self.last = self.shown = 0
        self.unread.clear()
        self.highlighted = False


class Conversations:
    """All conversations, and the `current` conversation or None."""

    def __init__(self) -> None:
        self._all: dict[str, Conversation] = {}
        self.current: Conversation | None = None

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def find(self, name: str) -> Conversation | None:
        """Return the conversation with a user or in a room, or None."""
        return self._all.get(key(name))

    def open(self, name: str) -> Conversation:
        """Return the conversation with a user or in a room; begin it if necessary."""
        found = self._all.get(key(name))
        if found is None:
            if len(self._all) >= MAX_CONVERSATIONS:
                self._close_oldest()
            found = self._all[key(name)] = Conversation(name)
        return found

    def close(self, conversation: Conversation) -> None:
        """Remove a conversation. If it is the current conversation, the conversation before it becomes current."""
        index = list(self._all.values()).index(conversation)
        del self._all[key(conversation.name)]
        if conversation is self.current:
            others = list(self._all.values())
            self.current = others[max(0, index - 1)] if others else None

    def rename(self, old: str, new: str) -> None:
        """Give the conversation with a user the user's new name."""
        found = self._all.get(key(old))
        if found is not None and (self._all.get(key(new)) in (None, found)):
            found.name = new
            self._all = {key(conversation.name): conversation for conversation in self._all.values()}

    def numbered(self, number: int) -> Conversation | None:
        """Return the first, second, … conversation, or None."""
        return list(self._all.values())[number - 1] if 1 <= number <= len(self._all) else None

    def next_unread(self) -> Conversation | None:
        """Return an unread conversation that is not the current one, a highlighted one first, or None."""
        unread = [other for other in self._all.values() if other.unread and other is not self.current]
        return min(unread, key=lambda other: not other.highlighted, default=None)

    def _close_oldest(self) -> None:
        for conversation in self._all.values():
            if not conversation.is_room and conversation is not self.current:
                self.close(conversation)
                return


def about(event: Event, me: str) -> str:
    """Return the room of a record, or the other user of a direct message."""
    return event.to if is_room(event.to) or key(event.sender) == key(me) else event.sender
