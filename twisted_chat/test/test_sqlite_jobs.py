"""Work on the accounts shares commits, and takes its turn with the messages."""

from __future__ import annotations

import sqlite3
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from twisted_chat.stores.sqlite import database as database_module
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import entry
from twisted_chat.test.support_sqlite import HeldWorker, SqliteFixture


class JobsTests(SqliteFixture, LogFixture, TestCase):
    def make_log(self) -> SqliteLog:
        super().make_log()
        self.successResultOf(Deferred.fromCoroutine(self.database.close()))
        self.worker: HeldWorker[Any] = HeldWorker()
        log = self.opened(self.worker)
        self.steps: list[str] = []
        self.addCleanup(self.worker.work_off)
        self.database._write_connection.execute("CREATE TABLE work (name TEXT NOT NULL UNIQUE)")
        self.database._write_connection.set_trace_callback(self.steps.append)
        return log

    def insert(self, name: str | None) -> Deferred[int]:
        return self.database.transact(lambda db: db.execute("INSERT INTO work VALUES (?)", (name,)).rowcount)

    def commits(self) -> int:
        return self.steps.count("COMMIT")

    def test_thirty_changes_and_a_message_take_two_commits(self) -> None:
        changes = [self.insert(str(number)) for number in range(30)]
        self.log.append(entry("one"))
        self.log.flush()
        self.worker.work_off()
        self.assertEqual([self.successResultOf(change) for change in changes], [1] * 30)
        self.assertEqual(self.delivered, ["one"])
        self.assertLessEqual(self.commits(), 2)

    def test_one_that_fails_changes_nothing_and_harms_no_other(self) -> None:
        changes = [self.insert(name) for name in ("a", "a", None, "b")]
        self.worker.work_off()
        self.assertEqual([self.successResultOf(changes[index]) for index in (0, 3)], [1, 1])
        for index in (1, 2):
            self.failureResultOf(changes[index], sqlite3.IntegrityError)
        self.assertEqual(self.database.select_now("SELECT name FROM work ORDER BY name"), [("a",), ("b",)])

    def test_one_after_which_nothing_is_left_of_the_commit_harms_no_other(self) -> None:
        def roll_back(db: sqlite3.Connection) -> None:
            db.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")

        before, full, after = self.insert("a"), self.database.transact(roll_back), self.insert("b")
        self.worker.work_off()
        self.failureResultOf(full, sqlite3.OperationalError)
        self.assertEqual([self.successResultOf(before), self.successResultOf(after)], [1, 1])
        self.assertEqual(self.database.select_now("SELECT name FROM work ORDER BY name"), [("a",), ("b",)])

    def test_when_changes_take_long_messages_have_their_turn(self) -> None:
        self.patch(database_module, "MAX_WORK_SECONDS", 0.0)
        order: list[str] = []
        self.log.subscribe(lambda entries: order.append("message"), lambda entries: None)
        for number in range(3):
            self.insert(str(number)).addCallback(lambda _: order.append("change"))
        self.log.append(entry("one"))
        self.log.flush()
        self.worker.work_off()
        self.assertEqual(order[:2], ["message", "change"])
        self.worker.work_off()
        self.worker.work_off()
        self.assertEqual(order.count("change"), 3)
