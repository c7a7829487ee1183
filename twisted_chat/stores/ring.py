"""The newest entries in memory, and the ids of all that were ever kept."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from operator import attrgetter

from twisted_chat.core.messages import Record
from twisted_chat.core.participants import Entry

SLACK = 256
"""Records over its measure that a ring may hold, so that it is measured once for many."""


class Ring:
    """Keeps about the newest `most` records, and of their texts about `size` characters; ids begin behind `after`."""

    def __init__(self, most: int, size: int, after: int = 0) -> None:
        self._most, self._size = most, size
        self._entries: deque[Entry] = deque()
        self._held, self._measured, self._due = 0, 0, after + SLACK
        self.first, self.last = after + 1, after

    def keep(self, entries: list[Entry]) -> None:
        """Keep entries that have their ids, which follow `last`."""
        if not entries:
            return
        self.last = entries[-1].ids[-1]
        self._entries += entries
        if self.last > self._due:
            self._forget()

    def back(self, up_to: int, after: int = 0) -> Iterator[Record]:
        """The records with after < id <= up_to, newest first."""
        later = len(self._entries) - bisect_right(self._entries, up_to, key=_first)
        for entry in islice(reversed(self._entries), later, None):
            yield from (record for record in reversed(entry.records()) if after < record.id <= up_to)
            if entry.first <= after:
                break

    def oldest(self, after: int) -> Iterator[Record]:
        """The records with id > after, oldest first."""
        start = bisect_right(self._entries, after, key=_first) - 1
        for entry in islice(self._entries, max(start, 0), None):
            yield from (record for record in entry.records() if record.id > after)

    def _forget(self) -> None:
        """Every SLACK records: measure what came since the last time, and forget what is too much."""
        entries = self._entries
        self._held += _size(islice(reversed(entries), len(entries) - self._measured))
        forgotten = bisect_left(entries, self.last - self._most + 1, key=_first)
        while True:
            self._held -= _size([entries.popleft() for _ in range(forgotten)])
            if self._held <= self._size:
                break
            forgotten = 1
        self._measured, self._due = len(entries), self.last + SLACK
        self.first = entries[0].first if entries else self.last + 1


def _size(entries: Iterable[Entry]) -> int:
    return sum(map(len, chain.from_iterable(map(_texts, entries))))


_first = attrgetter("first")
_texts = attrgetter("texts")
