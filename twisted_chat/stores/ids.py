"""Decide the ids and the time of what a store keeps."""

from collections.abc import Iterable

from twisted_chat.core.participants import Entry


def assign_ids(entries: Iterable[Entry], last: int, time: int) -> int:
    """Set the entries' ids, which follow `last` without a gap, and their time; return the new last id."""
    for entry in entries:
        entry.time = time
        entry.first = last + 1
        last += len(entry.texts)
    return last
