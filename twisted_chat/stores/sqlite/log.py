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

import json
import sqlite3
from collections import deque
from collections.abc import Collection, Sequence
from enum import Enum, auto
from itertools import count, islice
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED, Deliver, Membership, Page, Restored
from twisted_chat.core.messages import GUESTS, LEFT, Conversation, Record
from twisted_chat.core.participants import Entry
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.search import fts_query
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.appender import Appender
from twisted_chat.stores.sqlite.batches import Appended, Batch, NotAppended, Result
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.rows import conversation_name, record_of

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


class SqliteLog:
    """Keeps every record in a database. (A core.interfaces.MessageLog.)"""

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        self._database, self._clock = database, clock
        self._pending: list[Entry] = []  # appended, and not flushed yet
        self._under_way: deque[Batch] = deque()  # flushed, in order, and without a result yet
        self._health = Health.OK
        self._stall_timer: IDelayedCall | None = None  # while something is under way, unless the disk is stalled
        self._is_suspected = False
        self.first = 1

    def open(self) -> None:
        database = self._database
        database.open()
        self._identities = count(database.start * MAX_IDENTITIES_PER_START)
        [[last]] = database.select_now(statements.LAST)
        [[oldest]] = database.select_now("SELECT min(id) FROM records")
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

    @property
    def last(self) -> int:
        return self._recent.last

    @property
    def epoch(self) -> str:
        return self._database.epoch

    def suspect_epoch(self, id: int) -> None:
        if self._is_suspected:  # or one account could send everybody back to history again and again
            return
        self._is_suspected = True
        sentence = "{path} may be an old copy: a client knows the id {id}, and the log has {last}; a new epoch begins"
        _log.warn(sentence, path=self._database.path, id=id, last=self.last)
        self._database.begin_epoch().addErrback(lambda failure: None)  # the disk's failure is logged

    def subscribe(self, deliver: Deliver, refuse: Deliver) -> None:
        self._deliver, self._refuse = deliver, refuse

    def append(self, entry: Entry) -> None:
        self._pending.append(entry)

    def new_identity(self) -> int:
        return next(self._identities)

    def restore(self) -> Restored:
        rows = self._database.select_now(statements.MEMBERSHIPS)
        topics = self._database.select_now(statements.TOPICS)
        return Restored([Membership(*row) for row in rows], dict(topics))

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
        if self._database.guests_are_refused:
            entries = self._refuse_guests(entries)
        if self._health is Health.STALLED:
            self._refuse(entries)
        else:
            self._submit(Batch(entries))

    def _refuse_guests(self, entries: list[Entry]) -> list[Entry]:
        """Refuse what guests say while the disk is almost full, and return the rest; that they leave is stored."""
        of_guests = [one for one in entries if one.envelope.author >= GUESTS and one.kind != LEFT]
        if of_guests:
            self._refuse(of_guests)
        return [one for one in entries if one.envelope.author < GUESTS or one.kind == LEFT]

    def _make_appender(self, db: sqlite3.Connection) -> Appender:
        now = self._database.now
        self._appender = Appender(db, lambda: int(now() * 1000))
        return self._appender

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

    # reading

    async def history(self, conversation: Conversation, before: int, after: int, limit: int) -> list[Record]:
        oldest_first = bool(after and not before)
        sql = statements.HISTORY_ON if oldest_first else statements.HISTORY_BACK
        up_to = min(before - 1, self.last) if before else self.last
        page = await self._records(sql, (conversation_name(conversation), after, up_to, limit))
        return page if oldest_first else page[::-1]

    async def search(self, conversation: Conversation, words: str, limit: int) -> list[Record]:
        text_query = fts_query(words)
        if not text_query:
            return []
        while await self._database.transact(self._appender.index):
            pass
        ids = await self._database.select(statements.CONVERSATION_ID, (conversation_name(conversation),))
        if not ids:
            return []
        query = f"place : c{ids[0][0]} AND text : ({text_query})"
        return (await self._records(statements.SEARCH, (query, self.last, limit)))[::-1]

    async def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Page:
        up_to = self.last
        if after + 1 >= self._recent.first:
            page = list(islice(self._recent.oldest(after), limit))
        else:
            page = await self._records(statements.READ, self._reader(identity, rooms, after, up_to, limit))
        return Page(page, page[-1].id if len(page) == limit else up_to)

    async def unread(
        self, identity: int, rooms: Collection[str], after: int, up_to: int, limit: int
    ) -> tuple[list[Record], int]:
        reader = self._reader(identity, rooms, after, up_to, limit) | {"max_count": MAX_UNREAD_COUNTED + 1}
        page = await self._records(statements.UNREAD, reader)
        if len(page) < limit:
            return page[::-1], len(page)
        [[unread]] = await self._database.select(statements.UNREAD_COUNT, reader)
        return page[::-1], unread

    async def partners(self, identity: int, limit: int) -> list[int]:
        rows = await self._database.select(statements.PARTNERS, {"identity": identity, "limit": limit})
        return [partner for partner, _ in rows]

    async def first_membership_changes(self, identity: int, after: int) -> dict[str, str]:
        return dict(await self._database.select(statements.FIRST_MEMBERSHIP_CHANGES, (identity, after, self.last)))

    def _reader(self, identity: int, rooms: Collection[str], after: int, up_to: int, limit: int) -> dict[str, Any]:
        names = json.dumps(list(rooms))
        return {"identity": identity, "rooms": names, "after": after, "up_to": up_to, "limit": limit}

    async def _records(self, sql: str, values: Any) -> list[Record]:
        return [record_of(row) for row in await self._database.select(sql, values)]
