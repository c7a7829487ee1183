"""Scripts: the language, the steps, the failures, and the scripts of the package."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.simulation.actors import matches
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.simulation.language import FORMS, ScriptError, read_script
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.network import memory_server
from twisted_chat.simulation.script import BARE, EITHER, PROGRAM, Script, StepFailed, script_text, shipped


class LanguageTests(SynchronousTestCase):
    def read(self, line: str) -> tuple[str, str, dict[str, str]]:
        (step,) = read_script(line)
        return step.actor, step.verb, step.fields

    def error(self, text: str) -> str:
        return str(self.assertRaises(ScriptError, read_script, text, "test.chat"))

    def test_every_form_has_a_step(self) -> None:
        self.assertEqual(set(FORMS), {*PROGRAM, *BARE, *EITHER})

    def test_forms(self) -> None:
        for line, wanted in (
            ("jane registers", ("jane", "registers", {})),
            ("jane registers as Jane D", ("jane", "registers", {"name": "Jane D"})),
            ("jane says to zak: a: b, c", ("jane", "says", {"to": "zak", "text": "a: b, c"})),
            ("jane says in #tea:", ("jane", "says", {"to": "#tea"})),
            ("jane does in #tea: waves", ("jane", "does", {"to": "#tea", "text": "waves"})),
            ("jane lists friends: jane, zak", ("jane", "lists", {"what": "friends", "expected": "jane, zak"})),
            ("jane lists #tea:", ("jane", "lists", {"what": "#tea"})),
            ("jane recalls #tea, the last 2", ("jane", "recalls", {"name": "#tea", "limit": "2"})),
            ("jane> chat,zak", ("jane", "sends", {"line": "chat,zak"})),
            ("jane < ack", ("jane", "reads", {"expected": "ack"})),
            ("jane>> register,jane", ("jane", "sends unended", {"line": "register,jane"})),
            ("jane<< ack", ("jane", "reads unended", {"expected": "ack"})),
            ("jane>", ("jane", "sends", {})),
            ("wait 0.5", ("", "wait", {"seconds": "0.5"})),
        ):
            self.assertEqual(self.read(line), wanted)

    def test_comments_and_empty_lines_are_no_steps(self) -> None:
        self.assertEqual(read_script("\n# nothing\n   # here\n\t\n"), [])

    def test_repeats_hold_steps_and_repeats(self) -> None:
        (outer,) = read_script("repeat 2\n  wait 1\n  repeat 3\n    jane greets zak\n  end\nend\n")
        self.assertEqual([step.verb for step in outer.steps], ["wait", "repeat"])
        self.assertEqual(outer.steps[1].steps[0].line, 4)

    def test_a_refusal_belongs_to_the_step_before(self) -> None:
        (step,) = read_script("jane joins tea\njane is refused bad-name\n")
        self.assertEqual((step.verb, step.refused), ("joins", "bad-name"))

    def test_errors_have_the_line_and_what_would_be_right(self) -> None:
        self.assertIn("test.chat:2: there is no step 'dances'", self.error("jane registers\njane dances"))
        self.assertIn("test.chat:1: cannot read 'what?'; write a name and a verb", self.error("what?"))
        self.assertIn("test.chat:1: wait needs a number of seconds", self.error("wait long"))
        self.assertIn("test.chat:1: repeat needs a number", self.error("repeat often\nend"))
        self.assertIn("test.chat:1: this repeat has no end", self.error("repeat 2\nwait 1"))
        self.assertIn("test.chat:1: this end has no repeat before it", self.error("end"))
        self.assertIn(
            "test.chat:2: this line must come right behind a request of zak",
            self.error("jane registers\nzak is refused bad-name"),
        )
        self.assertIn("test.chat:1: 'ja:ne' is not a valid name", self.error("ja:ne registers"))

    def test_three_dots_match_anything(self) -> None:
        self.assertTrue(matches("error,bad-name,...", "error,bad-name,a name has 1 to 32 characters"))
        self.assertTrue(matches("…b…", "abc"))
        self.assertTrue(matches("a.c", "a.c"))
        self.assertFalse(matches("a.c", "abc"))
        self.assertFalse(matches("...b", "abc"))


class ScriptTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.endpoint = memory_server(self.clock)
        self.ledger = Ledger(self.clock.seconds)

    def play(self, text: str) -> Script:
        script = Script(read_script(text), self.clock, self.endpoint, self.ledger)
        self.clock.run(Deferred.fromCoroutine(script.play()))
        return script

    def failure(self, text: str) -> tuple[int, str, str]:
        failed = self.assertRaises(StepFailed, self.play, text)
        assert isinstance(failed, StepFailed)
        return failed.step.line, failed.expected, failed.seen


class FailureTests(ScriptTestCase):
    def test_another_message_is_seen(self) -> None:
        text = "jane registers\n\njane greets jane\njane sees jane says hello"
        self.assertEqual(self.failure(text), (4, "jane says hello", "jane says hi"))

    def test_nothing_is_seen(self) -> None:
        self.assertEqual(self.failure("jane registers\njane sees zak says hi"), (2, "zak says hi", "nothing"))
        self.assertEqual(self.failure("zak> register,zak\nzak< ack\nzak< more"), (3, "more", "nothing"))

    def test_an_unexpected_message_is_seen(self) -> None:
        self.assertEqual(self.failure("jane registers\njane greets jane\njane sees nothing")[2], "jane says hi")
        self.assertEqual(self.failure("jane> ping,1\njane sees nothing"), (2, "nothing", "pong,1"))

    def test_an_unexpected_refusal(self) -> None:
        line, expected, seen = self.failure("jane registers\njane joins tea")
        self.assertEqual((line, expected), (2, "the request succeeds"))
        self.assertIn("refused, bad-name: ", seen)

    def test_an_expected_refusal_that_does_not_come(self) -> None:
        self.assertEqual(
            self.failure("jane registers\njane is refused bad-name"), (1, "refused, bad-name", "the request succeeded")
        )
        self.assertIn("no-such-user", self.failure("jane registers\njane greets zak\njane is refused bad-name")[2])

    def test_an_unexpected_list(self) -> None:
        self.assertEqual(self.failure("jane registers\njane lists friends: jane, zak"), (2, "jane, zak", "jane"))

    def test_an_unexpected_topic(self) -> None:
        text = "jane registers\njane joins #tea\njane reads the topic of #tea: tea"
        self.assertEqual(self.failure(text), (3, "tea", "an empty answer"))

    def test_the_end_of_a_connection(self) -> None:
        self.assertEqual(self.failure("jane> quit\njane< bye\njane< more")[2], "the end of the connection")
        self.assertEqual(
            self.failure("jane registers\njane is disconnected"), (2, "the connection ends", "the connection continues")
        )

    def test_an_actor_that_is_not_connected_or_of_both_kinds(self) -> None:
        self.assertIn("has not connected yet", self.failure("jane greets zak")[2])
        self.assertIn("has not connected yet", self.failure("jane registers\njane quits\njane sees nothing")[2])
        self.assertEqual(self.failure("jane registers\njane> list,friends")[0], 2)

    def test_a_server_that_ends(self) -> None:
        self.clock.callLater(1, self.endpoint.kill)
        line, _, seen = self.failure("jane registers\nwait 2\njane greets jane")
        self.assertEqual(line, 3)
        self.assertIn("the server ended the connection", seen)

    def test_the_text_of_a_failure(self) -> None:
        failed = self.assertRaises(StepFailed, self.play, "jane registers\njane sees zak says hi")
        self.assertEqual(str(failed), "2: jane sees zak says hi\n  expected: zak says hi\n  seen:     nothing")

    def test_names_are_free_after_a_failure(self) -> None:
        self.failure("jane registers\nzak> register,zak\nzak< nack")
        self.clock.advance(1)
        self.play("jane registers\nzak> register,zak\nzak< ack")


class PlayTests(ScriptTestCase):
    def test_bytes_that_are_no_text(self) -> None:
        self.play("jane> \\xff\\xfe\njane< error,not-utf8,...\njane>> ping,1\\x0d\\x0a\njane< pong,1")

    def test_an_actor_may_leave_and_connect_again(self) -> None:
        self.play("jane registers\njane quits\njane registers\njane drops\njane> help\njane< register...")

    def test_repeats_are_played_as_often_as_written(self) -> None:
        script = self.play("jane registers\nrepeat 3\njane greets jane\njane sees jane says hi\nend\njane sees nothing")
        self.assertEqual((script.played, self.ledger.sent, self.ledger.delivered), (8, 3, 3))

    def test_waiting_takes_time(self) -> None:
        self.play("wait 1.5")
        self.assertEqual(self.clock.seconds(), 1.5)


class ShippedTests(ScriptTestCase):
    def test_each_script_passes(self) -> None:
        self.assertGreaterEqual(len(shipped()), 7)
        for name in shipped():
            self.play(script_text(name))
        self.assertTrue(self.ledger.faultless)
        self.assertEqual(self.ledger.people, 0)

    def test_a_script_that_is_not_there(self) -> None:
        problem = self.assertRaises(ScriptError, script_text, "/no/such/file.chat")
        self.assertIn("cannot read the script /no/such/file.chat: No such file", str(problem))
        self.assertIn("greeting", str(problem))
