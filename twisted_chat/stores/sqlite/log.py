"""A log in a SQLite file: what it acknowledges and delivers is on the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twisted_chat.core.interfaces import Deliver, Membership, Restored, RoomState
from twisted_chat.core.limits import LimitRow
from twisted_chat.core.messages import GUESTS, LEFT
from twisted_chat.core.participants import Entry
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.appender import Appender
from twisted_chat.stores.sqlite.commits import Commits
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.reader import LogReader

_log = Logger()

MAX_RECENT_RECORDS = 2000
"""Records that the log keeps in memory as well, for readers that are not far behind."""
MAX_RECENT_BYTES = 4 * 1024 * 1024
"""Bytes of the texts of those records."""
MAX_IDENTITIES_PER_START = 2**32
"""Guests and connections that may come between two starts of the server."""


class SqliteLog(LogReader):
    """Keeps every record in a database. (A core.interfaces.MessageLog.)"""

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        super().__init__(database)
        self._pending: list[Entry] = []  # appended, and not flushed yet
        self._commits = Commits(database, clock, self._stored, self._refused)
        self._is_suspected = False
        self.first = 1

    def open(self) -> None:
        database = self._database
        database.open()
        self._identities = count(database.start * MAX_IDENTITIES_PER_START)
        for statement in statements.END_MEMBERSHIPS:
            database.select_now(statement)
        [[last]] = database.select_now(statements.LAST)
        [[oldest]] = database.select_now(statements.OLDEST)
        self._recent = Ring(MAX_RECENT_RECORDS, MAX_RECENT_BYTES, last)
        self.first = oldest or last + 1
        database.start_writing(self._make_appender, self._commits.on_result)

    async def close(self) -> None:
        """Store what was appended, and close the file; a second call does nothing."""
        self.flush()
        await self._database.close()
        self._commits.close()

    @property
    def epoch(self) -> str:
        return self._database.epoch

    @property
    def secret(self) -> bytes:
        return self._database.secret

    def rows(self) -> list[LimitRow]:
        """Return the limits for `twisted-chat limits`, with those who wait for a read or a commit now."""
        return self._database.reads.rows() + self._commits.rows()

    def suspect_epoch(self, id: int) -> None:
        if self._is_suspected:  # or one account could send everybody back to history again and again
            return
        self._is_suspected = True
        sentence = "{path} may be an old copy: a client knows the id {id}, and the log has {last}; a new epoch begins"
        _log.warn(sentence, path=self._database.path, id=id, last=self.last)
        self._database.begin_epoch().addErrback(lambda failure: None)  # the disk's failure is logged

    def subscribe(self, deliver: Deliver, refuse: Deliver) -> None:
        self._deliver, self._refuse = deliver, refuse

    def new_identity(self) -> int:
        return next(self._identities)

    def restore(self) -> Restored:
        rows = self._database.select_now(statements.MEMBERSHIPS)
        rooms = self._database.select_now(statements.ROOMS)
        return Restored([Membership(*row) for row in rows], {key: RoomState(*state) for key, *state in rooms})

    # writing

    def append(self, entry: Entry) -> None:
        self._pending.append(entry)

    def flush(self) -> None:
        if self._pending:
            entries, self._pending = self._pending, []
            if self._database.guests_are_refused:
                entries = self._refuse_guests(entries)
            self._commits.add(entries)

    async def wait_durable(self, matters: Callable[[Entry], bool] | None = None) -> None:
        await self._commits.wait_durable(matters)

    def _refuse_guests(self, entries: list[Entry]) -> list[Entry]:
        """Refuse what guests say while the disk is almost full, and return the rest; that they leave is stored."""
        of_guests = [one for one in entries if one.envelope.author >= GUESTS and one.kind != LEFT]
        if of_guests:
            self._refuse(of_guests)
        return [one for one in entries if one.envelope.author < GUESTS or one.kind == LEFT]

    def _make_appender(self, db: sqlite3.Connection) -> Appender:
        now = self._database.now
        changed = partial(self._database.worker.call, self._changed_by_another)
        appender = self._appender = Appender(db, lambda: int(now() * 1000), changed)
        self._indexer = appender.indexer
        return appender

    def _changed_by_another(self, oldest: int | None) -> None:
        """Forget the records in memory, which may be deleted in the file."""
        self._recent.clear()
        self.first = oldest or self.last + 1

    def _stored(self, new: list[Entry], repeated: list[Entry]) -> None:
        self._recent.keep(new)
        self._deliver(new + repeated if repeated else new)

    def _refused(self, entries: Sequence[Entry]) -> None:
        self._refuse(entries)
