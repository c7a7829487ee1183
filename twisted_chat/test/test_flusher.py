"""The flusher, which flushes the hub once for each reactor turn."""

from functools import partial

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.hub import Hub
from twisted_chat.doors.flusher import MAX_BYTES_A_TURN, Flusher
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Server


class CountingHub(Hub):
    """A hub that counts how often it is flushed."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1
        super().flush()


class TurnTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.hub = CountingHub(MemoryLog(now=self.clock.seconds))
        self.turn = Flusher(self.hub, self.clock, partial(self.clock.callLater, 0))

    def flushes(self) -> int:
        self.clock.advance(0)
        return self.hub.flushes

    def test_a_turn_without_messages_is_not_flushed(self) -> None:
        self.assertEqual(self.flushes(), 0)

    def test_all_messages_of_a_turn_are_flushed_once_after_it(self) -> None:
        self.turn.request()
        self.turn.request(10)
        self.assertEqual(self.hub.flushes, 0)
        self.assertEqual(self.flushes(), 1)
        self.assertEqual(self.flushes(), 1)

    def test_the_next_turn_is_flushed_again(self) -> None:
        for turn in range(1, 4):
            self.turn.request()
            self.assertEqual(self.flushes(), turn)

    def test_a_very_long_turn_is_flushed_before_it_ends(self) -> None:
        for _ in range(3 * MAX_BYTES_A_TURN // 64):
            self.turn.request(64)
        self.assertGreaterEqual(self.hub.flushes, 2)
        self.assertLessEqual(self.flushes(), 4)
        self.turn.request()
        before = self.hub.flushes
        self.assertEqual(self.flushes(), before + 1)

    def test_a_reader_gets_one_write_for_all_messages_of_a_turn(self) -> None:
        server = Server()
        zak = server.plain("zak", "#tea")
        people = [server.plain(f"p{number}", "#tea") for number in range(20)]
        zak.read()
        for person in people:
            person.say(b"chat,#tea,hello\n")
        [write] = zak.writes()
        self.assertEqual(write.count(b"\n"), 20)
