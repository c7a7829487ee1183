"""`twisted-chat accounts` with a file that no server uses: what it asks for, and what it tells."""

from __future__ import annotations

import fcntl
import io
import json
import os
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin import cli as command
from twisted_chat.admin.control import NoAnswer, Unreachable
from twisted_chat.auth import passwords
from twisted_chat.cli import main
from twisted_chat.test.support_auth import QUICK


class Terminal(io.TextIOWrapper):
    """Standard input where somebody types."""

    def isatty(self) -> bool:
        return True


class AccountsTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = self.mktemp()
        self.patch(passwords.Passwords.__init__, "__defaults__", (QUICK,))

    def run_it(self, *arguments: str, typed: bytes = b"", stdin: type[io.TextIOWrapper] = io.TextIOWrapper) -> int:
        """Run it with these arguments; gives its exit status."""
        self.out, self.err = io.StringIO(), io.StringIO()
        given = stdin(io.BytesIO(typed), encoding="utf-8")
        with patch("sys.stdout", self.out), patch("sys.stderr", self.err), patch("sys.stdin", given):
            command_line = ["accounts", *arguments, "--store", f"sqlite:{self.store}"]
            end = self.assertRaises(SystemExit, main, command_line)
        return int(end.code or 0)

    def says(self, *arguments: str, typed: bytes = b"") -> str:
        """The sentence that it prints."""
        self.assertEqual(self.run_it(*arguments, typed=typed), 0, self.err.getvalue())
        return self.out.getvalue().removesuffix("\n")

    def one_line(self, *arguments: str, typed: bytes = b"") -> str:
        """The one line that is told of a problem."""
        self.assertEqual(self.run_it(*arguments, typed=typed), 1)
        self.assertEqual(self.out.getvalue(), "")
        (line,) = self.err.getvalue().splitlines()
        return line

    def create(self, *names: str) -> None:
        for name in names:
            self.says("create", name, typed=b"secret\n")


class ChangeTests(AccountsTestCase):
    def test_each_says_what_it_has_done(self) -> None:
        new = f"jane has an account now, in the new file {self.store}"
        self.assertEqual(self.says("create", "jane", typed=b"secret\n"), new)
        self.assertEqual(self.says("create", "kim", typed=b"secret\r\n"), "kim has an account now")
        self.assertEqual(self.says("password", "jane", typed=b"other"), "jane has a new password")
        self.assertEqual(self.says("disable", "jane"), "jane is disabled; 0 connections ended")
        self.assertEqual(self.says("disable", "jane"), "jane was disabled already")
        self.assertEqual(self.says("enable", "jane"), "jane is enabled")
        deleted = "jane is deleted; 0 rooms left, 0 connections ended"
        self.assertEqual(self.says("delete", "jane", "--yes"), deleted)
        self.assertIn("has been deleted", self.one_line("enable", "jane"))

    def test_a_deletion_is_meant(self) -> None:
        self.create("jane")
        self.assertIn("say --yes", self.one_line("delete", "jane"))
        for answer, status in ((b"\n", 1), (b"", 1), (b"no\n", 1), (b"y\n", 0)):
            self.assertEqual(self.run_it("delete", "jane", typed=answer, stdin=Terminal), status)

    def test_the_file_is_its_owners_alone(self) -> None:
        self.create("jane")
        self.assertEqual(os.stat(self.store).st_mode & 0o077, 0)


class PasswordTests(AccountsTestCase):
    def type(self, *typed: str) -> int:
        """Make an account at a terminal, where these are typed for passwords; gives the exit status."""
        asked = iter(typed)
        with patch.object(command, "getpass", lambda prompt: next(asked)):
            return self.run_it("create", "jane", stdin=Terminal)

    def test_it_is_asked_for_twice(self) -> None:
        self.assertEqual(self.type("secret", "secret"), 0)

    def test_typed_in_two_ways_it_changes_nothing(self) -> None:
        self.assertEqual(self.type("secret", "secrte"), 1)
        self.assertEqual(self.err.getvalue(), "twisted-chat: that was not the same twice; nothing has changed\n")
        self.assertFalse(os.path.exists(self.store))

    def test_what_is_no_password_is_said_so(self) -> None:
        for typed in (b"", b"\n", b"\xff\n", b"x" * 1025, b"a\x07b\n"):
            self.assertIn("a password ", self.one_line("create", "jane", typed=typed))
        self.assertFalse(os.path.exists(self.store))


class ListTests(AccountsTestCase):
    def test_a_table_for_people(self) -> None:
        self.create("zak", "Jane")
        self.says("disable", "zak")
        header, *lines = self.says("list").splitlines()
        self.assertEqual(header, "NAME  STATE     CONNECTIONS  ROOMS  MADE")
        self.assertEqual(
            [line.split()[:4] for line in lines], [["Jane", "away", "0", "0"], ["zak", "disabled", "0", "0"]]
        )

    def test_json_for_programs(self) -> None:
        self.create("jane")
        (account,) = json.loads(self.says("list", "--json"))
        self.assertRegex(account.pop("made"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(account, {"name": "jane", "state": "away", "connections": 0, "rooms": 0})

    def test_nobody(self) -> None:
        self.create("jane")
        self.says("delete", "jane", "--yes")
        self.assertEqual(self.says("list"), "there are no accounts")
        self.assertEqual(self.says("list", "--json"), "[]")


class ProblemTests(AccountsTestCase):
    def test_there_is_no_such_account_or_name(self) -> None:
        self.create("jane")
        no_such = "twisted-chat: there is no account kim; list shows those that there are"
        self.assertEqual(self.one_line("disable", "kim"), no_such)
        self.assertIn("jane has an account already", self.one_line("create", "JANE", typed=b"secret\n"))
        self.assertIn("a name has no space", self.one_line("create", "jane doe", typed=b"secret\n"))

    def test_there_is_no_such_file(self) -> None:
        self.assertIn(f"there is no {self.store} here: --store", self.one_line("list"))

    def test_a_file_of_something_else(self) -> None:
        with open(self.store, "w") as file:
            file.write("dear diary, " * 100)
        self.assertIn("file is not a database", self.one_line("list"))

    def test_a_file_in_a_folder_that_is_not_there(self) -> None:
        self.store = os.path.join(self.store, "chat.sqlite3")
        self.assertIn("No such file or directory", self.one_line("create", "jane", typed=b"secret\n"))

    def test_a_file_that_is_in_use(self) -> None:
        self.create("jane")
        self.patch(command, "PATIENCE", -1)
        with open(self.store + ".lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("is in use, but nobody answers at", self.one_line("list"))

    def test_a_server_that_cannot_be_asked(self) -> None:
        with patch.object(command, "ask", side_effect=NoAnswer("the server ended before it answered")):
            self.assertEqual(self.one_line("list"), "twisted-chat: the server ended before it answered")

    def test_a_server_that_goes_just_then(self) -> None:
        self.create("jane")
        answers = iter([Unreachable(), {"accounts": [], "more": False}])
        with open(self.store + ".lock") as lock, patch.object(command, "ask", side_effect=answers):
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.patch(command, "sleep", lambda seconds: None)
            self.assertEqual(self.says("list"), "there are no accounts")

    def test_what_is_no_store(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        for store, status, wanted in (("memory", 1, "accounts are in the server alone"), ("x", 2, "takes sqlite:PATH")):
            with patch("sys.stderr", self.err):
                end = self.assertRaises(SystemExit, main, ["accounts", "list", "--store", store])
            self.assertEqual(end.code, status)
            self.assertIn(wanted, self.err.getvalue())
