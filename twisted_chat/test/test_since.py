"""Catching up: `since` sends an account the records it has missed, and live records after them."""

import re

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.archive import CATCH_UP_PAGE_RECORDS
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, DelayedLog, Server, SlowAccounts
from twisted_chat.test.support_times import at

KIB = 1024


def ids(connection: Connection) -> list[int]:
    """Return the ids of the messages that arrived, in order."""
    return [int(line.split(",")[1]) for line in connection.lines() if line.startswith("message,")]


class SinceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server(MemoryLog(now=lambda: 0.0))
        self.zak = self.server.account("zak", "#tea")
        self.jane = self.server.account("jane", "#tea")

    def say(self, *texts: str, to: str = "zak") -> None:
        for text in texts:
            self.jane.say(f"chat,{to},{text}\n".encode())
            self.jane.read()

    def test_direct_messages_to_an_offline_account_are_kept(self) -> None:
        self.zak.ask("quit")
        self.assertEqual(self.jane.ask("@a chat,zak,later")[1], "@a ok,3")
        again = self.server.account("zak")
        self.assertEqual(again.lines(), [], "a program asks for it")
        self.assertEqual(again.ask("@s since,2"), [f"@s message,3,{at(3)},jane,zak,later", "@s ok,3"])

    def test_room_messages_are_kept_for_an_offline_member(self) -> None:
        self.zak.drop()
        self.assertEqual(self.jane.ask("@l list,#tea"), ["@l ok,jane,zak"])
        self.say("there you are", to="#tea")
        again = self.server.account("zak")
        self.assertEqual(again.ask("since,2"), [f"message,3,{at(3)},jane,#tea,there you are", "ok,3"])

    def test_the_answer_is_the_last_id_even_without_missed_messages(self) -> None:
        kim = self.server.account("kim")
        self.say("not for kim")
        self.assertEqual(kim.ask("@s since,0"), ["@s ok,3"])
        self.assertEqual(kim.ask("@s since"), ["@s ok,3"], "without an id it only says where one is")

    def test_messages_sent_by_the_accounts_other_connection_are_included(self) -> None:
        other = self.server.account("jane")
        self.say("from here")
        self.assertEqual(other.ask("since,2")[-2:], [f"message,3,{at(3)},jane,zak,from here", "ok,3"])
        self.assertEqual(self.jane.ask("since,2"), ["ok,3"], "but not what this one said")

    def test_a_room_is_read_from_the_join_to_the_leave(self) -> None:
        kim = self.server.account("kim")
        self.say("before", to="#tea")
        kim.ask("join,#tea")
        joined = self.server.log.last
        self.say("during", to="#tea")
        kim.ask("leave,#tea")
        self.say("after", to="#tea")
        texts = [line.split(",")[-1] for line in self.server.account("kim").ask("since,0")]
        self.assertEqual(texts, ["kim", "during", "kim", str(self.server.log.last)])
        again = self.server.account("kim")
        texts = [line.split(",")[-1] for line in again.ask(f"since,{joined}")]
        self.assertEqual(texts, ["during", "kim", str(self.server.log.last)], "one was in it at that place")

    def test_ids_in_the_future_and_invalid_numbers_are_refused(self) -> None:
        for id, code in [("3", "gone"), ("999999999", "gone"), ("-1", "bad-command")]:
            self.assertEqual(self.zak.ask(f"@s since,{id}")[-1].split(",")[:2], ["@s error", code], id)
        for id in ("", "x", "1.5", "9" * 19, "٣"):
            self.assertEqual(self.zak.ask(f"@s since,{id}")[-1].split(",")[:2], ["@s error", "bad-command"], id)
        self.say("still live")
        self.assertEqual(ids(self.zak), [3])

    def test_guests_have_no_since(self) -> None:
        kim = self.server.program("kim", "#tea")
        self.assertEqual(kim.ask("@s since,0")[-1].split(",")[:2], ["@s error", "not-allowed"])
        self.say("still live", to="#tea")
        self.assertEqual(ids(kim), [4])

    def test_two_requests_in_one_read_are_both_answered_in_full(self) -> None:
        self.say("one", "two")
        self.zak.read()
        self.zak.say(b"@a since,2\n@b since,3\n@c since,2\n")
        got = [re.sub(r"1970-01-01T00:00:00\.\d{3}Z,jane,zak,", "", line) for line in self.zak.lines()]
        expected = ["@a message,3,one", "@a message,4,two", "@a ok,4", "@b message,4,two", "@b ok,4"]
        self.assertEqual(got, [*expected, "@c message,3,one", "@c message,4,two", "@c ok,4"])
        self.say("live")
        self.assertEqual(ids(self.zak), [5])

    def test_many_pages_come_in_order_and_once(self) -> None:
        self.say(*map(str, range(3 * CATCH_UP_PAGE_RECORDS + 7)))
        self.zak.read()
        self.zak.say(b"@s since,2\n")
        lines = self.zak.lines()
        self.assertEqual(
            [line.split(",")[-1] for line in lines[:-1]], list(map(str, range(3 * CATCH_UP_PAGE_RECORDS + 7)))
        )
        self.assertEqual(lines[-1], f"@s ok,{self.server.log.last}")

    def test_a_person_reads_missed_messages_as_plain_lines(self) -> None:
        self.say("one")
        person = self.server.connect()
        person.ask("register,zak,zak")
        self.assertEqual(person.ask("since,2"), ["jane says one"])

    def test_a_client_that_reads_slowly_gets_one_page_after_another(self) -> None:
        for number in range(600):
            self.say(f"{'.' * KIB} {number}", to="#tea")
        again = self.server.account("zak")
        again.stop_reading()
        again.say(b"@s since,2\n")
        self.server.turn()
        self.assertLess(again.chat.session.outbox.size, 256 * KIB)
        for number in range(600, 650):
            again.take(20 * KIB)
            self.server.turn()
            self.say(f"{'.' * KIB} {number}", to="#tea")
        again.read_again()
        lines = again.lines()
        said = [int(line.split()[-1]) for line in lines if "message," in line]
        self.assertEqual(said, list(range(650)))
        [end] = [number for number, line in enumerate(lines) if line.startswith("@s ok,")]
        self.assertTrue(all(line.startswith("@s ") for line in lines[:end]))
        self.assertFalse(any(line.startswith("@s ") for line in lines[end + 1 :]))

    def test_a_client_that_leaves_meanwhile_does_no_harm(self) -> None:
        self.say(*map(str, range(600)))
        again = self.server.account("zak")
        again.stop_reading()
        again.say(b"@s since,2\n")
        again.drop()
        self.server.turn()
        self.say("later", to="#tea")
        self.assertEqual(self.server.names(), ["jane", "zak"])

    def test_records_that_the_log_no_longer_has_are_reported_as_a_gap(self) -> None:
        self.server = Server(MemoryLog(most=10, now=lambda: 0.0))
        self.zak, self.jane = self.server.account("zak"), self.server.account("jane")
        self.say(*map(str, range(1000)))
        self.zak.read()
        lines = self.zak.ask("@s since,1")
        self.assertEqual(lines[0].split(",")[:2], ["server", "gap"])
        self.assertEqual(lines[-1], "@s ok,1000")
        self.assertEqual(lines[1].split(",")[1], str(self.server.log.first))


class SlowLogTests(SynchronousTestCase):
    """A log that takes time to store and to read."""

    def setUp(self) -> None:
        self.log = DelayedLog()
        self.accounts = SlowAccounts()
        self.server = Server(self.log, accounts=self.accounts)
        self.jane = self.server.program("jane")
        self.server.account("zak").drop()

    def say(self, *texts: str) -> None:
        for text in texts:
            self.jane.say(f"chat,zak,{text}\n".encode())
            self.server.turn()

    def settle(self) -> None:
        """Finish all stores and reads."""
        for _ in range(20):
            self.accounts.go_on()
            self.log.read_now()
            self.log.keep()
            self.server.turn()

    def texts(self, connection: Connection) -> list[str]:
        return [line.rpartition(",")[2] for line in connection.lines() if "message," in line]

    def test_messages_not_stored_yet_arrive_once_and_after_the_answer(self) -> None:
        self.say("1", "2")
        self.log.keep(1)
        zak = self.server.connect()
        zak.say(b"hello,events\nregister,zak,zak\n")
        self.say("3")
        self.assertEqual(len(zak.lines()), 1, "only hello is answered yet")
        self.settle()
        self.say("4")
        self.settle()
        lines = zak.lines()
        self.assertEqual(lines[0], "ok,zak,known")
        self.assertEqual([line.rpartition(",")[2] for line in lines[1:]], ["2", "3", "4"])

    def test_a_person_misses_no_message_that_is_not_stored_yet(self) -> None:
        self.say("1", "2")
        self.log.keep(1)
        zak = self.server.connect()
        zak.say(b"register,zak,zak\n")
        self.say("3")
        self.settle()
        self.say("4")
        self.settle()
        lines = zak.lines()
        self.assertEqual((lines[0], lines[1].endswith(" jane (guest) says 1")), ("ack", True))
        self.assertEqual(lines[2:], [f"jane (guest) says {text}" for text in "234"])

    def test_since_in_the_same_read_as_the_sign_in_overtakes_nothing(self) -> None:
        for slow_accounts in (False, True):
            for slow_log in (False, True):
                with self.subTest(slow_accounts=slow_accounts, slow_log=slow_log):
                    self.setUp()
                    self.say("1", "2")
                    self.log.keep()
                    self.say("3")
                    self.accounts.slow, self.log.slow = slow_accounts, slow_log
                    zak = self.server.connect()
                    zak.say(b"hello,events\nregister,zak,zak\n@s since,0\n")
                    self.say("4")
                    self.settle()
                    self.say("5")
                    self.settle()
                    self.assertEqual(self.texts(zak), ["1", "2", "3", "4", "5"])

    def test_since_while_messages_keep_coming_overtakes_nothing(self) -> None:
        self.say("1", "2")
        self.log.keep()
        zak = self.server.account("zak")
        self.settle()
        zak.read()
        self.log.slow = True
        zak.say(b"@s since,0\n")
        for number in range(3, 9):
            self.say(str(number))
            self.log.keep()
            zak.chat.session.flush()
            if number % 2:
                self.log.read_now()
            self.server.turn()
        self.settle()
        self.assertEqual(self.texts(zak), list("12345678"))

    def test_since_of_a_session_that_is_behind_and_reading_is_answered(self) -> None:
        zak = self.server.account("zak")
        self.settle()
        zak.read()
        self.say("1")
        zak.chat.session.hold()
        self.log.keep()
        self.log.slow = True
        zak.chat.session.release()
        zak.say(b"@s since,0\n")
        self.settle()
        message = "message,1,1970-01-01T00:00:00.000Z,jane,zak,1"
        self.assertEqual(zak.lines(), [f"@s {message}", "@s ok,1"])
        self.say("2")
        self.settle()
        self.assertEqual(self.texts(zak), ["2"], "and it is live")

    def test_two_requests_at_once_are_both_answered_in_full(self) -> None:
        zak = self.server.account("zak")
        self.say("1", "2")
        self.settle()
        zak.read()
        self.log.slow = True
        zak.say(b"@a since,0\n@b since,1\n")
        self.settle()
        self.assertEqual(
            [line.split(",")[0] for line in zak.lines()], ["@a message"] * 2 + ["@a ok", "@b message", "@b ok"]
        )
        self.say("3")
        self.settle()
        self.assertEqual(self.texts(zak), ["3"])

    def test_a_failed_read_of_the_log_is_answered_and_tried_again(self) -> None:
        zak = self.server.account("zak")
        self.say("1")
        self.settle()
        zak.read()
        self.log.broken = True
        self.assertEqual(zak.ask("@s since,0")[0].split(",")[:2], ["@s error", "unavailable"])
        self.flushLoggedErrors(OSError)
        self.say("2")
        self.log.keep()
        self.log.broken = False
        self.server.clock.advance(5)
        self.assertEqual(self.texts(zak), ["1", "2"])

    def test_a_client_that_leaves_during_the_sign_in_leaves_nothing_behind(self) -> None:
        self.say("1")
        self.log.keep()
        self.say("2")
        zak = self.server.connect()
        zak.say(b"register,zak,zak\n")
        zak.drop()
        self.settle()
        self.assertEqual(self.server.names(), ["jane"])
        person = self.server.connect()
        lines = person.ask("register,zak,zak")
        self.assertEqual([line.split()[-1] for line in lines], ["ack", "1", "2"], "nothing counts as seen")
