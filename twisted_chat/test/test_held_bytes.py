"""The memory that one connection can make the server hold, beside its outbox: measured at its worst, at each door."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core import errors
from twisted_chat.core.hub import MAX_AWAY_CHARACTERS
from twisted_chat.core.rooms import MAX_ROOMS_PER_USER, MAX_TOPIC_CHARACTERS
from twisted_chat.core.router import MAX_ROUTES_PER_CONNECTION
from twisted_chat.doors.presence import MAX_CHANGES
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, Server
from twisted_chat.wire.line import MAX_LINE_BYTES

CONNECTIONS = 10
MAX_HELD_BYTES = 160 * 1024
"""Bytes of one connection at its worst: 400 connections of one address stay under 64 MiB."""
WIDE = "😀"


def name(kind: str, number: int) -> str:
    """Return a long name whose characters take four bytes each."""
    return f"{kind}{number:03}" + "𠀀" * 25


class HeldBytesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server(MemoryLog(10, now=lambda: 0.0))  # the log has a bound of its own
        self.friends = [self.server.plain(name("f", number)) for number in range(MAX_ROUTES_PER_CONNECTION)]
        self.rooms = ["#" + name("r", number) for number in range(MAX_ROOMS_PER_USER)]
        for friend in self.friends[:2]:
            friend.say("".join(f"join,{room}\n" for room in self.rooms).encode())
            friend.read()

    def held(self, fill: Callable[[int], Connection]) -> float:
        """Return the bytes for each of some connections that do their worst."""
        clients = [fill(-1)]  # what all connections share is made for the first
        gc.collect()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before, _ = tracemalloc.get_traced_memory()
        clients += [fill(number) for number in range(CONNECTIONS)]
        self.server.clock.advance(1)
        for client in clients:
            client.transport.writes.clear()
        for friend in self.friends:
            friend.transport.writes.clear()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        return (after - before) / CONNECTIONS

    def gather_presence(self, client: Connection) -> None:
        session = client.protocol.session  # type: ignore[attr-defined]
        session.catchup.held = True
        session.catchup.fall_behind(self.server.log.last)
        for number in range(MAX_CHANGES):
            session.presence_changed(2**40 + number, None, name("p", number))

    def line(self, number: int) -> Connection:
        client = self.server.program(name("j", number + 1))
        client.say(f"away,{WIDE * MAX_AWAY_CHARACTERS}\n".encode())
        client.say("".join(f"join,{room}\n" for room in self.rooms).encode())
        for other in range(MAX_ROUTES_PER_CONNECTION):
            client.say(f"@{'x' * 60}{other} chat,{name('f', other)},hi\n".encode())
        client.say(b"list,friends\n" + "".join(f"list,{room}\n" for room in self.rooms).encode())
        client.read()
        self.gather_presence(client)
        client.say(b"x" * MAX_LINE_BYTES)
        return client

    def irc(self, number: int) -> Connection:
        client = self.server.irc_stranger()
        nick = name("k", number + 1)
        client.say(b"CAP REQ :message-tags server-time labeled-response batch echo-message\r\n")
        client.say(f"PASS :\r\nNICK {nick}\r\nUSER {'u' * 400} 0 * :x\r\nCAP END\r\n".encode())
        client.say(f"AWAY :{WIDE * 100}\r\n".encode())
        client.say("".join(f"JOIN {room}\r\nNAMES {room}\r\n" for room in self.rooms).encode())
        for other in range(MAX_ROUTES_PER_CONNECTION):
            client.say(f"@label={'x' * 60} PRIVMSG {name('f', other)} :hi\r\n".encode())
        client.read()
        client.say(b"@" + b"x" * 4000)
        return client

    def stranger(self, number: int) -> Connection:
        client = self.server.irc_stranger()
        client.say(b"CAP REQ :sasl\r\nAUTHENTICATE PLAIN\r\n" + b"AUTHENTICATE " + b"x" * 400 + b"\r\n")
        for _ in range(20):
            client.say(b"AUTHENTICATE " + b"x" * 400 + b"\r\n")
        client.say(b"PASS " + b"p" * 490 + b"\r\nNICK " + b"n" * 490 + b"\r\n@" + b"x" * 4000)
        return client

    def test_a_program(self) -> None:
        self.assertLess(self.held(self.line), MAX_HELD_BYTES)

    def test_an_irc_client(self) -> None:
        self.assertLess(self.held(self.irc), MAX_HELD_BYTES)

    def test_a_client_without_a_name(self) -> None:
        self.assertLess(self.held(self.stranger), MAX_HELD_BYTES / 4)


class TextLengthTests(SynchronousTestCase):
    """Topics and away texts have the same bounds at every door."""

    def setUp(self) -> None:
        self.server = Server()

    def test_a_topic(self) -> None:
        jane = self.server.program("jane", "#tea")
        self.assertTrue(jane.ask(f"topic,#tea,{WIDE * MAX_TOPIC_CHARACTERS}")[0].startswith("ok,"))
        self.assertEqual(
            jane.ask(f"topic,#tea,{WIDE * (MAX_TOPIC_CHARACTERS + 1)}"),
            [f"error,{errors.TOO_LONG},the topic is too long; it may have at most 400 characters"],
        )
        self.assertEqual(jane.ask("topic,#tea"), [f"ok,{WIDE * MAX_TOPIC_CHARACTERS}"])
        kim = self.server.irc("kim", "#tea")
        topic = f"TOPIC #tea :{'x' * (MAX_TOPIC_CHARACTERS + 1)}\r"
        self.assertEqual(
            kim.ask(topic), [":chat.local 417 kim :the topic is too long; it may have at most 400 characters"]
        )

    def test_an_away_text(self) -> None:
        jane = self.server.plain("jane")
        self.assertEqual(jane.ask(f"away,{'x' * MAX_AWAY_CHARACTERS}"), ["ack"])
        self.assertEqual(
            jane.ask(f"away,{'x' * (MAX_AWAY_CHARACTERS + 1)}"),
            [f"error,{errors.TOO_LONG},the away text is too long; it may have at most 200 characters"],
        )
        kim = self.server.irc("kim")
        sentence = "the away text is too long; it may have at most 200 characters"
        self.assertEqual(kim.ask(f"AWAY :{'x' * (MAX_AWAY_CHARACTERS + 1)}\r"), [f":chat.local 417 kim :{sentence}"])

    def test_irc_clients_are_told_of_the_bounds(self) -> None:
        kim = self.server.irc_stranger()
        kim.say(b"NICK kim\r\nUSER kim 0 * :kim\r\n")
        tokens = " ".join(line for line in kim.lines() if " 005 " in line).split()
        self.assertIn(f"TOPICLEN={MAX_TOPIC_CHARACTERS}", tokens)
        self.assertIn(f"AWAYLEN={MAX_AWAY_CHARACTERS}", tokens)
