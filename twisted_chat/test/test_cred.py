"""Accounts whose passwords are stored elsewhere: checkers of twisted.cred decide."""

from __future__ import annotations

import os
from typing import Any

from twisted.cred.checkers import ANONYMOUS, ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.strcred import makeChecker
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from twisted_chat.auth.cred import CHECKER_TIMEOUT_SECONDS, MAX_CHECKS, Cred
from twisted_chat.core.errors import NOT_ALLOWED, SLOW_DOWN, TOO_LONG, UNAVAILABLE, WRONG_PASSWORD, ChatError
from twisted_chat.core.interfaces import Authenticator, Verified
from twisted_chat.core.names import user_name
from twisted_chat.test.support_auth import PASSWORD

HOME = "192.0.2.1"


@implementer(ICredentialsChecker)
class Checker:
    """Returns or raises `outcome`, and records the credentials that it was asked about."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, outcome: Any = b"jane") -> None:
        self.outcome = outcome
        self.asked: list[tuple[bytes, bytes]] = []

    def requestAvatarId(self, credentials: Any) -> Any:
        self.asked.append((credentials.username, credentials.password))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class CredTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def verify(self, auth: Authenticator, name: str = "jane", password: str = PASSWORD) -> Deferred[Verified]:
        doing: Any = auth.verify(user_name(name), None, password, HOME)
        return Deferred.fromCoroutine(doing)

    def name(self, *checkers: ICredentialsChecker, name: str = "jane", password: str = PASSWORD) -> str:
        """Return the account name that the checkers give."""
        verified = self.successResultOf(self.verify(Cred(checkers, self.clock), name, password))
        self.assertIsNone(verified.secret)
        return verified.name.shown

    def code(self, doing: Deferred[Verified]) -> str:
        problem = self.failureResultOf(doing, ChatError).value
        assert isinstance(problem, ChatError)
        self.assertNotIn("horse", repr(problem))
        return problem.code

    def refused(self, *checkers: ICredentialsChecker, password: str = PASSWORD) -> str:
        return self.code(self.verify(Cred(checkers, self.clock), password=password))

    def test_the_checker_gives_the_accounts_name(self) -> None:
        for avatar in (b"Jane", "Jane", succeed(b"Jane")):
            self.assertEqual(self.name(Checker(avatar)), "Jane")

    def test_it_is_asked_in_utf_8(self) -> None:
        checker = Checker()
        self.name(checker, name="Zoë", password="Zoe\u0308\u00a0x")
        self.assertEqual(checker.asked, [("Zoë".encode(), "Zoë x".encode())])

    def test_unknown_credentials_are_a_wrong_password(self) -> None:
        self.assertEqual(self.refused(Checker(UnauthorizedLogin())), WRONG_PASSWORD)

    def test_an_avatar_that_is_no_user_name_is_a_wrong_password(self) -> None:
        for avatar in (ANONYMOUS, None, b"", b"ja ne", b"\xff", "#jane", b"a" * 33):
            self.assertEqual(self.refused(Checker(avatar)), WRONG_PASSWORD)

    def test_checkers_are_asked_in_turn_until_one_accepts(self) -> None:
        stranger, friend, last = Checker(UnauthorizedLogin()), Checker(b"jane"), Checker(b"zak")
        self.assertEqual(self.name(stranger, friend, last), "jane")
        self.assertEqual([len(one.asked) for one in (stranger, friend, last)], [1, 1, 0])

    def test_a_checker_that_fails_is_logged_without_the_password(self) -> None:
        with capturedLogs() as events:
            self.assertEqual(self.refused(Checker(KeyError(PASSWORD))), UNAVAILABLE)
        [text] = [formatEvent(event) for event in events]
        self.assertIn("KeyError", text)
        self.assertIn("in requestAvatarId", text)
        self.assertNotIn("horse", text + repr(events))

    def test_when_a_checker_fails_the_next_one_is_asked(self) -> None:
        with capturedLogs():
            self.assertEqual(self.name(Checker(OSError()), Checker()), "jane")
            self.assertEqual(self.refused(Checker(OSError()), Checker(UnauthorizedLogin())), UNAVAILABLE)

    def test_a_checker_that_does_not_answer_times_out(self) -> None:
        doing = self.verify(Cred([Checker(Deferred())], self.clock))
        self.clock.advance(CHECKER_TIMEOUT_SECONDS - 1)
        self.assertNoResult(doing)
        with capturedLogs():
            self.clock.advance(1)
        self.assertEqual(self.code(doing), UNAVAILABLE)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_cancelled_sign_in_is_not_logged_as_a_failure(self) -> None:
        doing = self.verify(Cred([Checker(Deferred())], self.clock))
        with capturedLogs() as events:
            doing.cancel()
        self.failureResultOf(doing, CancelledError)
        self.assertEqual(events, [])

    def test_no_checker_is_asked_about_a_forbidden_password(self) -> None:
        checker = Checker()
        self.assertEqual(self.refused(checker, password=""), WRONG_PASSWORD)
        self.assertEqual(self.refused(checker, password="x" * 1025), TOO_LONG)
        self.assertEqual(checker.asked, [])

    def test_guessing_is_slowed_down_before_a_checker_is_asked(self) -> None:
        checker = Checker(UnauthorizedLogin())
        auth = Cred([checker], self.clock)
        for _ in range(10):
            self.assertEqual(self.code(self.verify(auth)), WRONG_PASSWORD)
        self.assertEqual(self.code(self.verify(auth)), SLOW_DOWN)
        self.assertEqual(len(checker.asked), 10)
        self.clock.advance(6)
        self.assertEqual(self.code(self.verify(auth)), WRONG_PASSWORD)

    def test_a_password_that_is_stored_elsewhere_cannot_be_changed(self) -> None:
        doing: Any = Cred([Checker()], self.clock).change(user_name("jane"), 1, "old", "new", HOME)
        self.assertEqual(self.code(Deferred.fromCoroutine(doing)), NOT_ALLOWED)

    def test_the_memory_checker_of_the_command_line(self) -> None:
        checker = makeChecker("memory:jane:secret:zoë:pässword")
        self.assertEqual(self.name(checker, password="secret"), "jane")
        self.assertEqual(self.name(checker, name="zoë", password="pässword"), "zoë")
        self.assertEqual(self.refused(checker, password="pässword"), WRONG_PASSWORD)

    def test_the_file_checker_of_the_command_line(self) -> None:
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as file:
            file.write("jane:secret\nzoë:pässword\n")
        checker = makeChecker(f"file:{path}")
        self.assertEqual(self.name(checker, name="zoë", password="pässword"), "zoë")
        self.assertEqual(self.refused(checker, password="pässword"), WRONG_PASSWORD)

    def test_a_file_that_is_missing_or_empty_for_a_moment_is_unavailable_and_not_a_wrong_password(self) -> None:
        path = self.mktemp()
        write = "jane:correct horse\n"
        with open(path, "w", encoding="utf-8") as file:
            file.write(write)
        auth = Cred([makeChecker(f"file:{path}")], self.clock)
        self.assertEqual(auth.unreadable_files(), [])
        os.rename(path, path + ".new")
        for _ in range(30):  # more than there are wrong passwords
            with capturedLogs() as logged:
                self.assertEqual(self.code(self.verify(auth, password="correct horse")), UNAVAILABLE)
            self.assertIn("cannot read the file of passwords", str(logged[0]["problem"]))
        self.assertEqual(len(auth.unreadable_files()), 1)
        with open(path, "w", encoding="utf-8"):
            pass
        self.assertEqual(self.code(self.verify(auth, password="correct horse")), UNAVAILABLE)
        os.rename(path + ".new", path)
        self.assertEqual(self.successResultOf(self.verify(auth, password="correct horse")).name, user_name("jane"))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_slow_checks_have_turns_and_others_do_not_wait_behind_a_flood(self) -> None:
        answers: list[Deferred[bytes]] = []

        class Slow(Checker):
            def requestAvatarId(self, credentials: Any) -> Any:
                answers.append(Deferred())
                return answers[-1]

        auth = Cred([Slow()], self.clock)

        def start(name: str, address: str) -> Deferred[Verified]:
            return Deferred.fromCoroutine(auth.verify(user_name(name), None, PASSWORD, address))

        flood = [start(f"user{number}", f"2001:db8:0:{number * 256:x}::1") for number in range(2 * MAX_CHECKS)]
        self.assertEqual(len(answers), MAX_CHECKS)
        zak = start("zak", "192.0.2.7")
        for number in range(2):
            answers[number].callback(b"user")
        for number in (MAX_CHECKS, MAX_CHECKS + 1):
            answers[number].callback(b"zak")
        self.assertEqual(self.successResultOf(zak).name.shown, "zak")
        for number in range(2 * MAX_CHECKS + 1):
            if not answers[number].called:
                answers[number].callback(b"user")
        self.assertEqual(len([self.successResultOf(one) for one in flood]), 2 * MAX_CHECKS)

    def test_one_who_leaves_while_waiting_takes_no_turn(self) -> None:
        answers: list[Deferred[bytes]] = []
        checker = Checker()
        checker.requestAvatarId = lambda credentials: answers.append(Deferred()) or answers[-1]  # type: ignore[method-assign,func-returns-value]
        auth = Cred([checker], self.clock)
        doing = [
            Deferred.fromCoroutine(auth.verify(user_name(f"user{number}"), None, PASSWORD, HOME))
            for number in range(MAX_CHECKS - 6)
        ]
        doing += [
            Deferred.fromCoroutine(auth.verify(user_name(f"user{number}"), None, PASSWORD, "192.0.2.2"))
            for number in range(10)
        ]
        for one in reversed(doing):
            one.addErrback(lambda _: None)
            one.cancel()
        self.assertEqual((auth._running, bool(auth._waiting)), (0, False))
