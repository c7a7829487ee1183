"""`twisted-chat send`: over a network in memory, what arrives, and how it ends when it does not."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.cli import main
from twisted_chat.core.messages import Record
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.talk.address import Problem
from twisted_chat.talk.input import LineReader, Texts, checked, checked_lines
from twisted_chat.talk.send import Sender, send
from twisted_chat.test.support_client import Network
from twisted_chat.wire.line import LONGEST


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
        return str(self.assertRaises(Problem, self.send, *arguments, **options))

    def test_a_guest_says_something_to_a_person(self) -> None:
        self.send("kim", "the backup\nis done")
        self.assertEqual(self.said(), [("cron", "kim", "the backup\nis done")])
        self.assertEqual(self.network.hub.registry.names(), [])

    def test_a_guest_enters_a_room_and_leaves_it_again(self) -> None:
        self.send("#ops", "one", "two", joins=True)
        kinds = [record.kind for record in self.records() if record.to == "#ops"]
        self.assertEqual(kinds, ["joined", "message", "message", "left"])

    def test_an_account_is_in_its_room_already_or_enters_it_when_told(self) -> None:
        told = self.refused("#ops", "hi", name="kim", password="kim")
        self.assertEqual(told, "there is no room #ops; --join makes it")
        self.send("#ops", "first", name="lou", password="lou", joins=True)
        told = self.refused("#ops", "hi", name="kim", password="kim")
        self.assertEqual(told, "kim is not in #ops; --join enters it")
        self.send("#ops", "second", name="kim", password="kim", joins=True)
        self.send("#ops", "third", name="kim", password="kim")
        self.assertEqual([text for _, _, text in self.said()], ["first", "second", "third"])

    def test_what_is_refused_is_told_in_words(self) -> None:
        self.assertEqual(self.refused("max", "hi"), "nobody is called max there")
        self.assertEqual(self.refused("kim", "hi", name="kim", password="x"), "that is not the password of kim")
        self.assertIn("the name kim is taken; if it is your account", self.refused("kim", "hi", name="kim"))
        self.assertEqual(self.said(), [])

    def test_nobody_listens(self) -> None:
        self.network.stop()
        self.assertRaises(ConnectionRefusedError, self.send, "kim", "hi")

    def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_told(self) -> None:
        self.network.deaf = True
        before = self.clock.seconds()
        self.assertRaises(TookTooLong, self.send, "kim", "hi")
        self.assertEqual(self.clock.seconds() - before, 30.0)

    def test_wherever_an_accounts_connection_is_cut_it_says_it_once(self) -> None:
        for arrives in (False, True):
            for cut_at in range(5, 10):  # behind the first connection's hello
                self.network = Network(self.clock)
                self.send("kim", "kim", "hello", name="kim", password="kim")
                self.network.writes, self.network.cut_at, self.network.arrives = 0, cut_at, arrives
                self.send("kim", "once", name="kim", password="kim")
                self.assertEqual([text for _, _, text in self.said()], ["once"], f"{cut_at} {arrives}")


class TextTests(SynchronousTestCase):
    def test_line_endings_are_line_breaks_and_the_last_is_none(self) -> None:
        self.assertEqual(checked("kim", "one\r\ntwo\r\n\n"), "one\ntwo")

    def test_what_cannot_be_said(self) -> None:
        for text, part in (
            ("\n", "nothing to say"),
            ("\x1b[1m", "U+001B"),
            ("\udcff", "not UTF-8"),
            ("x" * LONGEST, "too long"),
            ("\\" * (LONGEST // 2), "too long"),
        ):
            self.assertIn(part, str(self.assertRaises(Problem, checked, "kim", text)))
        longest = "x" * (LONGEST - 100)
        self.assertEqual(checked("kim", longest), longest)


class LinesTests(SynchronousTestCase):
    """Lines of an input, of which no more are taken than are said."""

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

    def test_a_line_that_cannot_be_said_is_told_by_its_number(self) -> None:
        done = self.read()
        self.reader.dataReceived(b"one\n\nt\x07wo\nthree\n")
        problem = self.failureResultOf(done, Problem).value
        self.assertIn("line 3: the text holds a control character (U+0007)", str(problem))
        self.assertEqual(self.heard, ["one"])

    def test_a_line_without_an_end_takes_no_memory(self) -> None:
        done = self.read()
        self.reader.dataReceived(b"x" * (LONGEST + 1))
        self.assertIn("line 1: the text is too long", str(self.failureResultOf(done, Problem).value))


class CommandTests(SynchronousTestCase):
    """What ends before anything is sent."""

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
            (("a b", "hi"), "a name has no space"),
            (("zak", "hi", "--lines"), "leave out the text"),
            (("zak", "hi", "--timeout", "0"), "a number above 0"),
            (("zak", "hi", "--port", "x"), "a port is a number"),
            (("zak", "hi", "--server", "a@b@c"), "a server is said like this"),
        ):
            status, told = self.run_it(*arguments)
            self.assertEqual(status, 2)
            self.assertIn(part, told)
            self.assertEqual(told.count("\n"), 1)

    def test_a_wrong_environment(self) -> None:
        status, told = self.run_it("zak", "hi", env={"TWISTED_CHAT": "a@b@c"})
        self.assertEqual((status, "$TWISTED_CHAT: a server is said like this" in told), (2, True))
        status, told = self.run_it("zak", "hi", env={"TWISTED_CHAT_PASSWORD": "x", "TWISTED_CHAT": ""})
        self.assertEqual((status, "a password needs a name" in told), (2, True))

    def test_texts_that_cannot_be_said(self) -> None:
        for stdin, part in ((b"", "nothing to say"), (b"\xff", "not UTF-8"), ("é".encode() * LONGEST, "too long")):
            status, told = self.run_it("zak", stdin=stdin)
            self.assertEqual(status, 1)
            self.assertIn(part, told)
            self.assertEqual(told.count("\n"), 1)
