"""A client that tries wrong passwords is slowed down."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.guard import MAX_LOGIN_ATTEMPTS, LoginThrottle, network_of
from twisted_chat.core.errors import SLOW_DOWN, UNAVAILABLE, WRONG_PASSWORD, ChatError, Reason
from twisted_chat.core.names import user_name


class LoginThrottleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.throttle = LoginThrottle(self.clock)
        self.checks: list[Deferred[str]] = []

    def attempt(self, name: str = "jane", address: str = "192.0.2.1") -> Deferred[str]:
        """Start an attempt whose outcome is decided later, as the next of `checks`."""

        async def check() -> str:
            outcome: Deferred[str] = Deferred()
            self.checks.append(outcome)
            return await outcome

        return Deferred.fromCoroutine(self.throttle.attempt(user_name(name), address, check))

    def finish(self, outcome: str | ChatError) -> None:
        """Decide the outcome of the oldest running attempt."""
        check = self.checks.pop(0)
        if isinstance(outcome, str):
            check.callback(outcome)
        else:
            check.errback(outcome)

    def wrong(self, count: int, name: str = "jane", address: str = "192.0.2.1") -> None:
        for _ in range(count):
            attempt = self.attempt(name, address)
            self.finish(ChatError(Reason.PASSWORD_MISMATCH, name="jane"))
            self.assertEqual(self.code(attempt), WRONG_PASSWORD)

    def code(self, attempt: Deferred[str]) -> str:
        problem = self.failureResultOf(attempt, ChatError).value
        assert isinstance(problem, ChatError)
        return problem.code

    def test_right_passwords_are_not_counted(self) -> None:
        for _ in range(50):
            attempt = self.attempt()
            self.finish("yes")
            self.assertEqual(self.successResultOf(attempt), "yes")

    def test_passwords_that_could_not_be_checked_are_not_counted(self) -> None:
        for _ in range(50):
            attempt = self.attempt()
            self.finish(ChatError(Reason.PASSWORDS_UNCHECKED))
            self.assertEqual(self.code(attempt), UNAVAILABLE)

    def test_ten_wrong_passwords_from_an_address_are_the_limit_for_any_name(self) -> None:
        for number in range(10):
            self.wrong(1, f"user{number}")
        problem = self.failureResultOf(self.attempt(), ChatError).value
        self.assertEqual(str(problem), "slow-down: too-many-wrong-passwords (seconds=6)")
        self.assertEqual(self.checks, [])
        self.clock.advance(6)
        self.wrong(1)
        self.assertEqual(self.code(self.attempt()), SLOW_DOWN)

    def test_twenty_wrong_passwords_for_a_name_are_the_limit_from_any_address(self) -> None:
        for number in range(20):
            self.wrong(1, "JANE" if number % 2 else "jane", f"192.0.2.{number}")
        self.assertEqual(self.code(self.attempt()), SLOW_DOWN)
        self.wrong(1, "zak")

    def test_without_an_address_only_the_name_is_limited(self) -> None:
        for number in range(30):
            self.wrong(1, f"user{number}", "")
        self.wrong(20, "jane", "")
        self.assertEqual(self.code(self.attempt("jane", "")), SLOW_DOWN)

    def test_addresses_in_one_ipv6_network_share_a_limit(self) -> None:
        for number in range(10):
            self.wrong(1, f"user{number}", f"2001:db8::{number}")
        self.assertEqual(self.code(self.attempt(address="2001:db8::ffff")), SLOW_DOWN)
        self.wrong(1, address="2001:db8:0:1::1")

    def test_many_guesses_at_once_are_checked_no_further_than_the_limit(self) -> None:
        attempts = [self.attempt() for _ in range(30)]
        self.assertEqual(len(self.checks), 10)
        while self.checks:
            self.finish(ChatError(Reason.PASSWORD_MISMATCH, name="jane"))
        self.assertEqual([self.code(one) for one in attempts], [WRONG_PASSWORD] * 10 + [SLOW_DOWN] * 20)

    def test_many_people_from_one_address_sign_in(self) -> None:
        attempts = [self.attempt(f"user{number}") for number in range(MAX_LOGIN_ATTEMPTS)]
        while self.checks:
            self.finish("yes")
        self.assertEqual([self.successResultOf(one) for one in attempts], ["yes"] * MAX_LOGIN_ATTEMPTS)

    def test_one_attempt_too_many_is_refused_at_once(self) -> None:
        attempts = [self.attempt() for _ in range(MAX_LOGIN_ATTEMPTS)]
        self.assertEqual(self.code(self.attempt("zak", "192.0.2.2")), SLOW_DOWN)
        while self.checks:
            self.finish("yes")
        self.assertEqual(len([self.successResultOf(one) for one in attempts]), MAX_LOGIN_ATTEMPTS)
        self.wrong(1, "zak", "192.0.2.2")

    def test_a_cancelled_attempt_makes_room(self) -> None:
        attempts = [self.attempt() for _ in range(12)]
        for attempt in (attempts[11], attempts[0]):
            attempt.addErrback(lambda _: None)
            attempt.cancel()
        self.assertEqual(len(self.checks), 11)
        del self.checks[0]
        while self.checks:
            self.finish("yes")
        self.assertEqual([self.successResultOf(one) for one in attempts[1:11]], ["yes"] * 10)


class NetworkOfTests(SynchronousTestCase):
    def test_an_ipv4_address_is_the_same_in_both_notations(self) -> None:
        self.assertEqual(network_of("192.0.2.1"), "192.0.2.1")
        self.assertEqual(network_of("::ffff:192.0.2.1"), "192.0.2.1")

    def test_an_ipv6_address_is_reduced_to_its_network_of(self) -> None:
        self.assertEqual(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::")
        self.assertEqual(network_of("fe80::1%eth0"), "fe80::")

    def test_any_other_text_is_returned_unchanged(self) -> None:
        self.assertEqual(network_of("somewhere"), "somewhere")
