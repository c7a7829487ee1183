"""What the operator does to accounts, while others are in the conversation."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin import accounts as operator
from twisted_chat.admin.accounts import Operator
from twisted_chat.auth.passwords import Passwords
from twisted_chat.core.errors import (
    BAD_NAME,
    NAME_TAKEN,
    NO_SUCH_USER,
    NOT_ALLOWED,
    UNAVAILABLE,
    WRONG_PASSWORD,
    ChatError,
)
from twisted_chat.test.support import DelayedLog, Server
from twisted_chat.test.support_auth import QUICK, Worker


class OperatorTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.begin(Server())

    def begin(self, server: Server) -> None:
        self.server = server
        assert server.hub.accounts is not None
        self.worker = Worker()
        self.operator = Operator(server.hub, server.hub.accounts, Passwords(self.worker.run, QUICK).hash)

    def done(self, change: Coroutine[Any, Any, str]) -> str:
        """What the operator is told of a change."""
        return str(self.successResultOf(Deferred.fromCoroutine(change)))

    def code(self, change: Coroutine[Any, Any, str]) -> str:
        """The code of the error that it raises."""
        problem = self.failureResultOf(Deferred.fromCoroutine(change), ChatError).value
        assert isinstance(problem, ChatError)
        return problem.code

    def signs_in(self, name: str, password: str) -> str:
        """How a stranger's sign-in is answered."""
        return self.server.connect().ask(f"@1 register,{name},{password}")[0].removeprefix("@1 ")

    def states(self) -> list[tuple[str, str, int, int]]:
        """The list, without the times."""
        return [account[:4] for account in self.operator.list()]


class CreateTests(OperatorTestCase):
    def test_an_account_can_be_signed_in_to(self) -> None:
        self.assertEqual(self.done(self.operator.create("Kim", "secret")), "Kim has an account now")
        self.assertEqual(self.signs_in("kim", "secret"), "ok,Kim,known")

    def test_a_name_is_given_once(self) -> None:
        self.server.plain("jane")
        self.done(self.operator.create("kim", "secret"))
        for name in ("jane", "Kim"):
            self.assertEqual(self.code(self.operator.create(name, "secret")), NAME_TAKEN)
        self.done(self.operator.delete("kim"))
        self.assertEqual(self.code(self.operator.create("kim", "secret")), NAME_TAKEN)

    def test_nobody_takes_the_name_meanwhile(self) -> None:
        self.worker.slow = True
        made = Deferred.fromCoroutine(self.operator.create("kim", "secret"))
        self.assertTrue(self.signs_in("kim", "other").startswith("error,name-taken,"))
        self.worker.work()
        self.successResultOf(made)

    def test_what_is_no_name_or_no_password_makes_none(self) -> None:
        self.assertEqual(self.code(self.operator.create("#kim", "secret")), BAD_NAME)
        self.assertEqual(self.code(self.operator.create("kim", "")), WRONG_PASSWORD)
        self.assertEqual(self.operator.list(), [])
        self.server.plain("kim")  # the name is still free

    def test_there_are_only_so_many(self) -> None:
        with patch.object(operator, "MOST_ACCOUNTS", 1):
            self.done(self.operator.create("jane", "secret"))
            self.assertEqual(self.code(self.operator.create("kim", "secret")), NOT_ALLOWED)

    def test_passwords_that_are_kept_elsewhere_are_not_made_here(self) -> None:
        assert self.server.hub.accounts is not None
        elsewhere = Operator(self.server.hub, self.server.hub.accounts, None)
        self.assertEqual(self.code(elsewhere.create("kim", "secret")), NOT_ALLOWED)
        self.server.account("jane")
        self.assertEqual(self.code(elsewhere.password("jane", "secret")), NOT_ALLOWED)


class PasswordTests(OperatorTestCase):
    def test_the_new_one_counts_and_who_is_here_stays(self) -> None:
        jane = self.server.account("jane")
        self.assertEqual(self.done(self.operator.password("JANE", "other")), "jane has a new password")
        self.assertEqual(jane.ask("ping,x"), ["ok,x"])
        self.assertTrue(self.signs_in("jane", "jane").startswith("error,wrong-password,"))
        self.assertEqual(self.signs_in("jane", "other"), "ok,jane,known")


class DisableTests(OperatorTestCase):
    def test_it_ends_all_connections_and_lets_nobody_in_again(self) -> None:
        jane, phone, zak = self.server.account("jane", "#tea"), self.server.account("jane"), self.server.plain("zak")
        self.assertEqual(self.done(self.operator.disable("jane")), "jane is disabled; 2 connections ended")
        for connection in (jane, phone):
            self.assertEqual(connection.lines()[-1], "server,disabled,this account has been disabled")
            self.assertTrue(connection.closed)
        self.assertTrue(self.signs_in("jane", "jane").startswith("error,not-allowed,this account is disabled"))
        self.assertTrue(zak.ask("chat,jane")[0].startswith("error,no-such-user,"))
        self.assertEqual(self.states(), [("jane", "disabled", 0, 1)])

    def test_who_signs_in_just_then_is_not_let_in(self) -> None:
        self.server.account("jane").drop()
        assert self.server.hub.accounts is not None
        numbered: Deferred[int] = Deferred()
        with patch.object(self.server.hub.accounts, "client_number", lambda *_: numbered):
            late = self.server.connect()
            late.say(b"hello,events,phone\nregister,jane,jane\n")
            self.done(self.operator.disable("jane"))
            numbered.callback(1)
        self.assertIn("error,not-allowed,this account is disabled", late.lines()[-1])
        self.assertEqual(self.server.names(), [])

    def test_enabled_again_it_is_as_it_was(self) -> None:
        self.server.account("jane", "#tea")
        self.done(self.operator.disable("jane"))
        self.assertEqual(self.done(self.operator.enable("jane")), "jane is enabled")
        self.assertEqual(self.signs_in("jane", "jane"), "ok,jane,known")
        self.assertEqual(self.states(), [("jane", "here", 1, 1)])

    def test_what_is_so_already_is_said(self) -> None:
        self.server.account("jane")
        self.assertEqual(self.done(self.operator.enable("jane")), "jane was enabled already")
        self.done(self.operator.disable("jane"))
        self.assertEqual(self.done(self.operator.disable("jane")), "jane was disabled already")


class DeleteTests(OperatorTestCase):
    def test_it_leaves_its_rooms_and_nobody_gets_its_name(self) -> None:
        jane, zak = self.server.account("jane", "#tea", "#ops"), self.server.program("zak", "#tea")
        sentence = "jane is deleted; 2 rooms left, 1 connection ended"
        self.assertEqual(self.done(self.operator.delete("jane")), sentence)
        self.assertIn("server,deleted,this account has been deleted", jane.lines())
        self.assertTrue(jane.closed)
        self.assertTrue(any(line.startswith("left,") and line.endswith(",#tea,jane") for line in zak.lines()))
        self.assertEqual(self.server.hub.rooms.names(), ["#tea"])
        self.assertTrue(self.signs_in("jane", "jane").startswith("error,not-allowed,"))
        self.assertEqual(self.states(), [])

    def test_the_answer_waits_for_the_log(self) -> None:
        log = DelayedLog()
        self.begin(Server(log))
        jane = self.server.connect()
        jane.say(b"register,jane,jane\njoin,#tea\n")
        self.server.turn()
        log.keep()
        deleted = Deferred.fromCoroutine(self.operator.delete("jane"))
        self.assertNoResult(deleted)
        log.keep()
        self.successResultOf(deleted)

    def test_what_the_log_did_not_take_is_done_the_next_time(self) -> None:
        log = DelayedLog()
        self.begin(Server(log))
        jane = self.server.connect()
        jane.say(b"register,jane,jane\njoin,#tea\n")
        self.server.turn()
        log.keep()
        deleted = Deferred.fromCoroutine(self.operator.delete("jane"))
        log.fail()
        problem = self.failureResultOf(deleted, ChatError).value
        assert isinstance(problem, ChatError)
        self.assertEqual(problem.code, UNAVAILABLE)
        again = Deferred.fromCoroutine(self.operator.delete("jane"))
        log.keep()
        self.assertEqual(self.successResultOf(again), "jane is deleted; 1 room left, 0 connections ended")
        self.assertEqual(self.code(self.operator.delete("jane")), NO_SUCH_USER)


class EveryChangeTests(OperatorTestCase):
    def test_guests_strangers_and_the_deleted_have_no_account(self) -> None:
        self.server.plain("guest")
        self.server.account("gone")
        self.done(self.operator.delete("gone"))
        for name in ("guest", "stranger", "gone"):
            for change in (
                self.operator.disable(name),
                self.operator.enable(name),
                self.operator.delete(name),
                self.operator.password(name, "secret"),
            ):
                self.assertEqual(self.code(change), NO_SUCH_USER)

    def test_they_are_made_one_after_the_other(self) -> None:
        self.server.account("jane")
        self.worker.slow = True
        first = Deferred.fromCoroutine(self.operator.password("jane", "other"))
        second = Deferred.fromCoroutine(self.operator.disable("jane"))
        self.assertNoResult(second)
        self.worker.work()
        self.successResultOf(first)
        self.successResultOf(second)


class ListTests(OperatorTestCase):
    def test_it_shows_who_is_here(self) -> None:
        self.server.account("zak").drop()
        self.server.account("Jane", "#tea", "#ops")
        self.server.account("Jane")
        self.server.plain("guest")
        self.assertEqual(self.states(), [("Jane", "here", 2, 2), ("zak", "away", 0, 0)])
        self.assertGreater(self.operator.list()[0].made, 0)

    def test_it_comes_in_pages(self) -> None:
        for name in ("kim", "Jane", "zak"):
            self.server.account(name)
        with patch.object(operator, "PAGE", 2):
            self.assertEqual([account.name for account in self.operator.list()], ["Jane", "kim"])
            self.assertEqual([account.name for account in self.operator.list("KIM")], ["zak"])
