"""Test the accounts in a SQLite file: the contract, restarts, and a failing disk."""

from __future__ import annotations

import os
import sqlite3

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from twisted_chat.core.errors import UNAVAILABLE
from twisted_chat.core.interfaces import Account
from twisted_chat.core.names import user_name
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.test.contract_accounts import MADE, AccountsContract
from twisted_chat.test.contract_store import NOW
from twisted_chat.test.support_sqlite import AccountsWorker


class SqliteAccountsTests(AccountsContract, TestCase):
    """Each `again` reads the accounts as a restarted server does."""

    accounts: SqliteAccounts

    def setUp(self) -> None:
        self.path = os.path.join(self.mktemp(), "chat.sqlite3")
        os.makedirs(os.path.dirname(self.path))
        self.worker = AccountsWorker()
        self.now = NOW
        self.open()
        self.addCleanup(lambda: self.database.close())

    def open(self) -> list[Account]:
        self.database = self.worker.database = Database(self.path, self.worker, maybeDeferred, lambda: self.now)
        self.accounts = SqliteAccounts(self.database)
        return self.accounts.open()

    async def again(self) -> list[Account]:
        await self.accounts.close()
        await self.database.close()
        return self.open()

    async def test_a_client_is_remembered_whatever_the_clock_says(self) -> None:
        zak = await self.make("zak")
        phone = await self.accounts.client_number(zak, "phone")
        for years in (1, 100, -30):
            self.now = NOW + years * 365 * 24 * 60 * 60
            await self.accounts.client_number(zak, "desk")
            self.assertEqual(await self.accounts.client_number(zak, "phone"), phone)

    async def test_a_known_client_can_sign_in_when_the_disk_is_full(self) -> None:
        zak = await self.make("zak")
        numbers = [await self.accounts.client_number(zak, client) for client in ("phone", "desk")]
        self.worker.problem = sqlite3.OperationalError("database or disk is full")
        with capturedLogs():
            self.assertEqual([await self.accounts.client_number(zak, client) for client in ("phone", "desk")], numbers)

    async def test_clients_can_sign_in_while_the_disk_is_full(self) -> None:
        zak = await self.make("zak")
        desk = await self.accounts.client_number(zak, "desk")
        await self.accounts.client_number(zak, "another")
        self.worker.problem = sqlite3.OperationalError("database or disk is full")
        with capturedLogs():
            self.assertEqual(await self.accounts.client_number(zak, "desk"), desk, "it is known from another day")
            phone = await self.accounts.client_number(zak, "phone")
            self.assertNotEqual(await self.accounts.client_number(zak, "tablet"), phone)
            self.assertEqual(await self.accounts.client_number(zak, "phone"), phone)
        self.worker.problem = None
        self.assertEqual(await self.accounts.client_number(zak, "phone"), phone)
        await self.again()
        self.assertEqual(await self.accounts.client_number(zak, "phone"), phone, "it is stored by now")

    async def test_a_failing_disk_is_logged_and_changes_nothing(self) -> None:
        zak = await self.make("zak", "secret")
        await self.accounts.move_read_marker(zak, "#tea", 1)
        self.worker.problem = sqlite3.OperationalError("database or disk is full")
        with capturedLogs() as logged:
            for call in (
                self.accounts.create(user_name("jane"), "hers"),
                self.accounts.set_secret(zak, "other"),
                self.accounts.set_enabled(zak, False),
                self.accounts.delete(zak),
                self.accounts.move_read_marker(zak, "#tea", 2),
            ):
                self.assertEqual(await self.code(call), UNAVAILABLE)
            self.accounts.note_read_up_to([(zak, 5)])
        logged_text = "\n".join(str(formatEvent(event)) for event in logged)
        self.assertIn("disk is full", logged_text)
        self.assertNotIn("hers", logged_text)
        self.worker.problem = None
        self.assertEqual(await self.again(), [Account(zak, user_name("zak"), created_at=MADE)])
        self.assertEqual(await self.accounts.secret(zak), "secret")
        self.assertEqual(await self.accounts.read_markers(zak), [("#tea", 1)])
        await self.make("jane")

    async def test_changes_during_a_write_are_written_together_after_it(self) -> None:
        zak = await self.make("zak", "one")
        self.worker.waiting, self.worker.written = [], 0
        changes: list[Deferred[object]] = [
            Deferred.fromCoroutine(self.accounts.set_secret(zak, "two")),
            Deferred.fromCoroutine(self.accounts.move_read_marker(zak, "#tea", 3)),
            Deferred.fromCoroutine(self.accounts.move_read_marker(zak, "#tea", 2)),
            Deferred.fromCoroutine(self.accounts.set_secret(zak, "three")),
        ]
        self.accounts.note_read_up_to([(zak, 9), (zak, 10)])
        last: Deferred[object] = Deferred.fromCoroutine(self.accounts.move_read_marker(zak, "#ops", 3))
        while self.worker.waiting:
            self.worker.waiting.pop(0)()
        results = await gatherResults([*changes, last])
        self.assertEqual((results[1:3], results[4]), ([True, False], True))
        self.worker.waiting = None
        self.assertEqual(self.worker.written, 2)
        self.assertEqual([account.read_up_to for account in await self.again()], [10])
        self.assertEqual(await self.accounts.secret(zak), "three")

    async def test_a_failing_disk_does_not_prevent_closing(self) -> None:
        zak = await self.make("zak")
        self.worker.waiting, self.worker.problem = [], sqlite3.OperationalError("disk I/O error")
        self.accounts.note_read_up_to([(zak, 5)])
        closed = Deferred.fromCoroutine(self.accounts.close())
        while self.worker.waiting:
            self.worker.waiting.pop(0)()
        await closed
        self.worker.waiting = self.worker.problem = None
