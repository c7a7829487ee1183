"""`twisted-chat accounts` with a file that no server uses: its questions, output and errors."""

from __future__ import annotations

import fcntl
import io
import json
import os
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin import cli
from twisted_chat.admin.ask import NoResponse, NotListening
from twisted_chat.auth import passwords
from twisted_chat.cli import main
from twisted_chat.test.support_auth import NEW_PASSWORD, OTHER_PASSWORD, QUICK


class Terminal(io.TextIOWrapper):
    """Standard input that is a terminal."""

    def isatty(self) -> bool:
        return True


class AccountsTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = self.mktemp()
        self.patch(passwords.Passwords.__init__, "__defaults__", (QUICK,))

    def run_it(self, *arguments: str, typed: bytes = b"", stdin: type[io.TextIOWrapper] = io.TextIOWrapper) -> int:
        """Run the command with these arguments, and return its exit status."""
        self.out, self.err = io.StringIO(), io.StringIO()
        given = stdin(io.BytesIO(typed), encoding="utf-8")
        with patch("sys.stdout", self.out), patch("sys.stderr", self.err), patch("sys.stdin", given):
            command_line = ["accounts", *arguments, "--store", f"sqlite:{self.store}"]
            end = self.assertRaises(SystemExit, main, command_line)
        return int(end.code or 0)

    def says(self, *arguments: str, typed: bytes = b"") -> str:
        """Run the command, and return the sentence that it prints."""
        self.assertEqual(self.run_it(*arguments, typed=typed), 0, self.err.getvalue())
        return self.out.getvalue().removesuffix("\n")

    def one_line(self, *arguments: str, typed: bytes = b"") -> str:
        """Run a command that fails, and return its one line on standard error."""
        self.assertEqual(self.run_it(*arguments, typed=typed), 1)
        self.assertEqual(self.out.getvalue(), "")
        (line,) = self.err.getvalue().splitlines()
        return line

    def create(self, *names: str) -> None:
        for name in names:
            self.says("create", name, typed=b"blue stone 7\n")


class ChangeTests(AccountsTestCase):
    def test_each_change_says_what_was_done(self) -> None:
        new = f"created the account jane, in the new file {self.store}"
        self.assertEqual(self.says("create", "jane", typed=b"blue stone 7\n"), new)
        self.assertEqual(self.says("create", "kim", typed=b"blue stone 7\r\n"), "created the account kim")
        self.assertEqual(self.says("password", "jane", typed=b"green stone 8"), "changed the password of jane")
        self.assertEqual(self.says("disable", "jane"), "jane is disabled; 0 connections ended")
        self.assertEqual(self.says("disable", "jane"), "jane is already disabled")
        self.assertEqual(self.says("enable", "jane"), "jane is enabled")
        deleted = "jane is deleted; it left 0 rooms, and 0 connections ended"
        self.assertEqual(self.says("delete", "jane", "--yes"), deleted)
        self.assertIn("was deleted", self.one_line("enable", "jane"))

    def test_a_deletion_is_confirmed(self) -> None:
        self.create("jane")
        self.assertIn("add --yes", self.one_line("delete", "jane"))
        for answer, status in ((b"\n", 1), (b"", 1), (b"no\n", 1), (b"y\n", 0)):
            self.assertEqual(self.run_it("delete", "jane", typed=answer, stdin=Terminal), status)

    def test_only_the_owner_can_read_a_new_file(self) -> None:
        self.create("jane")
        self.assertEqual(os.stat(self.store).st_mode & 0o077, 0)


class PasswordTests(AccountsTestCase):
    def type(self, *typed: str) -> int:
        """Create an account at a terminal, where these passwords are typed, and return the exit status."""
        asked = iter(typed)
        with patch.object(cli, "getpass", lambda prompt: next(asked)):
            return self.run_it("create", "jane", stdin=Terminal)

    def test_it_is_asked_for_twice(self) -> None:
        self.assertEqual(self.type(NEW_PASSWORD, NEW_PASSWORD), 0)

    def test_two_different_passwords_change_nothing(self) -> None:
        self.assertEqual(self.type(NEW_PASSWORD, OTHER_PASSWORD), 1)
        self.assertEqual(self.err.getvalue(), "twisted-chat: the two passwords differ; nothing was changed\n")
        self.assertFalse(os.path.exists(self.store))

    def test_a_forbidden_password_is_refused(self) -> None:
        for typed in (b"", b"\n", b"\xff\n", b"x" * 1025, b"a\x07b\n"):
            self.assertIn("password ", self.one_line("create", "jane", typed=typed))
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

    def test_an_empty_list(self) -> None:
        self.create("jane")
        self.says("delete", "jane", "--yes")
        self.assertEqual(self.says("list"), "there are no accounts")
        self.assertEqual(self.says("list", "--json"), "[]")


class ProblemTests(AccountsTestCase):
    def test_unknown_accounts_and_taken_or_invalid_names(self) -> None:
        self.create("jane")
        no_such = "twisted-chat: there is no account kim"
        self.assertEqual(self.one_line("disable", "kim"), no_such)
        self.assertIn("there is already an account jane", self.one_line("create", "JANE", typed=b"blue stone 7\n"))
        self.assertIn("a name must not contain a space", self.one_line("create", "jane doe", typed=b"blue stone 7\n"))

    def test_a_missing_file(self) -> None:
        self.assertIn(f"there is no file {self.store}; name the server's file with --store", self.one_line("list"))

    def test_a_file_that_is_no_database(self) -> None:
        with open(self.store, "w") as file:
            file.write("dear diary, " * 100)
        self.assertIn("file is not a database", self.one_line("list"))

    def test_a_file_in_a_missing_folder(self) -> None:
        self.store = os.path.join(self.store, "chat.sqlite3")
        self.assertIn("No such file or directory", self.one_line("create", "jane", typed=b"blue stone 7\n"))

    def test_a_file_that_is_in_use(self) -> None:
        self.create("jane")
        self.patch(cli, "IN_USE_TIMEOUT_SECONDS", -1)
        with open(self.store + ".lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("is in use, but no server answers at", self.one_line("list"))

    def test_a_server_that_does_not_respond(self) -> None:
        with patch.object(cli, "ask", side_effect=NoResponse("the server stopped before it answered")):
            self.assertEqual(self.one_line("list"), "twisted-chat: the server stopped before it answered")

    def test_a_server_that_stops_in_between(self) -> None:
        self.create("jane")
        answers = iter([NotListening(), {"accounts": [], "more": False}])
        with open(self.store + ".lock") as lock, patch.object(cli, "ask", side_effect=answers):
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.patch(cli, "sleep", lambda seconds: None)
            self.assertEqual(self.says("list"), "there are no accounts")

    def test_a_wrong_store(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        for store, status, wanted in (
            ("memory", 1, "accounts exist only inside the server"),
            ("x", 2, "must be sqlite:PATH"),
        ):
            with patch("sys.stderr", self.err):
                end = self.assertRaises(SystemExit, main, ["accounts", "list", "--store", store])
            self.assertEqual(end.code, status)
            self.assertIn(wanted, self.err.getvalue())
