"""A fault that a stranger can cause again and again is logged once a minute, with a count."""

from __future__ import annotations

from twisted.logger import Logger, capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.line.commands import COMMANDS
from twisted_chat.doors.line.protocol import ChatProtocol
from twisted_chat.doors.line.requests import Command
from twisted_chat.test.support import Server
from twisted_chat.transports.faults import MAX_KINDS, REPEAT_SECONDS, Faults

_log = Logger()


def failure(kind: type[Exception], line: int = 0) -> Failure:
    try:
        if line:
            raise kind("one place")
        raise kind("another place")
    except Exception:
        return Failure()


class FaultsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.faults = Faults(lambda: self.now)

    def test_each_kind_is_logged_once_a_minute_and_then_with_a_count(self) -> None:
        self.assertEqual([self.faults.count(failure(OSError)) for _ in range(5)], [1, 0, 0, 0, 0])
        self.assertEqual(self.faults.count(failure(ValueError)), 1)
        self.assertEqual(self.faults.count(failure(OSError, 1)), 1)
        self.now = REPEAT_SECONDS
        self.assertEqual([self.faults.count(failure(OSError)) for _ in range(2)], [5, 0])
        self.now = 2 * REPEAT_SECONDS
        self.assertEqual(self.faults.count(failure(OSError)), 2)

    def test_the_line_has_the_count(self) -> None:
        with capturedLogs() as logged:
            for _ in range(3):
                self.faults.log(_log, "it failed at {where}", failure(OSError), where="x")
            self.now = REPEAT_SECONDS
            self.faults.log(_log, "it failed at {where}", failure(OSError), where="x")
        self.assertEqual(
            [formatEvent(event) for event in logged],
            ["it failed at x", "it failed at x (3 times since it was logged before)"],
        )
        self.flushLoggedErrors(OSError)

    def test_the_kinds_that_are_remembered_have_a_bound(self) -> None:
        for number in range(MAX_KINDS + 10):
            self.faults.count(failure(type(f"Fault{number}", (Exception,), {})))
        self.assertEqual(len(self.faults._logged), MAX_KINDS)

    def test_without_a_traceback_the_type_is_the_kind(self) -> None:
        self.assertEqual([self.faults.count(Failure(OSError("x"))) for _ in range(2)], [1, 0])


class StrangerTests(SynchronousTestCase):
    def test_requests_that_fail_again_and_again_are_each_answered_and_logged_once(self) -> None:
        def fail(connection: ChatProtocol, label: str | None) -> None:
            raise ZeroDivisionError

        class Failing(ChatProtocol):
            commands = COMMANDS | {"ping": Command(fail, "ping", "", needs_name=False)}

        server = Server()
        server.factory.protocol = Failing
        for _ in range(20):
            self.assertEqual(len([one for one in server.connect().ask("ping") if one.startswith("error,unavail")]), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
