"""Password rules and password hashes."""

from __future__ import annotations

import os
import sys
from threading import Thread
from traceback import format_exception
from unittest.mock import patch

from argon2 import PasswordHasher
from argon2.exceptions import HashingError
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.passwords import (
    HASHER,
    MAX_QUEUED_PASSWORDS,
    MAX_STARTED_PER_NETWORK,
    Passwords,
    at_low_priority,
    prepare_password,
)
from twisted_chat.core.errors import SLOW_DOWN, TOO_LONG, UNAVAILABLE, WRONG_PASSWORD, ChatError
from twisted_chat.test.support_auth import PASSWORD, QUICK, Worker


class PreparePasswordTests(SynchronousTestCase):
    def refused(self, password: str) -> ChatError:
        problem: ChatError = self.assertRaises(ChatError, prepare_password, password)
        self.assertEqual((problem.__cause__, problem.__context__), (None, None))
        if password:
            self.assertNotIn(ascii(password)[1:-1], ascii("".join(format_exception(problem))))
        return problem

    def test_letters_digits_signs_and_spaces_are_allowed(self) -> None:
        for password in ("x", "correct horse", "a,b", "Пароль 🍵", "x" * 1024):
            self.assertEqual(prepare_password(password), password)

    def test_characters_that_keyboards_compose_differently_are_the_same(self) -> None:
        self.assertEqual(prepare_password("Zoe\u0308\u00a0\u3000x"), "Zoë  x")

    def test_case_and_width_matter(self) -> None:
        self.assertNotEqual(prepare_password("Secret"), prepare_password("secret"))
        self.assertNotEqual(prepare_password("\uff53"), prepare_password("s"))

    def test_an_empty_password_is_refused(self) -> None:
        self.assertEqual(self.refused("").code, WRONG_PASSWORD)

    def test_more_than_1024_bytes_are_too_long(self) -> None:
        for password in ("x" * 1025, "ä" * 513, "x" * 16_384):
            self.assertEqual(str(self.refused(password)), "too-long: password-length (max=1024)")

    def test_invisible_characters_are_refused_and_not_shown(self) -> None:
        for password in ("sec\x00ret", "sec\tret", "sec\u200bret", "sec\u2028ret", "sec\ud800ret"):
            self.assertEqual(self.refused(password).code, WRONG_PASSWORD)


class PasswordsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.worker = Worker()
        self.passwords = Passwords(self.worker.run, QUICK)

    def hash(self, password: str = PASSWORD) -> str:
        return self.successResultOf(Deferred.fromCoroutine(self.passwords.hash(password)))

    def verify(self, secret: str, password: str = PASSWORD) -> Deferred[bool]:
        return Deferred.fromCoroutine(self.passwords.verify(secret, password))

    def code(self, doing: Deferred[bool]) -> str:
        problem = self.failureResultOf(doing, ChatError).value
        assert isinstance(problem, ChatError)
        self.assertNotIn(PASSWORD, str(problem))
        return problem.code

    def test_a_hash_matches_its_password_and_no_other(self) -> None:
        secret = self.hash()
        self.assertTrue(self.successResultOf(self.verify(secret)))
        self.assertFalse(self.successResultOf(self.verify(secret, PASSWORD + "x")))

    def test_the_same_password_has_a_different_hash_each_time(self) -> None:
        self.assertNotEqual(self.hash(), self.hash())

    def test_the_hash_does_not_show_the_password(self) -> None:
        self.assertNotIn("horse", self.hash())

    def test_a_password_that_is_composed_differently_matches(self) -> None:
        self.assertTrue(self.successResultOf(self.verify(self.hash("Zoë"), "Zoe\u0308")))

    def test_hashes_are_argon2id_with_the_cost_that_owasp_asks_for(self) -> None:
        secret = self.successResultOf(Deferred.fromCoroutine(Passwords(self.worker.run).hash("x")))
        self.assertTrue(secret.startswith("$argon2id$v=19$m=19456,t=2,p=1$"), secret)

    def test_hashes_with_another_cost_can_be_compared(self) -> None:
        self.assertTrue(self.successResultOf(Deferred.fromCoroutine(self.passwords.verify(HASHER.hash("x"), "x"))))

    def test_a_forbidden_password_is_never_hashed(self) -> None:
        secret = self.hash()
        self.worker.done = 0
        self.assertEqual(self.code(self.verify(secret, "")), WRONG_PASSWORD)
        self.assertEqual(self.code(self.verify(secret, "x" * 1025)), TOO_LONG)
        self.assertEqual(self.worker.done, 0)

    def test_one_password_too_many_is_refused_at_once(self) -> None:
        secret = self.hash()
        self.worker.slow = True
        checks = [self.verify(secret) for _ in range(MAX_QUEUED_PASSWORDS)]
        self.assertEqual(self.code(self.verify(secret)), SLOW_DOWN)
        self.worker.work()
        self.assertEqual([self.successResultOf(check) for check in checks], [True] * MAX_QUEUED_PASSWORDS)
        self.worker.slow = False
        self.assertTrue(self.successResultOf(self.verify(secret)))

    def test_a_network_that_signs_in_again_and_again_leaves_a_thread_to_others(self) -> None:
        secret = self.hash()
        self.worker.slow = True
        checks = [Deferred.fromCoroutine(self.passwords.verify(secret, PASSWORD, ("a", "mallory"))) for _ in range(9)]
        self.assertEqual(len(self.worker.jobs), MAX_STARTED_PER_NETWORK)
        other = Deferred.fromCoroutine(self.passwords.verify(secret, PASSWORD, ("b", "jane")))
        self.assertEqual(len(self.worker.jobs), MAX_STARTED_PER_NETWORK + 1)
        self.worker.work()
        self.assertEqual([self.successResultOf(check) for check in [*checks, other]], [True] * 10)

    def test_a_cancelled_check_makes_room_only_when_its_work_is_done(self) -> None:
        secret = self.hash()
        self.worker.slow = True
        for _ in range(MAX_QUEUED_PASSWORDS):
            check = self.verify(secret)
            check.addErrback(lambda _: False)
            check.cancel()
        self.assertEqual(self.code(self.verify(secret)), SLOW_DOWN)
        self.worker.work()
        last = self.verify(secret)
        self.worker.work()
        self.assertTrue(self.successResultOf(last))

    def test_a_damaged_hash_is_logged_for_the_operator_without_the_password(self) -> None:
        for damaged in ("", "garbage", "gärbage", "$argon2id$v=19$m=8,t=1,p=1$YWFh$YWFh"):
            with capturedLogs() as events:
                self.assertEqual(self.code(self.verify(damaged)), UNAVAILABLE)
            [text] = [formatEvent(event) for event in events]
            self.assertIn("could not hash or compare a password", text)
            self.assertNotIn(PASSWORD, repr(events))

    def test_a_hash_that_fails_for_lack_of_memory_is_logged(self) -> None:
        failing = patch.object(PasswordHasher, "hash", side_effect=HashingError("Memory allocation error"))
        with failing, capturedLogs() as events:
            problem = self.failureResultOf(Deferred.fromCoroutine(self.passwords.hash(PASSWORD)), ChatError).value
        self.assertEqual(problem.code, UNAVAILABLE)
        self.assertIn("HashingError: Memory allocation error", formatEvent(events[0]))


class LowerPriorityTests(SynchronousTestCase):
    def test_only_the_calling_threads_priority_changes(self) -> None:
        before, inside = os.getpriority(os.PRIO_PROCESS, 0), []

        def work() -> None:
            for _ in range(2):
                inside.append(at_low_priority(os.getpriority, os.PRIO_PROCESS, 0))

        thread = Thread(target=work)
        thread.start()
        thread.join()
        self.assertEqual(inside, [min(before + 10, 19)] * 2)
        self.assertEqual(os.getpriority(os.PRIO_PROCESS, 0), before)

    if sys.platform != "linux":
        skip = "a thread has no priority of its own here"
