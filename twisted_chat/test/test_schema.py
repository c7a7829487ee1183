"""Test that a file of an earlier version is upgraded, with all that is in it."""

from __future__ import annotations

import sqlite3

from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import TestCase

from twisted_chat.core.messages import GUESTS
from twisted_chat.core.names import user_name
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.schema import FIRST, VERSION
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import Recorder, entry
from twisted_chat.test.support_sqlite import SqliteFixture

RECORDS = [
    (1, "joined", "jane", "#tea", "", 1, GUESTS),
    (2, "message", "jane", "#tea", "Café au lait", 1, GUESTS),
    (4, "topic", "jane", "#tea", "Assam", 1, GUESTS),
    (5, "message", "zak", "jane", "only for jane", 2, GUESTS + 1),
    (9, "message", "zak", "zak", "a note", 3, GUESTS + 1),
]


class UpgradeTests(SqliteFixture, LogFixture, TestCase):
    async def upgraded(self) -> SqliteAccounts:
        """Open a file of version 1 as the log; return the accounts of that file."""
        await self.reopened()
        assert self.log is not None
        await self.log.close()
        self.path += "-old"
        db = sqlite3.connect(self.path)
        db.executescript(f"{FIRST}; PRAGMA user_version = 1")
        db.executemany(
            "INSERT INTO conversations VALUES (?, ?)",
            [(1, "#tea"), (2, f"{GUESTS}:{GUESTS + 1}"), (3, f"{GUESTS + 1}:{GUESTS + 1}")],
        )
        rows = [(id, 0, kind, sender, to, text, where, by, 77) for id, kind, sender, to, text, where, by in RECORDS]
        db.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.execute("INSERT INTO starts (time) VALUES (0)")
        db.commit()
        db.close()
        self.log = self.opened()
        accounts = SqliteAccounts(self.database)
        self.assertEqual(accounts.open(), [])
        return accounts

    async def test_all_records_are_there_and_new_ones_follow(self) -> None:
        await self.upgraded()
        self.assertEqual((self.log.first, self.log.last), (1, 9))
        page = await self.log.history("#tea", 0, 0, 10)
        self.assertEqual([(r.id, r.kind, r.sender, r.to, r.text, r.author) for r in page], [
            (id, kind, sender, to, text, by) for id, kind, sender, to, text, where, by in RECORDS if where == 1
        ])  # fmt: skip
        await self.keep(later := entry("more"))
        self.assertEqual(later.first, 10)
        self.assertGreaterEqual(self.log.new_identity(), 2 * GUESTS)

    async def test_the_records_can_be_searched(self) -> None:
        await self.upgraded()
        self.assertEqual([r.id for r in await self.log.search("#tea", "CAFE lait", 10)], [2])
        self.assertEqual([r.id for r in await self.log.search((GUESTS, GUESTS + 1), "jane", 10)], [5])

    async def test_both_sides_of_a_conversation_read_it(self) -> None:
        await self.upgraded()
        for reader, ids in ((GUESTS, [5]), (GUESTS + 1, [5, 9]), (1, [])):
            page = await self.log.read(reader, (), 1, 10)
            seen = [r.id for r in page.records if not isinstance(r.conversation, str)]
            self.assertEqual(seen, ids)

    async def test_accounts_and_labels_can_be_stored(self) -> None:
        accounts = await self.upgraded()
        zak = await accounts.create(user_name("zak"), "secret")
        phone = Recorder()
        phone.sender_number = await accounts.client_number(zak.identity, "phone")
        for _ in range(2):
            await self.keep(entry("one", labels=("a",), connection=phone, author=zak.identity))
        self.assertEqual(self.log.last, 10)
        self.assertEqual(list(self.log.restore().memberships), [], "guests are in no room")

    async def test_the_upgrade_is_done_once(self) -> None:
        await self.upgraded()
        await self.reopened()
        [[version]] = await maybeDeferred(self.database.select_now, "PRAGMA user_version")
        self.assertEqual((version, self.log.last), (VERSION, 9))

    async def test_the_indexes_of_memberships_and_topics_are_used(self) -> None:
        for statement, values, index in (
            (statements.FIRST_MEMBERSHIP_CHANGES, (1, 0, 9), "moves"),
            (statements.MEMBERSHIPS, (), "moves"),
            (statements.TOPICS, (), "topics"),
        ):
            plan = self.database.select_now(f"EXPLAIN QUERY PLAN {statement}", values)
            self.assertIn(f"INDEX {index} ", "\n".join(row[-1] + " " for row in plan))
