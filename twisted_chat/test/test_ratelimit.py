"""Token buckets by key."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import SLOW_DOWN, Reason
from twisted_chat.core.ratelimit import Rate, RateLimit, slow_down_error


class RateLimitTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.limit = RateLimit(Rate(burst=3, seconds_per_token=10), self.clock.seconds, max_keys=4)

    def exhaust(self, key: str) -> None:
        for _ in range(3):
            self.limit.take(key)

    def test_a_burst_is_free_and_then_the_key_has_to_wait(self) -> None:
        for remaining in (3, 2, 1):
            self.assertEqual((self.limit.remaining("jane"), self.limit.wait_seconds("jane")), (remaining, 0))
            self.limit.take("jane")
        self.assertEqual((self.limit.remaining("jane"), self.limit.wait_seconds("jane")), (0, 10))

    def test_tokens_come_back_one_by_one_up_to_the_burst(self) -> None:
        self.exhaust("jane")
        self.clock.advance(9)
        self.assertEqual((self.limit.remaining("jane"), self.limit.wait_seconds("jane")), (0, 1))
        for remaining in (1, 2, 3, 3):
            self.clock.advance(10)
            self.assertEqual(self.limit.remaining("jane"), remaining)

    def test_each_key_has_its_own_tokens(self) -> None:
        self.exhaust("jane")
        self.assertEqual(self.limit.remaining("zak"), 3)

    def test_a_token_that_is_given_back_can_be_taken_again(self) -> None:
        self.exhaust("jane")
        self.limit.give_back("jane")
        self.limit.give_back("zak")
        self.assertEqual((self.limit.remaining("jane"), self.limit.remaining("zak")), (1, 3))

    def test_whole_tokens_stay_whole_at_any_time_of_day(self) -> None:
        self.clock.advance(1_790_000_000.123)
        limit = RateLimit(Rate(20, 0.3), self.clock.seconds)
        for remaining in range(20, 0, -1):
            self.assertEqual(limit.remaining("jane"), remaining)
            limit.take("jane")

    def test_the_key_that_took_no_token_for_the_longest_is_forgotten_first(self) -> None:
        for key in ("jane", "zak", "joe", "ann", "jane", "new"):
            self.limit.take(key)
        self.assertEqual(len(self.limit), 4)
        self.assertEqual([self.limit.remaining(key) for key in ("jane", "zak", "joe")], [1, 3, 2])


class SlowDownTests(SynchronousTestCase):
    def test_the_error_says_how_many_whole_seconds_to_wait(self) -> None:
        error = slow_down_error(Reason.TOO_MANY_SIGN_INS, 2.1)
        self.assertEqual(error.code, SLOW_DOWN)
        self.assertEqual(error.facts, {"seconds": 3})
        self.assertEqual(slow_down_error(Reason.TOO_MANY_SIGN_INS, 0.01).facts, {"seconds": 1})
