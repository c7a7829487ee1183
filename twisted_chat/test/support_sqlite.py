"""What tests of the SQLite stores share: a file of its own for each test, and writers that are no thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock

from twisted_chat.stores.sqlite.database import Database, Transaction
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.worker import InlineWriter
from twisted_chat.test.contract_store import LogFixture

T = TypeVar("T")


class SlowWriter(InlineWriter[T]):
    """Does what has gathered when it is told to `go_on`."""

    def put(self, job: T) -> None:
        self._jobs.append(job)


class SlowAnswers(InlineWriter[T]):
    """Writes at once, but says so only when it is let `through`, and does nothing else before."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: list[Callable[[], object]] = []

    def go_on(self) -> None:
        if not self._answers:
            super().go_on()

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        self._answers.append(lambda: function(*arguments))

    def through(self) -> None:
        """Let what was written be known."""
        answers, self._answers = self._answers, []
        for answer in answers:
            answer()
        self.go_on()

    def through_all(self) -> None:
        """Until nothing is under way."""
        while self._answers:
            self.through()


class AccountsWriter(InlineWriter[Any]):
    """Does the work of a database that has no log: it fails with a `problem`, and waits while `waiting` is a list."""

    def __init__(self) -> None:
        super().__init__()
        self.problem: Exception | None = None
        self.waiting: list[Callable[[], None]] | None = None
        self.written = 0

    def put(self, job: Any) -> None:
        def go() -> None:
            self.written += 1
            job.done.callback(Transaction(self._fail).run(self.db) if self.problem is not None else job.run(self.db))

        if self.waiting is None:
            go()
        else:
            self.waiting.append(go)

    def _fail(self, _: object) -> None:
        assert self.problem is not None
        raise self.problem

    @property
    def db(self) -> Any:
        """The connection that writes."""
        return self.database._writer

    database: Database


class SqliteFixture(LogFixture):
    """A SqliteLog that can be closed and opened again."""

    def make_log(self) -> SqliteLog:
        self.path = os.path.join(self.mktemp(), "chat.sqlite3")
        os.makedirs(os.path.dirname(self.path))
        return self.opened()

    def opened(self, writer: InlineWriter[Any] | None = None) -> SqliteLog:
        self.clock = Clock()
        self.database = Database(self.path, writer or InlineWriter(), maybeDeferred, lambda: self.now)
        log = SqliteLog(self.database, self.clock)
        log.subscribe(self.deliver, self.refuse)
        log.open()
        self.addCleanup(log.close)
        return log

    async def reopened(self) -> SqliteLog:
        assert isinstance(self.log, SqliteLog)
        await self.log.close()
        self.batches = []
        self.log = log = self.opened()
        return log


def sqlite_log(path: str, clock: Clock, now: Callable[[], float]) -> SqliteLog:
    """A log in a file, not opened yet, in which everything happens at once."""
    return SqliteLog(Database(path, InlineWriter(), maybeDeferred, now), clock)
