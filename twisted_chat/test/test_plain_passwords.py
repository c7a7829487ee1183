"""Passwords without TLS: accepted from private networks only, at every door."""

from __future__ import annotations

from base64 import b64encode

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.test.support import Connection, MemoryTransport
from twisted_chat.test.support_web import Browser, WebServer

REFUSAL = "passwords are accepted over TLS only"


class PublicTransport(MemoryTransport):
    """A connection that comes from the internet."""

    def __init__(self, clock: Clock, protocol: object) -> None:
        super().__init__(clock, protocol)  # type: ignore[arg-type]
        self.peerAddr = IPv4Address("TCP", "203.0.113.9", 5000)


class PlainPasswordTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = WebServer()
        self.assertFalse(ChatFactory(self.server.hub, self.server.clock).plain_passwords, "that is the default")
        self.server.factory.plain_passwords = self.server.irc_factory.plain_passwords = False
        self.server.account("jane")

    def stranger(self) -> Connection:
        return Connection(self.server, transport=PublicTransport)

    def irc(self, *lines: str) -> str:
        client = Connection(self.server, self.server.irc_factory, PublicTransport)
        client.say("".join(f"{line}\r\n" for line in lines).encode())
        return client.read().decode()

    def test_the_line_door_refuses_one_for_an_old_and_for_a_new_account(self) -> None:
        for name in ("jane", "kim"):
            stranger = self.stranger()
            [answer] = stranger.ask(f"register,{name},{name}")
            self.assertTrue(answer.startswith("error,not-allowed,from outside"), answer)
            self.assertIn(REFUSAL, answer)
        self.assertEqual(self.stranger().ask("register,kim"), ["ack"], "the name is still free, for a guest")

    def test_a_password_is_not_changed_either(self) -> None:
        stranger = self.stranger()
        stranger.ask("register,kim")
        [answer] = stranger.ask("password,a,b")
        self.assertIn(REFUSAL, answer)

    def test_a_ticket_is_neither_given_nor_taken(self) -> None:
        stranger = self.stranger()
        self.assertIn(REFUSAL, stranger.ask("resume,jane,ticket")[0])
        stranger.ask("register,kim")
        self.assertIn(REFUSAL, stranger.ask("resume")[0])

    def test_irc_refuses_pass(self) -> None:
        heard = self.irc("PASS jane", "NICK jane", "USER jane 0 * :Jane")
        self.assertIn(" 464 ", heard)
        self.assertIn(REFUSAL, heard)
        self.assertIn(" 001 ", self.irc("NICK kim", "USER kim 0 * :Kim"))

    def test_irc_offers_no_sasl_and_refuses_it(self) -> None:
        self.assertNotIn("sasl", self.irc("CAP LS 302"))
        self.assertIn(" NAK ", self.irc("CAP REQ sasl"))
        local = Connection(self.server, self.server.irc_factory)
        local.say(b"CAP LS 302\r\n")
        self.assertIn(b"sasl=PLAIN", local.read())
        secret = b64encode(b"\0jane\0jane").decode()
        self.assertIn(" 904 ", self.irc("CAP REQ sasl", "AUTHENTICATE PLAIN", f"AUTHENTICATE {secret}"))

    def test_the_page_refuses_one(self) -> None:
        browser = Browser(self.server, transport=PublicTransport)
        self.assertTrue(browser.upgrade())
        browser.say("hello,events", "@1 register,jane,jane")
        self.assertIn(REFUSAL, browser.lines()[-1])

    def test_the_operator_can_allow_them(self) -> None:
        self.server.factory.plain_passwords = True
        self.assertEqual(self.stranger().ask("register,jane,jane"), ["ack"])
