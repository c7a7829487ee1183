"""Read the log in the file: pages, searches, unread messages, and who talked with whom.

The newest records are in memory as well, and most readers are served from there.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any

from twisted_chat.core.interfaces import (
    MAX_SPANS,
    MAX_UNREAD_COUNTED,
    UNREAD_WINDOW_RECORDS,
    Contact,
    MembershipChange,
    Page,
    Span,
    Unread,
)
from twisted_chat.core.messages import GUESTS, Conversation, Record, direct
from twisted_chat.core.names import Name
from twisted_chat.stores.pages import cut, text_of
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.search import fts_query, mention_globs, phrases
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.indexer import Indexer
from twisted_chat.stores.sqlite.rows import conversation_name, conversation_of, known_labels, record_of


class LogReader:
    """Reads the log; what is opened here is set by its subclass, the log."""

    _recent: Ring
    _indexer: Indexer

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def last(self) -> int:
        return self._recent.last

    async def history(self, conversation: Conversation, before: int, after: int, limit: int) -> list[Record]:
        oldest_first = bool(after and not before)
        sql = statements.HISTORY_ON if oldest_first else statements.HISTORY_BACK
        up_to = min(before - 1, self.last) if before else self.last
        page = await self._records(sql, (conversation_name(conversation), after, up_to, limit))
        return page if oldest_first else page[::-1]

    async def search(self, conversation: Conversation, words: str, limit: int, after: int = 0) -> list[Record]:
        text_query = fts_query(phrases(words))
        if not text_query:
            return []
        up_to, indexer = self.last, self._indexer
        while indexer.indexed < up_to and await self._database.transact(partial(indexer.index, up_to=up_to)):
            pass
        ids = await self._database.select(statements.CONVERSATION_ID, (conversation_name(conversation),))
        if not ids:
            return []
        query = f"place : c{ids[0][0]} AND text : ({text_query})"
        return (await self._records(statements.SEARCH, (query, after, up_to, limit)))[::-1]

    async def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Page:
        up_to = self.last
        if after + 1 >= self._recent.first:
            page, more = cut(self._recent.oldest(after), text_of, limit)
            return Page(page, page[-1].id if more else up_to)
        bound = await self._database.select(statements.READ_BOUND, (identity, after, limit))
        up_to = min([up_to, *(first for [first] in bound)])
        page, more = await self._page(statements.READ, self._reader(identity, rooms, after, up_to, limit), limit)
        if more:
            up_to = page[-1].id
        changes = await self._database.select(statements.DELETED_CHANGES, (identity, after, up_to))
        return Page(page, up_to, [MembershipChange(*change) for change in changes])

    async def unread(
        self, identity: int, rooms: Mapping[str, int], after: int, up_to: int, limit: int
    ) -> tuple[list[Record], int]:
        joined = json.dumps([(room, id) for room, id in rooms.items() if id > after])
        bounds = {"joined": joined, "max_count": MAX_UNREAD_COUNTED + 1}
        reader = self._reader(identity, rooms, after, up_to, limit) | bounds
        page, more = await self._page(statements.UNREAD, reader, limit)
        if not more:
            return page[::-1], len(page)
        [[unread]] = await self._database.select(statements.UNREAD_COUNT, reader)
        return page[::-1], unread

    async def unread_in(
        self, identity: int, name: Name, asked: Sequence[tuple[Conversation, int]]
    ) -> dict[Conversation, Unread]:
        values = {
            "identity": identity,
            "asked": json.dumps([(conversation_name(conversation), after) for conversation, after in asked]),
            "mentions": json.dumps(mention_globs(name)),
            "window": UNREAD_WINDOW_RECORDS,
            "up_to": self.last,
        }
        rows = await self._database.select(statements.UNREAD_IN, values)
        return {
            asked[index][0]: Unread(count, mentions, first, bool(more)) for index, count, mentions, first, more in rows
        }

    async def contacts(
        self, identity: int, before: int, limit: int, guests: Collection[int] | None = None
    ) -> list[Contact]:
        sql = statements.CONTACTS if identity < GUESTS else statements.CONTACTS_OF_GUEST
        among = None if guests is None else json.dumps(list(guests))
        values: dict[str, object] = {"identity": identity, "before": before, "limit": limit, "guests": among}
        rows = await self._database.select(sql, values)
        return [
            Contact(conversation_of(conversation), partner, name or "", last, time or 0)
            for partner, conversation, last, time, name in rows
        ]

    async def spans(self, identity: int, partner: int | None, name: Name) -> list[Span]:
        rows = []
        if partner is not None:
            conversation = conversation_name(direct(identity, partner))
            rows = await self._database.select(statements.SPAN, (conversation, identity))
        if not rows:
            values: dict[str, object] = {"identity": identity, **name._asdict(), "limit": MAX_SPANS}
            rows = await self._database.select(statements.NAMED, values)
        return [Span(conversation_of(conversation), first, last) for conversation, first, last in rows]

    async def find_label(self, sender_number: int, label: str) -> Record | None:
        asked = json.dumps([(sender_number, label)])
        return next(iter(known_labels(await self._database.select(statements.KNOWN, (asked,))).values()), None)

    async def first_membership_changes(self, identity: int, after: int) -> dict[str, str]:
        return dict(await self._database.select(statements.FIRST_MEMBERSHIP_CHANGES, (identity, after, self.last)))

    def _reader(self, identity: int, rooms: Collection[str], after: int, up_to: int, limit: int) -> dict[str, Any]:
        guest = identity if identity >= GUESTS else None
        names = json.dumps(list(rooms))
        bounds = {"after": after, "up_to": up_to, "limit": limit}
        return {"identity": identity, "guest": guest, "rooms": names, **bounds}

    async def _records(self, sql: str, values: Any) -> list[Record]:
        page, _ = await self._page(sql, values, inf)
        return page

    async def _page(self, sql: str, values: Any, limit: float) -> tuple[list[Record], bool]:
        """Return the first records of a query, within MAX_PAGE_BYTES, and True if there may be more."""
        rows, more = await self._database.select_page(sql, values)
        return [record_of(row) for row in rows], more or len(rows) >= limit
