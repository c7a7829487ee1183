"""Test that a file of an earlier version is upgraded, with all that is in it."""

from __future__ import annotations

import sqlite3
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import TestCase

from twisted_chat.core.interfaces import Membership, RoomState, Span
from twisted_chat.core.messages import GUESTS
from twisted_chat.core.names import user_name
from twisted_chat.stores.sqlite import indexer, statements
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.schema import ACCOUNTS, FIRST, VERSION
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
        asked: list[tuple[str, Any, str]] = [
            (statements.NAMED, {"identity": 1, "key": "a", "shown": "A", "limit": 1}, "partners_by_name"),
            (statements.READ_BOUND, (1, 0, 9), "partners_by_first"),
            (statements.CONTACTS, {"identity": 1, "before": 9, "limit": 1, "guests": None}, "partners_by_last"),
        ]
        for statement, values, index in asked:
            plan = self.database.select_now(f"EXPLAIN QUERY PLAN {statement}", values)
            self.assertIn(f"INDEX {index} ", "\n".join(row[-1] + " " for row in plan))


class UpgradeOfAccountsTests(SqliteFixture, LogFixture, TestCase):
    """A file of version 2: its rooms, topics, contacts and words are found in the new tables."""

    G1, G2 = GUESTS + 1, 2 * GUESTS + 1
    ROWS = (
        ("joined", "lok", "#tea", "", "#tea", G1),
        ("message", "lok", "#tea", "a secret", "#tea", G1),
        ("left", "lok", "#tea", "", "#tea", G1),
        ("joined", "mia", "#Tea", "", "#tea", G1 + 1),
        ("topic", "mia", "#Tea", "Assam", "#tea", G1 + 1),
        ("joined", "zak", "#Tea", "", "#tea", 1),
        ("left", "mia", "#Tea", "", "#tea", G1 + 1),
        ("joined", "ghost", "#ops", "", "#ops", G1 + 2),  # the server was killed
        ("message", "ghost", "#ops", "another secret", "#ops", G1 + 2),
        ("joined", "kim", "#ops", "", "#ops", 2),
        ("message", "kim", "#ops", "喝茶 at noon", "#ops", 2),
        ("joined", "kim", "#den", "", "#den", 2),
        ("left", "kim", "#den", "", "#den", 2),
        ("message", "Lok", "zak", "are you there?", f"1:{G2}", G2),
        ("message", "zak", "kim", "hi kim", "1:2", 1),
    )

    async def upgraded(self) -> None:
        assert isinstance(self.log, SqliteLog)
        await self.log.close()
        self.path += "-old"
        db = sqlite3.connect(self.path)
        db.executescript(f"{FIRST}; {ACCOUNTS}; PRAGMA user_version = 2")
        names = list(dict.fromkeys(row[4] for row in self.ROWS))
        for name in names:
            one, other = (None, None) if name[0] == "#" else map(int, name.split(":"))
            db.execute("INSERT INTO conversations (name, one, other) VALUES (?, ?, ?)", (name, one, other))
        for id, (kind, sender, to, text, name, author) in enumerate(self.ROWS, 1):
            row = (id, 1000, kind, sender, to, text, names.index(name) + 1, author, 77)
            db.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.execute("INSERT INTO words (rowid, text, place) SELECT id, text, 'c' || conversation FROM records")
        db.execute("UPDATE marks SET value = ? WHERE name = 'indexed words'", (len(self.ROWS),))
        db.executemany("INSERT INTO accounts (key, name, made) VALUES (?, ?, 0)", [("zak", "zak"), ("kim", "kim")])
        db.execute("INSERT INTO starts (time) VALUES (0)")
        db.commit()
        db.close()
        self.log = self.opened()

    async def test_rooms_memberships_and_topics(self) -> None:
        await self.upgraded()
        memberships, rooms = self.log.restore()
        self.assertEqual(list(memberships), [Membership(1, "#Tea", 6), Membership(2, "#ops", 10)])
        self.assertEqual(dict(rooms), {"#tea": RoomState(4, "Assam"), "#ops": RoomState(10)})
        self.assertEqual(await self.log.first_membership_changes(2, 0), {"#ops": "joined", "#den": "joined"})
        self.assertEqual(await self.log.first_membership_changes(2, 12), {"#den": "left"})

    async def test_contacts(self) -> None:
        await self.upgraded()
        contacts = await self.log.contacts(1, 99, 10)
        self.assertEqual(
            [(one.partner, one.name, one.last) for one in contacts], [(2, "kim", 15), (self.G2, "Lok", 14)]
        )
        self.assertEqual(await self.log.spans(1, None, user_name("lok")), [Span((1, self.G2), 14, 14)])
        page = await self.log.read(1, ["#tea"], 0, 99)
        self.assertEqual([record.id for record in page.records], [1, 2, 3, 4, 5, 6, 7, 14, 15])

    async def test_the_words_are_indexed_anew_in_steps(self) -> None:
        self.patch(indexer, "MAX_STEP_RECORDS", 2)
        await self.upgraded()
        assert isinstance(self.log, SqliteLog)
        self.assertEqual([one.id for one in await self.log.search("#ops", "喝茶", 9)], [11])
        self.assertEqual([one.id for one in await self.log.search("#ops", "SECRET", 9)], [9])
        self.assertEqual(self.database.select_now("INSERT INTO words (words) VALUES ('integrity-check')"), [])
