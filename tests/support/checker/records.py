"""The records of a history's file, each with the members of its room at that moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checker.facts import GUESTS, JOINED, LEFT

Stored = tuple[int, int, str, str, str, str]
"""Id, time, kind, sender, addressee, text."""


@dataclass(frozen=True)
class Row:
    """A record of the file, with the members of its room at that moment, and which life of the room it belongs to."""

    id: int
    time: int
    kind: str
    sender: str
    to: str
    text: str
    members: frozenset[str] = frozenset()
    life: int = 0

    @property
    def conversation(self) -> str:
        """Return the key of the conversation."""
        return self.to if self.to.startswith("#") else " ".join(sorted((self.sender, self.to)))


def with_members(rows: Iterable[Stored], boundaries: Sequence[int]) -> list[Row]:
    """Return the records with the members of their rooms; guests are gone at each start of the server."""
    members: dict[str, set[str]] = {}
    lives: dict[str, int] = {}
    left = sorted(boundaries)
    found = []

    def remove(room: str, names: set[str]) -> None:
        here = members.get(room, set())
        if here and not here - names:
            lives[room] = lives.get(room, 0) + 1
        here -= names

    for id, time, kind, sender, to, text in rows:
        while left and id > left[0]:
            left.pop(0)
            for room in members:
                remove(room, set(GUESTS))
        here = members.setdefault(to, set())
        if kind == JOINED:
            here.add(sender)
        found.append(Row(id, time, kind, sender, to, text, frozenset(here), lives.get(to, 0)))
        if kind == LEFT:
            remove(to, {sender})
    return found
