"""The epoch of a log: a random word that tells one history of ids from another.

A file that is restored from a backup gives ids again that its clients know for other records. So a restore begins a new
epoch, and so does the server when it finds a file that is older than the one that it had before: beside the file, in
the file of the lock, it keeps a mark with the epoch and the newest id.
"""

from __future__ import annotations

import sqlite3
from secrets import token_hex

EPOCH_BYTES = 8


def current(db: sqlite3.Connection) -> str:
    """Return the epoch of the log in a file; an empty string if none has begun."""
    rows = db.execute("SELECT word FROM epochs ORDER BY id DESC LIMIT 1").fetchall()
    word: str = rows[0][0] if rows else ""
    return word


def new_word() -> str:
    """Return the word of an epoch that begins."""
    return token_hex(EPOCH_BYTES)


def begin(db: sqlite3.Connection, word: str, time: int, last: int) -> None:
    """Note in a file that an epoch begins behind the record `last`. `time` is in milliseconds since 1970."""
    db.execute("INSERT INTO epochs (word, time, last) VALUES (?, ?, ?)", (word, time, last))


def mark_of(epoch: str, last: int) -> str:
    """Return the mark for a log in this epoch, whose newest record is `last`."""
    return f"{epoch} {last}\n"


def is_older(mark: str, epoch: str, last: int) -> bool:
    """Return True if a file with this epoch and newest record is older than the one that the mark was made for."""
    marked, _, newest = mark.strip().partition(" ")
    return marked == epoch and newest.isascii() and newest.isdigit() and int(newest[:20]) > last
