"""The checker finds what it is for: faults that are planted into a small history without a server."""

from __future__ import annotations

import pytest
from checker.facts import JOINED, LEFT, LIVE, MESSAGE, PAST, Facts, Request, Seen, Session
from checker.records import Stored
from checker.verdict import Verdict

Rows = list[Stored]


class Small:
    """Kim and max join #tea, and zak writes there and to kim; kim and max saw all of it."""

    def __init__(self) -> None:
        self.facts = facts = Facts()
        facts.run = 1
        self.kim, self.max = Session("kim", True, 1, facts.tick()), Session("max", False, 1, facts.tick())
        facts.sessions += [self.kim, self.max]
        self.kim.ready, self.max.ready = facts.tick(), facts.tick()
        self.kim.whole = self.max.whole = True
        self.rows: Rows = [(1, 1000, JOINED, "kim", "#tea", ""), (2, 1001, JOINED, "max", "#tea", "")]
        self.max.joins.append(("#tea", 2))
        self.say(3, "#tea", "t1-", self.kim, self.max)
        self.say(4, "kim", "t2-", self.kim)

    def say(self, id: int, to: str, text: str, *readers: Session) -> None:
        """Store a message of zak and let readers see it."""
        self.facts.requests.append(
            Request(MESSAGE, "zak", to, text, text, self.facts.tick(), {1}, self.facts.tick(), id)
        )
        self.rows.append((id, 1000 + id, MESSAGE, "zak", to, text))
        for reader in readers:
            reader.seen.append(Seen(LIVE, MESSAGE, "zak", to, text, id))

    def kinds(self) -> set[str]:
        """Return the kinds of faults that the verdict finds."""
        Verdict(self.facts, self.rows).find()
        return {fault.kind for fault in self.facts.faults}


def forget(small: Small) -> None:
    small.rows.pop()


def store_twice(small: Small) -> None:
    small.rows.append((5, 1005, *small.rows[-1][2:]))


def change_text(small: Small) -> None:
    small.rows[-1] = (*small.rows[-1][:5], "other")


def store_what_was_refused(small: Small) -> None:
    small.facts.requests[-1].error = "no-such-user"


def miss_one(small: Small) -> None:
    del small.max.seen[0]


def see_twice(small: Small) -> None:
    small.kim.seen.append(small.kim.seen[0])


def see_late(small: Small) -> None:
    small.say(5, "#tea", "t3-", small.kim, small.max)
    small.kim.seen.insert(0, small.kim.seen.pop())


def see_what_was_for_another(small: Small) -> None:
    small.max.seen.append(small.kim.seen[1])


def see_after_leaving(small: Small) -> None:
    small.rows.append((5, 1005, LEFT, "max", "#tea", ""))
    small.say(6, "#tea", "t3-", small.kim, small.max)


def see_an_ended_room(small: Small) -> None:
    small.rows += [(5, 1005, LEFT, "max", "#tea", ""), (6, 1006, LEFT, "kim", "#tea", "")]
    small.rows.append((7, 1007, JOINED, "zak", "#tea", ""))
    zak = Session("zak", True, 1, small.facts.tick())
    zak.seen.append(Seen(PAST, MESSAGE, "zak", "#tea", "t1-", 3))
    small.facts.sessions.append(zak)


def turn_back_the_clock(small: Small) -> None:
    small.rows.append((5, 900, JOINED, "zak", "#tea", ""))


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (forget, "lost"),
        (store_twice, "doubled"),
        (change_text, "corrupted"),
        (store_what_was_refused, "refused but stored"),
        (miss_one, "lost"),
        (see_twice, "doubled"),
        (see_late, "disordered"),
        (see_what_was_for_another, "leaked"),
        (see_after_leaving, "leaked"),
        (see_an_ended_room, "old room"),
        (turn_back_the_clock, "time"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_planted_fault_is_found(plant: object, kind: str) -> None:
    small = Small()
    assert callable(plant)
    plant(small)
    assert kind in small.kinds()


def test_a_history_without_a_fault_has_none() -> None:
    assert Small().kinds() == set()
