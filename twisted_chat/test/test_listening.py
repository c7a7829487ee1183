"""A port that another program still has is waited for, with one line in the log; a dead Unix socket is replaced."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import UNIXServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactor
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from twisted_chat.test.test_service import Port
from twisted_chat.transports.listening import LEFT_OVER_SECONDS, LOCK_IS_HELD, PortOpener, is_in_use
from twisted_chat.transports.proxy import ProxyEndpoint

IN_USE = CannotListenError("", 8000, OSError(errno.EADDRINUSE, "?"))
SOCKET_IN_USE = CannotListenError(None, "chat.sock", LOCK_IS_HELD)
FORBIDDEN = CannotListenError("", 80, OSError(errno.EACCES, "?"))


@implementer(IStreamServerEndpoint)
class Busy:
    """An endpoint whose address another program has for some seconds."""

    def __init__(self, clock: Clock, seconds: float, problem: Exception = IN_USE) -> None:
        self.clock, self.seconds, self.problem, self.tries = clock, seconds, problem, 0

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        self.tries += 1
        return succeed(Port()) if self.clock.seconds() >= self.seconds else fail(self.problem)


class ListeningTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.opener = PortOpener(Factory(), 5.0, self.clock.advance, self.clock.seconds)
        self.said: list[str] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            if event["log_namespace"] == "twisted_chat.transports.listening":
                self.said.append(event["log_format"])

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def test_a_free_port_is_not_waited_for(self) -> None:
        self.successResultOf(self.opener.open("here", Busy(self.clock, 0)))
        self.assertEqual((self.clock.seconds(), self.said), (0, []))

    def test_a_port_that_is_taken_for_a_moment_is_waited_for_with_one_line(self) -> None:
        for problem in (IN_USE, SOCKET_IN_USE, OSError(errno.EADDRINUSE, "?")):
            del self.said[:]
            clock = Clock()
            opener = PortOpener(Factory(), 5.0, clock.advance, clock.seconds)
            self.successResultOf(opener.open("here", Busy(clock, 3, problem)))
            self.assertEqual(len(self.said), 1, problem)

    def test_a_port_that_stays_taken_is_an_error_in_the_end(self) -> None:
        failure = self.failureResultOf(self.opener.open("here", Busy(self.clock, 60)))
        self.assertIs(failure.value, IN_USE)
        self.assertEqual(len(self.said), 1)

    def test_all_ports_together_are_waited_for_once(self) -> None:
        self.successResultOf(self.opener.open("here", Busy(self.clock, 4)))
        self.failureResultOf(self.opener.open("there", Busy(self.clock, 8)))

    def test_another_error_is_not_waited_for(self) -> None:
        endpoint = Busy(self.clock, 3, FORBIDDEN)
        self.failureResultOf(self.opener.open("here", endpoint))
        self.assertEqual((endpoint.tries, self.said), (1, []))

    def test_without_a_timeout_nothing_is_waited_for(self) -> None:
        endpoint = Busy(self.clock, 3)
        self.failureResultOf(PortOpener(Factory(), 0.0, self.clock.advance, self.clock.seconds).open("here", endpoint))
        self.assertEqual((endpoint.tries, self.said), (1, []))

    def test_a_port_and_a_unix_socket_are_in_use_and_a_forbidden_port_is_not(self) -> None:
        self.assertEqual([is_in_use(problem) for problem in (IN_USE, SOCKET_IN_USE, FORBIDDEN)], [True, True, False])


class LeftOverSockets(MemoryReactor):
    """A reactor that cannot listen at a path while its lock is there, as Twisted where the lock's process runs."""

    def listenUNIX(self, address: str, factory: object, *rest: object, **others: object) -> Port:
        if os.path.lexists(f"{address}.lock"):
            raise SOCKET_IN_USE
        return Port()


class LeftOverTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.path = f"{self.mktemp()}.sock"
        os.symlink("1", f"{self.path}.lock")

    def open(
        self, wrap: Callable[[IStreamServerEndpoint], IStreamServerEndpoint] = lambda same: same
    ) -> Deferred[IListeningPort]:
        endpoint = wrap(UNIXServerEndpoint(LeftOverSockets(), self.path))
        return PortOpener(Factory(), 5.0, self.clock.advance, self.clock.seconds).open("here", endpoint)

    def test_a_lock_that_names_another_program_is_removed_if_the_socket_does_not_answer(self) -> None:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(self.path)
        self.successResultOf(self.open())
        self.assertFalse(os.path.lexists(self.path))
        self.assertLess(self.clock.seconds(), 2 * LEFT_OVER_SECONDS)

    def test_the_same_behind_a_proxy_and_without_the_socket(self) -> None:
        self.successResultOf(self.open(lambda inner: ProxyEndpoint(inner, self.clock)))

    def test_a_socket_at_which_a_program_answers_is_left_alone(self) -> None:
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            other.listen()
            self.failureResultOf(self.open())
        self.assertTrue(os.path.lexists(self.path))
        self.assertTrue(os.path.lexists(f"{self.path}.lock"))

    def test_what_is_no_socket_is_left_alone(self) -> None:
        with open(self.path, "w") as file:
            file.write("precious")
        self.open()
        with open(self.path) as file:
            self.assertEqual(file.read(), "precious")
