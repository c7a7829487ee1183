"""tune_socket sets the socket options of every TCP connection."""

import socket

from twisted.internet.interfaces import ITCPTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from twisted_chat.transports.interfaces import TCP_OPTIONS, tune_socket


class Handle(socket.socket):
    """A socket that is never connected and records the options that are set."""

    def __init__(self, family: int) -> None:
        super().__init__(family)
        self.options: list[tuple[int, ...]] = []

    def setsockopt(self, *option: int) -> None:  # type: ignore[override]
        self.options.append(option)


class TCP:
    """The part of a TCP transport that tune_socket uses."""

    def __init__(self, handle: object) -> None:
        directlyProvides(self, ITCPTransport)
        self.handle = handle
        self.no_delay = self.keep_alive = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.no_delay = enabled

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self.keep_alive = enabled

    def getHandle(self) -> object:
        return self.handle


class TuneSocketTests(SynchronousTestCase):
    def handle(self, family: int) -> Handle:
        handle = Handle(family)
        self.addCleanup(handle.close)
        return handle

    def test_small_writes_leave_at_once_and_dead_peers_are_noticed(self) -> None:
        handle = self.handle(socket.AF_INET)
        transport = TCP(handle)
        tune_socket(transport)
        self.assertTrue(transport.no_delay)
        self.assertTrue(transport.keep_alive)
        known = [name for name in TCP_OPTIONS if hasattr(socket, name)]
        wanted = [(socket.IPPROTO_TCP, getattr(socket, name), TCP_OPTIONS[name]) for name in known]
        self.assertEqual(handle.options, wanted)

    def test_no_tcp_option_is_set_on_a_unix_socket(self) -> None:
        handle = self.handle(socket.AF_UNIX)
        tune_socket(TCP(handle))
        self.assertEqual(handle.options, [])
        tune_socket(TCP(object()))

    def test_other_transports_are_left_alone(self) -> None:
        tune_socket(object())
