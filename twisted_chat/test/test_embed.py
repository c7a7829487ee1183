"""A server in a program of one's own: the hub, all doors, and what is said about a port that is in use."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat import all_doors, embed, open_hub, run_server
from twisted_chat.doors.web.hosts import own_names
from twisted_chat.test.support_front import Client, SwitchingTransport


class EmbedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.hub = open_hub("memory", self.reactor)

    def asks(self, data: bytes) -> bytes:
        client = Client(all_doors(self.hub, self.reactor, hosts=["chat.example"]), self.reactor, SwitchingTransport)
        client.says(data)
        return client.heard()

    def test_all_doors_are_at_one_port(self) -> None:
        self.assertEqual(self.asks(b"register,jane\n"), b"ack\n")
        self.assertIn(b" 001 kim ", self.asks(b"NICK kim\r\nUSER kim 0 * :Kim\r\n"))
        for host in ("localhost", "chat.example", *own_names()):
            self.assertTrue(self.asks(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).startswith(b"HTTP/1.1 200 "))
        self.assertTrue(self.asks(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").startswith(b"HTTP/1.1 421 "))

    def test_the_hub_is_closed_before_the_reactor_has_stopped(self) -> None:
        [close] = [call for call, *_ in self.reactor.triggers["before"]["shutdown"]]
        closing = close()
        assert isinstance(closing, Deferred)
        self.successResultOf(closing)

    def test_a_store_without_a_path_is_refused(self) -> None:
        for store in ("", "sqlite:"):
            self.assertRaises(ValueError, open_hub, store, self.reactor)

    def test_a_port_that_is_in_use_is_one_line(self) -> None:
        class Taken:
            def listen(self, factory: object) -> Deferred[object]:
                return fail(CannotListenError("", 8000, OSError(98, "Address already in use")))

        self.patch(embed, "endpoint_of", lambda reactor, text: Taken())
        ended = self.assertRaises(
            SystemExit, run_server, all_doors(self.hub, self.reactor), "tcp:8000", reactor=self.reactor
        )
        self.assertEqual(ended.code, "cannot listen at tcp:8000: Address already in use")
