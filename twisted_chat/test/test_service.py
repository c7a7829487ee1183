"""The service opens the doors when it starts, and closes them in order when it stops."""

from __future__ import annotations

import errno
import io
import resource
import sys
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from twisted_chat import service
from twisted_chat.admin.accounts import AccountAdmin
from twisted_chat.admin.control import Control, ControlProtocol
from twisted_chat.doors.front import FrontFactory
from twisted_chat.service import (
    CLOSE_TIMEOUT_SECONDS,
    MAX_DESCRIPTORS,
    RESERVED_DESCRIPTORS,
    CannotStart,
    ChatService,
    State,
    raise_descriptor_limit,
)
from twisted_chat.test.support import Server
from twisted_chat.test.support_front import Client, SwitchingTransport
from twisted_chat.transports.listening import LOCK_IS_HELD
from twisted_chat.wire.detect import LINE


@implementer(IListeningPort)
class Port:
    """A port that closes at once or, with `closing`, when that Deferred fires."""

    def __init__(self) -> None:
        self.open = True
        self.closing: Deferred[None] | None = None

    def startListening(self) -> None:
        """Do nothing: it listens already."""

    def stopListening(self) -> Deferred[None] | None:
        self.open = False
        return self.closing

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 8000)


@implementer(IStreamServerEndpoint)
class Endpoint:
    """An endpoint that opens one port, or fails."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.port, self.problem = Port(), problem
        self.factories: list[IProtocolFactory] = []

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        if self.problem is not None:
            return fail(self.problem)
        self.factories.append(protocolFactory)
        return succeed(self.port)


class MemoryControl(Control):
    """A control socket without a socket, which records when it is opened and closed."""

    def __init__(self, server: Server) -> None:
        accounts = server.hub.accounts
        assert accounts is not None
        super().__init__(AccountAdmin(server.hub, accounts, None), "", MemoryReactor(), server.clock)
        self.happened: list[str] = []
        self.opened = False
        opened = server.hub.open

        def open() -> None:
            opened()
            self.opened = True

        server.hub.open = open  # type: ignore[method-assign]

    def open(self) -> None:
        self.happened.append("open, and the store was open" if self.opened else "open too early")

    def close(self) -> Deferred[None]:
        self.happened.append("closed")
        return succeed(None)


class ServiceTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()
        self.patch(service, "raise_descriptor_limit", lambda: 1000)

    def service(self, **endpoints: Endpoint) -> ChatService:
        return ChatService([self.server.factory], list(endpoints.items()), self.server.clock)


class StartTests(ServiceTestCase):
    def test_nothing_is_opened_before_it_starts(self) -> None:
        here = Endpoint()
        self.service(here=here)
        self.assertEqual(here.factories, [])

    def test_every_endpoint_gets_the_one_factory(self) -> None:
        here, there = Endpoint(), Endpoint()
        self.service(here=here, there=there).startService()
        self.assertEqual(here.factories + there.factories, [self.server.factory] * 2)

    def test_ports_are_opened_once_while_there_are_privileges(self) -> None:
        here = Endpoint()
        chat = self.service(here=here)
        chat.privilegedStartService()
        chat.startService()
        self.assertEqual(len(here.factories), 1)

    def test_the_preparation_is_done_once_even_without_a_port(self) -> None:
        prepared: list[str] = []
        chat = ChatService([self.server.factory], [], self.server.clock, prepare=lambda: prepared.append("prepared"))
        chat.privilegedStartService()
        chat.startService()
        self.assertEqual(prepared, ["prepared"])

    def test_the_start_up_line_says_where_it_listens_and_how_many_connections_it_holds(self) -> None:
        events: list[LogEvent] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            events.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.service(here=Endpoint(), there=Endpoint()).startService()
        self.assertEqual([event for event in events if event.get("where")], [])  # not before the reactor runs
        self.server.clock.advance(0)
        [event] = [event for event in events if event.get("where")]
        self.assertEqual((event["where"], event["most"]), ("here, there", 1000 - RESERVED_DESCRIPTORS))
        self.assertEqual(self.server.factory.most, 1000 - RESERVED_DESCRIPTORS)

    def test_it_says_which_port_the_system_chose(self) -> None:
        asked_and_said = {
            "tcp:0": "tcp:8000",
            "tcp:0:interface=0:backlog=0": "tcp:8000:interface=0:backlog=0",
            "haproxy:tcp6:port=0:interface=\\:\\:": "haproxy:tcp6:port=8000:interface=\\:\\:",
            "ssl:0:privateKey=tcp.pem": "ssl:8000:privateKey=tcp.pem",
            "tcp:8000:interface=127.0.0.1": "tcp:8000:interface=127.0.0.1",
            "tcp:08000": "tcp:08000",
            "unix:/run/chat-0.sock:mode=0": "unix:/run/chat-0.sock:mode=0",
            "systemd:domain=INET:index=0": "systemd:domain=INET:index=0",
        }
        events: list[LogEvent] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            events.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.service(**{asked: Endpoint() for asked in asked_and_said}).startService()
        self.assertEqual([event for event in events if event.get("where")], [])  # not before the reactor runs
        self.server.clock.advance(0)
        [event] = [event for event in events if event.get("where")]
        self.assertEqual(event["where"].split(", "), list(asked_and_said.values()))

    def cannot_start(self, problem: Exception) -> str:
        """Return what is printed for the operator when an endpoint fails with this error."""
        self.patch(sys, "excepthook", sys.excepthook)
        printed = io.StringIO()
        self.patch(sys, "__stderr__", printed)
        try:
            self.service(here=Endpoint(problem)).startService()
        except CannotStart as error:
            sys.excepthook(type(error), error, error.__traceback__)
        else:
            self.fail("the service has started")
        return printed.getvalue()

    def test_a_taken_port_is_one_line(self) -> None:
        printed = self.cannot_start(CannotListenError("0.0.0.0", 8000, OSError(errno.EADDRINUSE, "?")))
        self.assertEqual(
            printed,
            "twisted_chat: cannot listen at here: Address already in use;"
            " stop the program that uses it, or choose another address with --port or --listen\n",
        )

    def test_a_taken_unix_socket_has_the_same_words(self) -> None:
        printed = self.cannot_start(CannotListenError(None, "chat.sock", LOCK_IS_HELD))  # as Twisted has it
        self.assertIn("cannot listen at here: Address already in use; stop the program that uses it", printed)

    def test_other_errors_are_one_line_too(self) -> None:
        self.assertEqual(
            self.cannot_start(ValueError("no such thing")),
            "twisted_chat: cannot listen at here: no such thing; choose another address with --port or --listen\n",
        )
        self.assertIn("Permission denied", self.cannot_start(OSError(errno.EACCES, "?")))

    def test_other_exceptions_keep_their_traceback(self) -> None:
        self.cannot_start(ValueError("no such thing"))
        seen: list[Any] = []
        self.patch(sys, "__excepthook__", lambda *problem: seen.append(problem[0]))
        sys.excepthook(KeyError, KeyError("x"), None)
        self.assertEqual(seen, [KeyError])

    def test_a_failed_preparation_opens_nothing(self) -> None:
        here = Endpoint()

        def prepare() -> None:
            raise CannotStart("the certificate is no good")

        self.patch(sys, "excepthook", sys.excepthook)
        chat = ChatService([self.server.factory], [("here", here)], self.server.clock, prepare=prepare)
        self.assertRaises(CannotStart, chat.startService)
        self.assertEqual(here.factories, [])


class FrontDoorTests(ServiceTestCase):
    """With a front door, all connections come through it."""

    def setUp(self) -> None:
        super().setUp()
        self.front = FrontFactory({LINE: self.server.factory}, self.server.clock)
        self.here = Endpoint()
        self.chat = ChatService([self.server.factory], [("here", self.here)], self.server.clock, front=self.front)
        self.chat.startService()

    def test_endpoints_get_the_front_door_and_it_counts_connections(self) -> None:
        self.assertEqual(self.here.factories, [self.front])
        self.assertEqual((self.front.most, self.server.factory.most), (1000 - RESERVED_DESCRIPTORS, None))

    def test_a_client_whose_protocol_is_not_detected_is_told_of_the_shutdown(self) -> None:
        silent = Client(self.front, self.server.clock, SwitchingTransport)
        stopped = self.chat.stopService()
        self.server.clock.advance(0.05)
        self.assertIn(b"shutting down", silent.heard())
        self.assertTrue(silent.closed)
        self.server.clock.advance(0.05)
        self.successResultOf(stopped)


class StopTests(ServiceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.here = Endpoint()
        self.chat = self.service(here=self.here)
        self.chat.startService()

    def stop(self, seconds: float = 0.1) -> Deferred[None]:
        stopped = self.chat.stopService()
        for _ in range(round(seconds / 0.05)):
            self.server.clock.advance(0.05)
        return stopped

    def test_a_server_without_clients_stops_at_once(self) -> None:
        self.successResultOf(self.chat.stopService())
        self.assertFalse(self.here.port.open)

    def test_each_client_is_told_in_its_dialect(self) -> None:
        plain, program = self.server.plain("jane"), self.server.program("zak")
        lesson, stranger = self.server.lesson("Kim"), self.server.connect()
        self.successResultOf(self.stop())
        self.assertTrue(plain.lines()[0].startswith("*** the server is shutting down"))
        self.assertTrue(program.lines()[0].startswith("server,shutdown,"))
        self.assertTrue(stranger.lines()[0].startswith("*** the server is shutting down"))
        self.assertEqual(lesson.read(), b"")
        for connection in (plain, program, lesson, stranger):
            self.assertTrue(connection.closed)

    def test_queued_messages_are_sent_first(self) -> None:
        jane, zak = self.server.plain("jane"), self.server.plain("zak")
        zak.stop_reading()
        for number in range(200):
            jane.say(b"chat,zak,%s %d\n" % (b"." * 1000, number))
        self.server.turn()
        stopped = self.stop()
        self.assertNoResult(stopped)
        zak.read_again()
        self.server.clock.advance(0.05)
        self.successResultOf(stopped)
        lines = zak.lines()
        self.assertEqual(len(lines), 201)
        self.assertIn("shutting down", lines[-1])

    def test_the_last_messages_are_sent_first(self) -> None:
        jane, zak = self.server.plain("jane"), self.server.plain("zak")
        jane.say(b"chat,zak,just now\n")
        self.successResultOf(self.stop())
        self.assertEqual(zak.lines()[0], "jane says just now")

    def test_a_client_that_does_not_read_is_disconnected_after_the_timeout(self) -> None:
        zak = self.server.plain("zak")
        zak.stop_reading()
        stopped = self.stop(CLOSE_TIMEOUT_SECONDS - 0.1)
        self.assertNoResult(stopped)
        self.server.clock.pump([0.05] * 4)
        self.successResultOf(stopped)
        self.assertTrue(zak.closed)

    def test_ports_are_closed_before_clients_are_told(self) -> None:
        self.here.port.closing = Deferred()
        jane = self.server.plain("jane")
        stopped = self.stop()
        self.assertFalse(self.here.port.open)
        self.assertEqual(jane.lines(), [])
        self.here.port.closing.callback(None)
        self.server.clock.advance(0.05)
        self.successResultOf(stopped)

    def test_the_control_socket_opens_last_and_closes_first(self) -> None:
        control = MemoryControl(self.server)
        chat = ChatService([self.server.factory], [], self.server.clock, control=control)
        chat.startService()
        self.assertEqual(control.happened, ["open, and the store was open"])
        jane = self.server.plain("jane")
        asking = ControlProtocol(control)
        asking.makeConnection(StringTransport())
        stopped = chat.stopService()
        self.assertEqual(control.happened[1:], ["closed"])
        self.server.clock.advance(0.05)
        self.assertTrue(jane.closed)
        self.assertNoResult(stopped)
        asking.connectionLost()
        self.server.clock.advance(0.05)
        self.successResultOf(stopped)

    def test_a_control_connection_that_does_not_close_is_aborted(self) -> None:
        control = MemoryControl(self.server)
        chat = ChatService([self.server.factory], [], self.server.clock, control=control)
        chat.startService()
        asking, transport = ControlProtocol(control), StringTransport()
        asking.makeConnection(transport)
        stopped = chat.stopService()
        self.server.clock.pump([0.05] * round(CLOSE_TIMEOUT_SECONDS / 0.05 + 2))
        self.successResultOf(stopped)
        self.assertTrue(transport.disconnected)

    def test_the_states_follow_the_table(self) -> None:
        chat = self.service(there=Endpoint())
        states = [chat._state]
        for step in (chat.privilegedStartService, chat.startService):
            step()
            states.append(chat._state)
        self.server.plain("zak").stop_reading()
        stopped = chat.stopService()
        states.append(chat._state)
        self.server.clock.pump([0.05] * round(CLOSE_TIMEOUT_SECONDS / 0.05 + 2))
        self.successResultOf(stopped)
        self.assertEqual([*states, chat._state], list(State))

    def test_a_second_stop_does_nothing_more(self) -> None:
        closed: list[str] = []

        async def close() -> None:
            closed.append("closed")

        self.patch(self.server.hub.log, "close", close)
        self.successResultOf(self.chat.stopService())
        self.successResultOf(self.chat.stopService())
        self.assertEqual(closed, ["closed"])

    def test_a_service_that_was_not_started_can_be_stopped(self) -> None:
        self.successResultOf(self.service(there=Endpoint()).stopService())


class DescriptorsTests(SynchronousTestCase):
    """The soft limit is raised as far as it goes."""

    def limits(self, soft: int, hard: int, problem: Exception | None = None) -> tuple[int, list[tuple[int, int]]]:
        """Return the result of `raise_descriptor_limit` with these limits, and the limits that it has set."""
        done: list[tuple[int, int]] = []

        def set_limit(which: int, limits: tuple[int, int]) -> None:
            self.assertEqual(which, resource.RLIMIT_NOFILE)
            if problem is not None:
                raise problem
            done.append(limits)

        self.patch(resource, "getrlimit", lambda which: (soft, hard))
        self.patch(resource, "setrlimit", set_limit)
        return raise_descriptor_limit(), done

    def test_it_is_raised_to_the_hard_limit(self) -> None:
        self.assertEqual(self.limits(1024, 4096), (4096, [(4096, 4096)]))

    def test_it_is_raised_to_the_maximum_where_the_hard_limit_is_infinite(self) -> None:
        for infinite in (-1, 2**63 - 1):
            count, done = self.limits(256, infinite)
            self.assertEqual(count, MAX_DESCRIPTORS)
            self.assertEqual(done, [(MAX_DESCRIPTORS, infinite)])

    def test_it_stays_where_it_cannot_be_raised(self) -> None:
        for problem in (ValueError(), OSError()):
            self.assertEqual(self.limits(256, 4096, problem), (256, []))
