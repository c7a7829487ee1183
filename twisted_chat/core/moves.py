"""Joins and leaves: gathered for a turn, and delivered to each reader of a room as one block.

One who joins or leaves a large room is told to everybody there. When many do so at once, that is the square of
their number; so the joins and leaves of a room that come together are one block, which is rendered once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

from twisted_chat.core.messages import JOINED, LEFT, Record
from twisted_chat.core.participants import Entry, Envelope, Participant, User
from twisted_chat.core.rooms import Room

MAX_BLOCK_ENTRIES = 512
"""Joins and leaves of one block: some 32 KiB for a reader."""


class Readers:
    """The recipients of a join or leave: those who are in the room when the log delivers it.

    `begins` is True for the first join of a room.
    """

    __slots__ = ("begins", "room")

    def __init__(self, room: Room, begins: bool = False) -> None:
        self.room, self.begins = room, begins

    def begin(self, first_id: int) -> None:
        """Note with which id the room begins, if this is its first join."""
        if self.begins and self.room.first_id is None:
            self.room.first_id = first_id


class Quit:
    """A guest's leave of all its `rooms` at once; `rest` are the leaves that the log has not delivered yet."""

    __slots__ = ("rest", "rooms")

    def __init__(self, rooms: int) -> None:
        self.rooms = self.rest = rooms


class QuitEntry(Entry):
    """The leave of one room by a guest that is gone."""

    __slots__ = ("quit",)
    quit: Quit


class Moves:
    """The joins and leaves of a turn that the log does not have yet, in an order that makes long blocks.

    All first moves of users come first, room by room, then all second moves, and so on. So the moves of
    one user keep their order. `freed_names` are the keys of guests' names that are free again since the
    moves were taken last: who takes such a name moves behind the guest that had it.
    """

    __slots__ = ("_counts", "_rounds", "freed_names")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}  # moves of each user
        self._rounds: list[dict[Room, list[Entry]]] = []
        self.freed_names: set[str] = set()

    def has(self, identity: int) -> bool:
        """Return True if there are moves of this user."""
        return identity in self._counts

    def __bool__(self) -> bool:
        return bool(self._rounds or self.freed_names)

    def add(self, entry: Entry, room: Room) -> None:
        """Add a user's next move."""
        author = entry.envelope.author
        count = self._counts.get(author, 0)
        self._counts[author] = count + 1
        if count == len(self._rounds):
            self._rounds.append({})
        self._rounds[count].setdefault(room, []).append(entry)

    def take(self) -> list[Entry]:
        """Return all moves, in the order in which the log shall have them, and forget them."""
        rounds, self._rounds = self._rounds, []
        self._counts.clear()
        self.freed_names.clear()
        return [entry for rooms in rounds for entries in rooms.values() for entry in entries]


class Block(Entry):
    """Joins and leaves of one room in a row, as one entry for its readers; `part` shares what is rendered."""

    __slots__ = ("_end", "_entries", "_quits", "_rendered", "_start")

    def __init__(self, entries: Sequence[Entry], start: int, end: int, rendered: dict[object, list[bytes]]) -> None:
        self._entries, self._start, self._end, self._rendered = entries, start, end, rendered
        self.first, self.time, self.envelope = entries[start].first, entries[start].time, entries[start].envelope
        self.kind, self.texts, self.labels, self.asked = JOINED, [], {}, False  # a reader tells presence before a join
        self._quits: Mapping[int, Quit] | None = None

    @property
    def ids(self) -> Sequence[int]:
        return [entry.first for entry in self._shown]

    @property
    def envelopes(self) -> Sequence[Envelope]:
        return [entry.envelope for entry in self._shown]

    @property
    def _shown(self) -> Sequence[Entry]:
        return self._entries[self._start : self._end]

    def quits(self) -> Mapping[int, Quit]:
        """Return the quits of those who leave this room and others, by identity: the same mapping for all readers."""
        if self._quits is None:
            self._quits = {entry.envelope.author: quit for entry in self._shown if (quit := quit_of(entry)) is not None}
        return self._quits

    def records(self) -> list[Record]:
        return [record for entry in self._shown for record in entry.records()]

    def between(self, start: int, end: int) -> Entry:
        """Return the block of the entries from the index `start` on, up to `end`; one entry is itself."""
        if end - start == 1:
            return self._entries[start]
        if start == 0 and end == len(self._entries):
            return self
        return Block(self._entries, start, end, self._rendered)

    def without_quits(self, authors: Collection[int]) -> list[Entry]:
        """Return the block in parts, without the leaves of these guests who have quit."""

        def is_left_out(index: int) -> bool:
            entry = self._entries[index]
            return isinstance(entry, QuitEntry) and entry.envelope.author in authors

        runs = [(out, list(indexes)) for out, indexes in groupby(range(self._start, self._end), is_left_out)]
        return [self.between(run[0], run[-1] + 1) for out, run in runs if not out]

    def rendered(self, key: object, render: Callable[[Entry], bytes]) -> bytes:
        """Return the entries as `render` makes them, each once for this block and all its parts."""
        lines = self._rendered.get(key)
        if lines is None:
            lines = self._rendered[key] = [render(entry) for entry in self._entries]
        return b"".join(lines[self._start : self._end])


def move_entry(quit: Quit | None, *fields: Any) -> Entry:
    """Return the entry of a join, a leave or a topic; with a quit it is the leave of a guest that is gone."""
    if quit is None:
        return Entry(*fields)
    entry = QuitEntry(*fields)
    entry.quit = quit
    return entry


def quit_of(entry: Entry) -> Quit | None:
    """Return the quit of a guest that leaves several rooms, of which this entry is one; None for any other entry."""
    return entry.quit if isinstance(entry, QuitEntry) and entry.quit.rooms > 1 else None


def follows(entry: Entry, moves: list[Entry]) -> bool:
    """Return True if an entry is one more join or leave of the same room."""
    readers, last = entry.recipients, moves[-1].recipients
    same = isinstance(readers, Readers) and isinstance(last, Readers) and readers.room is last.room
    return same and len(moves) < MAX_BLOCK_ENTRIES


def deliver_moves(
    entries: Sequence[Entry],
    find: Callable[[int], User | None],
    apply: Callable[[Entry], None],
    touched: dict[Participant, None],
    answered: dict[Participant, None],
) -> None:
    """Deliver joins and leaves of one room in a row, and acknowledge them; `find` returns a user by identity.

    A reader gets those that happen while it is in the room. The connection that asked gets the
    acknowledgement, at its place among the others; the user's other connections get the entry itself.
    """
    readers: Any = entries[0].recipients
    block = Block(entries, 0, len(entries), {})
    own: dict[int, list[int]] = {}
    for index, entry in enumerate(entries):
        assert entry.connection is not None
        entry.connection.unstored -= entry.size
        if isinstance(entry, QuitEntry):
            entry.quit.rest -= 1
        own.setdefault(entry.envelope.author, []).append(index)
    shown = block.between(0, len(entries))
    for user in readers.room.shown_members():
        if user.identity not in own:
            for participant in user.participants:
                participant.deliver(shown)
                touched[participant] = None
    for identity, indexes in own.items():
        user = find(identity)
        inside = user is not None and readers.room.key in user.delivered_rooms
        start = 0
        for index in (*indexes, len(entries)):
            if user is not None and inside and index > start:
                part = block.between(start, index)
                for participant in user.participants:
                    participant.deliver(part)
                    touched[participant] = None
            if index < len(entries):
                _deliver_own(entries[index], user, apply, touched, answered)
                inside, start = entries[index].kind == JOINED, index + 1
    for entry in entries:
        if entry.kind == LEFT:
            readers.room.left(entry.envelope.author)


def _deliver_own(
    entry: Entry,
    user: User | None,
    apply: Callable[[Entry], None],
    touched: dict[Participant, None],
    answered: dict[Participant, None],
) -> None:
    connection = entry.connection
    assert connection is not None
    if entry.kind == JOINED:
        apply(entry)  # first: what a client is told behind its join names itself
    if user is not None:
        for participant in user.participants:
            if participant is not connection:
                participant.deliver(entry)
                touched[participant] = None
    if entry.kind != JOINED:
        apply(entry)
    entry.forget_participants()
    if connection.acknowledge(entry):
        answered[connection] = None
