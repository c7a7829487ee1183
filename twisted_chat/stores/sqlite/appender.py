"""What becomes of the log's entries on the thread that writes: rows, and words that can be searched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from twisted_chat.core.dedup import Deduplicated, Label, deduplicate, labels
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.participants import Entry
from twisted_chat.stores.ids import assign_ids
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.batches import Appended, NotAppended, Result
from twisted_chat.stores.sqlite.database import transaction
from twisted_chat.stores.sqlite.rows import INSERTED, name_of, record_of, shared_values

PLACES = 10_000
"""Conversations whose numbers are remembered."""
STEP = 2_000
"""Records whose words are indexed in one step, which others wait for."""
BEHIND = 100_000
"""Records past which their words are indexed even while there is other work."""
DAY = 24 * 60 * 60 * 1000

encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


class Appender:
    """Writes entries to the file, with ids that follow the last one there. (A batches.BatchWriter.)

    `now` gives milliseconds since 1970, UTC.
    """

    def __init__(self, db: sqlite3.Connection, now: Callable[[], int]) -> None:
        self._db, self._now = db, now
        self._places: dict[Conversation, int] = {}
        self._day = 0  # that labels were kept on last; those of other days are looked at anew
        [[self._last]] = db.execute(statements.LAST)
        [[self._indexed]] = db.execute(statements.INDEXED)

    def append(self, entries: list[Entry]) -> Result:
        try:
            return self._append(entries, self._now())
        except Exception as problem:
            return NotAppended(entries, problem)

    def after_append(self) -> None:
        if self._last - self._indexed > BEHIND:
            self.rest()

    def rest(self) -> bool:
        """One step of the index."""
        try:
            with transaction(self._db):
                return self.index(self._db)
        except sqlite3.Error:  # the disk is full: there will be another time
            return False

    def index(self, db: sqlite3.Connection) -> bool:
        """Make the next words known to the search, within a transaction; whether there are more."""
        [[self._indexed]] = db.execute(statements.INDEXED)
        up_to = min(self._indexed + STEP, self._last)
        if up_to > self._indexed:
            db.execute(statements.NEW_WORDS, (self._indexed, up_to))
            db.execute(statements.INDEX_TO, (up_to,))
        more: bool = up_to < self._last
        return more

    def _append(self, entries: list[Entry], time: int) -> Appended:
        if not labels(entries):
            self._insert(entries, time)
            return Appended(entries, [], [])
        if time // DAY > self._day:
            with transaction(self._db):
                self._day = statements.forget_labels(self._db, time // DAY)
        first = self._deduplicate(entries)
        self._insert(first.new, time, labelled=True)
        again = self._deduplicate_deferred(first.deferred)
        return Appended(first.new, first.repeated + again.repeated, first.conflicting + again.conflicting)

    def _deduplicate(self, entries: list[Entry]) -> Deduplicated:
        asked = encode([label for label, _, _ in labels(entries)])
        rows = self._db.execute(statements.KNOWN, (asked,)).fetchall()
        known: dict[Label, Record] = {(client, label): record_of(row) for client, label, *row in rows}
        return deduplicate(entries, known)

    def _deduplicate_deferred(self, entries: list[Entry]) -> Deduplicated:
        """What repeats something of its own batch, now that this is kept; refused if it cannot be looked up."""
        try:
            return self._deduplicate(entries) if entries else Deduplicated([], [], [], [])
        except sqlite3.Error:
            return Deduplicated([], [], entries, [])

    def _insert(self, entries: list[Entry], time: int, labelled: bool = False) -> None:
        """Store entries in one commit: one statement is a commit of its own, several share a transaction."""
        if not entries:
            return
        if len(self._places) > PLACES:
            self._places.clear()
        last = assign_ids(entries, self._last, time)
        used = {envelope.conversation for entry in entries for envelope in set(entry.envelopes)}
        new = used.difference(self._places)
        asked = [(*label, entry.first + index) for label, entry, index in labels(entries)] if labelled else []
        sizes = statements.chunk_sizes(last - self._last)
        atomic = bool(new or asked or len(sizes) > 1)
        try:
            with transaction(self._db) if atomic else nullcontext():
                if new:
                    self._find(new)
                if asked:
                    self._db.executemany(statements.new_label(self._day), asked)
                self._insert_rows(entries, sizes, or_fail=atomic)
        except BaseException:
            for conversation in new:
                self._places.pop(conversation, None)
            raise
        self._last = last

    def _insert_rows(self, entries: list[Entry], sizes: Sequence[int], or_fail: bool) -> None:
        """Write all rows, in as many statements as there are sizes."""
        values: list[object] = []
        tails_of_kind: dict[str, dict[int, list[object]]] = {}
        for entry in entries:
            tails = tails_of_kind.setdefault(entry.kind, {})
            for id_, envelope, text in zip(entry.ids, entry.envelopes, entry.texts, strict=True):
                tail = tails.get(id(envelope))
                if tail is None:
                    conversation_id = self._places[envelope.conversation]
                    tail = shared_values(entry.time, entry.kind, envelope, conversation_id)
                    tails[id(envelope)] = tail
                values += (id_, text)
                values += tail
        if len(sizes) == 1:
            self._db.execute(statements.insert_records(sizes[0], or_fail), values)
            return
        start = 0
        for size in sizes:
            end = start + size * len(INSERTED)
            self._db.execute(statements.insert_records(size, or_fail), values[start:end])
            start = end

    def _find(self, conversations: set[Conversation]) -> None:
        """Give these conversations their numbers, within a transaction."""
        named = {name_of(conversation): conversation for conversation in conversations}
        rows = [(name, *((None, None) if isinstance(place, str) else place)) for name, place in named.items()]
        self._db.execute(statements.NEW_CONVERSATIONS, (encode(rows),))
        for name, place in self._db.execute(statements.PLACES, (encode(rows),)).fetchall():
            self._places[named[name]] = place
