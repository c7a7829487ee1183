"""The limits that are in force, and who is held back by them now: a registry that each part of the server adds to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class LimitRow(NamedTuple):
    """A limit: its subject, its bound in words, its use now, and keys that it holds back now with the reason."""

    subject: str
    bound: str
    now: str = ""
    held: Sequence[str] = ()


Source = Callable[[], Sequence[LimitRow]]

MAX_HELD_SHOWN = 20
"""Keys that one row names."""


class Limits:
    """The sources of rows; a source is called when an operator asks."""

    def __init__(self) -> None:
        self._sources: list[Source] = []

    def add(self, source: Source) -> None:
        """Add a function that returns the rows of one or more limits."""
        self._sources.append(source)

    def rows(self) -> list[LimitRow]:
        """Return the rows of all sources, in the order in which these were added."""
        return [row for source in self._sources for row in source()]
