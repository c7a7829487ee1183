"""The keys of a queue take turns."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.turns import CROWD_KEYS, Turns


class TurnsTests(SynchronousTestCase):
    def order(self, *items: str) -> str:
        """Return the order in which items are taken; the letters of an item are the keys of its path."""
        turns: Turns[str] = Turns()
        for item in items:
            turns.add(item, item)
        taken = []
        while turns:
            taken.append(turns.take())
        return " ".join(taken)

    def test_one_key_is_first_in_first_out(self) -> None:
        turns: Turns[int] = Turns()
        for number in range(3):
            turns.add(["key"], number)
        self.assertEqual([turns.take() for _ in range(3)], [0, 1, 2])

    def test_keys_take_turns(self) -> None:
        self.assertEqual(self.order("a", "a", "a", "b", "b", "c"), "a b c a b a")

    def test_keys_below_a_key_take_turns_among_themselves(self) -> None:
        self.assertEqual(self.order("ax", "ax", "ax", "ay", "b", "b", "b"), "ax b ay b ax b ax")

    def test_a_new_key_waits_for_one_item_of_each_present_key(self) -> None:
        turns: Turns[str] = Turns()
        for item in "aaab":
            turns.add(item, item)
        self.assertEqual(turns.take(), "a")
        turns.add("c", "c")
        self.assertEqual([turns.take() for _ in range(4)], ["b", "a", "c", "a"])


class CrowdTests(SynchronousTestCase):
    """Many keys wait, each with several items, as after a restart: a newcomer does not wait for all of them."""

    def setUp(self) -> None:
        self.turns: Turns[str] = Turns()
        for number in range(250):
            self.add(*[f"crowd{number}"] * 4)

    def add(self, *keys: str) -> None:
        for key in keys:
            self.turns.add([key], key)

    def take(self, count: int) -> list[str]:
        return [self.turns.take() for _ in range(count)]

    def test_a_newcomer_has_a_turn_soon(self) -> None:
        self.take(100)
        for number in range(10):
            self.add(f"person{number}")
            self.assertIn(f"person{number}", self.take(2))

    def test_one_who_had_turns_before_the_crowd_came_is_a_newcomer_too(self) -> None:
        self.turns = Turns()
        self.add("person")
        self.take(1)
        self.add(*(f"crowd{number}" for number in range(250)))
        self.add("person")
        self.assertIn("person", self.take(2))

    def test_one_who_comes_again_later_is_a_newcomer_again(self) -> None:
        for _ in range(20):
            self.add("person")
            self.assertIn("person", self.take(2))
            self.take(CROWD_KEYS)

    def test_one_who_comes_again_at_once_has_few_turns(self) -> None:
        self.add("looping")
        taken = []
        for _ in range(200):
            taken += self.take(1)
            if taken[-1] == "looping":
                self.add("looping")
        self.assertLessEqual(taken.count("looping"), 200 // CROWD_KEYS + 1)

    def test_newcomers_do_not_hold_up_those_who_wait(self) -> None:
        taken = []
        for number in range(520):
            self.add(f"person{number}")
            taken += self.take(1)
        self.assertEqual(taken[:500:2], [f"crowd{number}" for number in range(250)])

    def test_every_item_is_taken_once(self) -> None:
        self.assertEqual(len(set(self.take(250))), 250)
        self.assertEqual(len(self.take(750)), 750)
        self.assertFalse(self.turns)

    def test_the_next_turn_can_be_that_of_none_of_some_keys(self) -> None:
        turns: Turns[str] = Turns()
        for item in "aab":
            turns.add(item, item)
        self.assertEqual([turns.take_except(("a",)), turns.take_except(("a",)), turns.take()], ["b", None, "a"])
