"""Keep the newest entries in memory, for readers that are not far behind."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import islice
from operator import attrgetter

from twisted_chat.core.messages import Record
from twisted_chat.core.participants import Entry

SLACK_RECORDS = 256
"""Records that a ring may hold beyond its limit, so that their number is looked at once for many records."""


class Ring:
    """Keeps about the newest `most` records, with about `size` bytes of texts in memory; the first id is `after` + 1.

    `first` is the oldest record's id (`last` + 1 without records), `last` the newest one's.
    """

    def __init__(self, most: int, size: int, after: int = 0) -> None:
        self._most, self._size = most, size
        self._entries: deque[Entry] = deque()
        self._bytes, self._next_check = 0, after + SLACK_RECORDS
        self.first, self.last = after + 1, after

    def keep(self, entries: list[Entry]) -> None:
        """Keep entries that have their ids, which follow `last`."""
        if not entries:
            return
        self.last = entries[-1].ids[-1]
        self._entries += entries
        self._bytes += sum([entry.size for entry in entries])
        if self.last > self._next_check or self._bytes > self._size:
            self._forget()

    def clear(self) -> None:
        """Drop all entries."""
        self._entries.clear()
        self._bytes = 0
        self.first = self.last + 1

    def back(self, up_to: int, after: int = 0) -> Iterator[Record]:
        """Yield the records with after < id <= up_to, newest first."""
        newer = len(self._entries) - bisect_right(self._entries, up_to, key=_first)
        for entry in islice(reversed(self._entries), newer, None):
            yield from (record for record in reversed(entry.records()) if after < record.id <= up_to)
            if entry.first <= after:
                break

    def oldest(self, after: int) -> Iterator[Record]:
        """Yield the records with id > after, oldest first."""
        start = bisect_right(self._entries, after, key=_first) - 1
        for entry in islice(self._entries, max(start, 0), None):
            yield from (record for record in entry.records() if record.id > after)

    def _forget(self) -> None:
        """Drop the oldest entries beyond the limits."""
        entries = self._entries
        for _ in range(bisect_left(entries, self.last - self._most + 1, key=_first)):
            self._bytes -= entries.popleft().size
        while self._bytes > self._size:
            self._bytes -= entries.popleft().size
        self._next_check = self.last + SLACK_RECORDS
        self.first = entries[0].first if entries else self.last + 1


_first = attrgetter("first")
