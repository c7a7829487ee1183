"""Links, locks and owners: how a file is found and taken, so that one process uses it, under whatever name."""

from __future__ import annotations

import fcntl
import os
import stat
from time import monotonic, sleep

from twisted.logger import Logger

from twisted_chat.core.interfaces import StoreError

_log = Logger()

LOCK_TIMEOUT_SECONDS = 6.0
"""A server waits so long for a process that has the file: a server that is stopping, or an operator's command."""
LOCK_RETRY_SECONDS = 0.05
MAX_LINKS = 40
"""Symbolic links that are followed from one path, as in the Linux kernel."""
FileId = tuple[int, int]


class InUse(StoreError):
    """Raised when another process uses the file."""


def give_to_folder_owner(path: str) -> None:
    """Give a file that belongs to root, made by root's command, to the owner of its folder."""
    folder = os.stat(os.path.dirname(path) or ".")
    if os.geteuid() == os.lstat(path).st_uid == 0 != folder.st_uid:
        os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)


def follow(path: str) -> str:
    """Return the path of the file that a path leads to through symbolic links; its folder's path stays as it is.

    Raises StoreError for a link in a folder in which other users could exchange it.
    """
    for _ in range(MAX_LINKS):
        try:
            target = os.readlink(path)
        except OSError:
            return path
        folder = os.stat(os.path.dirname(path) or ".")
        shared = stat.S_IWOTH if folder.st_gid == os.getegid() else stat.S_IWOTH | stat.S_IWGRP
        if folder.st_mode & shared:
            raise StoreError(
                f"{path} is a symbolic link in a folder that other users can write to, so it is not followed;"
                " give the path of the file itself"
            )
        path = os.path.join(os.path.dirname(path), target)
    raise StoreError(f"{path} is a symbolic link that leads in a circle; give the path of the file itself")


def lock_file(path: str, timeout: float, locked: str) -> int:
    """Open and lock the file at `path`, which another process may remove meanwhile; return its descriptor."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as problem:
            raise StoreError(f"cannot write to {path}: {reason(problem, path)}") from None
        try:
            lock(descriptor, timeout, locked)
            if id_of(os.stat(path)) == id_of(os.fstat(descriptor)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def lock(descriptor: int, timeout: float, path: str) -> None:
    """Lock a descriptor until it is closed. Raises InUse if another process has not unlocked it after `timeout`."""
    deadline, has_waited = monotonic() + timeout, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if monotonic() >= deadline:
                raise InUse(f"another server uses {path}; stop it, or use another file") from None
        if not has_waited:
            has_waited = True
            _log.info("waiting for another process to close {path}", path=path)
        sleep(LOCK_RETRY_SECONDS)


def reason(problem: OSError, path: str) -> str:
    """Return the system's reason, and for a file of another user whose it is."""
    reason = problem.strerror or str(problem)
    if isinstance(problem, PermissionError):
        try:
            owner = os.stat(path).st_uid
        except OSError:
            return reason
        if owner != os.geteuid():
            return f"{reason}; it belongs to the user with the number {owner}"
    return reason


def id_of(status: os.stat_result) -> FileId:
    """Return the identity of a file, whatever its name is."""
    return status.st_dev, status.st_ino
