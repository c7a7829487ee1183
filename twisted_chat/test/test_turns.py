"""The keys of a queue take turns."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.turns import Turns


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
