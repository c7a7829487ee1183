"""What all connections of the line door share, and what becomes of the silent ones."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.hub import Hub
from twisted_chat.doors.factory import IDLE_CHECK_SECONDS
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.protocol import MAX_IDLE_CHECKS_UNANSWERED, MAX_IDLE_CHECKS_UNREGISTERED
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, Server


class ChatFactoryTests(SynchronousTestCase):
    def test_its_registry_is_the_hubs(self) -> None:
        server = Server()
        self.assertIs(server.factory.registry, server.hub.registry)

    def test_the_clock_is_the_reactor_unless_another_is_given(self) -> None:
        from twisted.internet import reactor

        self.assertIs(ChatFactory(Hub(MemoryLog())).clock, reactor)

    def test_two_doors_may_lead_to_one_hub(self) -> None:
        here = Server()
        there = Server(hub=here.hub, clock=here.clock)
        jane, zak = here.plain("jane"), there.plain("zak")
        jane.say(b"chat,zak\n")
        self.assertEqual(zak.lines(), ["jane says hi"])

    def test_the_rendering_is_shared_by_all_readers(self) -> None:
        server = Server()
        readers = [server.plain(f"p{number}", "#tea") for number in range(3)]
        jane = server.plain("jane", "#tea")
        jane.say(b"chat,#tea,hello\n")
        first, second, third = (reader.writes()[-1] for reader in readers)
        self.assertIs(first, second)
        self.assertIs(second, third)


class FullTests(SynchronousTestCase):
    def test_one_too_many_is_told_so_and_let_go(self) -> None:
        server = Server(most=2)
        jane, zak = server.connect(), server.connect()
        third = server.connect()
        [answer] = third.lines()
        self.assertTrue(answer.startswith("error,unavailable,"))
        third.say(b"register,kim\n")
        self.assertTrue(third.closed)
        self.assertEqual(jane.ask("register,jane"), ["ack"])
        zak.drop()
        self.assertEqual(server.connect().ask("register,kim"), ["ack"])


class LookTests(SynchronousTestCase):
    """A look every minute at who has been silent."""

    def setUp(self) -> None:
        self.server = Server()
        self.server.factory.doStart()
        self.addCleanup(self.server.factory.doStop)

    def looks(self, count: int) -> None:
        for _ in range(count):
            self.server.clock.advance(IDLE_CHECK_SECONDS)

    def test_a_stranger_who_says_nothing_is_let_go_with_a_word(self) -> None:
        stranger = self.server.connect()
        self.looks(MAX_IDLE_CHECKS_UNREGISTERED)
        self.assertFalse(stranger.closed)
        self.looks(1)
        self.assertIn("silent", stranger.lines()[0])
        self.assertTrue(stranger.closed)

    def test_a_stranger_who_says_anything_may_stay(self) -> None:
        stranger = self.server.connect()
        for _ in range(3 * MAX_IDLE_CHECKS_UNREGISTERED):
            stranger.say(b"ping,x\n")
            self.looks(1)
        self.assertFalse(stranger.closed)

    def test_a_person_with_a_name_may_be_silent_for_ever(self) -> None:
        jane, lesson = self.server.plain("jane"), self.server.lesson("Kim")
        self.looks(100)
        self.assertEqual((jane.read(), lesson.read()), (b"", b""))
        self.assertFalse(jane.closed or lesson.closed)

    def pings(self, program: Connection) -> list[str]:
        return [line for line in program.lines() if line.startswith("ping,")]

    def test_a_program_that_is_silent_is_pinged_and_may_stay_when_it_answers(self) -> None:
        program = self.server.program("zak")
        for _ in range(20):
            self.looks(1)
            for ping in self.pings(program):
                program.say(ping.replace("ping", "pong").encode() + b"\n")
        self.assertFalse(program.closed)
        self.assertEqual(program.lines(), [])

    def test_a_program_that_talks_is_not_pinged(self) -> None:
        program = self.server.program("zak")
        for _ in range(5):
            program.ask("list,friends")
            self.looks(1)
            self.assertEqual(self.pings(program), [])

    def test_a_program_that_leaves_pings_unanswered_is_gone(self) -> None:
        program = self.server.program("zak")
        self.looks(1 + MAX_IDLE_CHECKS_UNANSWERED)
        self.assertEqual(len(self.pings(program)), MAX_IDLE_CHECKS_UNANSWERED)
        self.assertFalse(program.closed)
        self.looks(1)
        self.assertTrue(program.closed)
        self.assertEqual(self.server.names(), [])

    def test_no_more_looks_once_nobody_listens(self) -> None:
        server = Server()
        server.factory.doStart()
        server.factory.doStop()
        self.assertEqual(server.clock.getDelayedCalls(), [])
