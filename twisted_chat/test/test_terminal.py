"""What commands print can control no terminal, and no password goes over the net in clear unless the person insists."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin import accounts, backup, cli, people_cli
from twisted_chat.cli import main
from twisted_chat.talk import cli as talk
from twisted_chat.talk.address import is_readable_on_the_way, parse_address
from twisted_chat.talk.failures import TalkError
from twisted_chat.talk.plain import PlainScreen
from twisted_chat.wire.terminal import printable, printable_line

EVIL = "a\x1b]0;owned\x07b\x9b31mc\u202ed\u2066e"
"""ESC, BEL, CSI as one character, an override, an isolate."""


class PrintableTests(SynchronousTestCase):
    def test_nothing_that_controls_a_terminal_is_left(self) -> None:
        self.assertEqual(printable(EVIL), "a\ufffd]0;owned\ufffdb\ufffd31mc\ufffdd\ufffde")
        self.assertEqual(printable_line("a\nb\r"), "a\N{RETURN SYMBOL}b\ufffd")


class CommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.patch(sys, "stdout", self.out)
        self.patch(sys, "stderr", self.err)
        self.addCleanup(setattr, sys, "excepthook", sys.excepthook)

    def assert_clean(self) -> None:
        for stream in (self.out, self.err):
            shown = stream.getvalue()
            self.assertEqual(printable(shown), shown)
        self.assertIn("\ufffd", self.out.getvalue() + self.err.getvalue())

    def run_main(self, *arguments: str) -> None:
        self.assertRaises(SystemExit, main, arguments)
        self.assert_clean()

    def test_file_names_of_logs(self) -> None:
        self.run_main("simulate", "replay", f"{EVIL}.log")

    def test_file_names_of_passwords(self) -> None:
        self.run_main("send", "zak", "hi", "--as", "jane", "--password-file", EVIL)

    def test_wrong_options_of_the_server(self) -> None:
        self.patch(sys, "__stderr__", self.err)
        for option in ("--listen", "--auth", "--motd"):
            self.run_main("serve", f"{option}={EVIL}")

    def test_what_a_backup_says(self) -> None:
        self.patch(backup, "store_path", lambda options: "")
        self.assertEqual(backup._run(Namespace(do=lambda path, file: f"backed up to {file}", file=EVIL)), 0)
        self.assert_clean()

    def test_file_names_of_stores(self) -> None:
        self.run_main("accounts", "list", "--store", f"sqlite:{EVIL}/none.sqlite3")

    def test_names_in_the_list_of_accounts(self) -> None:
        cli._print_table([accounts.AccountRow(EVIL, "here", 1, 1, 0)])
        self.assert_clean()

    def test_reasons_of_bans(self) -> None:
        people_cli._bans_table([{"target": EVIL, "kind": "name", "made": 0, "until": 0, "reason": EVIL}])
        self.assert_clean()

    def test_a_fault_of_the_program(self) -> None:
        self.assertRaises(SystemExit, main, ["--version"])
        try:
            raise RuntimeError(EVIL)
        except RuntimeError as fault:
            sys.excepthook(type(fault), fault, fault.__traceback__)
        self.assert_clean()

    def test_lines_of_a_plain_screen(self) -> None:
        PlainScreen().show([[("", EVIL)]])
        self.assert_clean()


class PasswordTests(SynchronousTestCase):
    def readable(self, host: str, tls: bool = False, ca: str | None = None) -> bool:
        return is_readable_on_the_way(parse_address(f"jane@{host}"), Namespace(tls=tls, ca=ca))

    def test_only_another_host_without_tls_is_readable(self) -> None:
        for host in ("localhost", "127.0.0.1", "127.1.2.3", "[::1]", "LOCALHOST"):
            self.assertFalse(self.readable(host), host)
        for host in ("chat.example", "192.168.0.7", "[2001:db8::1]", "localhost.example"):
            self.assertTrue(self.readable(host), host)
            self.assertFalse(self.readable(host, tls=True))
            self.assertFalse(self.readable(host, ca="ca.pem"))

    def test_send_refuses_unless_the_person_insists(self) -> None:
        arguments = ["send", "zak", "hi", "--server", "jane@chat.example"]
        self.addCleanup(setattr, sys, "excepthook", sys.excepthook)
        self.patch(sys, "stderr", err := io.StringIO())
        with patch.dict("os.environ", TWISTED_CHAT_PASSWORD="secret"):
            self.assertEqual(self.assertRaises(SystemExit, main, arguments).code, 1)
            self.assertIn("the password would go to chat.example without encryption", err.getvalue())
            with patch("twisted_chat.talk.send._on_the_reactor", return_value=0) as sent:
                self.assertEqual(self.assertRaises(SystemExit, main, [*arguments, "--insecure"]).code, 0)
            sent.call_args.args[1].close()

    def test_talk_asks(self) -> None:
        with patch("builtins.input", return_value="no"):
            self.assertRaises(TalkError, talk._confirm_insecure, "chat.example")
        with patch("builtins.input", return_value="yes"):
            talk._confirm_insecure("chat.example")
