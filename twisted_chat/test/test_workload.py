"""A crowd that acts at the same moment is served over several turns of the reactor, and others do not wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.archive import Archive
from twisted_chat.doors import factory
from twisted_chat.doors.catchup import Mode
from twisted_chat.doors.workload import (
    MAX_CHANGES_UNDER_WAY,
    MAX_WAIT_FOR_LOG_SECONDS,
    UNITS_AT_A_TIME,
    UNITS_OF_END,
    UNITS_OF_PAGE,
    UNITS_PER_TURN,
)
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, DelayedLog, MemoryTransport, Server

CROWD = 200
MAX_JOINS_A_TURN = UNITS_PER_TURN // 8
MAX_ENDS_A_TURN = UNITS_PER_TURN // (2 * UNITS_OF_END) + 1


class FromAddress(MemoryTransport):
    """A transport whose peer has the address of the class attribute."""

    host = "192.0.2.1"

    def getPeer(self) -> IAddress:
        return IPv4Address("TCP", self.host, 40000)


class ElsewhereTransport(FromAddress):
    host = "192.0.2.2"


class WorkloadTestCase(SynchronousTestCase):
    """A server whose turns happen one by one, when a test says so."""

    def setUp(self) -> None:
        self.server = Server(self.make_log())
        self.workload = self.server.factory.flusher.workload
        self.crowd = [self.named(f"p{number}") for number in range(CROWD)]
        self.kim = self.named("kim", ElsewhereTransport)
        self.server.turn()
        self._due: list[Callable[[], Any]] = []
        self.workload._call_soon = self._due.append

    def make_log(self) -> DelayedLog | None:
        return None

    def named(self, name: str, transport: type[MemoryTransport] = FromAddress) -> Connection:
        person = Connection(self.server, None, transport)
        person.say(b"register,%b\n" % name.encode())
        self.server.turn()
        self.assertEqual(person.lines(), ["ack"])
        return person

    def next_turn(self) -> None:
        """Run the next turn, and what the clock has."""
        due, self._due[:] = self._due[:], []
        for call in due:
            call()
        self.server.turn()

    def run_all(self) -> None:
        while self._due:
            self.next_turn()

    def crowd_says(self, data: bytes) -> None:
        for person in self.crowd:
            person.say(data)

    def members(self) -> int:
        room = self.server.hub.rooms.get("#tea")
        return 0 if room is None else len(room.members)


class CrowdTests(WorkloadTestCase):
    def test_a_crowd_joins_some_in_each_turn_and_all_in_the_end(self) -> None:
        self.crowd_says(b"join,#tea\n")
        before = 0
        while self._due:
            self.assertGreater(self.members(), before)
            self.assertLessEqual(self.members() - before, MAX_JOINS_A_TURN)
            before = self.members()
            self.next_turn()
        self.assertEqual(self.members(), CROWD)
        self.assertEqual([person for person in self.crowd if person.paused], [], "a request that waits is no flood")

    def test_a_crowd_that_drops_leaves_some_in_each_turn_and_all_in_the_end(self) -> None:
        self.crowd_says(b"join,#tea\n")
        self.run_all()
        self.next_turn()
        for person in self.crowd:
            person.drop()
        self.assertEqual(len(self.server.factory.connections), 1, "their places are free at once")
        before = CROWD
        while self._due:
            self.assertLess(self.members(), before)
            self.assertLessEqual(before - self.members(), MAX_ENDS_A_TURN)
            before = self.members()
            self.next_turn()
        self.assertEqual(self.server.names(), ["kim"])

    def test_a_client_whose_end_waits_gives_its_name_to_its_own_new_connection(self) -> None:
        self.kim.ask("hello,events,a-long-client-id")
        self.crowd_says(b"join,#tea\n")
        self.kim.drop()
        self.assertIn("kim", self.server.names())
        again = Connection(self.server, None, ElsewhereTransport)
        again.say(b"hello,events,a-long-client-id\nregister,kim\n")
        self.next_turn()
        self.assertTrue(again.lines()[-1].startswith("ok,kim,guest"))
        self.run_all()
        self.assertIn("kim", self.server.names())

    def test_idle_clients_are_checked_some_in_each_turn(self) -> None:
        self.patch(factory, "IDLE_CHECKS_PER_TURN", 16)
        self.server.factory._soon = self._due.append
        for person in self.crowd:
            person.chat.heard = False
        self.server.factory.idle_check()
        checked = [sum(person.chat.silent_checks for person in self.crowd)]
        while self._due:
            self.next_turn()
            checked.append(sum(person.chat.silent_checks for person in self.crowd))
        self.assertLessEqual(max(now - before for before, now in zip([0, *checked], checked, strict=False)), 16)
        self.assertEqual(checked[-1], CROWD)

    def test_a_crowd_that_ends_its_input_is_answered_and_leaves(self) -> None:
        self.crowd_says(b"join,#tea\n")
        for person in self.crowd:
            person.say(b"ping,last\n")
            person.end_input()
        self.run_all()
        self.assertEqual({person.lines()[-1] for person in self.crowd}, {"pong,last"})
        self.run_all()
        self.assertEqual(self.server.names(), ["kim"])

    def test_a_client_at_another_address_has_the_next_turn_but_one(self) -> None:
        self.crowd_says(b"join,#tea\n")
        self.kim.say(b"ping,kim\n")
        self.assertEqual(self.kim.lines(), [])
        self.next_turn()
        self.assertEqual(self.kim.lines(), ["pong,kim"])
        self.assertLess(self.members(), CROWD)

    def test_messages_do_not_wait_for_a_crowd(self) -> None:
        self.kim.ask("chat,kim,first")
        self.crowd_says(b"join,#tea\n")
        self.assertEqual(self.kim.ask("chat,kim,hello"), ["kim says hello"])
        self.assertLess(self.members(), CROWD)

    def test_the_requests_of_a_connection_stay_in_order(self) -> None:
        self.kim.ask("join,#tea")
        self.crowd_says(b"join,#tea\n")
        jane = self.crowd[-1]
        for line in (b"chat,#tea,a\n", b"leave,#tea\n", b"chat,#tea,b\n", b"join,#tea\nchat,#tea,c\n"):
            jane.say(line)
        self.assertEqual(jane.lines(), [])
        self.run_all()
        heard = [line.removeprefix("p199 ") for line in self.kim.lines() if line.startswith("p199 ")]
        self.assertEqual(heard, ["in #tea says a", "in #tea says c"], "b was said outside")

    def test_one_with_many_requests_is_not_read_from_and_others_are_served_between(self) -> None:
        jane, zak = self.crowd[:2]
        jane.say(b"ping,1\n" * 3 * UNITS_PER_TURN)
        self.assertTrue(jane.paused)
        zak.say(b"ping,2\n")
        self.assertEqual(zak.lines(), [])
        self.next_turn()
        self.assertEqual(zak.lines(), ["pong,2"])
        self.run_all()
        self.assertEqual(len(jane.lines()), 3 * UNITS_PER_TURN)
        self.assertFalse(jane.paused)
        self.assertLess(UNITS_AT_A_TIME, UNITS_PER_TURN)

    def test_a_lesson_client_that_waits_is_held_from_its_registration_on(self) -> None:
        lesson = Connection(self.server, None, ElsewhereTransport)
        lesson.say(b"register,zoe")
        self.crowd_says(b"join,#tea\n")
        self.server.clock.advance(0.05)
        self.assertEqual(lesson.read(), b"")
        self.next_turn()
        self.assertEqual(lesson.read(), b"ack")
        self.run_all()
        self.kim.ask("chat,zoe,hello")
        self.assertEqual(lesson.read(), b"", "it takes the next bytes for its list")
        lesson.say(b"list,friends")
        self.assertIn(b"kim", lesson.read())

    def test_answers_behind_joins_share_a_batch(self) -> None:
        flushes: list[None] = []
        flush = self.server.log.flush

        def count() -> None:
            flushes.append(None)
            flush()

        self.patch(self.server.log, "flush", count)
        self.crowd_says(b"join,#tea\nping,in\n")
        self.run_all()
        self.assertLess(len(flushes), CROWD // 2)
        self.assertTrue(all("pong,in" in person.lines() for person in self.crowd))


class LogTests(WorkloadTestCase):
    log: DelayedLog

    def make_log(self) -> DelayedLog:
        self.log = DelayedLog()
        return self.log

    def test_no_more_joins_are_under_way_than_a_commit_should_have(self) -> None:
        self.crowd_says(b"join,#tea\n")
        for _ in range(CROWD):
            self.next_turn()
        under_way = self.members()
        self.assertGreater(under_way, MAX_CHANGES_UNDER_WAY)
        self.assertLessEqual(under_way, MAX_CHANGES_UNDER_WAY + MAX_JOINS_A_TURN)
        self.log.keep()
        self.run_all()
        self.assertEqual(self.members(), CROWD)

    def test_others_go_on_slowly_while_the_disk_does_not_answer(self) -> None:
        self.crowd_says(b"join,#tea\n")
        self.kim.say(b"ping,first\n")
        for _ in range(CROWD):
            self.next_turn()
        self.assertEqual(self.kim.lines(), ["pong,first"])
        self.kim.say(b"ping,kim\n")
        self.next_turn()
        self.assertEqual(self.kim.lines(), [])
        self.server.clock.advance(MAX_WAIT_FOR_LOG_SECONDS)
        self.assertEqual(self.kim.lines(), ["pong,kim"])


class ReadingTests(SynchronousTestCase):
    def test_many_readers_who_are_behind_read_on_a_few_in_each_turn(self) -> None:
        server = Server(MemoryLog(now=lambda: 0.0))
        most = UNITS_PER_TURN // UNITS_OF_PAGE
        crowd = [server.plain(f"m{number}", "#tea") for number in range(3 * most)]
        jane = server.plain("jane", "#tea")
        for one in crowd:
            one.stop_reading()
        for number in range(60):
            jane.say(f"chat,#tea,{'.' * 8000} {number}\n".encode())
            server.turn()
        self.assertEqual({one.chat.session.catchup.mode for one in crowd}, {Mode.IDLE})
        with patch.object(Archive, "read_on", autospec=True, side_effect=Archive.read_on) as reads:
            for one in crowd:
                one.chat.session.outbox.resumeProducing()
            self.assertEqual(reads.call_count, 0)
            server.factory.flusher.workload._turn()
            self.assertLessEqual(reads.call_count, most)

    def test_a_fault_of_one_does_not_hold_up_the_others(self) -> None:
        server = Server()
        workload, done = server.factory.flusher.workload, list[str]()
        session = server.plain("jane").chat.session
        workload.wait(session, lambda: done.append(str(1 // 0)))
        workload.wait(session, lambda: done.append("kim"))
        server.turn()
        self.assertEqual(done, ["kim"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
