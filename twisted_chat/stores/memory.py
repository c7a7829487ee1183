"""A log in memory: a ring of the newest records, for as long as the process lives."""

import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain, count, islice
from operator import attrgetter

from twisted_chat.core.interfaces import Deliver, Entry
from twisted_chat.core.messages import Conversation, Record

MOST = 10_000
"""Records that are kept, unless another number is asked for."""
SIZE = 16 * 1024 * 1024
"""Characters of their texts that are kept."""
SLACK = 256
"""Records over its measure that the ring may hold, so that it is measured once for many."""


class MemoryLog:
    """Keeps about the newest `most` records, and of their texts about `size` characters.

    What is flushed is kept, and delivered, at once. `now` gives seconds since
    1970, UTC; ids begin behind `after`. (A core.interfaces.MessageLog.)
    """

    def __init__(
        self, most: int = MOST, size: int = SIZE, now: Callable[[], float] = time.time, after: int = 0
    ) -> None:
        self._most, self._size, self._now = most, size, now
        self._pending: list[Entry] = []
        self._flushing = False
        self._ring: deque[Entry] = deque()
        self._held, self._measured, self._due = 0, 0, after + SLACK
        self._identities = count(1)
        self.first, self.last = after + 1, after

    def subscribe(self, deliver: Deliver, refuse: Deliver) -> None:
        self._deliver = deliver

    def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def new_identity(self) -> int:
        return next(self._identities)

    def append(self, entry: Entry) -> None:
        self._pending.append(entry)

    def flush(self) -> None:
        if self._flushing:  # what a delivery causes waits its turn, or it would overtake
            return
        self._flushing = True
        try:
            while entries := self._pending:
                self._pending = []
                self._keep(entries)
                self._deliver(entries)
        finally:
            self._flushing = False

    async def history(self, conversation: Conversation, before: int, after: int, limit: int) -> list[Record]:
        if after and not before:
            return self._oldest(after, limit, conversation)
        return self._newest(after, before or self.last + 1, limit, conversation)

    async def read(self, after: int, limit: int) -> list[Record]:
        return self._oldest(after, limit)

    def _newest(self, after: int, before: int, limit: int, conversation: Conversation) -> list[Record]:
        page: list[Record] = []
        later = len(self._ring) - bisect_left(self._ring, before, key=_first)
        for entry in islice(reversed(self._ring), later, None):
            if entry.envelope.conversation == conversation:
                page.extend(record for record in reversed(entry.records()) if after < record.id < before)
            if len(page) >= limit or entry.first <= after:
                break
        return page[:limit][::-1]

    def _oldest(self, after: int, limit: int, conversation: Conversation | None = None) -> list[Record]:
        page: list[Record] = []
        start = bisect_right(self._ring, after, key=_first) - 1
        for entry in islice(self._ring, max(start, 0), None):
            if conversation is None or entry.envelope.conversation == conversation:
                page.extend(record for record in entry.records() if record.id > after)
            if len(page) >= limit:
                break
        return page[:limit]

    def _keep(self, entries: list[Entry]) -> None:
        now, last = int(self._now() * 1000), self.last
        for entry in entries:
            entry.time = now
            entry.first = last + 1
            last += len(entry.texts)
        self.last = last
        self._ring += entries
        if last > self._due:
            self._forget()

    def _forget(self) -> None:
        """Every SLACK records: measure what came since the last time, and forget what is too much."""
        ring = self._ring
        self._held += _size(islice(reversed(ring), len(ring) - self._measured))
        forgotten = bisect_left(ring, self.last - self._most + 1, key=_first)
        while True:
            self._held -= _size([ring.popleft() for _ in range(forgotten)])
            if self._held <= self._size:
                break
            forgotten = 1
        self._measured, self._due = len(ring), self.last + SLACK
        self.first = ring[0].first if ring else self.last + 1


def _size(entries: Iterable[Entry]) -> int:
    return sum(map(len, chain.from_iterable(map(_texts, entries))))


_first = attrgetter("first")
_texts = attrgetter("texts")
