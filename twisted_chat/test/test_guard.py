"""Who tries wrong passwords is slowed down."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.guard import UNDER_WAY, Guard, network
from twisted_chat.core.errors import SLOW_DOWN, UNAVAILABLE, WRONG_PASSWORD, ChatError, Reason
from twisted_chat.core.names import user_name


class GuardTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.guard = Guard(self.clock)
        self.checks: list[Deferred[str]] = []

    def attempt(self, name: str = "jane", address: str = "192.0.2.1") -> Deferred[str]:
        """One whose outcome is told later, as the next of `checks`."""

        async def check() -> str:
            outcome: Deferred[str] = Deferred()
            self.checks.append(outcome)
            return await outcome

        return Deferred.fromCoroutine(self.guard.attempt(user_name(name), address, check))

    def finish(self, outcome: str | ChatError) -> None:
        """Tell the outcome of the oldest that is under way."""
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

    def test_what_is_right_costs_nothing(self) -> None:
        for _ in range(50):
            attempt = self.attempt()
            self.finish("yes")
            self.assertEqual(self.successResultOf(attempt), "yes")

    def test_what_could_not_be_checked_costs_nothing(self) -> None:
        for _ in range(50):
            attempt = self.attempt()
            self.finish(ChatError(Reason.PASSWORDS_UNCHECKED))
            self.assertEqual(self.code(attempt), UNAVAILABLE)

    def test_ten_wrong_ones_from_an_address_are_enough_whatever_the_name(self) -> None:
        for number in range(10):
            self.wrong(1, f"user{number}")
        problem = self.failureResultOf(self.attempt(), ChatError).value
        self.assertEqual(str(problem), "slow-down: too-many-wrong-passwords (seconds=6)")
        self.assertEqual(self.checks, [])
        self.clock.advance(6)
        self.wrong(1)
        self.assertEqual(self.code(self.attempt()), SLOW_DOWN)

    def test_twenty_wrong_ones_for_a_name_are_enough_wherever_they_come_from(self) -> None:
        for number in range(20):
            self.wrong(1, "JANE" if number % 2 else "jane", f"192.0.2.{number}")
        self.assertEqual(self.code(self.attempt()), SLOW_DOWN)
        self.wrong(1, "zak")

    def test_where_there_is_no_address_only_the_name_counts(self) -> None:
        for number in range(30):
            self.wrong(1, f"user{number}", "")
        self.wrong(20, "jane", "")
        self.assertEqual(self.code(self.attempt("jane", "")), SLOW_DOWN)

    def test_neighbours_in_an_ipv6_network_are_one(self) -> None:
        for number in range(10):
            self.wrong(1, f"user{number}", f"2001:db8::{number}")
        self.assertEqual(self.code(self.attempt(address="2001:db8::ffff")), SLOW_DOWN)
        self.wrong(1, address="2001:db8:0:1::1")

    def test_guesses_that_come_all_at_once_gain_nothing(self) -> None:
        attempts = [self.attempt() for _ in range(30)]
        self.assertEqual(len(self.checks), 10)
        while self.checks:
            self.finish(ChatError(Reason.PASSWORD_MISMATCH, name="jane"))
        self.assertEqual([self.code(one) for one in attempts], [WRONG_PASSWORD] * 10 + [SLOW_DOWN] * 20)

    def test_a_crowd_from_one_address_gets_in(self) -> None:
        attempts = [self.attempt(f"user{number}") for number in range(UNDER_WAY)]
        while self.checks:
            self.finish("yes")
        self.assertEqual([self.successResultOf(one) for one in attempts], ["yes"] * UNDER_WAY)

    def test_one_too_many_is_refused_at_once(self) -> None:
        attempts = [self.attempt() for _ in range(UNDER_WAY)]
        self.assertEqual(self.code(self.attempt("zak", "192.0.2.2")), SLOW_DOWN)
        while self.checks:
            self.finish("yes")
        self.assertEqual(len([self.successResultOf(one) for one in attempts]), UNDER_WAY)
        self.wrong(1, "zak", "192.0.2.2")

    def test_who_goes_away_makes_room(self) -> None:
        attempts = [self.attempt() for _ in range(12)]
        for attempt in (attempts[11], attempts[0]):
            attempt.addErrback(lambda _: None)
            attempt.cancel()
        self.assertEqual(len(self.checks), 11)
        del self.checks[0]
        while self.checks:
            self.finish("yes")
        self.assertEqual([self.successResultOf(one) for one in attempts[1:11]], ["yes"] * 10)


class NetworkTests(SynchronousTestCase):
    def test_an_ipv4_address_is_the_same_however_it_is_written(self) -> None:
        self.assertEqual(network("192.0.2.1"), "192.0.2.1")
        self.assertEqual(network("::ffff:192.0.2.1"), "192.0.2.1")

    def test_an_ipv6_address_is_its_network(self) -> None:
        self.assertEqual(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::")
        self.assertEqual(network("fe80::1%eth0"), "fe80::")

    def test_anything_else_is_itself(self) -> None:
        self.assertEqual(network("somewhere"), "somewhere")
