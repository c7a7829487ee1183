"""The reserve: guests are refused before the disk is full, and accounts go on until it really is."""

from __future__ import annotations

import os
import sqlite3

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from twisted_chat.core.messages import JOINED, LEFT
from twisted_chat.core.participants import Entry
from twisted_chat.options import Options
from twisted_chat.stores.sqlite import reserve as module
from twisted_chat.stores.sqlite.batches import NotAppended
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.reserve import DEFAULT_RESERVE_BYTES, Reserve, default_size
from twisted_chat.stores.sqlite.worker import InlineWorker
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import entry

SIZE = 1024 * 1024
GUEST, ACCOUNT = 2**33, 7


class ReserveTests(SynchronousTestCase):
    """A reserve of 1 MiB on a disk whose free room, beside the reserve's file, the test sets."""

    def setUp(self) -> None:
        self.path = self.mktemp()
        self.free = 10 * SIZE
        self.time = 0.0
        self.patch(module, "monotonic", lambda: self.time)
        self.reserve = Reserve(SIZE, lambda folder: self.free)
        self.reserve.open(self.path, "chat.sqlite3")

    def look(self, free: int) -> bool:
        self.free = free
        self.time += 1
        self.reserve.look()
        return self.reserve.low

    def test_the_file_takes_the_room(self) -> None:
        self.assertEqual(os.path.getsize(self.path), SIZE)

    def test_guests_are_refused_below_the_reserve_until_there_is_clearly_more(self) -> None:
        with capturedLogs() as logged:
            self.assertEqual([self.look(free) for free in (SIZE, SIZE - 1, SIZE, 2 * SIZE)], [False, True, True, False])
        lines = [formatEvent(event) or "" for event in logged]
        self.assertIn("is almost full (0 MiB free): messages of guests are refused", lines[0])
        self.assertIn("has room again", lines[1])

    def test_the_disk_is_looked_at_once_a_second(self) -> None:
        self.assertTrue(self.look(0))
        self.free = 10 * SIZE
        self.reserve.look()
        self.assertTrue(self.reserve.low, "in the same second")

    def test_the_file_is_emptied_when_the_disk_is_full_and_filled_when_there_is_room_again(self) -> None:
        self.assertFalse(self.reserve.spend(), "the disk is not full, so something else has failed")
        with capturedLogs():
            self.look(0)
            self.assertTrue(self.reserve.spend())
            self.assertEqual(os.path.getsize(self.path), 0)
            self.assertFalse(self.reserve.spend(), "it can be spent once")
            self.assertTrue(self.look(2 * SIZE), "the reserve itself needs room too")
            self.assertFalse(self.look(3 * SIZE))
        self.assertEqual(os.path.getsize(self.path), SIZE)

    def test_no_reserve_asked_for(self) -> None:
        none = Reserve(0, lambda folder: 0)
        none.open(self.path, "chat.sqlite3")
        none.look()
        self.assertEqual((none.low, none.spend(), os.path.exists(self.path)), (False, False, False))

    def test_the_default_is_small_on_a_small_disk(self) -> None:
        self.assertLessEqual(default_size("."), DEFAULT_RESERVE_BYTES)

    def test_the_option(self) -> None:
        for text, size in (("0", 0), ("1000", 1000), ("64M", 64 * SIZE), ("2k", 2048), ("1G", 1024 * SIZE)):
            options = Options()
            options.parseOptions(["--reserve", text])
            self.assertEqual(options.reserve, size)


def said_by(author: int, text: str, kind: str = "message") -> Entry:
    one = entry(text)
    one.kind = kind
    one.envelope = one.envelope._replace(author=author)
    return one


class FullDiskTests(LogFixture, TestCase):
    """A log on a disk that can be full, as the reserve sees it."""

    def make_log(self) -> SqliteLog:
        self.path = os.path.join(self.mktemp(), "chat.sqlite3")
        os.makedirs(os.path.dirname(self.path))
        self.free = 10 * SIZE
        reserve = Reserve(SIZE, lambda folder: self.free)
        self.database = Database(self.path, InlineWorker(), maybeDeferred, lambda: self.now, reserve=reserve)
        log = SqliteLog(self.database, Clock())
        log.subscribe(self.deliver, self.refuse)
        log.open()
        self.addCleanup(log.close)
        return log

    def be(self, free: int) -> None:
        self.free = free
        assert self.database._reserve is not None
        self.database._reserve.look(now=True)

    async def test_guests_are_refused_and_accounts_go_on(self) -> None:
        with capturedLogs():
            self.be(SIZE // 2)
            await self.keep(
                said_by(GUEST, "guest"),
                said_by(ACCOUNT, "account"),
                said_by(GUEST, "joins", JOINED),
                said_by(GUEST, "leaves", LEFT),
            )
            self.assertEqual((self.delivered, self.refused), (["account", "leaves"], ["guest", "joins"]))
            self.be(10 * SIZE)
            await self.keep(said_by(GUEST, "guest again"))
        self.assertEqual(self.delivered[-1], "guest again")

    async def test_a_write_that_fails_on_a_full_disk_is_done_again_with_the_reserves_room(self) -> None:
        log = self.log
        assert isinstance(log, SqliteLog)
        append, problems = log._appender.append, [sqlite3.OperationalError("database or disk is full")]
        self.patch(
            log._appender,
            "append",
            lambda entries: NotAppended(entries, problems.pop()) if problems else append(entries),
        )
        with capturedLogs():
            self.be(0)
            await self.keep(said_by(ACCOUNT, "kept"))
        self.assertEqual((self.delivered, self.refused), (["kept"], []))
        self.assertEqual(os.stat(f"{self.path}.reserve").st_size, 0)
