"""Every way to sign in, at every door, takes from the same limits of guesses."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.guard import WRONG_PASSWORDS_PER_NETWORK
from twisted_chat.test.support_web import WebServer

WRONG = "wrong horse 7"


class EveryDoorTests(SynchronousTestCase):
    def prepare(self) -> None:
        """Begin with a new server, at which nobody has guessed yet."""
        self.server = WebServer()
        jane = self.server.account("jane", client="desk")
        self.ticket = jane.ask("@t resume")[0].split(",")[1]

    # each returns what the server answers to a wrong password

    def register(self) -> str:
        return self.server.connect().ask(f"register,jane,{WRONG}")[0]

    def login(self) -> str:
        return self.server.connect().ask(f"login,jane,{WRONG}")[0]

    def unknown_name(self) -> str:
        return self.server.connect().ask(f"login,nobody,{WRONG}")[0]

    def old_password(self) -> str:
        jane = self.server.connect()
        assert jane.ask(f"resume,jane,{self.ticket}") == ["ack"], "a ticket is no guess"
        return jane.ask(f"password,{WRONG},blue stone 7")[0]

    def web(self) -> str:
        browser = self.server.browse()
        browser.upgrade()
        browser.say(f"register,jane,{WRONG}")
        return browser.lines()[0]

    def irc_pass(self) -> str:
        client = self.server.irc_stranger()
        client.say(f"PASS :jane:{WRONG}\r\nNICK jane\r\nUSER j 0 * :J\r\n".encode())
        return "\n".join(client.lines())

    def irc_sasl(self) -> str:
        client = self.server.irc_stranger()
        secret = b64encode(f"\0jane\0{WRONG}".encode()).decode()
        client.say(f"CAP REQ :sasl\r\nNICK x\r\nAUTHENTICATE PLAIN\r\nAUTHENTICATE {secret}\r\n".encode())
        return "\n".join(client.lines())

    def ways(self) -> list[Callable[[], str]]:
        known = [self.register, self.login, self.old_password, self.web, self.irc_pass, self.irc_sasl]
        return [*known, self.unknown_name]

    def test_guesses_at_one_door_are_counted_at_every_other(self) -> None:
        for number in range(len(self.ways())):
            self.prepare()
            guess, *others = self.ways()[number:] + self.ways()[:number]
            for _ in range(WRONG_PASSWORDS_PER_NETWORK.burst):
                self.assertNotIn("too many wrong passwords", guess(), guess.__name__)
            for other in (guess, *others):
                self.assertIn("too many wrong passwords", other(), f"{guess.__name__}, then {other.__name__}")
