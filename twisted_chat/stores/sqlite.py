"""A log in a SQLite file: what is acknowledged and delivered is on the disk.

One thread writes, and while it commits, what is said gathers for the next commit: the
more there is to do, the less each message costs.
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
from twisted.python.failure import Failure

from twisted_chat.core.interfaces import MOST_COUNTED, Deliver, Entry, Membership, Page, Restored
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.resends import Label, labels, sift
from twisted_chat.stores import statements
from twisted_chat.stores.database import Database
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.rows import name_of, record_of
from twisted_chat.stores.words import query_of

_log = Logger()

RECENT = 2000
RECENT_SIZE = 4 * 1024 * 1024
"""Records, and characters of their texts, that are kept in memory as well, for readers who are not far behind."""
DAY = 24 * 60 * 60 * 1000
IDENTITIES = 2**32
"""How many guests and connections may come between two starts of the server."""
STALLED = 10.0
"""Seconds of one commit after which the disk counts as stalled, and what is said meanwhile is refused."""

Known = dict[Label, Record]


class SqliteLog:
    """Keeps every record in a database. (A core.interfaces.MessageLog.)"""

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        self._database, self._clock = database, clock
        self._pending: list[Entry] = []
        self._failing = self._stalled = False
        self._watch: IDelayedCall | None = None  # while a commit is under way
        self._commits = 0
        self._unsettled: list[tuple[int, Deferred[None]]] = []
        self.first = 1

    def open(self) -> None:
        self._database.open()
        self._identities = count(self._database.start * IDENTITIES)
        [[last]] = self._database.select_now(statements.LAST)
        [[oldest]] = self._database.select_now("SELECT min(id) FROM records")
        self._recent = Ring(RECENT, RECENT_SIZE, last)
        self.first = oldest or last + 1

    async def close(self) -> None:
        """Keep what there is, and let go of the file; the second time nothing happens."""
        self.flush()
        await self.settled()
        self._database.close()

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

    async def settled(self) -> None:
        if self._watch is not None:
            settled: Deferred[None] = Deferred()
            self._unsettled.append((self._commits + bool(self._pending), settled))
            await settled

    # writing

    def flush(self) -> None:
        if not self._pending:
            return
        if self._watch is None:
            entries, self._pending = self._pending, []
            self._commits += 1
            self._watch = self._clock.callLater(STALLED, self._stall)
            Deferred.fromCoroutine(self._commit(entries)).addBoth(self._go_on)
        elif self._stalled:
            entries, self._pending = self._pending, []
            self._refuse(entries)

    async def _commit(self, entries: list[Entry]) -> None:
        """Keep what is new of a batch, and deliver all of it."""
        now = int(self._database.now() * 1000)
        try:
            entries = self._sift(entries, {})
            batch = Batch(entries, self.last, now)
            if known := await self._database.transact(batch.insert):
                entries = self._sift(entries, known)
                batch = Batch(entries, self.last, now)
                await self._database.transact(batch.insert)
        except Exception as problem:
            if not self._failing:  # once: a log beside a full disk should not grow
                _log.error("cannot write to {path}: {problem}", path=self._database.path, problem=problem)
            self._failing = True
            self._refuse(entries)
            return
        if self._failing:
            self._failing = False
            _log.info("can write to {path} again", path=self._database.path)
        self._recent.keep(entries, now)
        self._deliver(entries)

    def _sift(self, entries: list[Entry], known: Known) -> list[Entry]:
        """Part what is new from what was said before, and answer the latter."""
        asked = [label for label, _, _ in labels(entries)]
        if not known and len(set(asked)) == len(asked):
            return entries
        fresh, repeated, wrong, later = sift(entries, known)
        self._deliver(repeated)
        self._refuse(wrong)
        self._pending = later + self._pending
        return fresh

    def _go_on(self, result: Failure | None) -> None:
        if result is not None:
            _log.failure("a delivery went wrong", result)
        assert self._watch is not None
        if self._watch.active():
            self._watch.cancel()
        self._watch, self._stalled = None, False
        self.flush()
        unsettled, self._unsettled = self._unsettled, []
        for commit, waiting in unsettled:
            if self._watch is None or commit < self._commits:  # a commit may never come whose entries were refused
                waiting.callback(None)
            else:
                self._unsettled.append((commit, waiting))

    def _stall(self) -> None:
        """The disk has not answered for long: refuse what waits, until it does."""
        _log.error("{path} does not answer; nothing more is taken until it does", path=self._database.path)
        self._stalled = True
        self.flush()

    # reading

    async def history(self, conversation: Conversation, before: int, after: int, limit: int) -> list[Record]:
        oldest_first = bool(after and not before)
        sql = statements.HISTORY_ON if oldest_first else statements.HISTORY_BACK
        upto = min(before - 1, self.last) if before else self.last
        page = await self._records(sql, (name_of(conversation), after, upto, limit))
        return page if oldest_first else page[::-1]

    async def search(self, conversation: Conversation, words: str, limit: int) -> list[Record]:
        wanted = query_of(words)
        if not wanted:
            return []
        return (await self._records(statements.SEARCH, (wanted, self.last, name_of(conversation), limit)))[::-1]

    async def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Page:
        upto = self.last
        if after + 1 >= self._recent.first:
            page = list(islice(self._recent.oldest(after), limit))
        else:
            page = await self._records(statements.READ, self._reader(identity, rooms, after, upto, limit))
        return Page(page, page[-1].id if len(page) == limit else upto)

    async def missed(
        self, identity: int, rooms: Collection[str], after: int, upto: int, limit: int
    ) -> tuple[list[Record], int]:
        reader = self._reader(identity, rooms, after, upto, limit) | {"most": MOST_COUNTED + 1}
        page = await self._records(statements.MISSED, reader)
        if len(page) < limit:
            return page[::-1], len(page)
        [[missed]] = await self._database.select(statements.MISSED_COUNT, reader)
        return page[::-1], missed

    async def moves(self, identity: int, after: int) -> dict[str, str]:
        return dict(await self._database.select(statements.MOVES, (identity, after, self.last)))

    def _reader(self, identity: int, rooms: Collection[str], after: int, upto: int, limit: int) -> dict[str, Any]:
        names = json.dumps(list(rooms))
        return {"identity": identity, "rooms": names, "after": after, "upto": upto, "limit": limit}

    async def _records(self, sql: str, values: Any) -> list[Record]:
        return [record_of(row) for row in await self._database.select(sql, values)]


class Batch:
    """The rows of one commit: of entries whose ids follow on `last`, at a time in milliseconds since 1970."""

    def __init__(self, entries: list[Entry], last: int, time: int) -> None:
        self._time = time
        rows: list[tuple[object, ...]] = []
        id = last
        for entry in entries:
            sender, to, conversation, author, origin = entry.envelope
            name, kind = name_of(conversation), entry.kind
            entry.first = id + 1
            for text in entry.texts:
                id += 1
                rows.append((id, time, kind, sender, to, text, name, author, origin))
        self._first = last + 1
        self._rows = json.dumps(rows, ensure_ascii=False) if rows else ""
        self._labels = [(*label, entry.first + index) for label, entry, index in labels(entries)]

    def insert(self, db: sqlite3.Connection) -> Known:
        """Have the rows in the database, or give the records of labels that are known, and do nothing."""
        if self._labels:
            today = statements.labels_of(db, self._time // DAY)
            rows = db.execute(statements.KNOWN, (json.dumps(self._labels),)).fetchall()
            if rows:
                return {(client, label): record_of(row) for client, label, *row in rows}
            db.executemany(today, self._labels)
        if self._rows:
            db.execute(statements.NEW_CONVERSATIONS, (self._rows,))
            db.execute(statements.NEW_RECORDS, (self._rows,))
            db.execute(statements.NEW_WORDS, (self._first,))
        return {}
