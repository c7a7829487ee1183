"""Numbers are checked as numbers: a huge one gets a plain error at every door, and no traceback is logged."""

from __future__ import annotations

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.test.support import Server

HUGE = ("9" * 18, "9" * 19, "9" * 40, "9" * 5000, "-1", "+1", "\uff11\uff12", "\u00b2", "1_0", "1e9", "0x10", "")
LINES = (
    "history,#tea,before={}",
    "history,#tea,after={}",
    "history,#tea,limit={}",
    "since,{}",
    "since,0,limit={}",
    "seen,#tea,{}",
    "resume,jane,{}",
    "unread,before={}",
    "unread,limit={}",
    "history,#tea,around={}",
)
IRC = (
    "CHATHISTORY AFTER #tea msgid={} 50",
    "CHATHISTORY AFTER #tea msgid=0000000000000000000{} 50",
    "CHATHISTORY BEFORE #tea timestamp={} 50",
    "CHATHISTORY BETWEEN #tea msgid={0} msgid={0} {0}",
    "CHATHISTORY LATEST #tea * {}",
    "CHATHISTORY TARGETS timestamp={0} timestamp={0} 50",
    "CHATHISTORY BEFORE #tea timestamp=9999-12-31T23:59:59.999Z {}",
    "CHATHISTORY BEFORE #tea timestamp=0001-01-01T00:00:00.000Z {}",
    "CHATHISTORY BEFORE #tea timestamp=2026-01-01T00:00:00.{}Z 50",
    "CAP LS {}",
    "MARKREAD #tea timestamp={}",
    "MARKREAD #tea timestamp=2026-01-01T00:00:{}.000Z",
    "WHO {}",
    "PING {}",
)


class NumberTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def test_at_the_line_door_each_is_answered_once(self) -> None:
        jane = self.server.account("jane", "#tea")
        with capturedLogs() as logged:
            for request in LINES:
                for number in HUGE:
                    answers = [one for one in jane.ask("@1 " + request.format(number)) if one.startswith("@1 ")]
                    self.assertTrue(answers[-1].startswith(("@1 ok", "@1 error,")), (request, number, answers))
                    self.assertNotIn("unavailable", answers[-1])
                    self.assertLess(len(answers[-1]), 300)
        self.assertEqual(logged, [])

    def test_at_the_irc_door_the_connection_goes_on(self) -> None:
        capabilities = "batch draft/chathistory message-tags server-time"
        kim = self.server.irc("kim", "#tea", capabilities=capabilities)
        with capturedLogs() as logged:
            for request in IRC:
                for number in HUGE:
                    kim.say(request.format(number[:400]).encode() + b"\r\nPING :still-here\r\n")
                    self.assertIn(b"still-here", kim.read(), (request, number[:20]))
        self.assertEqual(logged, [])
