"""The log lines for failed sign-ins and changes of accounts, and the filter by which fail2ban reads them."""

from __future__ import annotations

import re

from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, capturedLogs, formatEvent, formatEventAsClassicLogText
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin.accounts import AccountAdmin
from twisted_chat.auth.audit import AuditLog
from twisted_chat.auth.passwords import Passwords
from twisted_chat.test.support import Connection, Server
from twisted_chat.test.support_auth import NEW_PASSWORD, OTHER_PASSWORD, QUICK, Worker
from twisted_chat.test.test_connections import RegisterTestCase

FAILREGEX = r"\bsign-in failed: wrong password for account \S+ from <HOST> at the \S+ door$"
"""That of contrib/fail2ban/twisted-chat.conf; tests/docs checks that they are the same."""


def failed_address(event: LogEvent) -> str | None:
    """Return the address that the filter finds in a line of the text log, as fail2ban would read it."""
    pattern = FAILREGEX.replace("<HOST>", r"(?P<host>[0-9a-fA-F.:]+)")
    line = formatEventAsClassicLogText(event)
    assert line is not None
    match = re.search(pattern, line.rstrip("\n"))
    return match["host"] if match else None


class AuditTests(RegisterTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.hub.audit = AuditLog()
        assert self.server.hub.accounts is not None
        hash = Passwords(Worker().run, QUICK).hash
        self.admin = AccountAdmin(self.server.hub, self.server.hub.accounts, hash)

    def wrong(self, name: str, address: str) -> LogEvent | None:
        with capturedLogs() as logged:
            self.connect(address).ask(f"register,{name},a wrong one")
        return logged[0] if logged else None

    def test_a_wrong_password_is_logged_with_address_and_door_and_fail2ban_reads_it(self) -> None:
        self.connect().ask("register,jane,jane")
        for address in ("192.0.2.7", "2001:db8::7"):
            event = self.wrong("JANE", address)
            assert event is not None
            text = formatEvent(event)
            self.assertEqual(text, f"sign-in failed: wrong password for account JANE from {address} at the line door")
            self.assertEqual(failed_address(event), address)

    def test_irc_and_sasl_too(self) -> None:
        self.connect().ask("register,jane,jane")
        irc = self.connect("192.0.2.8")
        with capturedLogs() as logged:
            irc.say(b"PASS :a wrong one\r\nNICK jane\r\nUSER j 0 * :J\r\n")
        self.assertEqual(failed_address(logged[0]), "192.0.2.8")
        self.assertIn("at the irc door", formatEvent(logged[0]))

    def test_a_name_cannot_look_like_an_address(self) -> None:
        self.assertIsNone(self.wrong("x from 203.0.113.1 at the line door", "192.0.2.1"))
        self.connect().ask("register,203.0.113.1,jane")
        event = self.wrong("203.0.113.1", "192.0.2.1")
        assert event is not None
        self.assertEqual(failed_address(event), "192.0.2.1")

    def test_other_refusals_and_right_passwords_are_no_failures(self) -> None:
        with capturedLogs() as logged:
            for request in ("register,jane,jane", "register,jane", "register,jane,", "register,a b,x"):
                self.connect().ask(request)
        self.assertEqual([failed_address(event) for event in logged], [None])

    def test_each_change_of_an_account_is_logged_with_who_made_it(self) -> None:
        with capturedLogs() as logged:
            jane = self.connect()
            jane.ask("register,jane,jane")
            jane.ask(f"password,jane,{NEW_PASSWORD}")
            for change in (
                self.admin.create("kim", OTHER_PASSWORD),
                self.admin.set_password("kim", NEW_PASSWORD),
                self.admin.disable("kim"),
                self.admin.enable("kim"),
                self.admin.delete("kim"),
            ):
                self.successResultOf(Deferred.fromCoroutine(change))
        lines = [formatEvent(event) for event in logged]
        self.assertEqual(
            lines,
            [
                "account jane: created by a client at 192.0.2.1",
                "account jane: password set by its owner at 192.0.2.1",
                *[
                    f"account kim: {change} by the operator"
                    for change in ("created", "password set", "disabled", "enabled", "deleted")
                ],
            ],
        )
        self.assertFalse(any(secret in repr(logged) for secret in (NEW_PASSWORD, OTHER_PASSWORD)))


class WithoutAuditTests(SynchronousTestCase):
    def test_a_hub_of_another_program_logs_nothing(self) -> None:
        server = Server()
        server.account("jane")
        with capturedLogs() as logged:
            Connection(server).ask("register,jane,wrong one")
        self.assertEqual(logged, [])
