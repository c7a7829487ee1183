"""Decide the ids and the times of what a store keeps."""

from collections.abc import Iterable
from typing import NamedTuple

from twisted_chat.core.participants import Entry


class Stamp(NamedTuple):
    """The id and the time (milliseconds since 1970, UTC) of a record."""

    id: int
    time: int


def assign_ids(entries: Iterable[Entry], last: Stamp, now: int) -> Stamp:
    """Set the entries' ids, which follow those of `last` without a gap, and their times; return the new last stamp.

    Each record has a millisecond of its own, later than that of all earlier records, even when the
    clock was set back. So the order of times is that of ids. Beyond a thousand records a second the times
    run ahead of the clock, until fewer come.
    """
    id, time = last
    time = max(time, now - 1)
    for entry in entries:
        entry.first, entry.time = id + 1, time + 1
        count = len(entry.texts)
        id += count
        time += count
    return Stamp(id, time)
