"""Accounts whose password hashes the server stores itself."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.passwords import MAX_QUEUED_PASSWORDS, Passwords
from twisted_chat.core.errors import SLOW_DOWN, TOO_LONG, WRONG_PASSWORD, ChatError, Reason
from twisted_chat.core.interfaces import Accounts, Authenticator, Verified
from twisted_chat.core.names import user_name
from twisted_chat.test.support_auth import PASSWORD, QUICK, Worker

JANE = user_name("jane")
HOME = "192.0.2.1"


class Secrets:
    """The part of Accounts that BuiltIn uses."""

    secrets: dict[int, str | None] = {1: QUICK.hash(PASSWORD), 2: None, 3: QUICK.hash(PASSWORD)}  # noqa: RUF012 - never changed

    async def secret(self, identity: int) -> str | None:
        return self.secrets[identity]

    async def networks(self, identity: int) -> list[str]:
        return []


class BuiltInTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.worker, self.clock = Worker(), Clock()
        passwords = Passwords(self.worker.run, QUICK)
        self.auth: Authenticator = BuiltIn(cast(Accounts, Secrets()), passwords, self.clock)

    def done(self, doing: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(doing))

    def refused(self, doing: Any) -> ChatError:
        with capturedLogs() as events:
            problem = self.failureResultOf(Deferred.fromCoroutine(doing), ChatError).value
        assert isinstance(problem, ChatError)
        self.assertNotIn("horse", repr(problem) + repr(events))
        return problem

    def sign_in(self, password: str = PASSWORD, address: str = HOME) -> Coroutine[Any, Any, Verified]:
        return cast(Coroutine[Any, Any, Verified], self.auth.verify(JANE, 1, password, address))

    def create(self, password: str = PASSWORD, address: str = HOME) -> Coroutine[Any, Any, Verified]:
        return cast(Coroutine[Any, Any, Verified], self.auth.verify(JANE, None, password, address))

    def change(self, old: str, new: str) -> Coroutine[Any, Any, str]:
        return cast(Coroutine[Any, Any, str], self.auth.change(JANE, 1, old, new, HOME))

    def test_the_right_password_is_accepted(self) -> None:
        self.assertEqual(self.done(self.sign_in()), Verified(JANE))

    def test_a_wrong_password_is_refused_with_the_name(self) -> None:
        problem = self.refused(self.sign_in("battery horse"))
        self.assertEqual(problem.code, WRONG_PASSWORD)
        self.assertEqual((problem.reason, problem.facts), (Reason.PASSWORD_MISMATCH, {"name": "jane"}))

    def test_an_account_without_a_password_accepts_no_password(self) -> None:
        problem = self.refused(self.auth.verify(JANE, 2, PASSWORD, HOME))
        self.assertEqual(problem.code, WRONG_PASSWORD)
        self.assertEqual(problem.reason, Reason.PASSWORD_NOT_SET)

    def test_a_new_account_gets_a_hash_of_its_password(self) -> None:
        name, secret = self.done(self.create())
        self.assertEqual(name, JANE)
        self.assertTrue(QUICK.verify(secret, PASSWORD))

    def test_guessing_is_slowed_down_before_anything_is_hashed(self) -> None:
        for _ in range(10):
            self.refused(self.sign_in("battery horse"))
        self.worker.done = 0
        self.assertEqual(self.refused(self.sign_in()).code, SLOW_DOWN)
        self.assertEqual(self.worker.done, 0)
        self.assertEqual(self.done(self.sign_in(address="192.0.2.2")), Verified(JANE))
        self.clock.advance(6)
        self.assertEqual(self.done(self.sign_in()), Verified(JANE))

    def test_new_accounts_from_one_address_are_limited(self) -> None:
        for _ in range(40):
            self.done(self.create())
        self.worker.done = 0
        problem = self.refused(self.create())
        self.assertEqual(problem.code, SLOW_DOWN)
        self.assertEqual((problem.reason, problem.facts), (Reason.TOO_MANY_NEW_ACCOUNTS, {"seconds": 60}))
        self.assertEqual(self.worker.done, 0)
        self.done(self.create(address="192.0.2.2"))
        self.clock.advance(60)
        self.done(self.create())
        self.refused(self.create())

    def test_a_new_account_that_was_refused_does_not_count(self) -> None:
        for _ in range(10):
            self.assertEqual(self.refused(self.create("x" * 1025)).code, TOO_LONG)
        self.done(self.create())

    def test_accounts_made_at_a_unix_socket_are_not_counted(self) -> None:
        for _ in range(50):
            self.done(self.create(address=""))

    def test_a_flood_of_new_accounts_is_refused_at_once(self) -> None:
        self.worker.slow = True
        made = [Deferred.fromCoroutine(self.create(address="")) for _ in range(MAX_QUEUED_PASSWORDS)]
        self.assertEqual(self.refused(self.create(address="")).code, SLOW_DOWN)
        self.worker.work()
        self.assertEqual(len([self.successResultOf(one) for one in made]), MAX_QUEUED_PASSWORDS)

    def test_the_old_password_allows_a_change(self) -> None:
        self.assertTrue(QUICK.verify(self.done(self.change(PASSWORD, "another horse")), "another horse"))

    def test_wrong_old_passwords_are_counted_as_guesses(self) -> None:
        for _ in range(10):
            self.assertEqual(self.refused(self.change("battery horse", "my own horse")).code, WRONG_PASSWORD)
        self.assertEqual(self.refused(self.sign_in()).code, SLOW_DOWN)

    def test_a_forbidden_new_password_is_not_counted_as_a_guess(self) -> None:
        for _ in range(20):
            self.assertEqual(self.refused(self.change(PASSWORD, "")).code, WRONG_PASSWORD)
        self.done(self.sign_in())

    def test_owners_are_known_where_they_made_their_account(self) -> None:
        self.done(self.create())
        for number in range(20):
            self.refused(self.sign_in("battery horse", f"198.51.100.{number}"))
        self.assertEqual(self.refused(self.sign_in(address="198.51.100.99")).code, SLOW_DOWN)
        self.assertEqual(self.done(self.sign_in()), Verified(JANE))


class FloodTests(SynchronousTestCase):
    """Many connections that sign in again and again do not keep other people out."""

    SECONDS_PER_HASH = 0.05
    PATIENCE_SECONDS = 2.0

    def setUp(self) -> None:
        self.worker, self.clock = Worker(), Clock()
        self.worker.slow = True
        passwords = Passwords(self.worker.run, QUICK)
        self.auth: Authenticator = BuiltIn(cast(Accounts, Secrets()), passwords, self.clock)
        self.flooding: list[Deferred[Verified]] = []

    def tearDown(self) -> None:
        for attempt in self.flooding:
            attempt.addErrback(lambda _: None)
            attempt.cancel()
        self.worker.work()

    def sign_in(self, name: str, identity: int, address: str) -> Deferred[Verified]:
        verify: Any = self.auth.verify(user_name(name), identity, PASSWORD, address)
        return Deferred.fromCoroutine(verify)

    def flood(self, addresses: list[str], connections: int) -> None:
        """Let each address have that many attempts with the right password; an attempt that ended is made again."""
        self.flooding = [one for one in self.flooding if not one.called]
        for number in range(connections * len(addresses) - len(self.flooding)):
            attempt = self.sign_in("jane", 1, addresses[number % len(addresses)])
            attempt.addErrback(lambda _: None)
            self.flooding.append(attempt)

    def check_others(self, addresses: list[str], connections: int) -> None:
        """Flood for a while, and check that another person's sign-ins all succeed in time."""
        for number in range(3):
            self.flood(addresses, connections)
            other = self.sign_in("kim", 3, f"203.0.113.{number}")
            for step in range(round(self.PATIENCE_SECONDS / self.SECONDS_PER_HASH)):
                self.worker.work_once()
                self.clock.advance(self.SECONDS_PER_HASH)
                if step % 10 == 0:
                    self.flood(addresses, connections)
            self.assertEqual(self.successResultOf(other), Verified(user_name("kim")))

    def test_right_passwords_from_one_address(self) -> None:
        self.check_others(["192.0.2.1"], 80)

    def test_right_passwords_from_many_addresses(self) -> None:
        self.check_others([f"192.0.2.{number}" for number in range(30)], 5)

    def test_right_passwords_from_the_networks_of_one_ipv6_customer(self) -> None:
        self.check_others([f"2001:db8:1:{number:x}::1" for number in range(300)], 1)
