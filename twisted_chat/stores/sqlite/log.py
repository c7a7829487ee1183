"""A log in a SQLite file: what it acknowledges and delivers is on the disk.

Entries that arrive during a commit wait for the next commit: the more there is to do, the less each
message costs.

Health of the disk, as its results show it:

state    event                   → state     action
OK       commit                  → OK
OK       commit failed           → FAILING   log the error; refuse its entries
FAILING  commit failed           → FAILING   refuse its entries: a log beside a full disk should not grow
OK       no result for too long  → STALLED   log it; refuse what waits
FAILING  no result for too long  → STALLED   log it; refuse what waits
STALLED  flush                   → STALLED   refuse the entries
STALLED  commit failed           → FAILING   log the error; refuse its entries
FAILING  commit                  → OK        log the recovery
STALLED  commit                  → OK        log the recovery
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from functools import partial
from itertools import count

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_chat.core.interfaces import Deliver, Membership, Restored, RoomState
from twisted_chat.core.participants import Entry
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.appender import Appender
from twisted_chat.stores.sqlite.batches import Appended, Batch, NotAppended, Result
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.reader import LogReader

_log = Logger()

MAX_RECENT_RECORDS = 2000
"""Records that the log keeps in memory as well, for readers that are not far behind."""
MAX_RECENT_CHARACTERS = 4 * 1024 * 1024
"""Characters of the texts of those records."""
MAX_IDENTITIES_PER_START = 2**32
"""Guests and connections that may come between two starts of the server."""
STALL_SECONDS = 10.0
"""Without a result for so long, the log takes the disk as stalled, and refuses what it has not begun to write."""


class Health(Enum):
    """The health of the disk; see the table above."""

    OK = auto()
    FAILING = auto()
    STALLED = auto()


class SqliteLog(LogReader):
    """Keeps every record in a database. (A core.interfaces.MessageLog.)"""

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        super().__init__(database)
        self._clock = clock
        self._pending: list[Entry] = []  # appended, and not flushed yet
        self._under_way: deque[Batch] = deque()  # flushed, in order, and without a result yet
        self._health = Health.OK
        self._stall_timer: IDelayedCall | None = None  # while something is under way, unless the disk is stalled
        self.first = 1

    def open(self) -> None:
        database = self._database
        database.open()
        self._identities = count(database.start * MAX_IDENTITIES_PER_START)
        for statement in statements.END_MEMBERSHIPS:
            database.select_now(statement)
        [[last]] = database.select_now(statements.LAST)
        [[oldest]] = database.select_now(statements.OLDEST)
        self._recent = Ring(MAX_RECENT_RECORDS, MAX_RECENT_CHARACTERS, last)
        self.first = oldest or last + 1
        database.start_writing(self._make_appender, self._on_result)

    async def close(self) -> None:
        """Store what was appended, and close the file; a second call does nothing."""
        self.flush()
        await self._database.close()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def subscribe(self, deliver: Deliver, refuse: Deliver) -> None:
        self._deliver, self._refuse = deliver, refuse

    def append(self, entry: Entry) -> None:
        self._pending.append(entry)

    def new_identity(self) -> int:
        return next(self._identities)

    def restore(self) -> Restored:
        rows = self._database.select_now(statements.MEMBERSHIPS)
        rooms = self._database.select_now(statements.ROOMS)
        return Restored([Membership(*row) for row in rows], {key: RoomState(*state) for key, *state in rooms})

    async def wait_durable(self) -> None:
        if self._under_way:
            waiting: Deferred[None] = Deferred()
            self._under_way[-1].waiting.append(waiting)
            await waiting

    # writing

    def flush(self) -> None:
        if not self._pending:
            return
        entries, self._pending = self._pending, []
        if self._health is Health.STALLED:
            self._refuse(entries)
        else:
            self._submit(Batch(entries))

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

    def _submit(self, batch: Batch) -> None:
        self._under_way.append(batch)
        if self._stall_timer is None and self._health is not Health.STALLED:
            self._stall_timer = self._clock.callLater(STALL_SECONDS, self._stall)
        self._database.append(batch)

    def _on_result(self, batches: Sequence[Batch], result: Result) -> None:
        """Deliver or refuse the entries of a commit; those that a delivery causes are under way behind it."""
        try:
            if isinstance(result, Appended):
                self._appended(result)
            else:
                self._not_appended(result)
        except Exception:
            _log.failure("the delivery of stored messages failed")
        for _ in batches:
            self._under_way.popleft()
        self._restart_stall_timer()
        for batch in batches:
            for waiting in batch.waiting:
                waiting.callback(None)

    def _appended(self, result: Appended) -> None:
        if self._health is not Health.OK:
            self._health = Health.OK
            _log.info("can write to {path} again", path=self._database.path)
        self._recent.keep(result.new)
        self._deliver(result.new + result.repeated if result.repeated else result.new)
        self._refuse(result.conflicting)

    def _not_appended(self, result: NotAppended) -> None:
        if self._health is not Health.FAILING:
            self._health = Health.FAILING
            _log.error("cannot write to {path}: {problem}", path=self._database.path, problem=result.problem)
        self._refuse(result.entries)

    def _restart_stall_timer(self) -> None:
        """Give the next result its own STALL_SECONDS."""
        timer = self._stall_timer
        if timer is not None and self._under_way:
            timer.reset(STALL_SECONDS)
        elif timer is not None:
            timer.cancel()
            self._stall_timer = None
        elif self._under_way:
            self._stall_timer = self._clock.callLater(STALL_SECONDS, self._stall)

    def _stall(self) -> None:
        """Refuse what waits for the disk, and what follows, until a result comes."""
        self._stall_timer = None
        self._health = Health.STALLED
        _log.error("{path} does not answer; messages are refused until it does", path=self._database.path)
        taken = self._database.take_back()
        for _ in taken:
            self._under_way.pop()
        waiting = [one for batch in taken for one in batch.waiting]
        if self._under_way:
            self._under_way[-1].waiting += waiting
        else:  # the disk holds up other work: the result of an empty batch says when it answers again
            self._submit(Batch([], waiting))
        for batch in taken:
            self._refuse(batch.entries)
