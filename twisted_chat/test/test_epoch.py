"""The epoch of a log: ids that a restored backup gives again are not taken for those that a client knows."""

from __future__ import annotations

import shutil

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import Server, entry
from twisted_chat.test.support_sqlite import SqliteFixture
from twisted_chat.test.test_client_resume import ResumeTestCase, texts
from twisted_chat.wire.events import Event


class SinceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server(MemoryLog(now=lambda: 0.0))
        self.jane = self.server.account("jane", "#tea")
        self.epoch = self.server.log.epoch

    def test_the_epoch_is_told_to_programs(self) -> None:
        program = self.server.connect()
        self.assertIn(f",epoch={self.epoch},verbs=", program.ask("hello,events")[0])

    def test_a_position_of_this_epoch_is_read_on_from(self) -> None:
        self.assertEqual(self.jane.ask(f"@s since,1,epoch={self.epoch}"), ["@s ok,1"])
        self.assertEqual(self.jane.ask(f"@s since,1,limit=5,epoch={self.epoch}"), ["@s ok,1"])
        self.assertEqual(self.jane.ask(f"@s since,1,epoch={self.epoch},limit=5"), ["@s ok,1"])

    def test_a_position_of_another_epoch_or_of_the_future_is_gone(self) -> None:
        for position in ("1,epoch=other", "99", f"99,epoch={self.epoch}", "0,limit=5,epoch=other"):
            [answer] = self.jane.ask(f"@s since,{position}")
            self.assertTrue(answer.startswith("@s error,gone,"), answer)
            self.assertTrue(answer.endswith("start from history"), answer)


class FileTests(SqliteFixture, LogFixture, TestCase):
    async def test_the_epoch_stays_over_a_restart(self) -> None:
        epoch = self.log.epoch
        self.assertEqual(len(epoch), 16)
        self.assertEqual((await self.reopened()).epoch, epoch)

    async def test_two_files_have_two_epochs(self) -> None:
        epoch = self.log.epoch
        await self.log.close()
        self.path += "-other"
        self.assertNotEqual(self.opened().epoch, epoch)

    async def test_an_older_file_is_noticed_at_the_start(self) -> None:
        epoch = self.log.epoch
        await self.keep(entry("1"))
        await self.reopened()
        await self.log.close()
        shutil.copyfile(self.path, f"{self.path}-backup")
        self.log = self.opened()
        await self.keep(entry("2"))
        await self.log.close()
        shutil.copyfile(f"{self.path}-backup", self.path)
        with capturedLogs() as logged:
            log = self.log = self.opened()
        self.assertIn("is older than it was: ids after 1 will be given again", formatEvent(logged[0]) or "")
        self.assertEqual(log.last, 1)
        self.assertNotEqual(log.epoch, epoch)
        self.assertEqual((await self.reopened()).epoch, log.epoch, "and only once")

    async def test_a_client_that_knows_more_than_the_log_begins_one_new_epoch(self) -> None:
        assert isinstance(self.log, SqliteLog)
        epoch = self.log.epoch
        with capturedLogs() as logged:
            self.log.suspect_epoch(99)
            second = self.log.epoch
            self.log.suspect_epoch(100)
        self.assertEqual(len(logged), 1, "an account cannot do it again and again")
        self.assertNotEqual(second, epoch)
        self.assertEqual(self.log.epoch, second)
        self.assertEqual((await self.reopened()).epoch, second)


class ClientTests(ResumeTestCase):
    """A ChatClient whose server comes back with an older log."""

    def test_a_client_asks_with_the_epoch_of_its_position(self) -> None:
        client = self.client("jane")
        self.assertEqual(client.epoch, self.network.log.epoch)

    def test_ids_that_were_given_again_are_not_passed_over_silently(self) -> None:
        seen: list[Event] = []
        jane, zak = self.client("jane", seen), self.client("zak")
        self.run_now(zak.chat("jane", "before"))
        self.settle()
        log = self.network.log
        assert isinstance(log, MemoryLog)
        log.epoch = "another"  # as if the server had been restored: the same ids stand for other records
        self.network.cut()
        self.settle()
        self.assertEqual([event.sender for event in seen if event.kind == "server"], ["gap"])
        self.run_now(zak.chat("jane", "after"))
        self.settle()
        self.assertEqual(texts(seen)[-1], "after")
        self.assertEqual(jane.epoch, "another")
        self.network.cut()
        self.settle()
        self.assertEqual(len([event for event in seen if event.kind == "server"]), 1, "it is told once")

    def test_a_program_that_starts_again_says_from_which_epoch_it_knows(self) -> None:
        jane = self.client("jane", client_id="desk")
        position, epoch = jane.last, jane.epoch
        self.run_now(jane.quit())
        seen: list[Event] = []
        self.client("jane", seen, client_id="desk", since=position, epoch="before the restore")
        self.assertEqual([event.sender for event in seen if event.kind == "server"], ["gap"])
        self.client("jane", seen := [], client_id="phone", since=position, epoch=epoch)
        self.assertEqual([event for event in seen if event.kind == "server"], [])
