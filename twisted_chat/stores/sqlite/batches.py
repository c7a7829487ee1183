"""The batches that the log gives to the worker, and the results that come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from twisted_chat.core.participants import Entry


class Batch:
    """The entries of one flush; `waiting` fire once the batch and all before it have a result."""

    __slots__ = ("entries", "waiting")

    def __init__(self, entries: list[Entry], waiting: Sequence[Deferred[None]] = ()) -> None:
        self.entries = entries
        self.waiting = list(waiting)


class Appended(NamedTuple):
    """The result of a commit: entries that are on the disk, and those that the labels kept out of it."""

    new: list[Entry]
    repeated: list[Entry]
    conflicting: list[Entry]


class NotAppended(NamedTuple):
    """The result of a commit that failed: its entries, none of which is on the disk, and the error."""

    entries: list[Entry]
    problem: Exception


Result = Appended | NotAppended
OnResult = Callable[[Sequence[Batch], Result], object]
"""Called in the reactor with the batches of one commit, in the order of their commits, and its result."""


class BatchWriter(Protocol):
    """Writes the log's entries, on the worker's thread."""

    def append(self, entries: list[Entry]) -> Result:
        """Write entries to the disk in one commit; an error is a result."""

    def after_append(self) -> None:
        """Do what should not wait for an idle moment any longer; called when the result is on its way."""

    def rest(self) -> bool:
        """Do a step of what can wait; return True if there is more of it."""
