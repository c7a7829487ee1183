"""Accounts in a SQLite file keep the contract, also across restarts and failing disks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from twisted_chat.core.errors import UNAVAILABLE
from twisted_chat.core.interfaces import Account
from twisted_chat.core.names import user_name
from twisted_chat.stores.database import Database
from twisted_chat.stores.sqlite_accounts import SqliteAccounts
from twisted_chat.test.contract_accounts import AccountsContract
from twisted_chat.test.contract_store import NOW


class SqliteAccountsTests(AccountsContract, TestCase):
    """Every look is that of a server that starts again. What is written waits while `waiting` is a list."""

    accounts: SqliteAccounts

    def setUp(self) -> None:
        self.path = os.path.join(self.mktemp(), "chat.sqlite3")
        os.makedirs(os.path.dirname(self.path))
        self.problem: Exception | None = None
        self.waiting: list[Callable[[], None]] | None = None
        self.written = 0
        self.open()
        self.addCleanup(lambda: self.database.close())

    def open(self) -> list[Account]:
        self.database = Database(self.path, self.write, maybeDeferred, lambda: NOW)
        self.accounts = SqliteAccounts(self.database)
        return self.accounts.open()

    def write(self, function: Callable[..., object], *args: object) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()

        def work() -> object:
            self.written += 1
            if self.problem is not None:
                raise self.problem
            return function(*args)

        def go() -> None:
            maybeDeferred(work).chainDeferred(done)

        if self.waiting is None:
            go()
        else:
            self.waiting.append(go)
        return done

    async def again(self) -> list[Account]:
        await self.accounts.close()
        self.database.close()
        return self.open()

    async def test_a_failing_disk_is_said_and_nothing_is_half_done(self) -> None:
        zak = await self.make("zak", "secret")
        await self.accounts.mark(zak, "#tea", 1)
        self.problem = sqlite3.OperationalError("database or disk is full")
        with capturedLogs() as logged:
            for call in (
                self.accounts.create(user_name("jane"), "hers"),
                self.accounts.set_secret(zak, "other"),
                self.accounts.set_enabled(zak, False),
                self.accounts.delete(zak),
                self.accounts.client(zak, "phone"),
                self.accounts.mark(zak, "#tea", 2),
            ):
                self.assertEqual(await self.code(call), UNAVAILABLE)
            self.accounts.reached([(zak, 5)])
        said = "\n".join(str(formatEvent(event)) for event in logged)
        self.assertIn("disk is full", said)
        self.assertNotIn("hers", said)
        self.problem = None
        self.assertEqual(await self.again(), [Account(zak, user_name("zak"))])
        self.assertEqual(await self.accounts.secret(zak), "secret")
        self.assertEqual(await self.accounts.markers(zak), [("#tea", 1)])
        await self.make("jane")

    async def test_what_comes_during_a_write_is_written_together_after_it(self) -> None:
        zak = await self.make("zak", "one")
        self.waiting, self.written = [], 0
        changes: list[Deferred[object]] = [
            Deferred.fromCoroutine(self.accounts.set_secret(zak, "two")),
            Deferred.fromCoroutine(self.accounts.mark(zak, "#tea", 3)),
            Deferred.fromCoroutine(self.accounts.mark(zak, "#tea", 2)),
            Deferred.fromCoroutine(self.accounts.set_secret(zak, "three")),
        ]
        self.accounts.reached([(zak, 9), (zak, 10)])
        last: Deferred[object] = Deferred.fromCoroutine(self.accounts.mark(zak, "#ops", 3))
        while self.waiting:
            self.waiting.pop(0)()
        results = await gatherResults([*changes, last])
        self.assertEqual((results[1:3], results[4]), ([True, False], True))
        self.waiting = None
        self.assertEqual(self.written, 2)
        self.assertEqual([account.place for account in await self.again()], [10])
        self.assertEqual(await self.accounts.secret(zak), "three")

    async def test_a_failing_disk_keeps_nobody_from_closing(self) -> None:
        zak = await self.make("zak")
        self.waiting, self.problem = [], sqlite3.OperationalError("disk I/O error")
        self.accounts.reached([(zak, 5)])
        closed = Deferred.fromCoroutine(self.accounts.close())
        while self.waiting:
            self.waiting.pop(0)()
        await closed
        self.waiting = self.problem = None
