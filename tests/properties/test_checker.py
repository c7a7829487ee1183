"""Random histories on all doors, with kills, stalls, resets, clock jumps and full disks, against a model.

`pytest -s tests/properties/test_checker.py --secs 3600 --seed 7` runs histories for an hour; a history that has found
a fault is run again with its own seed and `--secs 1`. What the clients do is the same for the same seed; when
the server answers is not, so a fault may need several runs to come again.
"""

from __future__ import annotations

import time
from collections import Counter
from itertools import count
from pathlib import Path

import pytest
from checker.history import check_history

MISFORTUNES = 10
"""In each history."""
OPEN = {
    "old room": "what was said in a room that has ended is shown to those who join its name later",
    "time": "records' times run backwards with the clock",
}
"""The kinds of faults that are known and not mended yet: they are printed, and do not fail the test."""


def test_random_histories_lose_double_reorder_and_leak_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    deadline = time.monotonic() + request.config.getoption("--secs")
    found: list[str] = []
    kinds: Counter[str] = Counter()
    for seed in count(request.config.getoption("--seed")):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcome = check_history(seed, MISFORTUNES, folder)
        print(outcome.about)
        kinds.update(fault.kind for fault in outcome.faults)
        found += [f"seed {seed}: {fault.kind}: {fault.what}" for fault in outcome.faults if fault.kind not in OPEN]
        if time.monotonic() > deadline:
            break
    print(f"faults: {dict(kinds)}")
    assert not found, "\n".join(found[:100])
