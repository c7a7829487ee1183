"""The SQLite file of a server: its lock, its schema, and the two threads that use it.

One thread writes and another reads, each with a connection of its own, so that reads do not
hold up commits.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from operator import itemgetter
from sys import maxsize
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.pages import cut
from twisted_chat.stores.sqlite.batches import Batch, BatchWriter, OnResult
from twisted_chat.stores.sqlite.rows import TEXT
from twisted_chat.stores.sqlite.schema import STEPS, VERSION
from twisted_chat.stores.sqlite.worker import Worker

T = TypeVar("T")
Run = Callable[..., Deferred[Any]]
"""Runs a function with its arguments on another thread, as deferToThreadPool does."""
MAX_CACHED_STATEMENTS = 200
"""Statements that SQLite keeps compiled: more than there are sizes of inserts (see statements.CHUNK_ROWS)."""
Rows = list[tuple[Any, ...]]


class Transaction:
    """A piece of work on the database, and the Deferred of its result."""

    def __init__(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        self._work = work
        self.done: Deferred[Any] = Deferred()

    def run(self, db: sqlite3.Connection) -> Any:
        """Do the work, on the worker's thread; return its result, or a Failure."""
        try:
            with transaction(db):
                return self._work(db)
        except Exception:
            return Failure()


Job = Transaction | Batch
"""A job for the worker."""


class InUse(StoreError):
    """Raised when another process uses the file."""


class Database:
    """Gives the stores access to a file that one process uses at a time.

    It touches nothing before `open`. `worker` does what writes to the file, `read` runs a function on the
    thread that reads; `now` gives seconds since 1970, UTC. `start` is the number of this start of the server.
    """

    def __init__(self, path: str, worker: Worker[Job], read: Run, now: Callable[[], float] = time.time) -> None:
        self.path, self.worker, self._read, self.now = path, worker, read, now
        self._lock: int | None = None
        self._closed = True
        self.start = 0

    def open(self) -> None:
        """Lock and open the file, or create it; a second call does nothing. Raises StoreError."""
        if self._lock is not None:
            return
        with ExitStack() as undo:
            self._lock = _lock(self.path + ".lock")
            undo.callback(self._unlock)
            try:
                os.close(
                    os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
                )  # a file that SQLite creates is readable by all users
                self._write_connection = sqlite3.connect(
                    self.path, isolation_level=None, check_same_thread=False, cached_statements=MAX_CACHED_STATEMENTS
                )
                undo.callback(self._write_connection.close)
                self._prepare()
                self._read_connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
                self._read_connection.execute("PRAGMA query_only = ON")
            except OSError as problem:
                raise StoreError(f"cannot use {self.path}: {problem.strerror}") from None
            except sqlite3.Error as problem:
                raise StoreError(f"cannot use {self.path}: {problem}") from None
            self._closed = False
            undo.pop_all()

    def start_writing(self, make: Callable[[sqlite3.Connection], BatchWriter], on_result: OnResult) -> None:
        """Start the worker; `make` returns the writer of the log's batches."""
        self._batch_writer, self._on_result = make(self._write_connection), on_result
        self.worker.start(self._work, self._batch_writer.rest)

    async def close(self) -> None:
        """Finish what is under way, and close and unlock the file; a second call does nothing."""
        if not self._closed:
            self._closed = True
            await self.worker.stop()
            await self._read(
                self._read_connection.close
            )  # after the reads that are under way: a connection in use must not be closed
            self._write_connection.close()
            self._unlock()

    def select(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> Deferred[Rows]:
        """Return the rows of a query, run on the thread that reads."""
        return fail(_closed()) if self._closed else self._read(self._select, sql, values)

    def select_page(self, sql: str, values: Sequence[object] | dict[str, object]) -> Deferred[tuple[Rows, bool]]:
        """Return the first records of a query, within MAX_PAGE_BYTES, and True if there may be more."""
        return fail(_closed()) if self._closed else self._read(self._select_page, sql, values)

    def select_now(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """Return the rows of a query at once; only while the server starts."""
        return self._write_connection.execute(sql, values).fetchall()

    def transact(self, work: Callable[[sqlite3.Connection], T]) -> Deferred[T]:
        """Have the worker do something in one transaction; the result comes when it is on the disk."""
        if self._closed:
            return fail(_closed())
        job = Transaction(work)
        self.worker.put(job)
        return job.done

    def append(self, batch: Batch) -> None:
        """Have the worker write a batch; `on_result` gets the result."""
        self.worker.put(batch)

    def take_back(self) -> list[Batch]:
        """Return the batches that the worker has not begun to write, which it will not write now."""
        jobs = self.worker.take_back()
        for job in jobs:
            if isinstance(job, Transaction):
                self.worker.put(job)
        return [job for job in jobs if isinstance(job, Batch)]

    def _work(self, jobs: list[Job]) -> None:
        """Do the transactions, then write all batches in one commit."""
        batches: list[Batch] = []
        for job in jobs:
            if isinstance(job, Batch):
                batches.append(job)
            else:
                self.worker.call(job.done.callback, job.run(self._write_connection))
        if batches:
            result = self._batch_writer.append([entry for batch in batches for entry in batch.entries])
            self.worker.call(self._on_result, batches, result)
            self._batch_writer.after_append()

    def _select(self, sql: str, values: Sequence[object] | dict[str, object]) -> Rows:
        return self._read_connection.execute(sql, values).fetchall()

    def _select_page(self, sql: str, values: Sequence[object] | dict[str, object]) -> tuple[Rows, bool]:
        found = self._read_connection.execute(sql, values)
        try:
            return cut(found, itemgetter(TEXT), maxsize)
        finally:
            found.close()

    def _prepare(self) -> None:
        db = self._write_connection
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
    """Commit everything that is done in the context, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _lock(path: str) -> int:
    """Lock a file until the process ends; return its descriptor. Raises InUse if another process has locked it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise StoreError(f"cannot write to {path}: {problem.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InUse(f"another server uses {path.removesuffix('.lock')}; stop it, or use another file") from None
    return descriptor
