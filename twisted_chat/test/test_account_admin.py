"""The operator's changes to accounts, while other users are online."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin import accounts
from twisted_chat.admin.accounts import AccountAdmin
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
from twisted_chat.test.support_auth import NEW_PASSWORD, OTHER_PASSWORD, QUICK, Worker


class AccountAdminTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.begin(Server())

    def begin(self, server: Server) -> None:
        self.server = server
        assert server.hub.accounts is not None
        self.worker = Worker()
        self.admin = AccountAdmin(server.hub, server.hub.accounts, Passwords(self.worker.run, QUICK).hash)

    def done(self, change: Coroutine[Any, Any, str]) -> str:
        """Return the sentence for a change."""
        return str(self.successResultOf(Deferred.fromCoroutine(change)))

    def code(self, change: Coroutine[Any, Any, str]) -> str:
        """Return the code of the error that a change raises."""
        problem = self.failureResultOf(Deferred.fromCoroutine(change), ChatError).value
        assert isinstance(problem, ChatError)
        return problem.code

    def signs_in(self, name: str, password: str) -> str:
        """Return the answer to a sign-in of a new connection."""
        return self.server.connect().ask(f"@1 register,{name},{password}")[0].removeprefix("@1 ")

    def states(self) -> list[tuple[str, str, int, int]]:
        """Return the list, without the times."""
        return [account[:4] for account in self.admin.page()]


class CreateTests(AccountAdminTestCase):
    def test_a_created_account_can_sign_in(self) -> None:
        self.assertEqual(self.done(self.admin.create("Kim", NEW_PASSWORD)), "created the account Kim")
        self.assertEqual(self.signs_in("kim", NEW_PASSWORD), "ok,Kim,known")

    def test_a_name_is_given_once(self) -> None:
        self.server.plain("jane")
        self.done(self.admin.create("kim", NEW_PASSWORD))
        for name in ("jane", "Kim"):
            self.assertEqual(self.code(self.admin.create(name, NEW_PASSWORD)), NAME_TAKEN)
        self.done(self.admin.delete("kim"))
        self.assertEqual(self.code(self.admin.create("kim", NEW_PASSWORD)), NAME_TAKEN)

    def test_the_name_is_claimed_while_the_password_is_hashed(self) -> None:
        self.worker.slow = True
        made = Deferred.fromCoroutine(self.admin.create("kim", NEW_PASSWORD))
        self.assertTrue(self.signs_in("kim", OTHER_PASSWORD).startswith("error,name-taken,"))
        self.worker.work()
        self.successResultOf(made)

    def test_an_invalid_name_or_password_creates_no_account(self) -> None:
        self.assertEqual(self.code(self.admin.create("#kim", NEW_PASSWORD)), BAD_NAME)
        self.assertEqual(self.code(self.admin.create("kim", "")), WRONG_PASSWORD)
        self.assertEqual(self.admin.page(), [])
        self.server.plain("kim")  # the name is still free

    def test_the_number_of_accounts_is_limited(self) -> None:
        with patch.object(accounts, "MAX_ACCOUNTS", 1):
            self.done(self.admin.create("jane", NEW_PASSWORD))
            self.assertEqual(self.code(self.admin.create("kim", NEW_PASSWORD)), NOT_ALLOWED)

    def test_passwords_that_are_stored_elsewhere_cannot_be_set(self) -> None:
        assert self.server.hub.accounts is not None
        elsewhere = AccountAdmin(self.server.hub, self.server.hub.accounts, None)
        self.assertEqual(self.code(elsewhere.create("kim", NEW_PASSWORD)), NOT_ALLOWED)
        self.server.account("jane")
        self.assertEqual(self.code(elsewhere.set_password("jane", NEW_PASSWORD)), NOT_ALLOWED)


class PasswordTests(AccountAdminTestCase):
    def test_the_new_password_counts_and_open_connections_end(self) -> None:
        jane, zak = self.server.account("jane"), self.server.account("zak")
        sentence = "changed the password of jane; 1 connection ended"
        self.assertEqual(self.done(self.admin.set_password("JANE", OTHER_PASSWORD)), sentence)
        self.assertEqual(jane.lines()[-1].split(",")[:2], ["server", "password"])
        self.assertTrue(jane.closed)
        self.assertFalse(zak.closed)
        self.assertTrue(self.signs_in("jane", "jane").startswith("error,wrong-password,"))
        self.assertEqual(self.signs_in("jane", OTHER_PASSWORD), "ok,jane,known")


class DisableTests(AccountAdminTestCase):
    def test_it_ends_all_connections_and_refuses_new_ones(self) -> None:
        jane, phone, zak = self.server.account("jane", "#tea"), self.server.account("jane"), self.server.plain("zak")
        self.assertEqual(self.done(self.admin.disable("jane")), "jane is disabled; 2 connections ended")
        for connection in (jane, phone):
            self.assertEqual(connection.lines()[-1], "server,disabled,this account has been disabled")
            self.assertTrue(connection.closed)
        self.assertTrue(self.signs_in("jane", "jane").startswith("error,not-allowed,this account is disabled"))
        self.assertTrue(zak.ask("chat,jane")[0].startswith("error,no-such-user,"))
        self.assertEqual(self.states(), [("jane", "disabled", 0, 1)])

    def test_a_sign_in_during_the_change_is_refused(self) -> None:
        self.server.account("jane").drop()
        assert self.server.hub.accounts is not None
        numbered: Deferred[int] = Deferred()
        with patch.object(self.server.hub.accounts, "client_number", lambda *_: numbered):
            late = self.server.connect()
            late.say(b"hello,events,phone\nregister,jane,jane\n")
            self.done(self.admin.disable("jane"))
            numbered.callback(1)
        self.assertIn("error,not-allowed,this account is disabled", late.lines()[-1])
        self.assertEqual(self.server.names(), [])

    def test_an_enabled_account_is_as_it_was_before(self) -> None:
        self.server.account("jane", "#tea")
        self.done(self.admin.disable("jane"))
        self.assertEqual(self.done(self.admin.enable("jane")), "jane is enabled")
        self.assertEqual(self.signs_in("jane", "jane"), "ok,jane,known")
        self.assertEqual(self.states(), [("jane", "here", 1, 1)])

    def test_a_change_without_effect_is_said(self) -> None:
        self.server.account("jane")
        self.assertEqual(self.done(self.admin.enable("jane")), "jane is already enabled")
        self.done(self.admin.disable("jane"))
        self.assertEqual(self.done(self.admin.disable("jane")), "jane is already disabled")


class DeleteTests(AccountAdminTestCase):
    def test_it_leaves_its_rooms_and_its_name_stays_taken(self) -> None:
        jane, zak = self.server.account("jane", "#tea", "#ops"), self.server.program("zak", "#tea")
        sentence = "jane is deleted; it left 2 rooms, and 1 connection ended"
        self.assertEqual(self.done(self.admin.delete("jane")), sentence)
        self.assertIn("server,deleted,this account has been deleted", jane.lines())
        self.assertTrue(jane.closed)
        self.assertTrue(any(line.startswith("left,") and line.endswith(",#tea,jane") for line in zak.lines()))
        self.assertEqual(self.server.hub.rooms.names(), ["#tea"])
        self.assertTrue(self.signs_in("jane", "jane").startswith("error,not-allowed,"))
        self.assertEqual(self.states(), [])

    def test_the_result_waits_for_the_log(self) -> None:
        log = DelayedLog()
        self.begin(Server(log))
        jane = self.server.connect()
        jane.say(b"register,jane,jane\njoin,#tea\n")
        self.server.turn()
        log.keep()
        deleted = Deferred.fromCoroutine(self.admin.delete("jane"))
        self.assertNoResult(deleted)
        log.keep()
        self.successResultOf(deleted)

    def test_a_leave_that_the_log_did_not_store_is_repeated_with_the_next_delete(self) -> None:
        log = DelayedLog()
        self.begin(Server(log))
        jane = self.server.connect()
        jane.say(b"register,jane,jane\njoin,#tea\n")
        self.server.turn()
        log.keep()
        deleted = Deferred.fromCoroutine(self.admin.delete("jane"))
        log.fail()
        problem = self.failureResultOf(deleted, ChatError).value
        assert isinstance(problem, ChatError)
        self.assertEqual(problem.code, UNAVAILABLE)
        again = Deferred.fromCoroutine(self.admin.delete("jane"))
        log.keep()
        self.assertEqual(self.successResultOf(again), "jane is deleted; it left 1 room, and 0 connections ended")
        self.assertEqual(self.code(self.admin.delete("jane")), NO_SUCH_USER)


class EveryChangeTests(AccountAdminTestCase):
    def test_guests_unknown_names_and_deleted_accounts_have_no_account(self) -> None:
        self.server.plain("guest")
        self.server.account("gone")
        self.done(self.admin.delete("gone"))
        for name in ("guest", "stranger", "gone"):
            for change in (
                self.admin.disable(name),
                self.admin.enable(name),
                self.admin.delete(name),
                self.admin.set_password(name, NEW_PASSWORD),
            ):
                self.assertEqual(self.code(change), NO_SUCH_USER)

    def test_changes_are_made_one_after_the_other(self) -> None:
        self.server.account("jane")
        self.worker.slow = True
        first = Deferred.fromCoroutine(self.admin.set_password("jane", OTHER_PASSWORD))
        second = Deferred.fromCoroutine(self.admin.disable("jane"))
        self.assertNoResult(second)
        self.worker.work()
        self.successResultOf(first)
        self.successResultOf(second)


class ListTests(AccountAdminTestCase):
    def test_it_shows_state_connections_and_rooms(self) -> None:
        self.server.account("zak").drop()
        self.server.account("Jane", "#tea", "#ops")
        self.server.account("Jane")
        self.server.plain("guest")
        self.assertEqual(self.states(), [("Jane", "here", 2, 2), ("zak", "away", 0, 0)])
        self.assertGreater(self.admin.page()[0].made, 0)

    def test_it_comes_in_pages(self) -> None:
        for name in ("kim", "Jane", "zak"):
            self.server.account(name)
        with patch.object(accounts, "ACCOUNTS_PER_PAGE", 2):
            self.assertEqual([account.name for account in self.admin.page()], ["Jane", "kim"])
            self.assertEqual([account.name for account in self.admin.page("KIM")], ["zak"])
