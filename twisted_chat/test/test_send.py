"""`twisted-chat send`: what arrives, over a network in memory, and the exit status and sentence when it does not."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import deferLater
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.cli import main
from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.core.messages import Record
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.talk.failures import TalkError
from twisted_chat.talk.input import LineReader, Texts, checked, checked_lines
from twisted_chat.talk.send import RESTART_SECONDS, Sender, is_restart, send
from twisted_chat.test.support_client import Network
from twisted_chat.wire.line import MAX_LINE_BYTES


async def these(*texts: str) -> Texts:
    for text in texts:
        yield text


class SendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.network = Network(self.clock)
        self.send("kim", "kim", "hello", name="kim", password="kim")  # makes the account

    def send(self, to: str, *texts: str, name: str = "cron", password: str | None = None, joins: bool = False) -> None:
        sender = Sender(name, password, to, joins, 30.0)
        self.clock.run(Deferred.fromCoroutine(send(self.clock, self.network, sender, these(*texts))))
        self.clock.advance(0)

    def records(self) -> list[Record]:
        assert isinstance(self.network.log, MemoryLog)
        return list(self.network.log._ring.oldest(0))

    def said(self) -> list[tuple[str, str, str]]:
        return [(record.sender, record.to, record.text) for record in self.records() if record.text][2:]

    def refused(self, *arguments: str, **options: Any) -> str:
        return str(self.assertRaises(TalkError, self.send, *arguments, **options))

    def test_a_guest_sends_a_message_to_a_user(self) -> None:
        self.send("kim", "the backup\nis done")
        self.assertEqual(self.said(), [("cron", "kim", "the backup\nis done")])
        self.assertEqual(self.network.hub.registry.online_names(), [])

    def test_a_guest_enters_a_room_and_leaves_it_again(self) -> None:
        self.send("#ops", "one", "two", joins=True)
        kinds = [record.kind for record in self.records() if record.to == "#ops"]
        self.assertEqual(kinds, ["joined", "message", "message", "left"])

    def test_an_account_is_in_its_room_already_or_enters_it_with_join(self) -> None:
        told = self.refused("#ops", "hi", name="kim", password="kim")
        self.assertEqual(told, "there is no room #ops; add --join to enter or create the room")
        self.send("#ops", "first", name="lou", password="lou", joins=True)
        told = self.refused("#ops", "hi", name="kim", password="kim")
        self.assertEqual(told, "you are not a member of #ops; add --join to enter the room first")
        self.send("#ops", "second", name="kim", password="kim", joins=True)
        self.send("#ops", "third", name="kim", password="kim")
        self.assertEqual([text for _, _, text in self.said()], ["first", "second", "third"])

    def test_a_refusal_is_the_servers_sentence_and_what_to_do(self) -> None:
        self.assertEqual(self.refused("max", "hi"), "no user named max")
        told = self.refused("kim", "hi", name="kim", password="x")
        self.assertEqual(
            told, "wrong password for kim; try again, or choose another name; --password-file sets the password"
        )
        told = self.refused("kim", "hi", name="kim")
        self.assertEqual(
            told,
            "the name kim belongs to an account; sign in with its password, or choose another name; "
            "--as sets the name, --password-file the password",
        )
        self.assertEqual(self.said(), [])

    def test_a_server_that_does_not_listen_is_tried_again_for_as_long_as_a_restart_takes(self) -> None:
        self.network.stop()
        before, attempts = self.clock.seconds(), self.network.attempts
        self.assertRaises(ConnectionRefusedError, self.send, "kim", "hi")
        self.assertEqual(self.clock.seconds() - before, RESTART_SECONDS)
        self.assertGreater(self.network.attempts - attempts, 10)

    def test_a_message_is_sent_once_while_the_server_restarts(self) -> None:
        for name, password in (("cron", None), ("kim", "kim")):
            self.network.stop()
            self.clock.callLater(5, self.network.start)
            self.send("kim", "one", "two", name=name, password=password)
        self.assertEqual([text for _, _, text in self.said()], ["one", "two"] * 2)

    def test_a_guest_goes_on_with_the_next_line_on_another_connection(self) -> None:
        async def lines() -> Texts:
            yield "one"
            self.network.stop()
            self.clock.callLater(5, self.network.start)
            await deferLater(self.clock, 1)
            yield "two"

        sender = Sender("cron", None, "kim", False, 30.0)
        self.clock.run(Deferred.fromCoroutine(send(self.clock, self.network, sender, lines())))
        self.assertEqual([text for _, _, text in self.said()], ["one", "two"])

    def test_only_what_a_restart_mends_is_tried_again(self) -> None:
        self.assertTrue(is_restart(ChatFailed("unavailable", "the server is shutting down")))
        self.assertTrue(is_restart(Disconnected("the server ended the connection: the server is shutting down")))
        self.assertFalse(is_restart(ChatFailed("wrong-password", "wrong password")))
        self.assertFalse(is_restart(Disconnected("the server ended the connection: [('SSL routines', '', 'x')]")))
        self.assertFalse(is_restart(Disconnected("the client does not understand what the server sent: x")))

    def test_a_server_that_does_not_answer_is_waited_for_until_the_timeout(self) -> None:
        self.network.deaf = True
        before = self.clock.seconds()
        self.assertRaises(DeferredTimeout, self.send, "kim", "hi")
        self.assertEqual(self.clock.seconds() - before, 30.0)

    def test_wherever_an_accounts_connection_is_cut_the_message_is_sent_once(self) -> None:
        for arrives in (False, True):
            for cut_at in range(5, 10):  # behind the first connection's hello
                self.network = Network(self.clock)
                self.send("kim", "kim", "hello", name="kim", password="kim")
                self.network.writes, self.network.cut_at, self.network.arrives = 0, cut_at, arrives
                self.send("kim", "once", name="kim", password="kim")
                self.assertEqual([text for _, _, text in self.said()], ["once"], f"{cut_at} {arrives}")


class TextTests(SynchronousTestCase):
    def test_line_endings_are_line_breaks_except_at_the_end(self) -> None:
        self.assertEqual(checked("kim", "one\r\ntwo\r\n\n"), "one\ntwo")

    def test_texts_that_cannot_be_sent(self) -> None:
        for text, part in (
            ("\n", "the text is empty"),
            ("\x1b[1m", "U+001B"),
            ("\udcff", "not UTF-8"),
            ("x" * MAX_LINE_BYTES, "too long"),
            ("\\" * (MAX_LINE_BYTES // 2), "too long"),
        ):
            self.assertIn(part, str(self.assertRaises(TalkError, checked, "kim", text)))
        longest = "x" * (MAX_LINE_BYTES - 100)
        self.assertEqual(checked("kim", longest), longest)


class LineReaderTests(SynchronousTestCase):
    """Lines of an input, of which no more are read than are sent."""

    def setUp(self) -> None:
        self.reader, self.transport = LineReader(), StringTransport()
        self.reader.makeConnection(self.transport)
        self.heard: list[str] = []

    def read(self, then: Callable[[], Deferred[None] | None] = lambda: None) -> Deferred[None]:
        async def reading() -> None:
            async for text in checked_lines("kim", self.reader.lines()):
                self.heard.append(text)
                waiting = then()
                if waiting is not None:
                    await waiting

        return Deferred.fromCoroutine(reading())

    def test_each_line_as_it_comes_and_the_last_without_an_ending(self) -> None:
        done = self.read()
        for data, heard in ((b"one\ntw", ["one"]), (b"o\n\n \nthree", ["one", "two"])):
            self.reader.dataReceived(data)
            self.assertEqual(self.heard, heard)
        self.reader.connectionLost()
        self.successResultOf(done)
        self.assertEqual(self.heard, ["one", "two", "three"])

    def test_nothing_is_read_while_lines_wait(self) -> None:
        acknowledged: Deferred[None] = Deferred()
        self.read(lambda: acknowledged)
        self.reader.dataReceived(b"one\ntwo\n")
        self.assertEqual((self.heard, self.transport.producerState), (["one"], "paused"))
        acknowledged.callback(None)
        self.assertEqual((self.heard, self.transport.producerState), (["one", "two"], "producing"))

    def test_a_line_that_cannot_be_sent_is_reported_with_its_number(self) -> None:
        done = self.read()
        self.reader.dataReceived(b"one\n\nt\x07wo\nthree\n")
        problem = self.failureResultOf(done, TalkError).value
        self.assertIn("line 3: the text contains a control character (U+0007)", str(problem))
        self.assertEqual(self.heard, ["one"])

    def test_a_line_without_an_end_is_not_kept(self) -> None:
        done = self.read()
        self.reader.dataReceived(b"x" * (MAX_LINE_BYTES + 1))
        self.assertIn("line 1: the text is too long", str(self.failureResultOf(done, TalkError).value))


class CommandTests(SynchronousTestCase):
    """Errors before anything is sent."""

    def run_it(self, *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> tuple[int, str]:
        err = io.StringIO()
        with (
            patch("sys.stderr", err),
            patch("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin))),
            patch.dict(os.environ, env or {}),
        ):
            end = self.assertRaises(SystemExit, main, ["send", *arguments])
        return int(end.code or 0), err.getvalue()

    def test_a_wrong_command_line(self) -> None:
        for arguments, part in (
            (("a b", "hi"), "is not a valid name"),
            (("zak", "hi", "--lines"), "leave out the text"),
            (("zak", "hi", "--timeout", "0"), "is not a number above 0"),
            (("zak", "hi", "--port", "x"), "is not a port"),
            (("zak", "hi", "--port", "9" * 5000), "is not a port"),
            (("zak", "hi", "--server", "a@b@c"), "is not a server address"),
        ):
            status, told = self.run_it(*arguments)
            self.assertEqual(status, 2)
            self.assertIn(part, told)
            self.assertEqual(told.count("\n"), 1)

    def test_a_wrong_environment(self) -> None:
        status, told = self.run_it("zak", "hi", env={"TWISTED_CHAT": "a@b@c"})
        self.assertEqual((status, "$TWISTED_CHAT: 'a@b@c' is not a server address" in told), (2, True))
        status, told = self.run_it("zak", "hi", env={"TWISTED_CHAT_PASSWORD": "x", "TWISTED_CHAT": ""})
        self.assertEqual((status, "a password needs a name" in told), (2, True))

    def test_input_that_cannot_be_sent(self) -> None:
        for stdin, part in (
            (b"", "the text is empty"),
            (b"\xff", "not UTF-8"),
            ("é".encode() * MAX_LINE_BYTES, "too long"),
        ):
            status, told = self.run_it("zak", stdin=stdin)
            self.assertEqual(status, 1)
            self.assertIn(part, told)
            self.assertEqual(told.count("\n"), 1)
