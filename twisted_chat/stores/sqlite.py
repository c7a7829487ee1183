"""A log in a SQLite file: what is acknowledged and delivered is on the disk.

One thread writes, and while it commits, what is said gathers for the next commit: the
more there is to do, the less each message costs. Each commit is one statement, so
that SQLite works on without asking Python for every row.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat.core.interfaces import Deliver, Entry, StoreError
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.stores.memory import MemoryLog

_log = Logger()

VERSION = 1
"""Of the schema, as PRAGMA user_version says."""
RECENT = 2000
"""Records that are kept in memory as well, for readers who are not far behind."""
IDENTITIES = 2**32
"""How many guests may come between two starts of the server."""

SCHEMA = f"""
    BEGIN;
    CREATE TABLE starts (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL);
    CREATE TABLE conversations (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE records (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        kind TEXT NOT NULL,
        sender TEXT NOT NULL,
        addressee TEXT NOT NULL,
        text TEXT NOT NULL,
        conversation INTEGER NOT NULL REFERENCES conversations,
        author INTEGER NOT NULL,
        origin INTEGER NOT NULL
    );
    CREATE INDEX records_of_conversation ON records (conversation, id);
    PRAGMA user_version = {VERSION};
    COMMIT;
"""
NEW_CONVERSATIONS = """
    INSERT OR IGNORE INTO conversations (name)
    SELECT DISTINCT json_extract(value, '$[6]') FROM json_each(?)
"""
NEW_RECORDS = """
    INSERT INTO records
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
           json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
           (SELECT id FROM conversations WHERE name = json_extract(value, '$[6]')),
           json_extract(value, '$[7]'), json_extract(value, '$[8]')
    FROM json_each(?)
"""
COLUMNS = """
    SELECT records.id, time, kind, sender, addressee, text, name, author, origin
    FROM records JOIN conversations ON conversations.id = conversation
"""

Run = Callable[..., Deferred[Any]]
"""Runs a function with its arguments on the one thread that writes, as deferToThreadPool does."""


class SqliteLog:
    """Keeps every record in a SQLite file. (A core.interfaces.MessageLog.)

    Nothing is touched before `open`. `run` gives work to the one thread that writes;
    `now` gives seconds since 1970, UTC.
    """

    def __init__(self, path: str, run: Run, now: Callable[[], float] = time.time) -> None:
        self.path, self._run, self._now = path, run, now
        self._pending: list[Entry] = []
        self._busy = self._failing = False
        self._idle: list[Deferred[None]] = []
        self._time = 0.0
        self._lock: int | None = None
        self.first = 1

    def open(self) -> None:
        """Take the file, or make it; raises StoreError."""
        with ExitStack() as undo:
            self._lock = _lock(self.path + ".lock")
            undo.callback(self._unlock)
            try:
                self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
                undo.callback(self._db.close)
                self._prepare()
            except sqlite3.Error as problem:
                raise StoreError(f"cannot use {self.path}: {problem}") from None
            undo.pop_all()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _prepare(self) -> None:
        db = self._db
        [[version]] = db.execute("PRAGMA user_version")
        [[tables]] = db.execute("SELECT count(*) FROM sqlite_master")
        if version > VERSION:
            raise StoreError(f"{self.path} was made by a newer twisted_chat; update this one, or use another file")
        if tables and not version:
            raise StoreError(f"{self.path} is a database of something else; use another file")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if not version:
            db.executescript(SCHEMA)
        start = db.execute("INSERT INTO starts (time) VALUES (?)", (int(self._now() * 1000),)).lastrowid
        self._identities = count((start or 1) * IDENTITIES)
        last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
        oldest = db.execute("SELECT min(id) FROM records").fetchone()
        self._recent = MemoryLog(RECENT, now=lambda: self._time, after=last[0] if last else 0)
        self._recent.subscribe(lambda entries: self._deliver(entries), self._refuse)
        self.first = oldest[0] or self.last + 1

    async def close(self) -> None:
        """Keep what there is, and let go of the file; the second time it does nothing."""
        if self._lock is None:
            return
        self.flush()
        while self._busy:
            self._idle.append(Deferred())
            await self._idle[-1]
        self._db.close()
        self._unlock()

    @property
    def last(self) -> int:
        return self._recent.last

    def subscribe(self, deliver: Deliver, refuse: Deliver) -> None:
        self._deliver, self._refuse = deliver, refuse

    def append(self, entry: Entry) -> None:
        self._pending.append(entry)

    def new_identity(self) -> int:
        return next(self._identities)

    def flush(self) -> None:
        if not self._pending or self._busy:
            return
        entries, self._pending = self._pending, []
        self._busy, self._time = True, self._now()
        committed = self._run(self._commit, json.dumps(self._rows(entries), ensure_ascii=False))
        committed.addCallbacks(self._kept, self._failed, callbackArgs=(entries,), errbackArgs=(entries,))
        committed.addBoth(self._go_on)

    async def history(self, conversation: Conversation, before: int, after: int, limit: int) -> list[Record]:
        oldest_first = bool(after and not before)
        order = "ORDER BY records.id" if oldest_first else "ORDER BY records.id DESC"
        where = f"WHERE name = ? AND records.id > ? AND records.id < ? {order} LIMIT ?"
        values = (_name(conversation), after, before or self.last + 1, limit)
        page: list[Record] = await self._run(self._select, where, values)
        return page if oldest_first else page[::-1]

    async def read(self, after: int, limit: int) -> list[Record]:
        if after + 1 >= self._recent.first:
            return await self._recent.read(after, limit)
        page: list[Record] = await self._run(
            self._select, "WHERE records.id > ? ORDER BY records.id LIMIT ?", (after, limit)
        )
        return page

    def _rows(self, entries: Iterable[Entry]) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        id, now = self.last, int(self._time * 1000)
        for entry in entries:
            sender, to, conversation, author, origin = entry.envelope
            name = _name(conversation)
            for text in entry.texts:
                id += 1
                rows.append((id, now, entry.kind, sender, to, text, name, author, origin))
        return rows

    def _kept(self, _: None, entries: list[Entry]) -> None:
        for entry in entries:
            self._recent.append(entry)
        if self._failing:
            self._failing = False
            _log.info("can write to {path} again", path=self.path)
        self._recent.flush()

    def _failed(self, failure: Failure, entries: list[Entry]) -> None:
        if not self._failing:  # once: a log beside a full disk should not grow
            _log.error("cannot write to {path}: {problem}", path=self.path, problem=failure.getErrorMessage())
        self._failing = True
        self._refuse(entries)

    def _go_on(self, result: Failure | None) -> None:
        if result is not None:
            _log.failure("a delivery went wrong", result)
        self._busy = False
        idle, self._idle = self._idle, []
        for waiting in idle:
            waiting.callback(None)
        self.flush()

    # on the thread that writes

    def _commit(self, rows: str) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute(NEW_CONVERSATIONS, (rows,))
            db.execute(NEW_RECORDS, (rows,))
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _select(self, where: str, values: tuple[object, ...]) -> list[Record]:
        rows = self._db.execute(f"{COLUMNS} {where}", values)
        return [
            Record(id, time, kind, sender, to, text, _conversation(name), author, origin)
            for id, time, kind, sender, to, text, name, author, origin in rows
        ]


def _name(conversation: Conversation) -> str:
    """What a conversation is called in the file."""
    return conversation if isinstance(conversation, str) else f"{conversation[0]}:{conversation[1]}"


def _conversation(name: str) -> Conversation:
    if name.startswith("#"):
        return name
    one, other = name.split(":")
    return int(one), int(other)


def _lock(path: str) -> int:
    """A descriptor that holds a file for as long as this process lives; raises StoreError if another holds it."""
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise StoreError(f"cannot write to {path}: {problem.strerror}") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise StoreError(f"another server uses {path.removesuffix('.lock')}; stop it, or use another file") from None
    return held
