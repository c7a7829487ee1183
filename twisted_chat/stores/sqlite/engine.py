"""The SQLite library that this Python has: whether it can do what the statements need, and a fault of old versions."""

from __future__ import annotations

import sqlite3

from twisted_chat.core.interfaces import StoreError

Version = tuple[int, ...]

NEEDED_VERSION: Version = (3, 35, 0)
"""ON CONFLICT without the name of a column came with this version. Ubuntu 22.04 has 3.37."""
FEATURES = {
    "FTS5": "CREATE VIRTUAL TABLE probe USING fts5 (text, content = '')",
    "JSON": "SELECT json_extract(value, '$[0]') FROM json_each('[[1]]')",
    "window functions": "SELECT sum(1) OVER ()",
}
"""Parts that a library of a sufficient version may have been built without; each with a statement that needs it."""
NO_THREADS = "THREADSAFE=0"
"""The option of a library that only one thread may use; the store has two or three, each with its connection."""
MENDED_VERSIONS: tuple[tuple[Version, Version], ...] = (((3, 44, 6), (3, 45)), ((3, 50, 7), (3, 51)))
"""Ranges of versions before MENDED_SINCE that have the correction of the WAL-reset fault too."""
MENDED_SINCE: Version = (3, 51, 3)
WAL_RESET_FAULT = (
    "SQLite {version} has the WAL-reset fault (mended in 3.51.3): the server avoids it,"
    " but let no other program write to {path} while the server runs"
)


def check_library() -> None:
    """Check the library with which the store would be opened. Raises StoreError."""
    version = sqlite3.sqlite_version_info
    if version < NEEDED_VERSION:
        needed = ".".join(map(str, NEEDED_VERSION))
        raise StoreError(
            f"the store needs SQLite {needed} or newer, and this Python has {sqlite3.sqlite_version};"
            " use a Python with a newer SQLite, or --store memory"
        )
    probe = sqlite3.connect(":memory:")
    try:
        lacking = [feature for feature, statement in FEATURES.items() if not _can(probe, statement)]
        if (NO_THREADS,) in probe.execute("PRAGMA compile_options"):
            lacking.append("threads")
        if lacking:
            raise StoreError(
                f"the store needs {' and '.join(lacking)}, and this Python's SQLite {sqlite3.sqlite_version} was built"
                " without; use another Python, or --store memory"
            )
    finally:
        probe.close()


def _can(db: sqlite3.Connection, statement: str) -> bool:
    try:
        db.execute(statement)
    except sqlite3.Error:
        return False
    return True


def has_wal_reset_fault(version: Version) -> bool:
    """Return True if two connections that write and checkpoint at the same moment can damage a file.

    See https://www.sqlite.org/wal.html#walresetbug. The server avoids it (checkpoints.py), but another program
    that writes to the file while the server runs could meet it.
    """
    return version < MENDED_SINCE and not any(first <= version < end for first, end in MENDED_VERSIONS)
