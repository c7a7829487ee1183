"""What tests of the stores on disk need: a writer that is no thread, and files of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock

from twisted_chat.stores.database import Database
from twisted_chat.stores.sqlite import SqliteLog
from twisted_chat.stores.writer import InlineWriter

T = TypeVar("T")


class SlowWriter(InlineWriter[T]):
    """Does what has gathered when it is told to `go_on`."""

    def put(self, job: T) -> None:
        self._jobs.append(job)


def sqlite_log(path: str, clock: Clock, now: Callable[[], float], writer: InlineWriter[Any] | None = None) -> SqliteLog:
    """A log in a file, not opened yet, in which everything happens at once."""
    return SqliteLog(Database(path, writer or InlineWriter(), maybeDeferred, now), clock)
