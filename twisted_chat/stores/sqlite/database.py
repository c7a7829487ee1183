"""The SQLite file of a server: its lock, its schema, and the two threads that work on it.

One thread writes and one reads, each with a connection of its own, so that nobody who
looks something up keeps others from their commits.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.sqlite.batches import Batch, BatchWriter, OnResult
from twisted_chat.stores.sqlite.schema import STEPS, VERSION
from twisted_chat.stores.sqlite.worker import Writer

T = TypeVar("T")
Run = Callable[..., Deferred[Any]]
"""Runs a function with its arguments on a thread of its own, as deferToThreadPool does."""
STATEMENTS = 200
"""Statements that are kept compiled: more than there are sizes of small batches."""
Rows = list[tuple[Any, ...]]


class Transaction:
    """Some work on the database, and what waits for its result."""

    def __init__(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        self._work = work
        self.done: Deferred[Any] = Deferred()

    def run(self, db: sqlite3.Connection) -> Any:
        """Do it, on the thread that writes; gives the result, or a Failure."""
        try:
            with transaction(db):
                return self._work(db)
        except Exception:
            return Failure()


Job = Transaction | Batch
"""A job of the thread that writes."""


class InUse(StoreError):
    """Another process uses the file."""


class Database:
    """A file that one process uses at a time.

    Nothing is touched before `open`. `writer` is the thread that writes, `read` gives work to
    the one that reads; `now` gives seconds since 1970, UTC.
    """

    def __init__(self, path: str, writer: Writer[Job], read: Run, now: Callable[[], float] = time.time) -> None:
        self.path, self.writer, self._read, self.now = path, writer, read, now
        self._lock: int | None = None
        self._closed = True
        self.start = 0

    def open(self) -> None:
        """Take the file, or make it; the second time nothing happens. Raises StoreError."""
        if self._lock is not None:
            return
        with ExitStack() as undo:
            self._lock = _lock(self.path + ".lock")
            undo.callback(self._unlock)
            try:
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # what SQLite makes anybody may read
                self._writer = sqlite3.connect(
                    self.path, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
                )
                undo.callback(self._writer.close)
                self._prepare()
                self._reader = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
                self._reader.execute("PRAGMA query_only = ON")
            except OSError as problem:
                raise StoreError(f"cannot use {self.path}: {problem.strerror}") from None
            except sqlite3.Error as problem:
                raise StoreError(f"cannot use {self.path}: {problem}") from None
            self._closed = False
            undo.pop_all()

    def start_writing(self, make: Callable[[sqlite3.Connection], BatchWriter], on_result: OnResult) -> None:
        """Start the thread that writes; `make` returns the writer of the log's batches."""
        self._batch_writer, self._on_result = make(self._writer), on_result
        self.writer.start(self._work, self._batch_writer.rest)

    async def close(self) -> None:
        """Finish what is under way, and let go of the file; the second time nothing happens."""
        if not self._closed:
            self._closed = True
            await self.writer.stop()
            await self._read(self._reader.close)  # behind what is being read: a connection in use must not be closed
            self._writer.close()
            self._unlock()

    def select(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> Deferred[Rows]:
        """What the thread that reads finds."""
        return fail(_closed()) if self._closed else self._read(self._select, sql, values)

    def select_now(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """The same at once, while the server starts."""
        return self._writer.execute(sql, values).fetchall()

    def transact(self, work: Callable[[sqlite3.Connection], T]) -> Deferred[T]:
        """Do some work on the thread that writes, in one transaction; the result comes when it is on the disk."""
        if self._closed:
            return fail(_closed())
        job = Transaction(work)
        self.writer.put(job)
        return job.done

    def append(self, batch: Batch) -> None:
        """Write a batch on the thread that writes; its result is for `on_result`."""
        self.writer.put(batch)

    def take_back(self) -> list[Batch]:
        """Return the batches that the thread has not begun to write, which it will not write now."""
        jobs = self.writer.take_back()
        for job in jobs:
            if isinstance(job, Transaction):
                self.writer.put(job)
        return [job for job in jobs if isinstance(job, Batch)]

    def _work(self, jobs: list[Job]) -> None:
        """Do the transactions, then write all batches in one commit."""
        batches: list[Batch] = []
        for job in jobs:
            if isinstance(job, Batch):
                batches.append(job)
            else:
                self.writer.call(job.done.callback, job.run(self._writer))
        if batches:
            result = self._batch_writer.append([entry for batch in batches for entry in batch.entries])
            self.writer.call(self._on_result, batches, result)
            self._batch_writer.after_append()

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
        db.execute("PRAGMA journal_size_limit = 16777216")
        for step, script in enumerate(STEPS[version:], version + 1):
            db.executescript(f"BEGIN; {script}; PRAGMA user_version = {step}; COMMIT;")
        start = db.execute("INSERT INTO starts (time) VALUES (?)", (int(self.now() * 1000),)).lastrowid
        assert start is not None
        self.start = start

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _closed() -> ChatError:
    return ChatError(Reason.SHUTTING_DOWN)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """What is done in it is done whole, or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _lock(path: str) -> int:
    """A descriptor that holds a file for as long as this process lives; raises InUse if another holds it."""
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise StoreError(f"cannot write to {path}: {problem.strerror}") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise InUse(f"another server uses {path.removesuffix('.lock')}; stop it, or use another file") from None
    return held
