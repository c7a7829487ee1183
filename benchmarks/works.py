"""List the works: what the servers have to do in each measurement."""

from dataclasses import dataclass

from traffic import Plan


@dataclass(frozen=True)
class Work:
    """One measurement. Without a plan it measures connecting.

    Costs are multiples of the baseline's: the bare relay's if a relay can do the work at all.
    """

    title: str
    people: int
    plan: Plan | None = None
    baseline: str = "words"


def _pairs(title: str, people: int, burst: int = 1) -> Work:
    return Work(title, people, Plan("pairs", people, burst), baseline="relay")


def _random(people: int) -> Work:
    return Work(f"{people} people, each writes to random friends", people, Plan("random", people))


def _sweep(people: int) -> Work:
    return _pairs(f"{people} connections in pairs, 1 outstanding message each", people)


SWEEP = [f"sweep-{people}" for people in (10, 30, 100, 300, 1000, 2000, 5000)]

WORKS = {
    "pair": _pairs("one pair, 1 outstanding message", 2),
    "pairs-1": _pairs("50 pairs, 1 outstanding message each", 100),
    "pairs-32": _pairs("50 pairs, 32 outstanding messages each", 100, burst=32),
    "random-20": _random(20),
    "random-500": _random(500),
    "room-100": Work(
        "a room of 100, 5 of them write, 4 outstanding messages each",
        100,
        Plan("room", 100, burst=4, writers=5),
    ),
    "connect": Work("connecting and registering, 8 at a time", 2000),
    **{work: _sweep(int(work.removeprefix("sweep-"))) for work in SWEEP},
}

QUICK = ["pairs-1", "pairs-32", "random-20", "room-100", "connect", "sweep-10", "sweep-300"]
