"""A start of the server on its file: SQLite's settings, the schema, the number of the start, and the log's epoch."""

from __future__ import annotations

import sqlite3
from secrets import token_bytes

from twisted.logger import Logger

from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.sqlite import epoch as epochs
from twisted_chat.stores.sqlite.files import StoreFiles
from twisted_chat.stores.sqlite.schema import VERSION, upgrade

_log = Logger()

MAX_KEPT_WAL_BYTES = 16 * 1024 * 1024
"""SQLite cuts a longer `-wal` to this size when it begins anew."""


def prepare(db: sqlite3.Connection, files: StoreFiles, time: int) -> tuple[int, str]:
    """Bring the file up to date; return the number of this start, and the log's epoch. Raises StoreError.

    `time` is in milliseconds since 1970, UTC.
    """
    [[version]] = db.execute("PRAGMA user_version")
    [[tables]] = db.execute("SELECT count(*) FROM sqlite_master")
    if version > VERSION:
        raise StoreError(f"{files.path} was made by a newer twisted_chat; update this one, or use another file")
    if tables and not version:
        raise StoreError(f"{files.path} is a database of something else; use another file")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA journal_size_limit = {MAX_KEPT_WAL_BYTES}")
    upgrade(db)
    start = db.execute("INSERT INTO starts (time) VALUES (?)", (time,)).lastrowid
    assert start is not None
    return start, _find_epoch(db, files, time)


def _find_epoch(db: sqlite3.Connection, files: StoreFiles, time: int) -> str:
    """Read the log's epoch; begin one if there is none, or if the file is older than it was."""
    last = last_id(db)
    epoch = epochs.current(db)
    if epochs.is_older(files.read_mark(), epoch, last):
        sentence = "{path} is older than it was: ids after {last} will be given again, so a new epoch begins"
        _log.warn(sentence, path=files.path, last=last)
        epoch = ""
    if not epoch:
        epoch = epochs.new_word()
        epochs.begin(db, epoch, time, last)
    files.write_mark(epochs.mark_of(epoch, last))
    return epoch


def secret_of(db: sqlite3.Connection) -> bytes:
    """Return the file's secret key, which is made when it is first asked for."""
    made = int.from_bytes(token_bytes(8), "big", signed=True)
    db.execute("INSERT OR IGNORE INTO marks VALUES ('secret', ?)", (made,))
    [[number]] = db.execute("SELECT value FROM marks WHERE name = 'secret'")
    secret: int = number
    return secret.to_bytes(8, "big", signed=True)


def last_id(db: sqlite3.Connection) -> int:
    """Return the id of the newest record that the log has given; records may have been deleted since."""
    [[last]] = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'records'")
    number: int = last
    return number
