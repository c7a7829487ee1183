"""Checkpoints: one at a time, and never when everything is copied already. The test makes the thread's steps.

The thread itself is in tests/e2e/test_checkpoints.py.
"""

from __future__ import annotations

import sqlite3
from threading import Event

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.stores.sqlite import checkpoints
from twisted_chat.stores.sqlite.checkpoints import CHECKPOINT, Checkpointer, WalIndex


class CheckpointTests(SynchronousTestCase):
    """A file with a writer, whose checkpoints are small in these tests."""

    def setUp(self) -> None:
        self.patch(checkpoints, "STEP_PAGES", 20)
        self.patch(checkpoints, "RESTART_PAGES", 60)
        self.patch(checkpoints, "RETRY_SECONDS", 0.0)
        self.path = self.mktemp()
        self.db = self.connect()
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, text TEXT)")
        self.copier = self.connect()
        self.index = WalIndex(self.path)
        self.addCleanup(self.index.close)
        self.addCleanup(self.db.close)
        self.addCleanup(self.copier.close)

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)

    def started(self) -> Checkpointer:
        checkpointer = Checkpointer()
        checkpointer.start(self.path, self.db, in_thread=False)
        self.addCleanup(checkpointer.close)
        return checkpointer

    def write(self, checkpointer: Checkpointer, times: int = 1) -> None:
        for _ in range(times):
            self.db.execute("INSERT INTO records (text) VALUES (?)", ("x" * 10_000,))
            checkpointer.after_commit(self.db)

    def reader(self) -> sqlite3.Connection:
        """Return a connection that keeps the present state of the file in use."""
        reader = self.connect()
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM records").fetchall()
        return reader

    def test_the_index_says_what_sqlite_says(self) -> None:
        self.db.execute("PRAGMA wal_autocheckpoint = 0")
        for _ in range(10):
            self.db.execute("INSERT INTO records (text) VALUES (?)", ("x" * 10_000,))
        pages, copied = self.index.read()
        self.assertGreater(pages, copied)
        self.assertEqual(self.db.execute(CHECKPOINT).fetchall(), [(0, pages, pages)])
        self.assertEqual(self.index.read(), (pages, pages))

    def test_a_step_copies_what_the_writer_has_written(self) -> None:
        checkpointer = self.started()
        self.write(checkpointer)
        self.assertFalse(checkpointer.is_due)
        self.write(checkpointer, 20)
        self.assertTrue(checkpointer.is_due)
        self.assertTrue(checkpointer.step(self.copier))
        pages, copied = self.index.read()
        self.assertEqual((pages, checkpointer.is_due), (copied, False))
        self.assertGreaterEqual(copied, 20)
        self.assertEqual(self.db.execute("PRAGMA wal_autocheckpoint").fetchall(), [(0,)])

    def test_a_step_that_a_reader_holds_up_says_so(self) -> None:
        checkpointer = self.started()
        reader = self.reader()
        self.write(checkpointer, 20)
        checkpointer.step(self.copier)
        self.write(checkpointer, 20)
        self.assertFalse(checkpointer.step(self.copier))
        reader.close()
        self.assertTrue(checkpointer.step(self.copier))

    def test_the_wal_begins_anew_under_a_writer_that_never_rests(self) -> None:
        checkpointer = self.started()
        most = pages = 0
        while pages >= most:
            most = pages
            self.assertLess(most, 500)
            self.write(checkpointer)
            if checkpointer.is_due:
                reader = self.reader()
                self.write(checkpointer)  # while the step is under way
                checkpointer.step(self.copier)
                reader.close()
                pages, copied = self.index.read()
                self.assertLess(copied, pages, "the step leaves a rest")
            pages, _ = self.index.read()
        self.assertGreaterEqual(most, 60)

    def test_nothing_is_begun_when_everything_is_copied(self) -> None:
        checkpointer = self.started()
        self.write(checkpointer)
        checkpointer._copy(self.db)
        asked: list[str] = []
        self.db.set_trace_callback(asked.append)
        self.assertTrue(checkpointer._copy(self.db))
        self.assertEqual(asked, [], "the WAL-reset fault needs a checkpoint at this moment")

    def test_one_checkpoint_at_a_time(self) -> None:
        checkpointer = self.started()
        self.write(checkpointer, 20)
        reader = self.reader()
        self.write(checkpointer)
        checkpointer.step(self.copier)
        reader.close()
        before = self.index.read()
        with checkpointer._one_at_a_time:
            self.write(checkpointer)
            self.assertEqual(self.index.read()[1], before[1], "the writer has not copied the rest")
        self.write(checkpointer)
        self.assertNotEqual(self.index.read()[1], before[1], "now it has")

    def test_a_large_wal_is_logged_with_its_reason_and_its_end(self) -> None:
        self.patch(checkpoints, "LARGE_WAL_BYTES", 400_000)
        reader = self.reader()
        with capturedLogs() as logged:
            checkpointer = self.started()
            self.write(checkpointer, 150)
            checkpointer.step(self.copier)
            self.assertEqual(len(logged), 1)
            reader.close()
            checkpointer.step(self.copier)
            while not checkpointer.is_due:
                self.write(checkpointer)
            checkpointer.step(self.copier)
        lines = [formatEvent(event) or "" for event in logged]
        self.assertIn("-wal has grown to", lines[0])
        self.assertIn("keeps an old state of the file in use", lines[0])
        self.assertIn("small again", lines[-1])

    def test_a_step_syncs_the_file_so_that_no_commit_has_to(self) -> None:
        synced: list[int] = []
        self.patch(checkpoints, "sync", synced.append)
        checkpointer = self.started()
        reader = self.reader()
        self.write(checkpointer, 30)
        checkpointer.step(self.copier)
        copied = len(synced)
        self.assertTrue(copied, "also where not everything can be copied, and SQLite syncs nothing")
        reader.close()
        while not checkpointer.is_due and self.index.read()[0] > 20:
            self.write(checkpointer)
        self.assertEqual(len(synced), copied, "the writer has not")

    def test_a_long_step_is_synced_meanwhile(self) -> None:
        self.patch(checkpoints, "LONG_STEP_PAGES", 10)
        self.patch(checkpoints, "SYNC_SECONDS", 0.0)
        copying, synced, ignored = Event(), Event(), Event()
        self.patch(checkpoints, "sync", lambda file: (synced if copying.is_set() else ignored).set())
        checkpointer = self.started()

        def copy(db: sqlite3.Connection) -> bool:
            copying.set()
            self.assertTrue(synced.wait(10), "a sync while it copies")
            return True

        self.patch(checkpointer, "_copy", copy)
        self.write(checkpointer, 30)
        checkpointer.step(self.copier)
