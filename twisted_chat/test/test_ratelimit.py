"""How often something may be done."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.ratelimit import Limit, slow_down
from twisted_chat.core.errors import SLOW_DOWN


class LimitTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.limit = Limit(3, 10, self.clock.seconds, most=4)

    def exhaust(self, key: str) -> None:
        for _ in range(3):
            self.limit.take(key)

    def test_a_burst_is_free_and_then_one_has_to_wait(self) -> None:
        for left in (3, 2, 1):
            self.assertEqual((self.limit.left("jane"), self.limit.wait("jane")), (left, 0))
            self.limit.take("jane")
        self.assertEqual((self.limit.left("jane"), self.limit.wait("jane")), (0, 10))

    def test_one_comes_back_after_the_other_and_no_more_than_the_burst(self) -> None:
        self.exhaust("jane")
        self.clock.advance(9)
        self.assertEqual((self.limit.left("jane"), self.limit.wait("jane")), (0, 1))
        for left in (1, 2, 3, 3):
            self.clock.advance(10)
            self.assertEqual(self.limit.left("jane"), left)

    def test_no_key_pays_for_another(self) -> None:
        self.exhaust("jane")
        self.assertEqual(self.limit.left("zak"), 3)

    def test_what_is_given_back_was_never_taken(self) -> None:
        self.exhaust("jane")
        self.limit.give_back("jane")
        self.limit.give_back("zak")
        self.assertEqual((self.limit.left("jane"), self.limit.left("zak")), (1, 3))

    def test_whole_tokens_stay_whole_at_any_time_of_day(self) -> None:
        self.clock.advance(1_790_000_000.123)
        limit = Limit(20, 0.3, self.clock.seconds)
        for left in range(20, 0, -1):
            self.assertEqual(limit.left("jane"), left)
            limit.take("jane")

    def test_the_key_that_took_nothing_for_the_longest_is_forgotten_first(self) -> None:
        for key in ("jane", "zak", "joe", "ann", "jane", "new"):
            self.limit.take(key)
        self.assertEqual(len(self.limit), 4)
        self.assertEqual([self.limit.left(key) for key in ("jane", "zak", "joe")], [1, 3, 2])


class SlowDownTests(SynchronousTestCase):
    def test_it_says_for_how_many_whole_seconds(self) -> None:
        problem = slow_down("too many", 2.1)
        self.assertEqual(problem.code, SLOW_DOWN)
        self.assertEqual(problem.sentence, "too many: wait 3 seconds and try again")
        self.assertEqual(slow_down("too many", 0.01).sentence, "too many: wait 1 second and try again")
