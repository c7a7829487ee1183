"""The SQLite file of a server: its lock, its schema, and the two threads that use it.

One thread writes and another reads, each with a connection of its own, so that reads do not
hold up commits.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from operator import itemgetter
from sys import maxsize
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.pages import cut
from twisted_chat.stores.sqlite import epoch as epochs
from twisted_chat.stores.sqlite.batches import Batch, BatchWriter, NotAppended, OnResult
from twisted_chat.stores.sqlite.checkpoints import Checkpointer
from twisted_chat.stores.sqlite.engine import WAL_RESET_FAULT, check_library, has_wal_reset_fault
from twisted_chat.stores.sqlite.files import FileLost, StoreFiles
from twisted_chat.stores.sqlite.locks import InUse
from twisted_chat.stores.sqlite.reads import ReadQueue, Run
from twisted_chat.stores.sqlite.reserve import Reserve
from twisted_chat.stores.sqlite.rows import TEXT
from twisted_chat.stores.sqlite.starting import last_id, prepare, secret_of
from twisted_chat.stores.sqlite.transactions import Transaction, transaction
from twisted_chat.stores.sqlite.worker import Worker

__all__ = ["Database", "InUse", "Job", "Run", "Transaction", "transaction"]

_log = Logger()

LOOK_SECONDS = 60.0
"""The file is looked at after so long, even if nothing is written; at each commit it is looked at anyway."""

T = TypeVar("T")
MAX_CACHED_STATEMENTS = 200
"""Statements that SQLite keeps compiled: more than there are sizes of inserts (see statements.CHUNK_ROWS)."""
MAX_WORK_SECONDS = 0.005
"""Transactions that come together share a commit, until they have taken so long; then messages have their turn."""
Rows = list[tuple[Any, ...]]


Job = Transaction | Batch
"""A job for the worker."""


class Database:
    """Gives the stores access to a file that one process uses at a time.

    It touches nothing before `open`. `worker` does what writes to the file, `read` runs a function on the
    thread that reads; `now` gives seconds since 1970, UTC. `start` is the number of this start of the server, and
    `epoch` the log's epoch. With a `clock` the file is looked at once a minute. `lock_timeout` is how many seconds
    `open` waits for another process. A `checkpointer` takes the checkpoints over from SQLite, and a `reserve` keeps
    room on the disk.
    """

    def __init__(
        self,
        path: str,
        worker: Worker[Job],
        read: Run,
        now: Callable[[], float] = time.time,
        *,
        clock: IReactorTime | None = None,
        lock_timeout: float = 0.0,
        checkpointer: Checkpointer | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        self.path, self.worker, self._read, self.now = path, worker, read, now
        self._files, self._lock_timeout = StoreFiles(path), lock_timeout
        self._checkpointer, self._reserve = checkpointer, reserve
        self._look = None if clock is None else LoopingCall(self._look_at_file)
        if self._look is not None and clock is not None:
            self._look.clock = clock
        self._opened, self._closed = False, True
        self._lost: FileLost | None = None
        self.reads = ReadQueue(read)
        self.start = 0
        self.epoch, self.secret = "", b""

    @property
    def guests_are_refused(self) -> bool:
        """Return True while the room on the disk is kept for accounts."""
        return self._reserve is not None and self._reserve.low

    def open(self) -> None:
        """Lock and open the file, or create it; a second call does nothing. Raises StoreError."""
        if self._opened:
            return
        check_library()
        with ExitStack() as undo:
            self._files.claim(self._lock_timeout)
            undo.callback(self._files.release)
            path = self._files.path
            try:
                self._write_connection = sqlite3.connect(
                    path, isolation_level=None, check_same_thread=False, cached_statements=MAX_CACHED_STATEMENTS
                )
                undo.callback(self._write_connection.close)
                self.start, self.epoch = prepare(self._write_connection, self._files, int(self.now() * 1000))
                self.secret = secret_of(self._write_connection)
                self._read_connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                self._read_connection.execute("PRAGMA query_only = ON")
                self.reads.watch(self._read_connection)
                undo.callback(self._read_connection.close)
                self._files.attach()
                if self._reserve is not None:
                    self._reserve.open(f"{path}.reserve", self.path)
                if self._checkpointer is not None:
                    self._checkpointer.start(path, self._write_connection)
                    if has_wal_reset_fault(sqlite3.sqlite_version_info):
                        _log.info(WAL_RESET_FAULT, version=sqlite3.sqlite_version, path=self.path)
            except OSError as problem:
                raise StoreError(f"cannot use {self.path}: {problem.strerror}") from None
            except sqlite3.Error as problem:
                raise StoreError(f"cannot use {self.path}: {problem}") from None
            self._opened, self._closed = True, False
            undo.pop_all()
        if self._look is not None:
            self._look.start(LOOK_SECONDS, now=False)

    def start_writing(self, make: Callable[[sqlite3.Connection], BatchWriter], on_result: OnResult) -> None:
        """Start the worker; `make` returns the writer of the log's batches."""
        self._batch_writer, self._on_result = make(self._write_connection), on_result
        self.worker.start(self._work, self._rest)

    async def close(self) -> None:
        """Finish what is under way, and close and unlock the file; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self.reads.close()
            if self._look is not None:
                self._look.stop()
            await self.worker.stop()
            if self._checkpointer is not None:
                await self._read(self._checkpointer.stop)  # a checkpoint that is under way may take a while
            await self._read(
                self._read_connection.close
            )  # after the reads that are under way: a connection in use must not be closed
            self._mark()
            self._write_connection.close()
            if self._checkpointer is not None:
                self._checkpointer.close()
            self._files.release()
            self._opened = False

    def select(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> Deferred[Rows]:
        """Return the rows of a query, run on the thread that reads."""
        return fail(_closed()) if self._closed else self.reads.read(self._select, sql, values)

    def select_page(self, sql: str, values: Sequence[object] | dict[str, object]) -> Deferred[tuple[Rows, bool]]:
        """Return the first records of a query, within MAX_PAGE_BYTES, and True if there may be more."""
        return fail(_closed()) if self._closed else self.reads.read(self._select_page, sql, values)

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

    def begin_epoch(self) -> Deferred[None]:
        """Begin a new epoch of the log, since ids of this one were given twice: at once, and then in the file."""
        word = self.epoch = epochs.new_word()
        return self.transact(lambda db: epochs.begin(db, word, int(self.now() * 1000), last_id(db)))

    def _work(self, jobs: list[Job]) -> None:
        """Write all batches in one commit, then do the transactions in one: messages do not wait for these."""
        lost = self._find_loss()
        if self._reserve is not None:
            self._reserve.look()
        batches = [job for job in jobs if isinstance(job, Batch)]
        if batches:
            self._write(batches, lost)
        self._run_transactions([job for job in jobs if isinstance(job, Transaction)], lost)
        if self._checkpointer is not None and lost is None:
            self._checkpointer.after_commit(self._write_connection)

    def _write(self, batches: list[Batch], lost: FileLost | None) -> None:
        entries = [entry for batch in batches for entry in batch.entries]
        if lost is not None:
            self.worker.call(self._on_result, batches, NotAppended(entries, lost))
            return
        result = self._batch_writer.append(entries)
        if isinstance(result, NotAppended) and self._made_room():
            result = self._batch_writer.append(entries)
        self.worker.call(self._on_result, batches, result)
        self._batch_writer.after_append()

    def _made_room(self) -> bool:
        return self._reserve is not None and self._reserve.spend()

    def _rest(self) -> bool:
        return self._find_loss() is None and self._batch_writer.rest()

    def _find_loss(self) -> FileLost | None:
        """Return why nothing may be written, if the file is no longer there; log when that begins and ends."""
        lost, before = self._files.problem(), self._lost
        if lost is before:
            return lost
        self._lost = lost
        if lost is None:
            _log.info("{path} is there again: messages are stored again", path=self.path)
            return None
        if lost.can_save:
            try:
                self._write_connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error as problem:
                _log.error("cannot save what was in {path}-wal: {problem}", path=self.path, problem=problem)
            self._files.note_content()
        _log.critical("{problem}; until then no message is stored", problem=lost)
        return lost

    def _look_at_file(self) -> None:
        """Look whether the file is there, also if nothing is written; note how far the log is."""
        self._files.look_closely()
        self.transact(lambda db: self._mark()).addErrback(lambda failure: None)  # it is logged already

    def _mark(self) -> None:
        with suppress(sqlite3.Error):
            self._files.write_mark(epochs.mark_of(self.epoch, last_id(self._write_connection)))

    def _run_transactions(self, jobs: list[Transaction], lost: FileLost | None) -> None:
        """Do work in one commit, as far as it does not take long; the rest comes behind the batches that wait.

        When the commit fails, each is tried for itself.
        """
        if not jobs or lost is not None:
            for job in jobs:
                self.worker.call(job.done.callback, Failure(lost))
            return
        db, results, ends = self._write_connection, list[Any](), time.monotonic() + MAX_WORK_SECONDS
        try:
            with transaction(db):
                for job in jobs:
                    results.append(job.run(db))
                    if not db.in_transaction:
                        raise sqlite3.OperationalError("the transaction was rolled back")
                    if time.monotonic() > ends:
                        break
        except sqlite3.Error:
            results = [job.run(db) for job in jobs]
        if any(map(_has_failed, results)) and self._made_room():
            results = [
                job.run(db) if _has_failed(result) else result for job, result in zip(jobs, results, strict=False)
            ]
        for job, result in zip(jobs, results, strict=False):
            self.worker.call(job.done.callback, result)
        for job in jobs[len(results) :]:
            self.worker.put(job)

    def _select(self, sql: str, values: Sequence[object] | dict[str, object]) -> Rows:
        return self._read_connection.execute(sql, values).fetchall()

    def _select_page(self, sql: str, values: Sequence[object] | dict[str, object]) -> tuple[Rows, bool]:
        found = self._read_connection.execute(sql, values)
        try:
            return cut(found, itemgetter(TEXT), maxsize)
        finally:
            found.close()


def _has_failed(result: object) -> bool:
    return isinstance(result, Failure) and bool(result.check(sqlite3.Error))


def _closed() -> ChatError:
    return ChatError(Reason.SHUTTING_DOWN)
