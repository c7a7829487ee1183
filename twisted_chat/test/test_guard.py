"""Sign-ins have shares and rates: a client that guesses, or signs in again and again, is slowed down alone."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.guard import (
    ATTEMPTS_PER_NETWORK,
    MAX_ATTEMPTS_PER_NAME_AND_NETWORK,
    MAX_ATTEMPTS_PER_NETWORK,
    LoginThrottle,
)
from twisted_chat.core.errors import SLOW_DOWN, UNAVAILABLE, WRONG_PASSWORD, ChatError, Reason
from twisted_chat.core.names import user_name
from twisted_chat.test.support import Connection, Server
from twisted_chat.test.test_connections import at


class LoginThrottleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.throttle = LoginThrottle(self.clock)
        self.checks: list[Deferred[str]] = []
        self.attempts: list[Deferred[str]] = []

    def tearDown(self) -> None:
        for attempt in reversed(self.attempts):
            attempt.addErrback(lambda _: None)
            attempt.cancel()

    def attempt(self, name: str = "jane", address: str = "192.0.2.1") -> Deferred[str]:
        """Start an attempt whose outcome is decided later, as the next of `checks`."""

        async def check() -> str:
            outcome: Deferred[str] = Deferred()
            self.checks.append(outcome)
            return await outcome

        attempt = Deferred.fromCoroutine(self.throttle.attempt(user_name(name), address, check))
        self.attempts.append(attempt)
        return attempt

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

    def right(self, name: str = "jane", address: str = "192.0.2.1") -> None:
        attempt = self.attempt(name, address)
        self.finish("yes")
        self.assertEqual(self.successResultOf(attempt), "yes")

    def code(self, attempt: Deferred[str]) -> str:
        problem = self.failureResultOf(attempt, ChatError).value
        assert isinstance(problem, ChatError)
        return problem.code

    def test_right_passwords_have_a_rate_and_wait_for_it(self) -> None:
        for _ in range(ATTEMPTS_PER_NETWORK.burst):
            self.right()
        waiting = [self.attempt() for _ in range(3)]
        self.assertEqual(self.checks, [])
        self.right("zak", "192.0.2.2")
        for attempt in waiting:
            self.assertNoResult(attempt)
            self.clock.advance(ATTEMPTS_PER_NETWORK.seconds_per_token)
            self.finish("yes")
            self.assertEqual(self.successResultOf(attempt), "yes")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_attempt_that_is_cancelled_while_it_waits_gives_its_turn_back(self) -> None:
        for _ in range(ATTEMPTS_PER_NETWORK.burst):
            self.right()
        left = self.attempt()
        left.addErrback(lambda _: None)
        left.cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.attempt()
        self.clock.advance(ATTEMPTS_PER_NETWORK.seconds_per_token)
        self.assertEqual(len(self.checks), 1)

    def test_a_wider_network_has_a_larger_rate(self) -> None:
        for number in range(4 * ATTEMPTS_PER_NETWORK.burst):
            self.right(address=f"2001:db8:1:{number % 4:x}{number // 4:02x}::1")
        self.attempt(address="2001:db8:1:ffff::1")
        self.assertEqual(self.checks, [])
        self.right(address="2001:db8:2::1")

    def test_passwords_that_could_not_be_checked_are_not_counted_as_wrong(self) -> None:
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

    def test_strangers_who_guess_do_not_lock_the_owner_out(self) -> None:
        self.right("kim", "192.0.2.9")
        for _ in range(20):
            self.clock.advance(3)
            for stranger in range(4):
                attempt = self.attempt("kim", f"198.51.100.{stranger}")
                if self.checks:
                    self.finish(ChatError(Reason.PASSWORD_MISMATCH, name="kim"))
                self.assertIn(self.code(attempt), (WRONG_PASSWORD, SLOW_DOWN))
            self.right("kim", "192.0.2.9")
        self.assertEqual(self.code(self.attempt("kim", "203.0.113.1")), SLOW_DOWN)

    def test_a_strangers_running_guesses_do_not_delay_the_owner(self) -> None:
        self.right("kim", "192.0.2.9")
        for stranger in range(8):
            for _ in range(4):
                self.attempt("kim", f"198.51.100.{stranger}").addErrback(lambda _: None)
        self.assertEqual(len(self.checks), 20)
        self.attempt("kim", "192.0.2.9")
        self.assertEqual(len(self.checks), 21)

    def test_an_owner_who_signs_in_for_the_first_time_is_known_from_then_on(self) -> None:
        self.wrong(19, "kim", "")
        self.right("kim", "192.0.2.9")
        self.wrong(1, "kim", "")
        self.assertEqual(self.code(self.attempt("kim", "192.0.2.8")), SLOW_DOWN)
        self.right("kim", "192.0.2.9")

    def test_a_network_that_the_account_has_signed_in_from_is_limited_too(self) -> None:
        for address, limit in (("192.0.2.9", 10), ("", 20)):
            self.right("kim", address)
            self.wrong(limit, "kim", address)
            self.assertEqual(self.code(self.attempt("kim", address)), SLOW_DOWN)

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

    def test_an_ipv6_network_and_the_wider_ones_around_it_have_limits(self) -> None:
        for number in range(20):
            self.wrong(1, f"user{number}", f"2001:db8:0:{number:x}::1")
        self.assertEqual(self.code(self.attempt(address="2001:db8:0:ff::1")), SLOW_DOWN)
        for number in range(20):
            self.wrong(1, f"user{number}", f"2001:db8:0:{number + 1:x}00::1")
        self.assertEqual(self.code(self.attempt(address="2001:db8:0:ff00::1")), SLOW_DOWN)
        self.wrong(1, "zak", "2001:db8:1::1")

    def test_many_guesses_at_once_are_checked_no_further_than_the_limit(self) -> None:
        attempts = [self.attempt(f"user{number}") for number in range(30)]
        self.assertEqual(len(self.checks), 10)
        while self.checks:
            self.finish(ChatError(Reason.PASSWORD_MISMATCH, name="jane"))
        self.assertEqual([self.code(one) for one in attempts], [WRONG_PASSWORD] * 10 + [SLOW_DOWN] * 20)

    def test_many_people_from_one_address_sign_in(self) -> None:
        attempts = [self.attempt(f"user{number}") for number in range(MAX_ATTEMPTS_PER_NETWORK)]
        while self.checks:
            self.finish("yes")
            self.clock.advance(0.5)
        self.assertEqual([self.successResultOf(one) for one in attempts], ["yes"] * MAX_ATTEMPTS_PER_NETWORK)

    def test_an_address_has_a_share_and_takes_nothing_from_others(self) -> None:
        for number in range(MAX_ATTEMPTS_PER_NETWORK):
            self.attempt(f"user{number}")
        problem = self.failureResultOf(self.attempt("zak"), ChatError).value
        self.assertEqual(str(problem), "slow-down: too-many-sign-ins (seconds=2)")
        running = len(self.checks)
        self.attempt("zak", "192.0.2.2")
        self.assertEqual(len(self.checks), running + 1)

    def test_an_account_has_a_share_of_each_address(self) -> None:
        attempts = [self.attempt() for _ in range(MAX_ATTEMPTS_PER_NAME_AND_NETWORK)]
        self.assertEqual(self.code(self.attempt("JANE")), SLOW_DOWN)
        self.attempt("zak")
        self.attempt("jane", "192.0.2.2")
        self.assertEqual(len(self.checks), MAX_ATTEMPTS_PER_NAME_AND_NETWORK + 2)
        self.finish("yes")
        self.assertEqual(self.successResultOf(attempts[0]), "yes")
        self.assertNoResult(self.attempt())

    def test_wider_networks_have_larger_shares(self) -> None:
        for number in range(4 * MAX_ATTEMPTS_PER_NETWORK):
            self.assertNoResult(self.attempt(address=f"2001:db8:1:{number % 4:x}{number // 4:02x}::1"))
        self.assertEqual(self.code(self.attempt(address="2001:db8:1:ffff::1")), SLOW_DOWN)
        self.assertNoResult(self.attempt(address="2001:db8:2::1"))

    def test_a_cancelled_attempt_makes_room(self) -> None:
        attempts = [self.attempt(f"user{number}") for number in range(12)]
        for attempt in (attempts[11], attempts[0]):
            attempt.addErrback(lambda _: None)
            attempt.cancel()
        self.assertEqual(len(self.checks), 11)
        del self.checks[0]
        while self.checks:
            self.finish("yes")
        self.assertEqual([self.successResultOf(one) for one in attempts[1:11]], ["yes"] * 10)


class KnownAfterRestartTests(SynchronousTestCase):
    def test_the_networks_of_an_account_are_known_after_a_restart(self) -> None:
        server = RegisterServer()
        self.assertEqual(server.register("192.0.2.9"), "@1 ok,kim,new")
        again = RegisterServer(server.server.restarted())
        for number in range(30):
            again.register(f"198.51.100.{number}", "a wrong one")
        self.assertIn("error,slow-down", again.register("203.0.113.1"))
        self.assertEqual(again.register("192.0.2.9"), "@1 ok,kim,known")


class RegisterServer:
    """A server whose clients come from addresses of the test's choice."""

    def __init__(self, server: Server | None = None) -> None:
        self.server = server or Server()

    def register(self, address: str, password: str = "kim") -> str:
        """Return the answer to a sign-in of kim."""
        connection = Connection(self.server, transport=at(address))
        return connection.ask(f"@1 register,kim,{password}")[0]
