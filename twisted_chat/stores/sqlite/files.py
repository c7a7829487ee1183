"""The store's file on the disk: where it is, who may open it, the locks on it, and whether it is still there.

The lock is the truth about which process uses a file. It is held twice: on `<file>.lock`, so that it can be had before
the file exists, and on Linux on the file itself, so that no other name of the file (a mount, a link) gets around it.

A file that was lost while the server runs:

state  event                                        → state  action
HERE   another file or none at the path             → LOST   every write fails, as on a broken disk
HERE   `-wal` or `-shm` is another or missing       → LOST   the same; the server first saves what `-wal` held
LOST   all are back, and the file is unchanged      → HERE   writes go on
LOST   all are back, but the file has changed       → LOST   until the server is started again
"""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import time

from twisted.logger import Logger

from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.sqlite.locks import FileId, InUse, follow, give_to_folder_owner, id_of, lock, lock_file, reason

_log = Logger()

SETTLE_NANOSECONDS = 100_000_000
"""A folder's time is taken for unchanged only when it is older than this, since a clock of a file system is coarse."""
NEVER = -1
SIDECARS = ("-wal", "-shm")
"""Files that SQLite keeps beside the file while it is open."""
LOCKS_THE_FILE = sys.platform == "linux"
"""On other systems SQLite's own locks and flock on the same file can get into each other's way."""


class FileLost(sqlite3.OperationalError):
    """The file is no longer at its path; `can_save` is True if only `-wal` is missing."""

    def __init__(self, sentence: str, can_save: bool = False) -> None:
        super().__init__(sentence)
        self.can_save = can_save


class StoreFiles:
    """Claims the store file at `path` for this process, from `claim` to `release`.

    Call `attach` when SQLite has opened the file, and `problem` before each write. `release` comes after SQLite has
    closed the file, since closing any descriptor of it drops SQLite's own locks.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock: int | None = None
        self._file: int | None = None
        self._folder: int | None = None
        self._unchanged_since = NEVER
        self._ids: list[tuple[str, FileId]] = []
        self._lost: FileLost | None = None
        self._content: tuple[int, int] = (0, 0)  # size and time of the last change, while the file is lost

    # claiming

    def claim(self, timeout: float) -> None:
        """Follow links, lock the file, and create it if it is new. Raises StoreError, and InUse after `timeout`."""
        was_locked_before = self.lock(timeout)
        try:
            self._check_missing(was_locked_before)
            self._file = self._open()
            if LOCKS_THE_FILE:
                lock(self._file, timeout, self.path)
            self._secure()
        except BaseException as problem:
            if not was_locked_before and not isinstance(problem, InUse) and not os.path.isfile(self.path):
                os.unlink(f"{self.path}.lock")  # or the next start would say that the file is missing
            self.release()
            raise

    def lock(self, timeout: float) -> bool:
        """Follow links, and lock the place of the file; return True if a server has used it before."""
        self.path = follow(self.path)
        lock_path = f"{self.path}.lock"
        was_locked_before = os.path.lexists(lock_path)
        self._lock = lock_file(lock_path, timeout, self.path)
        give_to_folder_owner(lock_path)
        return was_locked_before

    def release(self) -> None:
        """Unlock and let go of the file; a second call does nothing."""
        for descriptor in (self._file, self._lock, self._folder):
            if descriptor is not None:
                os.close(descriptor)
        self._file = self._lock = self._folder = None

    def attach(self) -> None:
        """Remember the files that SQLite uses. Raises StoreError if the file was exchanged meanwhile."""
        assert self._file is not None
        self._secure()
        self._folder = os.open(os.path.dirname(self.path) or ".", os.O_RDONLY)
        self._ids = [(self.path, id_of(os.fstat(self._file)))]
        for path in (self.path + suffix for suffix in SIDECARS):
            try:
                self._ids.append((path, id_of(os.stat(path))))
            except FileNotFoundError:  # SQLite keeps none in this file system
                continue
        if (problem := self.problem()) is not None:
            raise StoreError(str(problem))

    # the mark

    def read_mark(self) -> str:
        """Return the text that was kept in the lock's file; it survives when the file itself is exchanged."""
        assert self._lock is not None
        return os.pread(self._lock, 256, 0).decode(errors="replace")

    def write_mark(self, text: str) -> None:
        """Keep a short text in the lock's file."""
        if self._lock is not None:
            data = text.encode()
            try:
                os.pwrite(self._lock, data, 0)
                os.ftruncate(self._lock, len(data))
            except OSError:  # a full disk: the mark only helps to notice an old file
                return

    # watching

    def problem(self) -> FileLost | None:
        """Return the reason why nothing may be written now, if there is one.

        Whatever happens to a name in the folder changes the folder's time, so ordinarily this costs one call of fstat.
        """
        changed = 0
        if self._lost is None and self._folder is not None:
            changed = os.fstat(self._folder).st_mtime_ns
            if changed == self._unchanged_since:
                return None
        if self._lost is None:
            for path, id in self._ids:
                try:
                    if id_of(os.stat(path, follow_symlinks=False)) == id:
                        continue
                    self._lost = self._describe(path, exists=True)
                except OSError:
                    self._lost = self._describe(path, exists=False)
                break
        elif self._is_back():
            self._lost = None
        is_settled = self._lost is None and time.time_ns() - changed > SETTLE_NANOSECONDS
        self._unchanged_since = changed if is_settled else NEVER
        return self._lost

    def look_closely(self) -> None:
        """Have the next call of `problem` look at every name: the folder itself may have been moved."""
        self._unchanged_since = NEVER

    def note_content(self) -> None:
        """Remember the content of a file that was lost, to tell later whether it came back unchanged."""
        self._content = self._content_now()

    def _describe(self, path: str, exists: bool) -> FileLost:
        self.note_content()
        what = "is another file now" if exists else "was deleted or moved"
        if path != self.path:
            return FileLost(f"{path} {what} while the server runs; restart the server", can_save=not exists)
        way_out = "put the right one back, or stop the server and restore a backup"
        return FileLost(f"{path} {what} while the server runs; {way_out}")

    def _is_back(self) -> bool:
        try:
            here = all(id_of(os.stat(path, follow_symlinks=False)) == id for path, id in self._ids)
        except OSError:
            return False
        return here and self._content_now() == self._content

    def _content_now(self) -> tuple[int, int]:
        assert self._file is not None
        status = os.fstat(self._file)
        return status.st_size, status.st_mtime_ns

    # checks at the start

    def _check_missing(self, was_locked_before: bool) -> None:
        """Refuse to make a new file where an old one has gone: anybody could register the old names there."""
        path = self.path
        if os.path.lexists(path):
            return
        left = [f"{path}-wal"] if os.path.lexists(f"{path}-wal") else []
        left += [f"{path}.lock"] if was_locked_before else []
        if left:
            files = " and ".join(left)
            raise StoreError(
                f"{path} is missing, but {files} of an earlier server {'are' if len(left) > 1 else 'is'} there;"
                f" put the file back or restore a backup, or delete {files} to begin anew"
            )

    def _open(self) -> int:
        """Open the file, or create it so that only its owner can read it, as SQLite would not. Raises StoreError."""
        path = self.path
        for sidecar in (f"{path}-wal", f"{path}-shm", f"{path}-journal"):
            if os.path.islink(sidecar):
                raise StoreError(f"{sidecar} is a symbolic link, which SQLite would write through; remove it")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        except OSError as problem:
            raise StoreError(f"cannot use {path}: {reason(problem, path)}") from None
        status = os.fstat(descriptor)
        trouble = None
        if not stat.S_ISREG(status.st_mode):
            trouble = f"cannot use {path}: it is not a file"
        elif status.st_nlink > 1:
            trouble = (
                f"{path} has {status.st_nlink} names (hard links), and SQLite would keep a -wal file for each;"
                " delete the other names, or use a copy made by `twisted-chat backup`"
            )
        if trouble is not None:
            os.close(descriptor)
            raise StoreError(trouble)
        return descriptor

    def _secure(self) -> None:
        """Give what root has made to the owner of the folder, and take a file from the eyes of other users."""
        assert self._file is not None
        files = [path for path in (self.path + suffix for suffix in ("", *SIDECARS)) if os.path.isfile(path)]
        for file in files:
            give_to_folder_owner(file)
        mode = stat.S_IMODE(os.fstat(self._file).st_mode)
        if mode & stat.S_IRWXO:
            try:
                for file in files:
                    os.chmod(file, 0o600)
            except OSError:
                _log.warn("{path} can be read by other users of this machine; run: chmod 600 {path}", path=self.path)
            else:
                sentence = "{path} could be read by other users of this machine (mode {mode:o}); its mode is 600 now"
                _log.warn(sentence, path=self.path, mode=mode)
