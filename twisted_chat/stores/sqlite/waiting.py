"""Rows for `twisted-chat limits`: who waits for a read of the file, and for a commit."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import NamedTuple

from twisted_chat.core.limits import MAX_HELD_SHOWN, LimitRow

KIB = 1024


class Item(NamedTuple):
    """A thing that waits for a person: its name and network, its size in bytes, and the seconds since it waits."""

    person: str
    seconds: float
    size: int = 0
    records: int = 0


def person_at(name: str, network: str) -> str:
    """Return the words for a person at a network; both may be empty."""
    return " at ".join(filter(None, (name, network))) or "the server"


def reads_row(bound: str, items: Iterable[Item]) -> LimitRow:
    """Return the row of reads: how many wait and for how long, and for each person the same, the longest first."""
    rows = [(item.seconds, count, item.person) for item, count in _by_person(items)]
    held = [f"{person} ({count}, {ceil(seconds)} s)" for seconds, count, person in sorted(rows, reverse=True)]
    now = f"{sum(count for _, count, _ in rows)} wait" + _longest(seconds for seconds, _, _ in rows)
    return LimitRow("reads of the file", bound, now, held[:MAX_HELD_SHOWN])


def commits_row(bound: str, writing: int, items: Iterable[Item]) -> LimitRow:
    """Return the row of commits: what is written now, what waits, and whose it is, the largest first."""
    people = [item for item, _ in _by_person(items)]
    people.sort(key=lambda item: item.size, reverse=True)
    held = [f"{one.person} ({_amount(one.size, one.records)}, {ceil(one.seconds)} s)" for one in people]
    waiting = _amount(sum(one.size for one in people), sum(one.records for one in people))
    now = f"{writing // KIB} KiB written, {waiting} wait" + _longest(one.seconds for one in people)
    return LimitRow("messages that wait for a commit", bound, now, held[:MAX_HELD_SHOWN])


def _by_person(items: Iterable[Item]) -> list[tuple[Item, int]]:
    """Return what waits for each person as one item, and the number of its parts."""
    found: dict[str, tuple[Item, int]] = {}
    for item in items:
        before, count = found.get(item.person, (Item(item.person, 0.0), 0))
        seconds = max(before.seconds, item.seconds)
        both = Item(item.person, seconds, before.size + item.size, before.records + item.records)
        found[item.person] = (both, count + 1)
    return list(found.values())


def _amount(size: int, records: int) -> str:
    return f"{ceil(size / KIB)} KiB in {records} record{'' if records == 1 else 's'}"


def _longest(seconds: Iterable[float]) -> str:
    longest = max(seconds, default=0.0)
    return f", the longest for {ceil(longest)} s" if longest else ""
