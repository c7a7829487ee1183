"""Checkpoints of a file by the real thread, beside a writer."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PATIENCE

from twisted_chat.stores.sqlite import checkpoints
from twisted_chat.stores.sqlite.checkpoints import Checkpointer


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10 * PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_thread_copies_while_the_writer_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "STEP_PAGES", 20)
    monkeypatch.setattr(checkpoints, "RESTART_PAGES", 60)
    path = str(tmp_path / "chat.sqlite3")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, text TEXT)")
    checkpointer = Checkpointer()
    checkpointer.start(path, db)
    size = os.path.getsize(path)
    written = 0

    def write() -> None:
        nonlocal written
        db.execute("INSERT INTO records (text) VALUES (?)", ("x" * 10_000,))
        written += 1
        checkpointer.after_commit(db)

    def is_copied() -> bool:
        write()
        return os.path.getsize(path) > size + 100_000

    until(is_copied)
    for _ in range(100):
        write()
    checkpointer.stop()
    db.close()
    checkpointer.close()
    assert not os.path.exists(f"{path}-wal")
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM records").fetchall() == [(written,)]
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
