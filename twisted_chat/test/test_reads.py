"""Reads of the log take turns, and end with the client that asked for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.logreader import LogReader
from twisted_chat.doors.reading import read_for
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.reads import MAX_READ_SECONDS, ReadQueue
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import Server
from twisted_chat.test.support_sqlite import SqliteFixture


class HeldThread:
    """Runs a function only when the test calls `go`."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], object]] = []

    def run(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.jobs.append(lambda: maybeDeferred(function, *arguments).chainDeferred(done))
        return done

    def go(self) -> None:
        self.jobs.pop(0)()


class ReadQueueTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.thread = HeldThread()
        self.now = 100.0
        self.queue = ReadQueue(self.thread.run, lambda: self.now)
        self.done: list[str] = []

    def ask(self, reader: LogReader, name: str) -> Deferred[Any]:
        async def work() -> None:
            await self.queue.read(self.done.append, name)

        return read_for(reader, work())

    def test_networks_and_users_take_turns(self) -> None:
        for number in range(100):
            self.ask(LogReader(("flood", str(number))), "flood")
        self.ask(LogReader(("home", "1")), "jane")
        self.assertEqual(len(self.thread.jobs), 1)
        for _ in range(3):
            self.thread.go()
        self.assertIn("jane", self.done)

    def test_reads_of_a_client_that_has_gone_are_dropped(self) -> None:
        asked = []
        for number in range(100):
            reader = LogReader(("net", str(number)))
            asked.append(self.ask(reader, "gone"))
            reader.leave()
        self.ask(LogReader(("net", "jane")), "jane")
        self.thread.go()
        self.thread.go()
        self.assertEqual((self.done, self.thread.jobs), (["gone", "jane"], []))
        for one in asked:
            self.assertIs(self.failureResultOf(one, ChatError).value.reason, Reason.CONNECTION_ENDED)

    def test_a_client_that_has_gone_reads_nothing_more(self) -> None:
        reader = LogReader(("net", "1"))
        reader.leave()
        self.failureResultOf(self.ask(reader, "gone"), ChatError)
        self.assertEqual(self.thread.jobs, [])

    def slow(self, happens: Callable[[], object]) -> Deferred[Any]:
        """Begin a read during which something happens."""
        db = sqlite3.connect(":memory:")
        self.addCleanup(db.close)
        self.queue.watch(db)

        def read() -> object:
            happens()
            numbers = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
            return db.execute(f"{numbers} SELECT count(*) FROM n").fetchall()

        async def work() -> object:
            return await self.queue.read(read)

        self.reader = LogReader(("net", "1"))
        return read_for(self.reader, work())

    def test_a_read_that_takes_too_long_is_stopped(self) -> None:
        def time_passes() -> None:
            self.now += MAX_READ_SECONDS + 1

        slow = self.slow(time_passes)
        self.thread.go()
        self.assertIs(self.failureResultOf(slow, ChatError).value.reason, Reason.READ_TOO_LONG)

    def test_a_read_under_way_ends_with_its_client(self) -> None:
        slow = self.slow(lambda: self.reader.leave())
        self.ask(LogReader(("net", "2")), "next")
        self.thread.go()
        self.failureResultOf(slow, ChatError)
        self.thread.go()
        self.assertEqual(self.done, ["next"])

    def test_a_read_in_time_has_its_result(self) -> None:
        slow = self.slow(lambda: None)
        self.thread.go()
        self.assertEqual(self.successResultOf(slow), [(1_000_000,)])

    def test_the_operator_sees_who_waits_and_for_how_long(self) -> None:
        self.ask(LogReader(("net", "1"), "jane"), "first")
        self.now += 2
        for number in range(3):
            self.ask(LogReader(("2001:db8::/48", "2001:db8::", str(number)), f"kim{number // 2}"), "more")
        gone = LogReader(("net", "9"), "gone")
        self.ask(gone, "never").addErrback(lambda failure: None)
        gone.leave()
        self.ask(LogReader(("",)), "the server's own")
        self.now += 1.5
        [row] = self.queue.rows()
        self.assertEqual((row.subject, row.now), ("reads of the file", "5 wait, the longest for 4 s"))
        self.assertEqual(row.held[0], "jane at net (1, 4 s)")
        expected = ["kim0 at 2001:db8:: (2, 2 s)", "kim1 at 2001:db8:: (1, 2 s)", "the server (1, 2 s)"]
        self.assertEqual(sorted(row.held[1:]), expected)
        while self.thread.jobs:
            self.thread.go()
        [row] = self.queue.rows()
        self.assertEqual((row.now, row.held), ("0 wait", []))

    def test_what_waits_at_the_end_is_refused(self) -> None:
        self.ask(LogReader(("net", "1")), "first")
        waits = self.ask(LogReader(("net", "1")), "second")
        self.queue.close()
        self.failureResultOf(waits, ChatError)


class ServerReadsTests(SqliteFixture, LogFixture, SynchronousTestCase):
    """Guests who ask a search and leave do not delay others."""

    def test_a_search_ends_with_its_connection(self) -> None:
        log = self.make_log()
        assert isinstance(log, SqliteLog)
        server = Server(log)
        jane = server.plain("jane", "#tea")
        thread = HeldThread()
        self.database.reads._run = thread.run
        for number in range(100):
            guest = server.plain(f"guest{number}", "#tea")
            guest.say(b"search,#tea,kettle\n")
            server.turn()
            guest.drop()
        jane.read()
        jane.say(b"@h history,#tea,limit=1\n")
        held = log.rows()[0].held
        self.assertTrue(any(one.startswith("jane at ") for one in held), held)
        for _ in range(2):
            thread.go()
        self.assertEqual(jane.lines()[-1], "@h ok,1")
        self.assertEqual(thread.jobs, [])
        self.assertEqual(self.flushLoggedErrors(), [])
