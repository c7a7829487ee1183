"""A subclass of ChatProtocol: it may add verbs, and sees every line."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import NOT_ALLOWED
from twisted_chat.doors.line.commands import COMMANDS
from twisted_chat.doors.line.dialects import Answer
from twisted_chat.doors.line.protocol import ChatProtocol
from twisted_chat.doors.line.requests import Command
from twisted_chat.test.support import Connection, Server
from twisted_chat.wire.errors import ParseError


class SubclassTests(SynchronousTestCase):
    """A subclass of ChatProtocol, as an application may write it."""

    def setUp(self) -> None:
        self.server = Server()

    def use(self, protocol: type[ChatProtocol]) -> Connection:
        self.server.factory.protocol = protocol
        return self.server.plain("jane")

    def test_a_verb_is_a_row_of_the_table(self) -> None:
        def shout(connection: ChatProtocol, label: str | None, text: str) -> Answer:
            return Answer(lines=(text.upper(),), fields=(text.upper(),))

        class Loud(ChatProtocol):
            commands = COMMANDS | {"shout": Command(shout, "shout,<text>", "the same, louder", 1, 1)}

        jane = self.use(Loud)
        self.assertEqual(jane.ask("shout,hello, you"), ["HELLO, YOU"])
        self.assertEqual(jane.ask("@1 shout,hello"), ["@1 ok,HELLO"])
        self.assertTrue(jane.ask("shout")[0].endswith("shout,<text>"))
        self.assertIn("louder", "".join(jane.ask("help,shout")))
        self.assertTrue(self.server.connect().ask("shout,x")[0].startswith("error,not-registered,"))

    def test_lineReceived_sees_every_line(self) -> None:
        seen = []

        class Watching(ChatProtocol):
            def lineReceived(self, line: bytes) -> None:
                seen.append(line)
                super().lineReceived(line)

        jane, zak = self.use(Watching), self.server.plain("zak")
        seen.clear()
        lines = [b"chat,zak,1", b"chat,zak,2", b"chat,zak,3", b"ping,x", b"chat,zak,4"]
        jane.say(b"\n".join(lines) + b"\n")
        self.assertEqual(seen, lines)
        self.assertEqual(len(zak.lines()), 4)

    def test_lineReceived_may_keep_a_line_from_being_carried_out(self) -> None:
        class Polite(ChatProtocol):
            def lineReceived(self, line: bytes) -> None:
                if b"rude" in line:
                    self.sendLine(b"* be kind")
                else:
                    super().lineReceived(line)

        jane, zak = self.use(Polite), self.server.plain("zak")
        jane.say(b"chat,zak,1\nchat,zak,something rude\nchat,zak,2\n")
        self.assertEqual(zak.lines(), ["jane says 1", "jane says 2"])
        self.assertEqual(jane.lines(), ["* be kind"])

    def test_sendLine_sends_at_once_outside_of_a_read(self) -> None:
        jane = self.server.plain("jane")
        jane.chat.sendLine(b"* tea is ready")
        self.assertEqual(jane.lines(), ["* tea is ready"])

    def test_a_verb_that_fails_is_answered_and_logged(self) -> None:
        def fail(connection: ChatProtocol, label: str | None) -> Answer:
            raise ValueError("a secret of the server's")

        async def fail_later(connection: ChatProtocol, label: str | None) -> Answer:
            raise ValueError("another secret of the server's")  # another line: each is logged

        class Failing(ChatProtocol):
            commands = COMMANDS | {"now": Command(fail, "now", ""), "later": Command(fail_later, "later", "")}

        jane = self.use(Failing)
        for verb in ("now", "later"):
            [answer] = jane.ask(f"@1 {verb}")
            self.assertTrue(answer.startswith("@1 error,unavailable,"))
            self.assertNotIn("secret", answer)
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(jane.ask("ping,x"), ["pong,x"])

    def test_a_verb_may_return_a_Deferred(self) -> None:
        answers: list[Deferred[Answer]] = []

        def slow(connection: ChatProtocol, label: str | None) -> Deferred[Answer]:
            answers.append(Deferred())
            return answers[-1]

        class Slow(ChatProtocol):
            commands = COMMANDS | {"slow": Command(slow, "slow", "")}

        jane = self.use(Slow)
        self.assertEqual(jane.ask("slow\nping,x"), [])
        answers.pop().callback(Answer(lines=("done",)))
        self.assertEqual(jane.lines(), ["done", "pong,x"])
        self.assertEqual(jane.ask("@2 slow"), [])
        answers.pop().errback(ParseError(NOT_ALLOWED, "not today"))
        self.assertEqual(jane.lines(), ["@2 error,not-allowed,not today"])
