"""Write the log's entries to the file, on the worker's thread, with all that follows from them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from twisted_chat.core.dedup import Deduplicated, deduplicate, labels
from twisted_chat.core.messages import Conversation
from twisted_chat.core.participants import Entry
from twisted_chat.stores.ids import Stamp, assign_ids
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.batches import Appended, NotAppended, Result
from twisted_chat.stores.sqlite.database import transaction
from twisted_chat.stores.sqlite.indexer import Indexer
from twisted_chat.stores.sqlite.projections import Partners, change_rooms
from twisted_chat.stores.sqlite.rows import INSERTED, conversation_name, known_labels, shared_values

MAX_CONVERSATION_IDS = 10_000
"""Conversations whose ids the appender remembers."""
MAX_CLIENTS_COUNTED = 10_000
"""Clients whose new labels the appender counts at a time."""
MAX_UNINDEXED_RECORDS = 100_000
"""With more records without an index, the appender indexes a step after each commit, not only when it is idle."""
MAX_LABELS_PER_CLIENT = 10_000
"""Labels of one client that are remembered: the newest ones, whatever the clock says."""
LABELS_BETWEEN_CHECKS = 2_000
"""New labels of one client after which its older ones are counted."""

encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


class Appender:
    """Writes entries to the file, with ids that follow the last one there. (A batches.BatchWriter.)

    `now` gives milliseconds since 1970, UTC. `on_foreign_change` is called with the oldest record's id, or None,
    when another connection has changed the file, for example to delete records.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        now: Callable[[], int],
        on_foreign_change: Callable[[int | None], object] = lambda oldest: None,
    ) -> None:
        self._db, self._now, self._on_foreign_change = db, now, on_foreign_change
        self._conversation_ids: dict[Conversation, int] = {}
        self._partners = Partners()
        self._new_labels: Counter[int] = Counter()  # of each client, since its labels were counted
        [[last]] = db.execute(statements.LAST)
        [[time]] = db.execute(statements.LAST_TIME)
        self._last = Stamp(last, time)
        [[self._data_version]] = db.execute(statements.DATA_VERSION)
        self.indexer = Indexer(db)

    def append(self, entries: list[Entry]) -> Result:
        try:
            self._look_for_foreign_changes()
            return self._append(entries, self._now())
        except Exception as problem:
            return NotAppended(entries, problem)

    def after_append(self) -> None:
        if self._last.id - self.indexer.indexed > MAX_UNINDEXED_RECORDS:
            self.rest()
        if self._new_labels:
            self._forget_labels()

    def rest(self) -> bool:
        try:
            self._look_for_foreign_changes()
            return self.indexer.step(self._last.id)
        except sqlite3.Error:  # e.g. the disk is full: the next step tries again
            return False

    def _look_for_foreign_changes(self) -> None:
        [[version]] = self._db.execute(statements.DATA_VERSION)
        if version != self._data_version:
            self._data_version = version
            [[oldest]] = self._db.execute(statements.OLDEST)
            self._on_foreign_change(oldest)

    def _forget_labels(self) -> None:
        """Forget old labels of the clients that have used many new ones."""
        many = [client for client, count in self._new_labels.items() if count >= LABELS_BETWEEN_CHECKS]
        if len(self._new_labels) > MAX_CLIENTS_COUNTED:
            self._new_labels.clear()
        for client in many:
            del self._new_labels[client]
            with suppress(sqlite3.Error):  # e.g. the disk is full: they are forgotten later
                self._db.execute(statements.FORGET_LABELS, (client, MAX_LABELS_PER_CLIENT))

    def _append(self, entries: list[Entry], time: int) -> Result:
        if not labels(entries):
            self._insert(entries, time)
            return Appended(entries, [], [])
        first = self._deduplicate(entries)
        try:
            self._insert(first.new, time, labelled=True)
        except Exception as problem:
            return NotAppended(first.new + first.deferred, problem, first.repeated, first.conflicting)
        again = self._deduplicate_deferred(first.deferred)
        return Appended(first.new, first.repeated + again.repeated, first.conflicting + again.conflicting)

    def _deduplicate(self, entries: list[Entry]) -> Deduplicated:
        rows = self._db.execute(statements.KNOWN, (encode([label for label, _, _ in labels(entries)]),)).fetchall()
        return deduplicate(entries, known_labels(rows))

    def _deduplicate_deferred(self, entries: list[Entry]) -> Deduplicated:
        """Look up what repeats a text of its own batch, now that this is stored; refuse it if the look-up fails."""
        try:
            return self._deduplicate(entries) if entries else Deduplicated([], [], [], [])
        except sqlite3.Error:
            return Deduplicated([], [], entries, [])

    def _insert(self, entries: list[Entry], time: int, labelled: bool = False) -> None:
        """Store entries, and what follows from them, in one commit."""
        if not entries:
            return
        if len(self._conversation_ids) > MAX_CONVERSATION_IDS:
            self._conversation_ids.clear()
            self._partners.clear()
        last = assign_ids(entries, self._last, time)
        envelopes = {id(envelope): envelope for entry in entries for envelope in entry.envelopes}
        used = {envelope.conversation for envelope in envelopes.values()}
        new = used.difference(self._conversation_ids)
        label_rows = [(*label, entry.first + index) for label, entry, index in labels(entries)] if labelled else []
        sizes = statements.chunk_sizes(last.id - self._last.id)
        try:
            with transaction(self._db):
                if new:
                    self._find_ids(new)
                if label_rows:
                    self._db.executemany(statements.NEW_LABEL, label_rows)
                self._insert_rows(entries, sizes)
                change_rooms(self._db, entries, self._conversation_ids)
                self._partners.move(self._db, entries, self._conversation_ids)
        except BaseException:
            for conversation in new:
                self._conversation_ids.pop(conversation, None)
            self._partners.clear()
            raise
        self._last = last
        self._new_labels.update(client for client, _, _ in label_rows)

    def _insert_rows(self, entries: list[Entry], sizes: Sequence[int]) -> None:
        """Write all rows, in as many statements as there are sizes."""
        values: list[object] = []
        tails_of_kind: dict[str, dict[int, list[object]]] = {}
        for entry in entries:
            tails = tails_of_kind.setdefault(entry.kind, {})
            for id_, time, envelope, text in zip(entry.ids, entry.times, entry.envelopes, entry.texts, strict=True):
                tail = tails.get(id(envelope))
                if tail is None:
                    conversation_id = self._conversation_ids[envelope.conversation]
                    tail = shared_values(entry.kind, envelope, conversation_id)
                    tails[id(envelope)] = tail
                values += (id_, time, text)
                values += tail
        start = 0
        for size in sizes:
            end = start + size * len(INSERTED)
            part = values if len(sizes) == 1 else values[start:end]
            self._db.execute(statements.insert_records(size), part)
            start = end

    def _find_ids(self, conversations: set[Conversation]) -> None:
        """Find the ids of conversations, or give them new ones, within a transaction."""
        by_name = {conversation_name(conversation): conversation for conversation in conversations}
        rows = [(name, *((None, None) if isinstance(key, str) else key)) for name, key in by_name.items()]
        self._db.execute(statements.NEW_CONVERSATIONS, (encode(rows),))
        for name, id_ in self._db.execute(statements.CONVERSATION_IDS, (encode(rows),)).fetchall():
            self._conversation_ids[by_name[name]] = id_
