"""Measure the time for a page of the log, and for the start, as the log grows: both should stay the same.

    python benchmarks/pages.py [--sizes 1000,1000000] [--json FILE] [--plot docs/images/pages.png]

All messages are in one room, in a temporary file, and are read as the server reads them. The table shows medians.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from twisted_chat.core.messages import GUESTS
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.test.support import Recorder, entry
from twisted_chat.test.support_sqlite import sqlite_log

SIZES = (1_000, 10_000, 100_000, 1_000_000)
BATCH = 1000
REPEAT = 51
PAGE = 200
READER = 2
ROOM = "#tea"

Row = dict[str, float]


def opened(path: Path) -> SqliteLog:
    """Open the log in a file as a server does at its start; every call finishes at once."""
    log = sqlite_log(str(path), Clock(), time.time)
    log.subscribe(lambda entries: None, lambda entries: None)
    log.open()
    return log


def fill(log: SqliteLog, size: int) -> None:
    """Fill the log with messages in one room."""
    origin = Recorder()
    while log.last < size:
        texts = (f"message {log.last + i} about tea, cake and word{(log.last + i) % 1000}" for i in range(BATCH))
        log.append(entry(*texts, conversation=ROOM, to=ROOM, connection=origin, author=GUESTS + 1))
        log.flush()
        print(f"\r{log.last:>9} of {size}", end="", file=sys.stderr)
    print("\r" + " " * 30, end="\r", file=sys.stderr)


def took(call: Callable[[], Coroutine[Any, Any, object]]) -> float:
    """Return the median milliseconds of a call."""
    times = []
    for _ in range(REPEAT):
        began = time.perf_counter()
        results: list[object] = []
        Deferred.fromCoroutine(call()).addCallback(results.append)
        times.append((time.perf_counter() - began) * 1000)
        assert results, "the call should finish at once"
    return statistics.median(times)


def measure(folder: Path, size: int) -> Row:
    """Measure every kind of page in a log of this size."""
    path = folder / f"{size}.sqlite3"
    log = opened(path)
    fill(log, size)
    Deferred.fromCoroutine(log.close())
    began = time.perf_counter()
    log = opened(path)
    log.restore()
    start = (time.perf_counter() - began) * 1000
    middle = size // 2
    row = {
        "size": size,
        "start": start,
        "history, newest": took(lambda: log.history(ROOM, 0, 0, 50)),
        "history, middle": took(lambda: log.history(ROOM, middle, 0, 50)),
        "since, oldest": took(lambda: log.read(READER, [ROOM], 0, PAGE)),
        "since, middle": took(lambda: log.read(READER, [ROOM], middle, PAGE)),
        "search, rare word": took(lambda: log.search(ROOM, f"word{size // 3 % 1000}", 50)),
        "search, in all": took(lambda: log.search(ROOM, "tea", 50)),
        "missed at sign-in": took(lambda: log.unread(READER, {ROOM: 0}, 0, log.last, 50)),
    }
    Deferred.fromCoroutine(log.close())
    return row


def plot(rows: list[Row], path: Path) -> None:
    """Plot time against size, both logarithmic."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for name in [name for name in rows[0] if name != "size"]:
        axes.plot([row["size"] for row in rows], [row[name] for row in rows], marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="messages in the room", ylabel="milliseconds")
    axes.set_title("A page takes as long with a million messages as with a thousand")
    axes.grid(alpha=0.3)
    axes.set_ylim(0.01, 100)
    axes.legend(fontsize="small", ncols=4, loc="upper center")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print a table, and write the files that the options name."""
    parser = argparse.ArgumentParser(description="times pages of the log against its size")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of messages, separated by commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a plot to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(Path(folder), int(size)) for size in options.sizes.split(",")]
    print("| milliseconds |", *(f"{row['size']:,.0f} |" for row in rows))
    print("|---|" + "---|" * len(rows))
    for name in [name for name in rows[0] if name != "size"]:
        print(f"| {name} |", *(f"{row[name]:.2f} |" for row in rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
