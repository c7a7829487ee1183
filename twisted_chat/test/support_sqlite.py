"""What tests of the SQLite stores share: a file of its own for each test, and every write done at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from twisted_chat.stores.database import Database
from twisted_chat.stores.sqlite import SqliteLog
from twisted_chat.test.contract_store import LogFixture


class SqliteFixture(LogFixture):
    """A SqliteLog that can be closed and opened again."""

    def make_log(self) -> SqliteLog:
        self.path = os.path.join(self.mktemp(), "chat.sqlite3")
        os.makedirs(os.path.dirname(self.path))
        return self.opened()

    def opened(self, run: Callable[..., Deferred[Any]] = maybeDeferred) -> SqliteLog:
        self.clock = Clock()
        self.database = Database(self.path, run, maybeDeferred, lambda: self.now)
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
