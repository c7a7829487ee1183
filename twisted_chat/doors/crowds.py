"""Presence in large rooms: the changes of a moment are gathered, rendered once, and told to some readers in each turn.

In a small room each change goes to each reader (presence.py). In a large one, that would be the square of
their number when many come or go together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator

from twisted.internet.interfaces import IReactorTime

from twisted_chat.core.hub import Hub
from twisted_chat.core.participants import User
from twisted_chat.doors.dialect import Dialect
from twisted_chat.doors.presence import PresenceChanges

CROWD_DELAY_SECONDS = 0.1
"""Seconds for which the changes in large rooms are gathered."""
MAX_CROWD_CHANGES = 1000
"""People whose changes are told by name; with more, the readers are told to ask for the list."""
READERS_PER_TURN = 64
"""Readers who are told in one turn: some 1 ms of work."""


class CrowdNews:
    """What is new about the people of some large rooms, for all readers who are in the same ones of them.

    `renames` are the new names alone, without a bound: an IRC client needs them all.
    """

    __slots__ = ("_lines", "presence", "renames")

    def __init__(self) -> None:
        self.presence = PresenceChanges(MAX_CROWD_CHANGES)
        self.renames: dict[int, tuple[str, str]] = {}
        self._lines: dict[tuple[Dialect, bytes], tuple[list[bytes], bytes]] = {}

    def add(self, identity: int, before: str | None, now: str | None) -> None:
        """Add the change of one person, by identity."""
        self.presence.add(identity, before, now)
        if before is not None and now is not None:
            known, _ = self.renames.pop(identity, (before, now))
            if known != now:
                self.renames[identity] = known, now

    def merge(self, other: CrowdNews) -> None:
        """Add the news of another room; who is in both is the same news."""
        for identity, (known, now) in other.presence.items():
            if identity not in self.presence:
                self.presence.add(identity, known, now)
        self.presence.lost |= other.presence.lost
        self.renames.update(other.renames)

    def rendered(self, dialect: Dialect, delimiter: bytes, reader: int) -> bytes:
        """Return the lines for a reader, by identity, who is not told of itself."""
        found = self._lines.get((dialect, delimiter))
        if found is None:
            lines = [line.encode() + delimiter for line in dialect.presence(self.presence.changes())]
            found = self._lines[dialect, delimiter] = lines, b"".join(lines)
        lines, joined = found
        own = self.presence.get(reader)
        if own is None:
            return joined
        known, now = own
        mine = {
            line.encode() + delimiter
            for some in ((known, now, reader), (known, None, reader), (None, now, reader))
            if some[:2] != (None, None)
            for line in dialect.presence([some])
        }
        return b"".join([line for line in lines if line not in mine])


class Crowds:
    """Gathers the changes in large rooms of one hub (a core.interfaces.Crowds)."""

    def __init__(self, hub: Hub, clock: IReactorTime) -> None:
        self._hub, self._clock = hub, clock
        self._rooms: dict[str, CrowdNews] = {}
        self._renamed: set[int] = set()
        self._gone: set[str] = set()
        self._jobs: deque[Iterator[None]] = deque()

    def add(self, rooms: Collection[str], user: User, before: str | None, now: str | None) -> None:
        if not self._rooms:
            self._clock.callLater(CROWD_DELAY_SECONDS, self._due)
        for key in rooms:
            news = self._rooms.get(key)
            if news is None:
                news = self._rooms[key] = CrowdNews()
            news.add(user.identity, before, now)
        if now is None:
            self._gone.add(user.key)
        elif before is not None:
            self._renamed.add(user.identity)

    def settle(self, user: User) -> None:
        if user.identity in self._renamed:
            self._tell_all()

    def settle_name(self, key: str) -> None:
        if key in self._gone:
            self._tell_all()

    def _tell_all(self) -> None:
        self._begin()
        while self._jobs:
            for _ in self._jobs.popleft():
                pass
        self._renamed.clear()
        self._gone.clear()

    def _due(self) -> None:
        self._begin()
        self._turn()

    def _begin(self) -> None:
        """Begin to tell what was gathered."""
        rooms, self._rooms = self._rooms, {}
        if rooms:
            self._jobs.append(self._tell(rooms))

    def _turn(self) -> None:
        """Take one step of what is being told."""
        if not self._jobs:
            return
        job = self._jobs[0]
        for _ in job:
            break
        else:
            self._jobs.popleft()
        if self._jobs:
            self._clock.callLater(0, self._turn)
        elif not self._rooms:
            self._renamed.clear()
            self._gone.clear()

    def _tell(self, rooms: dict[str, CrowdNews]) -> Iterator[None]:
        """Tell the readers in the rooms, with a step for some of them. A reader in several is told once."""
        known = {frozenset((key,)): news for key, news in rooms.items()}
        told: set[object] = set()
        count = 0
        for key in rooms:
            room = self._hub.rooms.by_key(key)
            for participant in room.participants if room is not None else ():
                user = participant.user
                if user is None or participant in told or key not in user.delivered_rooms:
                    continue
                shared = frozenset((key,)) if len(rooms) == 1 else user.rooms & rooms.keys()
                if len(rooms) > 1:
                    told.add(participant)
                if shared not in known:
                    known[shared] = merged = CrowdNews()
                    for other in shared:
                        merged.merge(rooms[other])
                participant.crowd_changed(known[shared])
                count += 1
                if count % READERS_PER_TURN == 0:
                    yield
