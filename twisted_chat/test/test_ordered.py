"""Collections in the order of their keys."""

from random import Random
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.ordered import MAX_CHUNK_ITEMS, Ordered


class Item(NamedTuple):
    key: str


class OrderedTests(SynchronousTestCase):
    def test_it_is_the_same_as_a_sorted_list_after_any_changes(self) -> None:
        for seed in range(5):
            random, ordered, model = Random(seed), Ordered[Item](), set[str]()
            for _ in range(10 * MAX_CHUNK_ITEMS):
                key = f"{random.randrange(3 * MAX_CHUNK_ITEMS):04}"
                if key in model and random.random() < 0.6:
                    ordered.remove(key)
                    model.discard(key)
                elif key not in model:
                    ordered.add(Item(key))
                    model.add(key)
            self.assertEqual([item.key for item in ordered], sorted(model), seed)
            self.assertEqual(len(ordered), len(model))
            middle = f"{random.randrange(3 * MAX_CHUNK_ITEMS):04}"
            behind = [item.key for item in ordered.after(middle)]
            self.assertEqual(behind, sorted(key for key in model if key > middle))
            for key in sorted(model):
                ordered.remove(key)
            self.assertEqual((list(ordered), len(ordered)), ([], 0))
            ordered.remove("0001")

    def test_a_slice_is_made_again_only_when_its_chunk_has_changed(self) -> None:
        made: list[int] = []

        def make(items: object) -> str:
            made.append(1)
            return "".join(item.key for item in items)  # type: ignore[attr-defined]

        ordered = Ordered[Item]()
        for number in range(8 * MAX_CHUNK_ITEMS):
            ordered.add(Item(f"{number:05}"))
        first = list(ordered.slices(make))
        count = len(made)
        self.assertEqual(list(ordered.slices(make)), first)
        self.assertEqual(len(made), count)
        ordered.remove("00700")
        list(ordered.slices(make))
        self.assertEqual(len(made), count + 1)

    def test_items_that_stay_are_in_the_slices_once_while_others_come_and_go(self) -> None:
        ordered = Ordered[Item]()
        stay = [f"{number:05}5" for number in range(6 * MAX_CHUNK_ITEMS)]
        for key in stay:
            ordered.add(Item(key))
        seen: list[str] = []
        for number, some in enumerate(ordered.slices(list)):
            seen += [item.key for item in some]
            for other in range(MAX_CHUNK_ITEMS):
                ordered.add(Item(f"{number * 100 + other:05}{number % 5}x{other}"))
        self.assertEqual([key for key in seen if "x" not in key], stay)
