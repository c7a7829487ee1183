"""A log in a SQLite file: what it acknowledges and delivers is on the disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from itertools import count
from math import inf
from typing import Any

from twisted.internet.interfaces import IReactorTime

from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED, Deliver, Membership, Page, Restored
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.participants import Entry
from twisted_chat.stores.pages import cut, text_of
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.search import fts_query
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.appender import Appender
from twisted_chat.stores.sqlite.commits import Commits
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.rows import conversation_name, record_of

MAX_RECENT_RECORDS = 2000
"""Records that the log keeps in memory as well, for readers that are not far behind."""
MAX_RECENT_BYTES = 4 * 1024 * 1024
"""Bytes of the texts of those records."""
MAX_IDENTITIES_PER_START = 2**32
"""Guests and connections that may come between two starts of the server."""


class SqliteLog:
    """Keeps every record in a database. (A core.interfaces.MessageLog.)"""

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        self._database = database
        self._pending: list[Entry] = []  # appended, and not flushed yet
        self._commits = Commits(database, clock, self._stored, self._refused)
        self.first = 1

    def open(self) -> None:
        database = self._database
        database.open()
        self._identities = count(database.start * MAX_IDENTITIES_PER_START)
        [[last]] = database.select_now(statements.LAST)
        [[oldest]] = database.select_now("SELECT min(id) FROM records")
        self._recent = Ring(MAX_RECENT_RECORDS, MAX_RECENT_BYTES, last)
        self.first = oldest or last + 1
        database.start_writing(self._make_appender, self._commits.on_result)

    async def close(self) -> None:
        """Store what was appended, and close the file; a second call does nothing."""
        self.flush()
        await self._database.close()
        self._commits.close()

    @property
    def last(self) -> int:
        return self._recent.last

    def subscribe(self, deliver: Deliver, refuse: Deliver) -> None:
        self._deliver, self._refuse = deliver, refuse

    def new_identity(self) -> int:
        return next(self._identities)

    def restore(self) -> Restored:
        rows = self._database.select_now(statements.MEMBERSHIPS)
        topics = self._database.select_now(statements.TOPICS)
        return Restored([Membership(*row) for row in rows], dict(topics))

    # writing

    def append(self, entry: Entry) -> None:
        self._pending.append(entry)

    def flush(self) -> None:
        if self._pending:
            entries, self._pending = self._pending, []
            self._commits.add(entries)

    async def wait_durable(self) -> None:
        await self._commits.wait_durable()

    def _make_appender(self, db: sqlite3.Connection) -> Appender:
        now = self._database.now
        self._appender = Appender(db, lambda: int(now() * 1000))
        return self._appender

    def _stored(self, new: list[Entry], repeated: list[Entry]) -> None:
        self._recent.keep(new)
        self._deliver(new + repeated if repeated else new)

    def _refused(self, entries: Sequence[Entry]) -> None:
        self._refuse(entries)

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
            page, more = cut(self._recent.oldest(after), text_of, limit)
        else:
            page, more = await self._page(statements.READ, self._reader(identity, rooms, after, up_to, limit), limit)
        return Page(page, page[-1].id if more else up_to)

    async def unread(
        self, identity: int, rooms: Collection[str], after: int, up_to: int, limit: int
    ) -> tuple[list[Record], int]:
        reader = self._reader(identity, rooms, after, up_to, limit) | {"max_count": MAX_UNREAD_COUNTED + 1}
        page, more = await self._page(statements.UNREAD, reader, limit)
        if not more:
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
        page, _ = await self._page(sql, values, inf)
        return page

    async def _page(self, sql: str, values: Any, limit: float) -> tuple[list[Record], bool]:
        """Return the first records of a query, within MAX_PAGE_BYTES, and True if there may be more."""
        rows, more = await self._database.select_page(sql, values)
        return [record_of(row) for row in rows], more or len(rows) >= limit
