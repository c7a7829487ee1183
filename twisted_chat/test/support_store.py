"""What tests of the stores on disk need: a writer that is no thread, and files of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.task import Clock

from twisted_chat.stores.database import Database
from twisted_chat.stores.sqlite import SqliteLog
from twisted_chat.stores.writer import Writer

T = TypeVar("T")


class InlineWriter(Writer[T]):
    """Does everything at once; while it is `slow`, when it is told to `go_on`."""

    def __init__(self, slow: bool = False) -> None:
        self.slow = slow
        self.waiting: list[T] = []
        self._working = False

    def start(self, work: Callable[[list[T]], object], rest: Callable[[], bool]) -> None:
        self._work, self.rest = work, rest

    def put(self, job: T) -> None:
        self.waiting.append(job)
        if not self.slow:
            self.go_on()

    def go_on(self) -> None:
        """Do what has gathered, as one; and what that causes, after it."""
        while self.waiting and not self._working:
            jobs, self.waiting = self.waiting, []
            self._working = True
            try:
                self._work(jobs)
            finally:
                self._working = False
            if self.slow:
                break

    def take_back(self) -> list[T]:
        jobs, self.waiting = self.waiting, []
        return jobs

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        function(*arguments)

    def stop(self) -> Deferred[None]:
        self.go_on()
        return succeed(None)


def sqlite_log(path: str, clock: Clock, now: Callable[[], float], writer: InlineWriter[Any] | None = None) -> SqliteLog:
    """A log in a file, not opened yet, in which everything happens at once."""
    return SqliteLog(Database(path, writer or InlineWriter(), maybeDeferred, now), clock)
