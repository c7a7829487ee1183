"""Connections whose requests have waited go on a few at a time."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.archive import Archive
from twisted_chat.doors.catchup import Mode
from twisted_chat.doors.pacing import MAX_REQUESTS_A_TURN
from twisted_chat.doors.wakes import MAX_WAKES_A_TURN, Wakes
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Server


class WakesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.wakes = Wakes(self.soon.append)
        self.woken: list[str] = []

    def add(self, address: str, name: str) -> None:
        self.wakes.add(address, lambda: self.woken.append(name))

    def turn(self) -> None:
        due, self.soon[:] = list(self.soon), []
        for call in due:
            call()

    def test_a_few_go_on_in_each_turn(self) -> None:
        for number in range(3 * MAX_WAKES_A_TURN):
            self.add("192.0.2.1", str(number))
        for turn in range(1, 4):
            self.assertTrue(self.wakes.busy)
            self.turn()
            self.assertEqual(self.woken, [str(number) for number in range(turn * MAX_WAKES_A_TURN)])
        self.assertEqual((self.wakes.busy, self.soon), (False, []))

    def test_networks_take_turns(self) -> None:
        for number in range(100):
            self.add("192.0.2.1", str(number))
        self.add("192.0.2.2", "jane")
        self.turn()
        self.assertIn("jane", self.woken)

    def test_a_connection_waits_once(self) -> None:
        def wake() -> None:
            self.woken.append("kim")

        self.wakes.add("192.0.2.1", wake)
        self.wakes.add("192.0.2.1", wake)
        self.turn()
        self.wakes.add("192.0.2.1", wake)
        self.turn()
        self.assertEqual(self.woken, ["kim", "kim"])

    def test_a_fault_of_one_does_not_hold_up_the_others(self) -> None:
        self.wakes.add("192.0.2.1", lambda: 1 // 0)
        self.add("192.0.2.1", "kim")
        self.turn()
        self.assertEqual(self.woken, ["kim"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class ManyRequestsTests(SynchronousTestCase):
    def test_many_connections_with_many_requests_do_not_hold_up_a_turn(self) -> None:
        server, count = Server(), 2 * MAX_REQUESTS_A_TURN
        crowd = [server.plain(f"m{number}") for number in range(20)]
        jane = server.plain("jane")
        for one in crowd:
            one.say(b"".join(b"ping,%d\n" % number for number in range(count)))
        self.assertLessEqual(sum(b"".join(one.transport.writes).count(b"pong") for one in crowd), MAX_REQUESTS_A_TURN)
        jane.say(b"ping,now\n")
        self.assertEqual(jane.transport.writes[-1], b"pong,now\n")
        self.assertEqual([one.lines() for one in crowd], [[f"pong,{number}" for number in range(count)]] * 20)

    def test_many_readers_who_are_behind_read_on_a_few_in_each_turn(self) -> None:
        server = Server(MemoryLog(now=lambda: 0.0))
        crowd = [server.plain(f"m{number}", "#tea") for number in range(3 * MAX_WAKES_A_TURN)]
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
            server.factory.flusher.wakes._turn()
            self.assertLessEqual(reads.call_count, MAX_WAKES_A_TURN)
