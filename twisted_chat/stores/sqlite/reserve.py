"""The reserve: room on the disk that is kept for accounts and the operator when guests have filled the rest.

A file beside the store takes up the reserve. The states, looked at ten times a second while something is written:

state   event                                          → state   action
ENOUGH  less free than the reserve                     → LOW     log it; messages of guests are refused
LOW     a write fails, and the disk is full            → SPENT   empty the reserve's file, and write again
LOW     clearly more free than the reserve             → ENOUGH  log it
SPENT   room for the reserve and clearly more than it  → ENOUGH  fill the file again, and log it
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from time import monotonic

from twisted.logger import Logger

_log = Logger()

DEFAULT_RESERVE_BYTES = 16 * 1024 * 1024
MAX_DEFAULT_SHARE = 16
"""By default, the reserve is at most this part of the whole file system."""
LOOK_SECONDS = 0.1
MEBIBYTE = 1024 * 1024

FreeBytes = Callable[[str], int]


class Room(Enum):
    """The room on the disk; see the table above."""

    ENOUGH = auto()
    LOW = auto()
    SPENT = auto()


class Reserve:
    """Keeps `size` bytes in a file at `path`; by default DEFAULT_RESERVE_BYTES, and 0 for none.

    Used by the worker's thread; `low` may be read by any. `free_bytes` returns the room that a folder has.
    """

    def __init__(self, size: int | None = None, free_bytes: FreeBytes | None = None) -> None:
        self.size = 0
        self._asked, self._free_bytes = size, free_bytes or _free_bytes
        self._room, self._next_look = Room.ENOUGH, 0.0

    @property
    def low(self) -> bool:
        """Return True while messages of guests should be refused."""
        return self._room is not Room.ENOUGH

    def open(self, path: str, store: str) -> None:
        """Take up the reserve in the file at `path`; `store` is named in the log."""
        self._path, self._store, self._folder = path, store, os.path.dirname(path) or "."
        self.size = default_size(self._folder) if self._asked is None else self._asked
        if self.size:
            self._room = Room.ENOUGH if self._fill() else Room.SPENT
            self.look(now=True)
        elif os.path.exists(path):
            os.unlink(path)

    def look(self, now: bool = False) -> None:
        """Look how much room there is, at most once in LOOK_SECONDS unless it must be `now`."""
        time = monotonic()
        if not self.size or (time < self._next_look and not now):
            return
        self._next_look = time + LOOK_SECONDS
        free = self._free_bytes(self._folder)
        if self._room is Room.ENOUGH and free < self.size:
            self._room = Room.LOW
            sentence = "the disk of {path} is almost full ({free} MiB free): messages of guests are refused; make room"
            _log.warn(sentence, path=self._store, free=free // MEBIBYTE)
            return
        enough = self.size + self.size // 4
        if self._room is Room.SPENT:
            if free >= self.size + enough and self._fill():
                self._enough()
        elif self._room is Room.LOW and free >= enough:
            self._enough()

    def spend(self) -> bool:
        """Empty the reserve's file after a failed write; return True if that made room."""
        if not self.size or self._room is Room.SPENT or self._free_bytes(self._folder) > self.size // 4:
            return False
        self._room = Room.SPENT
        _log.error("the disk of {path} is full: the reserve is used now; make room", path=self._store)
        try:
            os.truncate(self._path, 0)
        except OSError:
            return False
        return True

    def _enough(self) -> None:
        self._room = Room.ENOUGH
        _log.info("the disk of {path} has room again", path=self._store)

    def _fill(self) -> bool:
        """Make the file as large as the reserve; return False if there is no room for it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return False
        try:
            os.ftruncate(descriptor, min(os.fstat(descriptor).st_size, self.size))
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, self.size)
            return True
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            return False
        finally:
            os.close(descriptor)


def default_size(folder: str) -> int:
    """Return the reserve for the file system of a folder if the operator has named none."""
    status = os.statvfs(folder)
    return min(DEFAULT_RESERVE_BYTES, status.f_blocks * status.f_frsize // MAX_DEFAULT_SHARE)


def _free_bytes(folder: str) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
