"""Share what the tests of the SQLite stores need: a file for each test, and workers without a thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock

from twisted_chat.stores.sqlite.database import Database, Transaction
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.worker import InlineWorker
from twisted_chat.test.contract_store import LogFixture

T = TypeVar("T")


class HeldWorker(InlineWorker[T]):
    """Does the jobs that wait only when the test calls `work_off`."""

    def put(self, job: T) -> None:
        self._jobs.append(job)


class HeldResults(InlineWorker[T]):
    """Writes at once, but holds the results, and starts nothing else, until the test calls `release`."""

    def __init__(self) -> None:
        super().__init__()
        self._results: list[Callable[[], object]] = []

    def work_off(self) -> None:
        if not self._results:
            super().work_off()

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        self._results.append(lambda: function(*arguments))

    def release(self) -> None:
        """Pass the held results on, then do the jobs that wait."""
        results, self._results = self._results, []
        for result in results:
            result()
        self.work_off()

    def release_all(self) -> None:
        """Release results until nothing is under way."""
        while self._results:
            self.release()


class AccountsWorker(InlineWorker[Any]):
    """Does the transactions of a database without a log; holds them while `waiting` is a list.

    Each fails with the `problem` if there is one.
    """

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
        """Return the connection that writes."""
        return self.database._write_connection

    database: Database


class SqliteFixture(LogFixture):
    """Makes a SqliteLog, which the test can close and open again."""

    def make_log(self) -> SqliteLog:
        self.path = os.path.join(self.mktemp(), "chat.sqlite3")
        os.makedirs(os.path.dirname(self.path))
        return self.opened()

    def opened(self, worker: InlineWorker[Any] | None = None) -> SqliteLog:
        self.clock = Clock()
        self.database = Database(self.path, worker or InlineWorker(), maybeDeferred, lambda: self.now)
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
    """Return a log in a file, not opened yet, which does everything at once."""
    return SqliteLog(Database(path, InlineWorker(), maybeDeferred, now), clock)
