"""A log in a SQLite file: what is acknowledged and delivered is on the disk.

What is said while the writer commits gathers for its next commit: the more there is to do,
the less each message costs.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from itertools import count, islice
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED, Deliver, Membership, Page, Restored
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.participants import Entry
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.search import query_of
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.appender import Kept, SqliteKeeper
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.rows import name_of, record_of

_log = Logger()

RECENT = 2000
RECENT_SIZE = 4 * 1024 * 1024
"""Records, and characters of their texts, that are kept in memory as well, for readers who are not far behind."""
IDENTITIES = 2**32
"""How many guests and connections may come between two starts of the server."""
STALLED = 10.0
"""Seconds of one commit after which the disk counts as stalled, and what is said meanwhile is refused."""


class SqliteLog:
    """Keeps every record in a database. (A core.interfaces.MessageLog.)"""

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        self._database, self._clock = database, clock
        self._pending: list[Entry] = []
        self._put = self._done = 0  # batches given to the writer, and what has come back of them
        self._waiting_durable: list[tuple[int, Deferred[None]]] = []
        self._watch: IDelayedCall | None = None  # while something is under way
        self._failing = self._stalled = False
        self.first = 1

    def open(self) -> None:
        database = self._database
        database.open()
        self._identities = count(database.start * IDENTITIES)
        [[last]] = database.select_now(statements.LAST)
        [[oldest]] = database.select_now("SELECT min(id) FROM records")
        self._recent = Ring(RECENT, RECENT_SIZE, last)
        self.first = oldest or last + 1
        database.begin(self._keeper)

    async def close(self) -> None:
        """Keep what there is, and let go of the file; the second time it does nothing."""
        self.flush()
        await self._database.close()
        if self._watch is not None and self._watch.active():
            self._watch.cancel()

    @property
    def last(self) -> int:
        return self._recent.last

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
        if self._done < self._put:
            waiting: Deferred[None] = Deferred()
            self._waiting_durable.append((self._put, waiting))
            await waiting

    # writing

    def flush(self) -> None:
        if not self._pending:
            return
        entries, self._pending = self._pending, []
        if self._stalled:
            self._refuse(entries)
            return
        self._put += 1
        if self._watch is None:
            self._watch = self._clock.callLater(STALLED, self._stall)
        self._database.writer.put(entries)

    def _keeper(self, db: sqlite3.Connection) -> SqliteKeeper:
        call, now = self._database.writer.call, self._database.now
        self._index = SqliteKeeper(
            db,
            lambda: int(now() * 1000),
            lambda kept, batches: call(self._kept, kept, batches),
            lambda entries, batches, problem: call(self._failed, entries, batches, problem),
        )
        return self._index

    def _kept(self, kept: Kept, batches: int) -> None:
        if self._failing:
            self._failing = False
            _log.info("can write to {path} again", path=self._database.path)
        self._recent.keep(kept.new)
        try:
            self._deliver(kept.new + kept.repeated if kept.repeated else kept.new)
            self._refuse(kept.conflicting)
        except Exception:
            _log.failure("a delivery went wrong")
        self._over(batches)

    def _failed(self, entries: list[Entry], batches: int, problem: Exception) -> None:
        if not self._failing:  # once: a log beside a full disk should not grow
            _log.error("cannot write to {path}: {problem}", path=self._database.path, problem=problem)
        self._failing = True
        self._refuse(entries)
        self._over(batches)

    def _over(self, batches: int) -> None:
        """So many batches have come back."""
        self._done += batches
        self._stalled = False
        if self._watch is not None:
            if self._done < self._put and self._watch.active():
                self._watch.reset(STALLED)
            else:
                if self._watch.active():
                    self._watch.cancel()
                self._watch = None
        while self._waiting_durable and (self._waiting_durable[0][0] <= self._done or self._done == self._put):
            self._waiting_durable.pop(0)[1].callback(None)

    def _stall(self) -> None:
        """The disk has not answered for long: refuse what waits, until it does."""
        _log.error("{path} does not answer; nothing more is taken until it does", path=self._database.path)
        self._stalled = True
        waiting = self._database.take_back()
        self._put -= len(waiting)
        for entries in waiting:
            self._refuse(entries)

    # reading

    async def history(self, conversation: Conversation, before: int, after: int, limit: int) -> list[Record]:
        oldest_first = bool(after and not before)
        sql = statements.HISTORY_ON if oldest_first else statements.HISTORY_BACK
        up_to = min(before - 1, self.last) if before else self.last
        page = await self._records(sql, (name_of(conversation), after, up_to, limit))
        return page if oldest_first else page[::-1]

    async def search(self, conversation: Conversation, words: str, limit: int) -> list[Record]:
        wanted = query_of(words)
        if not wanted:
            return []
        while await self._database.transact(self._index.index):
            pass
        places = await self._database.select(statements.PLACE, (name_of(conversation),))
        if not places:
            return []
        query = f"place : c{places[0][0]} AND text : ({wanted})"
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
        reader = self._reader(identity, rooms, after, up_to, limit) | {"most": MAX_UNREAD_COUNTED + 1}
        page = await self._records(statements.UNREAD, reader)
        if len(page) < limit:
            return page[::-1], len(page)
        [[missed]] = await self._database.select(statements.UNREAD_COUNT, reader)
        return page[::-1], missed

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
