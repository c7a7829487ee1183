"""With whom one talks: conversations in the order in which they began, what is unread in each, and the current one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import is_room, room_name, user_name
from twisted_chat.wire.events import SPOKEN, Event

MOST_UNREAD = 1000
"""Unread messages that are counted in one conversation."""
MOST_HELD = 1000
"""Records that wait while a conversation's history is on its way."""
MOST = 500
"""Conversations; the oldest with a person that is not the current one goes for a new one."""


def key(name: str) -> str:
    """What is the same for the same name or room."""
    try:
        return (room_name if is_room(name) else user_name)(name).key
    except ChatError:
        return name


class Conversation:
    """What one has with a person or in a room.

    `last` is the id of its newest record that is known, `shown` of the newest that was
    shown. `held` has the records that wait for history to be shown first. `called` says that one
    was named in what is unread.
    """

    __slots__ = ("called", "held", "last", "name", "shown", "unread")

    def __init__(self, name: str) -> None:
        self.name = name
        self.last = self.shown = 0
        self.unread: deque[int] = deque(maxlen=MOST_UNREAD)
        self.called = False
        self.held: deque[Event] | None = None

    @property
    def is_room(self) -> bool:
        return is_room(self.name)

    def arrived(self, event: Event, own: bool, calls: bool) -> None:
        """A record of it that is not shown now; one's own says that all before it was read."""
        self.last = max(self.last, event.id)
        if own:
            self.read(event.id)
        elif event.kind in SPOKEN:
            self.unread.append(event.id)
            self.called = self.called or calls or not self.is_room

    def read(self, id: int) -> None:
        """It was read up to an id, here or elsewhere."""
        while self.unread and self.unread[0] <= id:
            self.unread.popleft()
        self.called = self.called and bool(self.unread)

    def show(self, id: int) -> None:
        """It is shown up to an id."""
        self.shown = max(self.shown, id)
        self.last = max(self.last, id)
        self.read(id)

    def begin_anew(self) -> None:
        """The server's log is another one, whose ids mean nothing in the old one."""
        self.last = self.shown = 0
        self.unread.clear()
        self.called = False


class Conversations:
    """All of them, and the `current` one, if there is one."""

    def __init__(self) -> None:
        self._all: dict[str, Conversation] = {}
        self.current: Conversation | None = None

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def find(self, name: str) -> Conversation | None:
        """The one with a person or in a room."""
        return self._all.get(key(name))

    def open(self, name: str) -> Conversation:
        """The same, begun if need be."""
        found = self._all.get(key(name))
        if found is None:
            if len(self._all) >= MOST:
                self._forget_one()
            found = self._all[key(name)] = Conversation(name)
        return found

    def close(self, conversation: Conversation) -> None:
        """It is over; the one before it becomes the current one."""
        place = list(self._all.values()).index(conversation)
        del self._all[key(conversation.name)]
        if conversation is self.current:
            others = list(self._all.values())
            self.current = others[max(0, place - 1)] if others else None

    def rename(self, old: str, new: str) -> None:
        """A person has another name."""
        found = self._all.get(key(old))
        if found is not None and (self._all.get(key(new)) in (None, found)):
            found.name = new
            self._all = {key(one.name): one for one in self._all.values()}

    def numbered(self, number: int) -> Conversation | None:
        """The first, second, …"""
        return list(self._all.values())[number - 1] if 1 <= number <= len(self._all) else None

    def next_unread(self) -> Conversation | None:
        """Where one should look next: first where one was called."""
        unread = [one for one in self._all.values() if one.unread and one is not self.current]
        return min(unread, key=lambda one: not one.called, default=None)

    def _forget_one(self) -> None:
        for one in self._all.values():
            if not one.is_room and one is not self.current:
                self.close(one)
                return


def about(event: Event, me: str) -> str:
    """With whom, or in which room, a record was said."""
    return event.to if is_room(event.to) or key(event.sender) == key(me) else event.sender
