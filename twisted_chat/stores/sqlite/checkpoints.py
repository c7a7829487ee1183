"""Checkpoints: a thread copies from the `-wal` file into the store's file, so that no commit has to wait for it.

SQLite would do it within a commit: after a long read by another program, half a gigabyte at once. Here a thread with a
connection of its own copies what has come, a step at a time. What comes meanwhile it cannot copy, so a `-wal` of
RESTART_PAGES would only grow; then the writer copies the small rest between two commits, and the next commit begins
at the start of `-wal` again.

SQLite syncs the store's file only when everything is copied: that would be the writer, and it would wait for all that
the thread has copied, also half a gigabyte. So the file is synced on threads, while commits go on: behind each step,
and during a long one again and again, since a disk that has much to write at once makes commits wait as well.

Before version 3.51.3, SQLite could damage a file when a checkpoint began while all was copied already and a commit just
began `-wal` again (the WAL-reset fault). Here one checkpoint at a time runs, and only if there is something to copy;
until it has copied everything, no commit can begin `-wal` again. So the fault cannot happen within the server.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from contextlib import suppress
from threading import Event, Lock, Thread
from time import monotonic

from twisted.logger import Logger

_log = Logger()

STEP_PAGES = 1000
"""Pages after which a checkpoint begins, as in SQLite itself; the writer copies fewer than so many."""
RESTART_PAGES = 2000
"""A `-wal` of so many pages is to begin anew."""
LONG_STEP_PAGES = 4000
"""A step that copies so many pages is synced meanwhile."""
SYNC_SECONDS = 0.01
LARGE_WAL_BYTES = 64 * 1024 * 1024
"""A `-wal` of this size is logged, with the reason; and again at each doubling."""
RETRY_SECONDS = 1.0
"""A checkpoint that a reader holds up is tried again after so long."""
MEBIBYTE = 1024 * 1024
INDEX_VERSION = 3007000
CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
sync = os.fsync


class WalIndex:
    """Reads from the `-shm` file how much `-wal` holds (https://www.sqlite.org/walformat.html).

    The file stays open until `close`, which must come after SQLite has closed its own: closing any descriptor of the
    file drops the locks of the whole process on it.
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(f"{path}-shm", os.O_RDONLY | os.O_NOFOLLOW)
        [version] = struct.unpack("=I", os.pread(self._file, 4, 0))
        self.is_known = version == INDEX_VERSION

    def read(self) -> tuple[int, int]:
        """Return how many pages `-wal` holds, and how many of them are copied."""
        pages, copied = struct.unpack_from("=16xI76xI", os.pread(self._file, 100, 0))
        return pages, copied

    def process_ids(self) -> set[int]:
        """Return the other processes that have the file locked, since they read; an empty set where it is not known."""
        inode = str(os.fstat(self._file).st_ino)
        found = set()
        with suppress(OSError, ValueError, IndexError), open("/proc/locks") as locks:
            for line in locks:
                fields = line.split()
                if fields[5].rpartition(":")[2] == inode:
                    found.add(int(fields[4]))
        return found - {os.getpid()}

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class Checkpointer:
    """Does the checkpoints of the file at `path` from `start` to `stop`; `after_commit` is for the writer's thread."""

    def start(self, path: str, writer: sqlite3.Connection, *, in_thread: bool = True) -> None:
        """Take over the checkpoints from the connection that writes; without a thread, the caller makes each `step`."""
        self._path, self._index = path, WalIndex(path)
        self._file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)  # open until `close`, as the index is
        self._one_at_a_time, self._wake, self._stop = Lock(), Event(), Event()
        self._retry_at, self._logged_bytes = 0.0, 0
        self._thread: Thread | None = None
        if self._index.is_known:
            writer.execute("PRAGMA wal_autocheckpoint = 0")
            [[self._page_bytes]] = writer.execute("PRAGMA page_size")
        if self._index.is_known and in_thread:
            self._thread = Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()

    def after_commit(self, writer: sqlite3.Connection) -> None:
        """Begin a checkpoint on the thread, or copy a small rest, where there is enough to copy."""
        if not self._index.is_known:
            return
        pages, copied = self._index.read()
        rest = pages - copied
        if rest >= STEP_PAGES:
            self._wake.set()
        elif pages >= RESTART_PAGES and rest and monotonic() >= self._retry_at:
            self._finish(writer)

    def _finish(self, writer: sqlite3.Connection) -> None:
        if self._one_at_a_time.acquire(blocking=False):
            try:
                if not self._copy(writer):
                    self._retry_at = monotonic() + RETRY_SECONDS
            finally:
                self._one_at_a_time.release()

    def stop(self) -> None:
        """Stop the thread, after the step that is under way."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Let go of the files; call it after all connections are closed."""
        self._index.close()
        os.close(self._file)

    def _run(self) -> None:
        db = sqlite3.connect(self._path, isolation_level=None)
        try:
            while True:
                self._wake.wait()
                if self._stop.is_set():
                    return
                if not self.step(db):
                    self._stop.wait(RETRY_SECONDS)
        finally:
            db.close()

    @property
    def is_due(self) -> bool:
        """Return True when there is enough to copy for a step."""
        return self._wake.is_set()

    def step(self, db: sqlite3.Connection) -> bool:
        """Copy what has come, with a connection of the thread's own; return False if a reader holds it up."""
        self._wake.clear()
        with self._one_at_a_time:
            _, before = self._index.read()
            self._copy_and_sync(db, self._index.read()[0] - before)
            pages, copied = self._index.read()
        self._log_size(pages)
        return copied > before or pages <= copied

    def _copy_and_sync(self, db: sqlite3.Connection, rest: int) -> None:
        over = Event()
        syncer = Thread(target=self._sync_until, args=(over,), name="checkpoint syncs", daemon=True)
        if rest >= LONG_STEP_PAGES:
            syncer.start()
        self._copy(db)
        over.set()
        if syncer.is_alive():
            syncer.join()
        self._sync()

    def _sync_until(self, over: Event) -> None:
        while not over.wait(SYNC_SECONDS):
            self._sync()

    def _sync(self) -> None:
        with suppress(OSError):  # e.g. the disk fails: SQLite's own sync meets it again, and says so
            sync(self._file)

    def _copy(self, db: sqlite3.Connection) -> bool:
        """Copy what can be copied; return True if that was everything."""
        pages, copied = self._index.read()
        if pages <= copied:
            return True  # see the head of this file: a checkpoint must not begin now
        try:
            [[busy, pages, copied]] = db.execute(CHECKPOINT)
        except sqlite3.Error:  # e.g. the disk is full: the next one tries again
            return False
        return not busy and pages == copied

    def _log_size(self, pages: int) -> None:
        size = pages * self._page_bytes
        if size >= max(LARGE_WAL_BYTES, 2 * self._logged_bytes):
            self._logged_bytes = size
            readers = ", ".join(sorted(map(_describe_process, self._index.process_ids())))
            _log.warn(
                "{path}-wal has grown to {size} MiB, because {readers} keeps an old state of the file in use;"
                " end it if it is not a backup",
                path=self._path,
                size=size // MEBIBYTE,
                readers=readers or "a reader (another program, or a long search)",
            )
        elif self._logged_bytes and size < LARGE_WAL_BYTES // 2:
            self._logged_bytes = 0
            _log.info("{path}-wal is small again", path=self._path)


def _describe_process(number: int) -> str:
    name = "a program"
    with suppress(OSError), open(f"/proc/{number}/comm") as file:
        name = file.read().strip()
    return f"{name} (process {number})"
