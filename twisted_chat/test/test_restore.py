"""`twisted-chat restore` that is killed, or finds what a killed server left: no message is lost, none is mixed in."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin import backup
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.test.support import entry
from twisted_chat.test.support_sqlite import sqlite_log


class RestoreTests(SynchronousTestCase):
    """A backup has one message; a server was killed when it had stored two more, which are still in the -wal."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        names = ("running", "killed", "chat.sqlite3", "copy")
        self.running, self.killed, self.store, self.copy = (str(self.folder / name) for name in names)
        log = sqlite_log(self.running, Clock(), lambda: 0.0)
        log.subscribe(lambda entries: None, lambda entries: None)
        log.open()
        self.say(log, "in the backup")
        backup._back_up(self.running, self.copy)
        self.say(log, "after it")
        self.say(log, "and this")
        for suffix in ("", "-wal"):
            shutil.copy(self.running + suffix, f"{self.killed}{suffix}")
        self.successResultOf(log.close())
        self.put_in_place()

    def put_in_place(self) -> None:
        for suffix in ("", "-wal"):
            shutil.copy(self.killed + suffix, self.store + suffix)

    def say(self, log: SqliteLog, text: str) -> None:
        log.append(entry(text))
        log.flush()

    def texts(self, path: str) -> list[str]:
        with closing(sqlite3.connect(path)) as db:
            [[problem]] = db.execute("PRAGMA integrity_check")
            self.assertEqual(problem, "ok")
            return [text for [text] in db.execute("SELECT text FROM records ORDER BY id")]

    def test_what_a_killed_server_had_stored_is_kept(self) -> None:
        backup._restore(self.store, self.copy)
        [kept] = self.folder.glob("chat.sqlite3.before-*[0-9]")
        self.assertEqual(self.texts(self.store), ["in the backup"])
        self.assertEqual(self.texts(str(kept)), ["in the backup", "after it", "and this"])

    def test_a_wal_whose_file_is_gone_is_not_written_into_the_restored_file(self) -> None:
        os.unlink(self.store)
        backup._restore(self.store, self.copy)
        self.assertEqual(self.texts(self.store), ["in the backup"])
        self.assertEqual(len(list(self.folder.glob("chat.sqlite3.before-*-wal"))), 1)

    def test_a_restore_that_is_killed_at_any_step_leaves_no_file_without_its_wal(self) -> None:
        rename, replace = os.rename, os.replace
        for steps in range(3):
            self.put_in_place()
            left = [True] * steps

            def check(left: list[bool] = left) -> bool:
                if not left:
                    raise MemoryError("killed")
                return left.pop()

            patches = [
                self.patch(os, "rename", lambda *names: check() and rename(*names)),
                self.patch(os, "replace", lambda *names: check() and replace(*names)),
            ]
            self.assertRaises(MemoryError, backup._restore, self.store, self.copy)
            for patch in patches:
                patch.restore()
            if os.path.exists(self.store):
                self.assertEqual(len(self.texts(self.store)), 3, steps)
            else:
                backup._restore(self.store, self.copy)
                self.assertEqual(self.texts(self.store), ["in the backup"], steps)
