"""The line door's factory: state that its connections share, its limit, and its idle checks."""

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
    def test_a_connection_above_the_limit_is_refused_with_an_error(self) -> None:
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


class IdleCheckTests(SynchronousTestCase):
    """Every minute the factory checks which connections have been silent."""

    def setUp(self) -> None:
        self.server = Server()
        self.server.factory.doStart()
        self.addCleanup(self.server.factory.doStop)

    def idle_checks(self, count: int) -> None:
        for _ in range(count):
            self.server.clock.advance(IDLE_CHECK_SECONDS)

    def test_a_silent_client_without_a_name_is_closed_with_a_notice(self) -> None:
        stranger = self.server.connect()
        self.idle_checks(MAX_IDLE_CHECKS_UNREGISTERED)
        self.assertFalse(stranger.closed)
        self.idle_checks(1)
        self.assertIn("silent", stranger.lines()[0])
        self.assertTrue(stranger.closed)

    def test_a_client_without_a_name_that_sends_anything_stays(self) -> None:
        stranger = self.server.connect()
        for _ in range(3 * MAX_IDLE_CHECKS_UNREGISTERED):
            stranger.say(b"ping,x\n")
            self.idle_checks(1)
        self.assertFalse(stranger.closed)

    def test_a_person_with_a_name_may_stay_silent(self) -> None:
        jane, lesson = self.server.plain("jane"), self.server.lesson("Kim")
        self.idle_checks(100)
        self.assertEqual((jane.read(), lesson.read()), (b"", b""))
        self.assertFalse(jane.closed or lesson.closed)

    def pings(self, program: Connection) -> list[str]:
        return [line for line in program.lines() if line.startswith("ping,")]

    def test_a_silent_program_is_pinged_and_stays_if_it_answers(self) -> None:
        program = self.server.program("zak")
        for _ in range(20):
            self.idle_checks(1)
            for ping in self.pings(program):
                program.say(ping.replace("ping", "pong").encode() + b"\n")
        self.assertFalse(program.closed)
        self.assertEqual(program.lines(), [])

    def test_a_program_that_talks_is_not_pinged(self) -> None:
        program = self.server.program("zak")
        for _ in range(5):
            program.ask("list,friends")
            self.idle_checks(1)
            self.assertEqual(self.pings(program), [])

    def test_a_program_that_does_not_answer_pings_is_closed(self) -> None:
        program = self.server.program("zak")
        self.idle_checks(1 + MAX_IDLE_CHECKS_UNANSWERED)
        self.assertEqual(len(self.pings(program)), MAX_IDLE_CHECKS_UNANSWERED)
        self.assertFalse(program.closed)
        self.idle_checks(1)
        self.assertTrue(program.closed)
        self.assertEqual(self.server.names(), [])

    def test_idle_checks_end_when_the_factory_stops(self) -> None:
        server = Server()
        server.factory.doStart()
        server.factory.doStop()
        self.assertEqual(server.clock.getDelayedCalls(), [])
