"""`twisted-chat backup` and `twisted-chat restore`: copies of the store's file, which only their owner can read.

A backup needs no stop: SQLite's backup reads the file as it is at one moment, beside a server that writes. A restore
puts a copy in the place of the file while no server runs, keeps the file of before under another name, and begins a
new epoch, since ids after the backup will be given again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from argparse import Namespace
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

from twisted_chat.admin.cli import DEFAULT_STORE, CommandError, fail, store_path
from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.sqlite import epoch as epochs
from twisted_chat.stores.sqlite.engine import check_library
from twisted_chat.stores.sqlite.files import SIDECARS, StoreFiles
from twisted_chat.stores.sqlite.locks import LOCK_TIMEOUT_SECONDS, follow
from twisted_chat.stores.sqlite.schema import VERSION, upgrade
from twisted_chat.wire.terminal import printable_line

BUSY_TIMEOUT_SECONDS = 10.0


def add_backup(commands: Any) -> None:
    """Add the commands `backup` and `restore` to a parser's commands."""
    backup = commands.add_parser(
        "backup",
        help="copy the server's file, even while the server runs",
        description="Copy the server's file into a new FILE that only you can read, and check the copy."
        " The server may be running.",
    )
    restore = commands.add_parser(
        "restore",
        help="put a backup in the place of the server's file",
        description="Check FILE, and put a copy of it in the place of the server's file. The server must be stopped."
        " The file of before is kept under another name.",
    )
    for parser, do, help in (
        (backup, _back_up, "the new file; it must not exist yet"),
        (restore, _restore, "a file that `twisted-chat backup` has made"),
    ):
        parser.add_argument("file", metavar="FILE", help=help)
        parser.add_argument(
            "--store", default=DEFAULT_STORE, metavar="sqlite:PATH", help=f"the server's store [{DEFAULT_STORE}]"
        )
        parser.set_defaults(run=_run, do=do, parser=parser)


def _run(options: Namespace) -> int:
    try:
        check_library()
        print(printable_line(options.do(store_path(options), options.file)))
    except (CommandError, StoreError) as error:
        return fail(str(error))
    except sqlite3.Error as error:
        return fail(f"SQLite cannot do this: {error}")
    except OSError as error:
        return fail(f"cannot use {error.filename or options.file}: {error.strerror}")
    return 0


def _back_up(store: str, file: str) -> str:
    store = follow(store)
    if not os.path.isfile(store):
        raise CommandError(f"there is no file {store}; name the server's file with --store sqlite:PATH")
    if os.path.lexists(file):
        raise CommandError(f"{file} exists already; give another name, or move it away first")
    with NewFile(file) as part, closing(_open_to_read(store)) as source:
        records = _copy(source, part)
        os.link(part, file)  # unlike rename, it never replaces a file that was made meanwhile
    _sync_folder(file)
    return f"backed up {store} to {file}: {records}, {_size(file)}"


def _restore(store: str, file: str) -> str:
    if not os.path.isfile(file):
        raise CommandError(f"there is no file {file}")
    files = StoreFiles(store)
    with ExitStack() as undo:
        (files.claim if os.path.lexists(follow(store)) else files.lock)(LOCK_TIMEOUT_SECONDS)
        undo.callback(files.release)
        store = files.path
        if os.path.exists(store) and os.path.samefile(store, file):
            raise CommandError(f"{file} is the server's file itself; give the file of a backup")
        part = undo.enter_context(NewFile(store))
        with closing(_open_to_read(file)) as source:
            records = _copy(source, part)
        _begin_epoch(part)
        _give_to_owner_of(store if os.path.exists(store) else f"{store}.lock", part)
        kept = _keep_old(store)
        os.replace(part, store)
        _sync_folder(store)
        files.write_mark("")
    old = f"; the file of before is {kept}" if kept else ""
    return f"restored {store} from {file}: {records}, in a new epoch{old}"


class NewFile:
    """A new file beside `path` that only its owner can read; it is removed at the end, unless it was renamed."""

    def __init__(self, path: str) -> None:
        self.path = f"{path}.part-{os.getpid()}"

    def __enter__(self) -> str:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return self.path

    def __exit__(self, *_: object) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                os.unlink(self.path + suffix)


def _open_to_read(path: str) -> sqlite3.Connection:
    """Open a file that is to be copied. Raises CommandError if it is none of this program's."""
    db = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_SECONDS)
    try:
        [[version]] = db.execute("PRAGMA user_version")
        [[tables]] = db.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('records', 'starts')")
    except sqlite3.Error as problem:
        db.close()
        raise CommandError(f"cannot read {path}: {problem}") from None
    if tables < 2 or not 0 < version <= VERSION:
        db.close()
        newer = (
            "was made by a newer twisted_chat" if tables == 2 and version > VERSION else "is no file of a chat server"
        )
        raise CommandError(f"{path} {newer}")
    return db


def _copy(source: sqlite3.Connection, target: str) -> str:
    """Copy a database in one step, check the copy, and write it to the disk; return how many records it has."""
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # so that the copy is one file
        [[problem]] = copy.execute("PRAGMA integrity_check(1)")
        if problem != "ok":
            reason = " ".join(problem.split())
            raise CommandError(f"the copy is damaged, so the file that was read is: {reason}; nothing was changed")
        [[records]] = copy.execute("SELECT count(*) FROM records")
    descriptor = os.open(target, os.O_RDWR)
    try:
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return f"{records} record{'' if records == 1 else 's'}"


def _begin_epoch(path: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        upgrade(db)
        [[last]] = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'records'")
        epochs.begin(db, epochs.new_word(), int(time.time() * 1000), last)


def _give_to_owner_of(path: str, file: str) -> None:
    """Give root's file to the user that the server runs as."""
    owner = os.stat(path)
    if os.geteuid() == 0:
        os.chown(file, owner.st_uid, owner.st_gid)


def _keep_old(store: str) -> str:
    """Give the file of before, with its -wal, another name; return the name, or "" if there is none.

    If this is interrupted, the file is never there without its -wal, which has the newest messages. A -wal whose file
    is gone is moved as well: SQLite would write it into the restored file.
    """
    kept = f"{store}.before-{time.strftime('%Y%m%d-%H%M%S')}"
    if os.path.lexists(kept) or os.path.lexists(f"{kept}-wal"):
        kept += f"-{os.getpid()}"
    wal, shm = (store + suffix for suffix in SIDECARS)
    had_file = os.path.lexists(store)
    if had_file:
        os.rename(store, kept)
    if os.path.lexists(wal):
        os.rename(wal, f"{kept}-wal")
    with suppress(FileNotFoundError):
        os.unlink(shm)
    return kept if had_file else ""


def _sync_folder(path: str) -> None:
    descriptor = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: str) -> str:
    size = os.path.getsize(path)
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size // 1024} KiB"
