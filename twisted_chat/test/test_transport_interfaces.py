"""What is asked of the kernel for every connection."""

import socket

from twisted.internet.interfaces import ITCPTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from twisted_chat.transports.interfaces import OPTIONS, watch


class Handle(socket.socket):
    """A socket that is never connected, and writes down what it is told."""

    def __init__(self, family: int) -> None:
        super().__init__(family)
        self.options: list[tuple[int, ...]] = []

    def setsockopt(self, *option: int) -> None:  # type: ignore[override]
        self.options.append(option)


class TCP:
    """As much of a TCP transport as is used."""

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


class WatchTests(SynchronousTestCase):
    def handle(self, family: int) -> Handle:
        handle = Handle(family)
        self.addCleanup(handle.close)
        return handle

    def test_small_writes_leave_at_once_and_dead_peers_are_noticed(self) -> None:
        handle = self.handle(socket.AF_INET)
        transport = TCP(handle)
        watch(transport)
        self.assertTrue(transport.no_delay)
        self.assertTrue(transport.keep_alive)
        known = [name for name in OPTIONS if hasattr(socket, name)]
        wanted = [(socket.IPPROTO_TCP, getattr(socket, name), OPTIONS[name]) for name in known]
        self.assertEqual(handle.options, wanted)

    def test_what_is_no_internet_socket_is_asked_for_nothing_more(self) -> None:
        handle = self.handle(socket.AF_UNIX)
        watch(TCP(handle))
        self.assertEqual(handle.options, [])
        watch(TCP(object()))

    def test_other_transports_are_left_alone(self) -> None:
        watch(object())
