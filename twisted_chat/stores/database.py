"""The SQLite file of a server: its lock, its schema, and the two threads that work on it.

One thread writes and one reads, each with a connection of its own, so that nobody who
looks something up keeps others from their commits.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.schema import STEPS, VERSION

T = TypeVar("T")
Run = Callable[..., Deferred[Any]]
"""Runs a function with its arguments on a thread of its own, as deferToThreadPool does."""
Rows = list[tuple[Any, ...]]


class Database:
    """A file that one process uses at a time.

    Nothing is touched before `open`. `write` and `read` give work to the thread that
    writes and to the one that reads; `now` gives seconds since 1970, UTC.
    """

    def __init__(self, path: str, write: Run, read: Run, now: Callable[[], float] = time.time) -> None:
        self.path, self._write, self._read, self.now = path, write, read, now
        self._lock: int | None = None
        self.start = 0

    def open(self) -> None:
        """Take the file, or make it; the second time nothing happens. Raises StoreError."""
        if self._lock is not None:
            return
        with ExitStack() as undo:
            self._lock = _lock(self.path + ".lock")
            undo.callback(self._unlock)
            try:
                self._writer = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
                undo.callback(self._writer.close)
                self._prepare()
                self._reader = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
                self._reader.execute("PRAGMA query_only = ON")
            except sqlite3.Error as problem:
                raise StoreError(f"cannot use {self.path}: {problem}") from None
            undo.pop_all()

    def close(self) -> None:
        """Let go of the file, once nothing is under way; the second time nothing happens."""
        if self._lock is not None:
            self._reader.close()
            self._writer.close()
            self._unlock()

    def select(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> Deferred[Rows]:
        """What the thread that reads finds."""
        return self._read(self._select, sql, values)

    def select_now(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """The same at once, while the server starts."""
        return self._writer.execute(sql, values).fetchall()

    def transact(self, work: Callable[[sqlite3.Connection], T]) -> Deferred[T]:
        """Do some work on the thread that writes, in one transaction; the result comes when it is on the disk."""
        return self._write(self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        db = self._writer
        db.execute("BEGIN IMMEDIATE")
        try:
            result = work(db)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return result

    def _select(self, sql: str, values: Sequence[object] | dict[str, object]) -> Rows:
        return self._reader.execute(sql, values).fetchall()

    def _prepare(self) -> None:
        db = self._writer
        [[version]] = db.execute("PRAGMA user_version")
        [[tables]] = db.execute("SELECT count(*) FROM sqlite_master")
        if version > VERSION:
            raise StoreError(f"{self.path} was made by a newer twisted_chat; update this one, or use another file")
        if tables and not version:
            raise StoreError(f"{self.path} is a database of something else; use another file")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for step, script in enumerate(STEPS[version:], version + 1):
            db.executescript(f"BEGIN; {script}; PRAGMA user_version = {step}; COMMIT;")
        start = db.execute("INSERT INTO starts (time) VALUES (?)", (int(self.now() * 1000),)).lastrowid
        assert start is not None
        self.start = start

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


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
