"""The IRC door when things take their time or never come: limits, order, silent clients, ends of connections."""

from __future__ import annotations

from twisted_chat.core.errors import Notice
from twisted_chat.doors.factory import IDLE_CHECK_SECONDS
from twisted_chat.doors.outbox import MAX_OUTBOX_BYTES
from twisted_chat.doors.protocol import MAX_IDLE_CHECKS_UNANSWERED, MAX_IDLE_CHECKS_UNREGISTERED
from twisted_chat.doors.unstored import MAX_UNSTORED_BYTES
from twisted_chat.sentences import NOTICES
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import DelayedLog, Server
from twisted_chat.test.test_irc_door import IrcTestCase
from twisted_chat.test.test_line_door_waiting import SlowHub
from twisted_chat.wire.irc.message import MAX_MESSAGE_BYTES, parse

KIB = 1024


class SlowLogTests(IrcTestCase):
    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log)
        self.jane = self.server.irc("jane", capabilities="echo-message labeled-response batch standard-replies")
        self.zak = self.server.irc("zak")

    def keep(self) -> None:
        self.server.turn()
        self.log.keep()
        self.server.turn()

    def test_answers_keep_the_order_of_the_requests(self) -> None:
        self.jane.say(b"PRIVMSG zak :x\r\nPING a\r\nFOO\r\nPRIVMSG zak :y\r\nISON zak\r\n")
        self.assertEqual(self.jane.lines(), [])
        self.assertTrue(self.jane.paused)
        self.keep()
        self.keep()
        self.assertEqual(self.numbers(self.jane.lines()), ["PRIVMSG", "PONG", "421", "PRIVMSG", "303"])
        self.assertFalse(self.jane.paused)
        self.assertEqual(len(self.zak.lines()), 2)

    def test_a_message_that_the_log_cannot_keep_is_refused(self) -> None:
        self.jane.say(b"@label=1 PRIVMSG zak :x\r\nJOIN #tea\r\nPING a\r\n")
        self.server.turn()
        self.log.fail()
        self.server.turn()
        one, two, pong = self.jane.lines()
        self.assertTrue(one.startswith("@label=1 :chat.local FAIL PRIVMSG UNAVAILABLE :"))
        self.assertTrue(two.startswith(":chat.local FAIL JOIN UNAVAILABLE :"))
        self.assertEqual(pong, ":chat.local PONG chat.local a")
        self.assertEqual(self.zak.lines(), [])

    def test_a_flood_that_the_log_does_not_have_yet_pauses_its_sender(self) -> None:
        said = 0
        while not self.jane.paused and said < MAX_UNSTORED_BYTES:
            self.jane.say(b"".join(b"PRIVMSG zak :%d\r\n" % number for number in range(said, said + 100)))
            self.server.turn()
            said += 100
        self.assertTrue(self.jane.paused)
        self.assertLessEqual(self.jane.protocol.session.unstored, MAX_UNSTORED_BYTES + 32 * 1024)  # type: ignore[attr-defined]
        for _ in range(20):
            self.keep()
        self.assertFalse(self.jane.paused)
        self.assertEqual([int(line.split(":")[-1]) for line in self.zak.lines()], list(range(said)))

    def test_everything_before_quit_is_carried_out(self) -> None:
        self.jane.say(b"PRIVMSG zak :last words\r\nQUIT\r\nPRIVMSG zak :never\r\n")
        self.assertFalse(self.jane.closed)
        self.keep()
        self.assertEqual(self.numbers(self.jane.lines()), ["PRIVMSG", "ERROR"])
        self.assertTrue(self.jane.closed)
        self.assertEqual(self.zak.lines(), [":jane!u@guest PRIVMSG zak :last words"])

    def test_at_the_end_of_input_everything_is_still_answered(self) -> None:
        self.jane.say(b"PRIVMSG zak :x\r\nPING a\r\nPRIVMSG zak :no line ending")
        self.jane.end_input()
        self.keep()
        self.assertEqual(self.numbers(self.jane.lines()), ["PRIVMSG", "PONG"])
        self.assertTrue(self.jane.closed)

    def test_a_client_that_is_gone_meanwhile_does_no_harm(self) -> None:
        self.log.slow = True
        self.jane.say(b"PRIVMSG zak :x\r\nCHATHISTORY LATEST zak * 5\r\n")
        self.keep()
        self.jane.drop()
        self.log.read_now()
        self.server.turn()
        self.assertEqual(self.server.names(), ["zak"])


class SlowSignInTests(IrcTestCase):
    def setUp(self) -> None:
        self.hub = SlowHub()
        self.server = Server(hub=self.hub)
        self.jane = self.server.irc_stranger()
        self.jane.say(b"NICK jane\r\nUSER j 0 * :J\r\nISON jane\r\n")

    def test_requests_behind_it_wait(self) -> None:
        self.assertEqual(self.jane.lines(), [])
        self.hub.door.callback(None)
        numbers = self.numbers(self.jane.lines())
        self.assertEqual((numbers[0], numbers[-1]), ("001", "303"))

    def test_a_sign_in_after_the_connection_is_lost_leaves_no_user(self) -> None:
        self.jane.drop()
        self.hub.door.callback(None)
        self.assertEqual(self.server.names(), [])


class SlowReaderTests(IrcTestCase):
    def setUp(self) -> None:
        self.server = Server(MemoryLog(now=lambda: 0.0))
        self.slow, self.jane = self.server.irc("slow", "#tea"), self.server.plain("jane", "#tea")
        self.slow.read()
        self.slow.stop_reading()

    def say(self, count: int) -> None:
        for number in range(count):
            self.jane.say(f"chat,#tea,{'.' * 400} {number}\n".encode())
            self.server.turn()

    def texts(self) -> list[int]:
        lines = [parse(line.encode()) for line in self.slow.lines()]
        return [int(line.params[1].split()[1]) for line in lines if line.command == "PRIVMSG"]

    def test_a_slow_reader_has_a_bounded_outbox_and_loses_nothing(self) -> None:
        self.say(3000)
        outbox = self.slow.irc.session.outbox
        self.assertTrue(outbox.full)
        self.assertLessEqual(outbox.size, MAX_OUTBOX_BYTES + 64 * KIB)
        self.slow.read_again()
        self.assertEqual(self.texts(), list(range(3000)))

    def test_new_names_are_sent_when_the_client_has_caught_up(self) -> None:
        zak = self.server.plain("zak", "#tea")
        self.say(3000)
        zak.ask("rename,zack")
        zak.ask("rename,Zakary")
        self.slow.read_again()
        self.server.clock.advance(1)
        names = [line for line in self.slow.lines() if " NICK " in line]
        self.assertEqual(names, [":zak!u@guest NICK Zakary"])

    def test_the_client_is_told_of_a_gap(self) -> None:
        self.server = Server(MemoryLog(most=100, now=lambda: 0.0))
        self.slow, self.jane = self.server.irc("slow", "#tea"), self.server.plain("jane", "#tea")
        self.slow.stop_reading()
        self.say(3000)
        self.slow.read_again()
        notices = [line for line in self.slow.lines() if " NOTICE " in line]
        self.assertEqual(
            notices,
            [":chat.local NOTICE slow :" + NOTICES[Notice.GAP]],
        )

    def test_a_client_that_does_not_read_its_answers_is_paused(self) -> None:
        asked = 0
        while not self.slow.paused and asked < 100_000:
            self.slow.say(b"WHOIS jane\r\n" * 50)
            self.server.turn()
            asked += 50
        self.assertTrue(self.slow.paused)
        self.assertLess(self.slow.irc.session.outbox.size, MAX_OUTBOX_BYTES + 64 * KIB)
        self.slow.read_again()
        self.assertEqual(self.slow.read().count(b" 318 "), asked)

    def test_a_line_without_an_end_takes_no_memory(self) -> None:
        self.slow.read_again()
        self.slow.read()
        for _ in range(100):
            self.slow.say(b"x" * KIB)
        self.assertLessEqual(len(self.slow.irc._splitter.tail), MAX_MESSAGE_BYTES + 1)
        self.assertEqual(self.numbers(self.slow.lines()), ["417"])
        self.assertEqual(self.numbers(self.slow.ask("\r\nPING x")), ["PONG"])


class SilenceTests(IrcTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.irc_factory.doStart()
        self.addCleanup(self.server.irc_factory.doStop)

    def idle_checks(self, count: int) -> None:
        for _ in range(count):
            self.server.clock.advance(IDLE_CHECK_SECONDS)

    def test_a_client_that_does_not_register_is_disconnected_with_a_reason(self) -> None:
        stranger = self.server.irc_stranger()
        signed_in = self.server.irc_stranger()
        signed_in.say(b"CAP REQ sasl\r\nAUTHENTICATE PLAIN\r\nAUTHENTICATE AGphbmUAc2VjcmV0\r\n")
        signed_in.read()
        self.idle_checks(MAX_IDLE_CHECKS_UNREGISTERED + 1)
        for client in (stranger, signed_in):
            self.assertEqual(self.numbers(client.lines()), ["ERROR"])
            self.assertTrue(client.closed)
        self.assertEqual(self.server.names(), [])

    def test_a_silent_client_is_pinged_and_stays_if_it_answers(self) -> None:
        jane = self.server.irc("jane")
        for _ in range(10):
            self.idle_checks(1)
            for line in jane.lines():
                self.assertEqual(line, "PING chat.local")
                jane.say(b"PONG chat.local\r\n")
        self.assertFalse(jane.closed)

    def test_a_client_that_does_not_answer_pings_is_disconnected(self) -> None:
        jane = self.server.irc("jane")
        self.idle_checks(1 + MAX_IDLE_CHECKS_UNANSWERED)
        self.assertEqual(self.numbers(jane.lines()), ["PING"] * MAX_IDLE_CHECKS_UNANSWERED)
        self.idle_checks(1)
        self.assertEqual(self.numbers(jane.lines()), ["ERROR"])
        self.assertTrue(jane.closed)
        self.assertEqual(self.server.names(), [])
