"""The console script: its options, what it writes, and its exit status. All of it in memory."""

from __future__ import annotations

import io
import json
from typing import Any
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.cli import main
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.simulation.ledger import Ledger, Reader
from twisted_chat.simulation.network import MemoryEndpoint, memory_server

LOG = "[08:24] <jane> hi\n[08:24] <a@b> hi\n[08:25] <zak>\nwhat?\n=== zak waves\n"


class CommandTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()

    def run_it(self, *arguments: str) -> int:
        """Run it with these arguments, and return its exit status."""
        self.out, self.err = io.StringIO(), io.StringIO()
        with patch("sys.stdout", self.out), patch("sys.stderr", self.err):
            end = self.assertRaises(SystemExit, main, ["simulate", *arguments])
        return int(end.code or 0)

    def file(self, text: str) -> str:
        path: str = self.mktemp()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def told(self) -> dict[str, Any]:
        """Return the summary for programs, which is alone on standard output."""
        (line,) = self.out.getvalue().splitlines()
        told = json.loads(line)
        assert isinstance(told, dict)
        return told


class SummaryTests(CommandTestCase):
    def test_a_crowd(self) -> None:
        self.assertEqual(self.run_it("crowd", "--in-memory", "--duration", "120", "--seed", "3"), 0)
        self.assertIn("a crowd of 12 for 120 s, seed 3\n", self.out.getvalue())
        self.assertIn("\n  lost        0\n  doubled     0\n  latency     p50 0 ms", self.out.getvalue())
        self.assertIn("people 12", self.err.getvalue())

    def test_a_crowd_for_programs(self) -> None:
        self.assertEqual(self.run_it("crowd", "--in-memory", "--users", "5", "--duration", "30", "--json"), 0)
        told = self.told()
        self.assertEqual((told["users"], told["lost"], told["doubled"], told["problem"]), (5, 0, 0, None))
        self.assertEqual(told["sent"], told["delivered"])
        self.assertIsInstance(told["seed"], int)

    def test_quiet_writes_no_progress(self) -> None:
        self.run_it("crowd", "--in-memory", "--duration", "120", "--quiet")
        self.assertEqual(self.err.getvalue(), "")

    def test_scripts(self) -> None:
        own = self.file("jane registers\njane greets jane\njane sees jane says hi\n")
        self.assertEqual(self.run_it("script", "greeting", own, "--in-memory"), 0)
        self.assertIn(f"{own}: passed, 3 steps\n2 of 2 scripts passed\n", self.out.getvalue())

    def test_a_script_that_fails_shows_where_and_why(self) -> None:
        own = self.file("jane registers\njane sees zak says hi\n")
        self.assertEqual(self.run_it("script", own, "greeting", "--in-memory"), 1)
        wanted = f"{own}:2: jane sees zak says hi\n  expected: zak says hi\n  seen:     nothing\ngreeting: passed"
        self.assertIn(wanted, self.out.getvalue())
        self.assertIn("1 of 2 scripts passed", self.out.getvalue())

    def test_a_script_that_fails_for_programs(self) -> None:
        own = self.file("jane registers\njane sees zak says hi\n")
        self.assertEqual(self.run_it("script", own, "--in-memory", "--json"), 1)
        failure = {"line": 2, "step": "jane sees zak says hi", "expected": "zak says hi", "seen": "nothing"}
        self.assertEqual(self.told()["scripts"], [{"script": own, "passed": False, "steps": 1, "failure": failure}])

    def test_a_replay(self) -> None:
        log = self.file(LOG)
        self.assertEqual(self.run_it("replay", log, "--in-memory", "--speed", "max"), 0)
        shown = self.out.getvalue()
        self.assertIn(f"{log}: a@b is played as a_b\n{log}:3: skipped, the text is empty\n", shown)
        self.assertIn(f"{log}:4: skipped, not a line of a log\na replay of {log}\n", shown)
        self.assertIn("  sent        3\n  delivered   6\n", shown)

    def test_a_replay_for_programs(self) -> None:
        self.assertEqual(self.run_it("replay", self.file(LOG), "--in-memory", "--json"), 0)
        (log,) = self.told()["logs"]
        self.assertEqual(
            (log["mapped"], log["skipped"], log["strange"]), ({"a@b": "a_b"}, [[3, "the text is empty"]], [4])
        )


class ProblemTests(CommandTestCase):
    def one_line(self, *arguments: str) -> str:
        """Return the line that is written about a problem."""
        self.assertNotEqual(self.run_it(*arguments), 0)
        self.assertEqual(self.out.getvalue(), "")
        (line,) = self.err.getvalue().splitlines()
        return line

    def test_invalid_arguments(self) -> None:
        for arguments, wanted in (
            (["crowd", "--users", "0"], "--users: '0' is not a number from 1 to 100000"),
            (["crowd", "--users", "many"], "--users: 'many' is not a number"),
            (["crowd", "--duration", "inf"], "--duration: 'inf' is not a number above 0"),
            (["crowd", "--speed", "max"], "--speed: 'max' is not a number above 0"),
            (["crowd", "--port", "9" * 5000], "is not a port; use a number from 1 to 65535"),
            (["crowd", "--port", "99999"], "--port: '99999' is not a port; use a number from 1 to 65535"),
            (["crowd", "--in-memory", "--port", "8000"], "leave out --port"),
            (["crowd", "--endpoint", "unix:/x", "--host", "y"], "leave out --host"),
            (["crowd", "--endpoint", "carrier:pigeon"], "write it like tcp:localhost:8000"),
            (["script"], "FILE"),
            (["script", "/no/such/script"], "cannot read the script /no/such/script: No such file"),
            (["script", self.file("jane dances"), "--in-memory"], ":1: there is no step 'dances'"),
            (["replay", "/no/such/log"], "cannot read the log /no/such/log: No such file"),
            (["replay", self.file("hello")], "is not a log"),
            (["dance"], "dance"),
            ([], "crowd | script | replay"),
        ):
            self.assertIn(wanted, self.one_line(*arguments))

    def server(self, clock: VirtualClock, dies_after: float) -> MemoryEndpoint:
        endpoint = memory_server(clock)
        clock.callLater(dies_after, endpoint.kill)
        return endpoint

    def test_a_server_that_is_killed_meanwhile(self) -> None:
        """There is one line on standard error, and the summary so far."""
        with patch("twisted_chat.simulation.runner.memory_server", lambda clock: self.server(clock, 40)):
            self.assertEqual(self.run_it("crowd", "--in-memory", "--json", "--quiet"), 1)
        self.assertIn("the server ended the connection", self.told()["problem"])
        self.assertEqual(len(self.err.getvalue().splitlines()), 1)
        self.assertGreater(self.told()["sent"], 0)

    def test_a_server_that_does_not_listen(self) -> None:
        def dead(clock: VirtualClock) -> MemoryEndpoint:
            endpoint = memory_server(clock)
            endpoint.kill()
            return endpoint

        with patch("twisted_chat.simulation.runner.memory_server", dead):
            line = self.one_line("crowd", "--in-memory", "--duration", "20")
        self.assertIn("cannot connect to memory: no server listens there; start a server with: twistd", line)

    def test_messages_that_are_lost_are_a_failure(self) -> None:
        with patch.object(Ledger, "saw", lambda *_: None):
            self.assertEqual(self.run_it("crowd", "--in-memory", "--json"), 1)
        self.assertGreater(self.told()["lost"], 0)

    def test_messages_that_come_twice_are_a_failure(self) -> None:
        saw = Ledger.saw

        def saw_twice(ledger: Ledger, reader: Reader, id: int) -> None:
            saw(ledger, reader, id)
            saw(ledger, reader, id)

        with patch.object(Ledger, "saw", saw_twice):
            self.assertEqual(self.run_it("crowd", "--in-memory", "--json"), 1)
        told = self.told()
        self.assertEqual((told["doubled"], told["lost"]), (told["sent"], 0))

    def test_help_is_shown(self) -> None:
        for kind in ("crowd", "script", "replay"):
            self.assertEqual(self.run_it(kind, "--help"), 0)
            self.assertIn("--in-memory", self.out.getvalue())
