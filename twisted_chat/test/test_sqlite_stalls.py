"""Test the log on a disk that is slow, or does not answer."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from twisted_chat.core.messages import LEFT
from twisted_chat.stores.sqlite.batches import MAX_BACKLOG_BYTES_PER_NETWORK, READERS_PER_COPY, Backlog
from twisted_chat.stores.sqlite.commits import MAX_COMMIT_BYTES, STALL_SECONDS
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import Recorder, entry
from twisted_chat.test.support_sqlite import HeldResults, SqliteFixture


class SlowDisk(SqliteFixture, LogFixture):
    """Each write is on the disk at once, but its result comes only when the test calls `release`."""

    def make_log(self) -> SqliteLog:
        super().make_log()
        self.successResultOf(Deferred.fromCoroutine(self.database.close()))
        self.worker: HeldResults[Any] = HeldResults()
        self.release = self.worker.release
        log = self.opened(self.worker)
        self.addCleanup(self.worker.release_all)  # before it is closed
        return log

    def say(self, *texts: str) -> None:
        for text in texts:
            self.log.append(entry(text))
            self.log.flush()

    def wait_durable(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.log.wait_durable())  # type: ignore[arg-type]


class SlowDiskTests(SlowDisk, TestCase):
    async def test_no_reader_sees_a_record_before_it_is_delivered(self) -> None:
        self.say("one")
        self.assertEqual((self.delivered, self.log.last), ([], 0))
        page = await self.log.read(1, {"#tea"}, 0, 10)
        self.assertEqual((page.records, page.up_to), ([], 0))
        self.assertEqual(await self.log.history("#tea", 0, 0, 10), [])
        self.assertEqual(await self.log.first_membership_changes(1, 0), {})
        self.release()
        self.assertEqual([r.text for r in (await self.log.read(1, {"#tea"}, 0, 10)).records], ["one"])

    async def test_wait_durable_waits_for_what_was_flushed_and_no_more(self) -> None:
        await self.wait_durable()
        self.say("one")
        first = self.wait_durable()
        self.say("two")
        second = self.wait_durable()
        self.release()
        self.assertEqual((first.called, second.called, self.delivered), (True, False, ["one"]))
        self.say("three")
        self.release()
        self.assertEqual((second.called, self.delivered), (True, ["one", "two"]))
        await second

    async def test_a_stall_refuses_what_waits_but_not_what_is_being_written(self) -> None:
        with capturedLogs() as logged:
            self.say("one", "two")
            self.clock.advance(STALL_SECONDS - 1)
            self.say("three")
            self.assertEqual(self.refused, [])
            self.clock.advance(1)
            self.assertEqual((self.refused, self.delivered), (["two", "three"], []))
            self.say("four")
            self.assertEqual(self.refused, ["two", "three", "four"])
            self.release()
            self.assertEqual(self.delivered, ["one"])
            self.say("five")
            self.release()
        self.assertEqual((self.delivered, self.log.last), (["one", "five"], 2))
        logged_lines = [str(formatEvent(event)) for event in logged]
        stalled = f"{self.path} does not answer; messages are refused until it does"
        self.assertEqual(logged_lines, [stalled, f"can write to {self.path} again"])

    async def test_a_stall_behind_other_work_ends_when_the_disk_answers(self) -> None:
        with capturedLogs() as logged:
            work = self.database.transact(lambda db: None)
            self.say("one")
            durable = self.wait_durable()
            self.clock.advance(STALL_SECONDS)
            self.assertEqual((self.refused, durable.called), (["one"], False))
            self.clock.advance(STALL_SECONDS)
            self.worker.release_all()
            self.assertEqual((work.called, durable.called), (True, True))
            self.say("two")
            self.worker.release_all()
        self.assertEqual((self.delivered, self.refused, self.log.last), (["two"], ["one"], 1))
        self.assertEqual(len(logged), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_wait_durable_ends_with_the_stall(self) -> None:
        self.say("one", "two")
        before = self.wait_durable()
        self.clock.advance(STALL_SECONDS)
        during = self.wait_durable()
        self.assertFalse(before.called or during.called)
        self.release()
        self.assertEqual((before.called, during.called), (True, True))
        self.flushLoggedErrors()

    async def test_results_that_come_in_time_are_no_stall(self) -> None:
        for text in ("one", "two", "three"):
            self.say(text)
            self.clock.advance(STALL_SECONDS - 1)
            self.release()
        self.clock.advance(STALL_SECONDS)
        self.assertEqual((self.delivered, self.refused), (["one", "two", "three"], []))
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ResendsOnASlowDiskTests(SlowDisk, TestCase):
    """What an account's client sends again is looked up, whatever the disk can write."""

    def setUp(self) -> None:
        super().setUp()
        self.phone = Recorder()
        self.phone.sender_number = 7

    def say_labelled(self, text: str, label: str) -> None:
        self.log.append(entry(text, labels=(label,), connection=self.phone))
        self.log.flush()

    def answered(self) -> list[tuple[str, int]]:
        return [(one.texts[0], one.first) for batch in self.batches for one in batch]

    def test_a_resend_in_a_stall_gets_its_first_id(self) -> None:
        self.say_labelled("one", "a")
        self.release()
        self.say("two")
        self.clock.advance(STALL_SECONDS)
        self.say_labelled("one", "a")
        self.say_labelled("three", "c")
        self.say_labelled("other", "a")
        self.assertEqual((self.answered(), self.refused), ([("one", 1), ("one", 1)], ["three", "other"]))
        self.worker.release_all()
        self.flushLoggedErrors()

    def test_a_resend_of_what_is_being_written_in_a_stall_waits_for_its_outcome(self) -> None:
        self.say_labelled("one", "a")
        self.clock.advance(STALL_SECONDS)
        self.say_labelled("one", "a")
        self.assertEqual((self.answered(), self.refused), ([], []))
        self.worker.release_all()
        self.assertEqual((self.answered(), self.refused), ([("one", 1), ("one", 1)], []))
        self.flushLoggedErrors()

    def test_a_resend_that_waits_when_a_stall_begins_gets_its_first_id(self) -> None:
        self.say_labelled("one", "a")
        self.release()
        self.say("two")
        self.say_labelled("one", "a")
        self.clock.advance(STALL_SECONDS)
        self.assertEqual((self.answered(), self.refused), ([("one", 1), ("one", 1)], []))
        self.worker.release_all()
        self.flushLoggedErrors()


class FairCommitTests(SlowDisk, TestCase):
    """More is said than fits into a commit: each commit takes a fair share of everybody's."""

    def flood(self, author: int, *texts: str) -> None:
        for text in texts:
            self.log.append(entry(text, author=author))
        self.log.flush()

    def test_a_commit_has_a_bound_and_others_go_with_the_next(self) -> None:
        long = [str(number) + "x" * 16_000 for number in range(1000)]
        self.flood(1, *long)
        self.flood(2, "jane")
        self.assertEqual(self.delivered, [])
        self.release()
        self.assertLess(sum(map(len, self.delivered)), 2 * MAX_COMMIT_BYTES)
        self.release()
        self.assertIn("jane", self.delivered)
        self.assertLess(len(self.delivered), 250)
        self.worker.release_all()
        self.assertEqual([text for text in self.delivered if text != "jane"], long)
        self.assertEqual(self.refused, [])

    def test_what_a_commit_brings_to_all_its_readers_has_a_bound(self) -> None:
        room = tuple(Recorder() for _ in range(120))
        text = "x" * 16_000
        for _ in range(30):
            self.log.append(entry(text, recipients=room))
        self.flood(2, "jane")
        self.release()
        self.release()
        self.assertIn("jane", self.delivered)
        self.worker.release_all()
        self.assertEqual(len(self.delivered), 31)
        for batch in self.batches:
            written = sum(len(one.recipients) * len(one.texts[0]) for one in batch)
            self.assertLess(written, READERS_PER_COPY * MAX_COMMIT_BYTES + len(room) * len(text))

    def test_wait_durable_waits_for_the_backlog_but_not_for_what_comes_later(self) -> None:
        self.flood(1, *["x" * 16_000] * 200)
        durable = self.wait_durable()
        self.release()
        self.assertFalse(durable.called)
        self.flood(2, *["y" * 16_000] * 500)
        self.worker.release_all()
        self.assertTrue(durable.called)
        self.assertEqual(len(self.delivered), 700)

    def test_a_wait_for_what_matters_does_not_wait_for_the_flood_of_others(self) -> None:
        self.flood(1, *["x" * 16_000] * 500)
        self.flood(2, *["y" * 16_000] * 3)
        own, none, all = (self.wait_for(author) for author in (2, 3, None))
        self.assertFalse(own.called)
        self.release()
        self.assertTrue(none.called)
        self.release()
        self.assertTrue(own.called)
        self.assertEqual([text[0] for text in self.delivered].count("y"), 3)
        self.assertFalse(all.called)
        self.worker.release_all()
        self.assertTrue(all.called)

    def test_a_wait_for_what_is_refused_meanwhile_ends(self) -> None:
        with capturedLogs():
            self.flood(2, *["x" * 16_000] * 200)
            self.clock.advance(STALL_SECONDS / 2)
            self.flood(1, *["y" * 16_000] * 100)
            old, new = self.wait_for(2), self.wait_for(1)
            self.release()
            self.clock.advance(STALL_SECONDS / 2)
            self.assertGreater(len(self.refused), 0)
            self.release()
            self.assertTrue(old.called)
            self.assertFalse(new.called)
            self.worker.release_all()
        self.assertTrue(new.called)
        self.assertEqual(len(self.delivered) + len(self.refused), 300)

    def test_a_wait_ends_with_a_stall(self) -> None:
        self.flood(1, *["x" * 16_000] * 200)
        wait = self.wait_for(1)
        self.clock.advance(STALL_SECONDS)
        self.assertFalse(wait.called)
        self.worker.release_all()
        self.assertTrue(wait.called)
        self.flushLoggedErrors()

    def wait_for(self, author: int | None) -> Deferred[None]:
        matters = None if author is None else lambda entry: entry.envelope.author == author
        return Deferred.fromCoroutine(self.log.wait_durable(matters))  # type: ignore[arg-type]

    def test_a_message_waits_ten_seconds_at_most_whatever_is_committed_meanwhile(self) -> None:
        with capturedLogs() as logged:
            self.flood(1, *["x" * 16_000] * 1000)
            for _ in range(4):
                self.clock.advance(STALL_SECONDS / 4)
                self.release()
            stored = len(self.delivered)
            self.assertGreater(len(self.refused), 500)
            self.worker.release_all()
        self.assertEqual(len(self.delivered) + len(self.refused), 1000)
        self.assertGreaterEqual(len(self.delivered), stored)
        lines = [str(formatEvent(event)) for event in logged]
        self.assertEqual(len(lines), 1, lines)
        line = lines[0]
        self.assertIn("is too slow", line)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.flood(2, "jane")
        self.worker.release_all()
        self.assertEqual(self.delivered[-1], "jane")

    def test_the_operator_sees_who_waits_for_a_commit(self) -> None:
        [row] = self.log._commits.rows()  # type: ignore[attr-defined]
        self.assertEqual((row.now, row.held), ("0 KiB written, 0 KiB in 0 records wait", []))
        self.flood(1, *["x" * 16_000] * 100)
        self.clock.advance(2)
        self.flood(2, "a", "b")
        [row] = self.log._commits.rows()  # type: ignore[attr-defined]
        self.assertIn("KiB written", row.now)
        self.assertTrue(row.now.endswith("records wait, the longest for 2 s"), row.now)
        self.assertEqual(len(row.held), 1)
        self.assertIn("jane", row.held[0])
        self.worker.release_all()
        [row] = self.log._commits.rows()  # type: ignore[attr-defined]
        self.assertEqual((row.now, row.held), ("0 KiB written, 0 KiB in 0 records wait", []))

    def test_a_stall_refuses_the_backlog(self) -> None:
        self.flood(1, *["x" * 16_000] * 200)
        durable = self.wait_durable()
        self.clock.advance(STALL_SECONDS)
        self.assertGreater(len(self.refused), 100)
        self.worker.release_all()
        self.assertTrue(durable.called)
        self.assertEqual(len(self.delivered) + len(self.refused), 200)
        self.flushLoggedErrors()

    def test_a_network_may_have_so_many_bytes_wait_and_no_more(self) -> None:
        text = "x" * 16_000
        count = (MAX_BACKLOG_BYTES_PER_NETWORK + MAX_COMMIT_BYTES) // len(text) + 10
        self.say(*[text] * count)
        self.assertGreater(len(self.refused), 0)
        self.assertLess(len(self.refused), 30)
        self.worker.release_all()
        self.assertEqual(len(self.delivered) + len(self.refused), count)
        self.say("on")
        self.worker.release_all()
        self.assertEqual(self.delivered[-1], "on")


class BacklogOrderTests(TestCase):
    def test_what_a_user_says_over_connections_of_two_networks_stays_in_order(self) -> None:
        phone, desk, backlog = Recorder(), Recorder(), Backlog()
        phone.address, desk.address = "192.0.2.1", "198.51.100.1"
        said = [entry(f"{number}", connection=phone, author=5) for number in range(3)]
        left = entry("", kind=LEFT, connection=desk, author=5)
        for one in (*said, left, entry("of another", connection=desk, author=6)):
            self.assertTrue(backlog.add(one, 0.0))
        taken = [one for _ in range(5) for one in backlog.take(1).entries]
        self.assertEqual([one for one in taken if one.envelope.author == 5], [*said, left])
        self.assertEqual((bool(backlog), backlog._paths), (False, {}))
