"""The store's file: claimed once, looked at once a minute, and never written to when it is no longer there."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.sqlite.database import LOOK_SECONDS, Database
from twisted_chat.stores.sqlite.files import StoreFiles
from twisted_chat.stores.sqlite.locks import InUse, follow
from twisted_chat.stores.sqlite.worker import InlineWorker
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import entry
from twisted_chat.test.support_sqlite import SqliteFixture


class ClaimTests(TestCase):
    def setUp(self) -> None:
        self.folder = self.mktemp()
        os.makedirs(self.folder)
        self.path = os.path.join(self.folder, "chat.sqlite3")

    def claimed(self, path: str) -> StoreFiles:
        files = StoreFiles(path)
        files.claim(0.0)
        self.addCleanup(files.release)
        return files

    def problem(self, path: str) -> str:
        with self.assertRaises(StoreError) as caught:
            self.claimed(path)
        return str(caught.exception)

    def test_a_file_is_claimed_once_by_whatever_name(self) -> None:
        self.claimed(self.path)
        link = os.path.join(self.folder, "link")
        os.symlink("chat.sqlite3", link)
        for path in (self.path, link, os.path.join(self.folder, ".", "chat.sqlite3")):
            with self.assertRaises(InUse):
                StoreFiles(path).claim(0.0)

    def test_a_link_leads_to_the_file_that_is_locked(self) -> None:
        link, second = os.path.join(self.folder, "link"), os.path.join(self.folder, "second")
        os.symlink("chat.sqlite3", link)
        os.symlink(os.path.abspath(link), second)
        self.assertEqual(follow(second), os.path.join(os.path.dirname(os.path.abspath(link)), "chat.sqlite3"))

    def test_links_in_a_circle_are_refused(self) -> None:
        link = os.path.join(self.folder, "link")
        os.symlink("link", link)
        self.assertIn("leads in a circle", self.problem(link))

    def test_a_folder_and_a_pipe_are_refused(self) -> None:
        os.mkdir(self.path)
        self.assertIn("Is a directory", self.problem(self.path))
        self.assertFalse(os.path.lexists(f"{self.path}.lock"))
        os.rmdir(self.path)
        os.mkfifo(self.path)
        self.assertIn("it is not a file", self.problem(self.path))
        self.assertFalse(os.path.lexists(f"{self.path}.lock"))

    def test_a_start_that_fails_before_there_is_a_file_leaves_no_lock(self) -> None:
        os.symlink("elsewhere", f"{self.path}-shm")
        self.assertIn("is a symbolic link", self.problem(self.path))
        self.assertEqual(os.listdir(self.folder), ["chat.sqlite3-shm"])


class WatchTests(SqliteFixture, LogFixture, TestCase):
    """A log that is open while something happens to its file."""

    async def test_an_idle_server_looks_once_a_minute(self) -> None:
        await self.log.close()
        clock = Clock()
        worker: InlineWorker[Any] = InlineWorker()
        database = Database(self.path, worker, maybeDeferred, lambda: self.now, clock=clock)
        self.patch(self, "opened", lambda: None)
        database.open()
        self.addCleanup(database.close)
        writer: Any = type("Writer", (), {"rest": lambda self: False})()
        database.start_writing(lambda db: writer, lambda batches, result: None)
        clock.advance(LOOK_SECONDS)
        with capturedLogs() as logged:
            os.rename(self.path, f"{self.path}-moved")
            clock.advance(LOOK_SECONDS)
            clock.advance(LOOK_SECONDS)
            os.rename(f"{self.path}-moved", self.path)
            clock.advance(LOOK_SECONDS)
        lines = [formatEvent(event) for event in logged]
        self.assertEqual(len(lines), 2, "once each")
        self.assertIn("was deleted or moved while the server runs", lines[0])
        self.assertIn("is there again", lines[1])

    async def test_a_commit_into_a_file_that_is_gone_is_refused(self) -> None:
        await self.keep(entry("1"))
        os.rename(self.path, f"{self.path}-moved")
        with capturedLogs():
            await self.keep(entry("2"))
            self.assertEqual((self.delivered, self.refused), (["1"], ["2"]))
            os.rename(f"{self.path}-moved", self.path)
            await self.keep(entry("3"))
        self.assertEqual((self.delivered, self.refused, self.log.last), (["1", "3"], ["2"], 2))

    async def test_a_file_that_was_changed_while_it_was_away_is_not_written_again(self) -> None:
        await self.keep(entry("1"))
        moved = f"{self.path}-moved"
        os.rename(self.path, moved)
        with capturedLogs():
            await self.keep(entry("2"))
            with open(moved, "ab") as file:
                file.write(bytes(4096))
            os.rename(moved, self.path)
            await self.keep(entry("3"))
        self.assertEqual((self.delivered, self.refused), (["1"], ["2", "3"]))

    async def test_a_wal_that_is_removed_is_saved_before_anything_is_refused(self) -> None:
        await self.keep(entry("1"))
        os.remove(f"{self.path}-wal")
        with capturedLogs() as logged:
            await self.keep(entry("2"))
        self.assertEqual((self.delivered, self.refused), (["1"], ["2"]))
        self.assertIn("restart the server", formatEvent(logged[0]) or "")
        with open(self.path, "rb") as file, open(f"{self.path}-copy", "wb") as copy:
            copy.write(file.read())
        db = sqlite3.connect(f"{self.path}-copy")
        self.assertEqual(db.execute("SELECT text FROM records").fetchall(), [("1",)])
        db.close()
