"""The memory that one connection can make the server hold, beside its outbox: measured at its worst, at each door."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from sys import getsizeof

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core import errors, shares
from twisted_chat.core.hub import MAX_AWAY_CHARACTERS
from twisted_chat.core.roomlimits import DEFAULT_ROOM_LIMITS
from twisted_chat.core.rooms import MAX_ROOMS_PER_USER, MAX_TOPIC_CHARACTERS
from twisted_chat.core.router import MAX_ROUTES_PER_CONNECTION
from twisted_chat.doors.line import dialects
from twisted_chat.doors.presence import MAX_CHANGES
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.sqlite.batches import MAX_BACKLOG_BYTES_PER_NETWORK
from twisted_chat.stores.sqlite.commits import MAX_COMMIT_BYTES
from twisted_chat.test.support import Connection, Server
from twisted_chat.wire.line import MAX_LINE_BYTES

CONNECTIONS = 10
MAX_HELD_BYTES = 176 * 1024
"""Bytes of one connection at its worst, with the larger objects of Python 3.10."""
MANY = 40
SMALL_SHARE_BYTES = 64 * 1024
FREE_BYTES = 12 * 1024
"""Bytes that a connection holds beyond all shares, with what an idle one costs, and some for the test's own objects."""
ROOM_BYTES = 2 * 1024
"""Bytes of a room, with its name in all tables, and without its topic."""
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


class SumTests(SynchronousTestCase):
    """All that one address can make the process hold, beside its idle connections, is less than 64 MiB."""

    def test_the_bounds_of_one_address(self) -> None:
        topic = getsizeof(WIDE * MAX_TOPIC_CHARACTERS)
        rooms = DEFAULT_ROOM_LIMITS.network + DEFAULT_ROOM_LIMITS.accounts_of_network
        bounds = {
            "clients that do not read": shares.MAX_OUTBOX_BYTES_PER_NETWORK,
            "requests that wait, and unfinished lines": shares.MAX_INPUT_BYTES_PER_NETWORK,
            "messages that are under way": shares.MAX_UNSTORED_BYTES_PER_NETWORK + MAX_COMMIT_BYTES,
            "messages that wait for a commit": MAX_BACKLOG_BYTES_PER_NETWORK,
            "rooms that guests are in": shares.MAX_MEMBERSHIP_BYTES_PER_NETWORK,
            "routes": shares.MAX_ROUTE_BYTES_PER_NETWORK,
            "presence": shares.MAX_PRESENCE_BYTES_PER_NETWORK,
            "rooms and their topics": rooms * (topic + ROOM_BYTES),
        }
        self.assertLess(sum(bounds.values()), 64 * 1024 * 1024, bounds)

    def held_by(self, connect: Callable[[Server, str], Connection], join: str, say: str) -> float:
        """Return the bytes for each of many connections that each do their worst, with small shares for all."""
        server = Server(MemoryLog(10, now=lambda: 0.0))
        pools = ("outboxes", "input", "memberships", "routes", "presence")
        for pool in pools:
            setattr(server.hub.shares, pool, shares.Pool(SMALL_SHARE_BYTES, SMALL_SHARE_BYTES))
        rooms = ["#" + name("r", number) for number in range(MAX_ROOMS_PER_USER)]
        names = [name("f", number) for number in range(MAX_ROUTES_PER_CONNECTION)]
        friends = [server.plain(one) for one in names]
        for friend in friends[:2]:
            friend.say("".join(f"join,{room}\n" for room in rooms).encode())

        def fill(number: int) -> Connection:
            client = connect(server, name("j", number))
            client.say("".join(join.format(room) for room in rooms).encode())
            client.say("".join(say.format(friend) for friend in names).encode())
            client.say(b"x" * 900)
            client.read()
            return client

        clients = [fill(-1)]
        gc.collect()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before, _ = tracemalloc.get_traced_memory()
        clients += [fill(number) for number in range(MANY)]
        server.clock.advance(1)
        for client in (*clients, *friends):
            client.transport.writes.clear()
        dialects._opening.cache_clear()  # all connections share it
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        for pool in pools:
            self.assertLessEqual(getattr(server.hub.shares, pool).used, SMALL_SHARE_BYTES)
        return (after - before - len(pools) * SMALL_SHARE_BYTES) / MANY

    def test_beyond_the_shares_a_line_client_holds_little(self) -> None:
        self.assertLess(self.held_by(Server.plain, "join,{}\n", "chat,{},hi\n"), FREE_BYTES)

    def test_beyond_the_shares_an_irc_client_holds_little(self) -> None:
        self.assertLess(self.held_by(Server.irc, "JOIN {}\r\n", "PRIVMSG {} :hi\r\n"), FREE_BYTES)
