"""Make the tables of a result of run.py.

    python benchmarks/report.py results.json                            print the tables
    python benchmarks/report.py results.json --into docs/contrast.md    renew the tables in that page

In a page, a table stands between the lines `<!-- table: NAME -->` and `<!-- end -->`.
"""

import argparse
import json
import re
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from peers import PEERS
from works import SWEEP, WORKS

NOTHING = "-"
LIMIT = 0.9
TALKS = [work for work in WORKS if WORKS[work].plan and work not in SWEEP]

Result = dict[str, Any]
Cell = Callable[[str, str], str]


class Figures:
    """The medians over the rounds of one result."""

    def __init__(self, result: Result) -> None:
        self.about: dict[str, Any] = result["about"]
        self._rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in result["rows"]:
            self._rows.setdefault((row["server"], row["work"]), []).append(row)

    def get(self, server: str, work: str, key: str) -> float | None:
        """Return the median of one figure; None if no round, or not every round, was measured."""
        rows = self._rows.get((server, work), [])
        if not rows or any("error" in row for row in rows):
            return None
        return statistics.median(float(row[key]) for row in rows)

    def works(self, among: Iterable[str]) -> list[str]:
        """Return the works of these that the result has."""
        return [work for work in among if any(work == done for _, done in self._rows)]

    def servers(self) -> list[str]:
        """Return the servers that the result has."""
        return [server for server in PEERS if any(server == measured for measured, _ in self._rows)]

    def failed(self) -> list[str]:
        """Return one line for each measurement that failed."""
        rows = [row for rows in self._rows.values() for row in rows if "error" in row]
        return [f"FAILED: {row['server']} at {row['work']}: {row['error']}" for row in rows]

    def limited(self, server: str, work: str) -> str:
        """Return a star if the generator, not the server, limited the rate."""
        return "*" if (self.get(server, work, "generator_share") or 0) > LIMIT else ""

    def ratio(self, server: str, work: str) -> float | None:
        """Return the CPU time as a multiple of the baseline's."""
        cpu, unit = self.get(server, work, "cpu_us"), self.get(WORKS[work].baseline, work, "cpu_us")
        return cpu / unit if cpu and unit else None


def digits(value: float | None, unit: str = "") -> str:
    """Return a figure with about three digits."""
    if value is None:
        return NOTHING
    places = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{places}f}{unit}"


def markdown(figures: Figures, title: str, columns: list[str], heads: list[str], cell: Cell) -> str:
    """Return a table with a row for each server and columns as wide as their widest cells; "" without columns."""
    if not columns:
        return ""
    lines = [[title, *heads]]
    lines += [[PEERS[server].title, *(cell(server, column) for column in columns)] for server in figures.servers()]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads) + 1)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(f"{text:{width}}" for text, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def cost(figures: Figures) -> str:
    """Return the table of CPU a delivered message: the multiple of the baseline's, and µs."""

    def cell(server: str, work: str) -> str:
        ratio, cpu = figures.ratio(server, work), figures.get(server, work, "cpu_us")
        multiple = f"{digits(ratio)}x" if ratio else NOTHING
        return f"{multiple} ({digits(cpu, ' µs')}){figures.limited(server, work)}" if cpu else NOTHING

    works = figures.works(TALKS)
    return markdown(figures, "CPU a message", works, works, cell)


def latency(figures: Figures) -> str:
    """Return the table of latencies: half of the messages take at most p50, 99 of 100 at most p99."""

    def cell(server: str, work: str) -> str:
        p50, p99 = figures.get(server, work, "p50_us"), figures.get(server, work, "p99_us")
        return f"{digits(p50 / 1000)} / {digits(p99 / 1000)}" if p50 and p99 else NOTHING

    works = figures.works(TALKS)
    return markdown(figures, "p50 / p99, ms", works, works, cell)


def rate(figures: Figures) -> str:
    """Return the table of delivered messages a second."""

    def cell(server: str, work: str) -> str:
        return digits(figures.get(server, work, "per_second")) + figures.limited(server, work)

    works = figures.works(TALKS)
    return markdown(figures, "messages a second", works, works, cell)


def connecting(figures: Figures) -> str:
    """Return the table of what a connection costs, to open and to keep."""
    keys = {
        "registrations a second": "per_second",
        "µs CPU each": "cpu_us",
        "p99, ms": "p99_us",
        "KiB while idle": "kib",
    }

    def cell(server: str, title: str) -> str:
        value = figures.get(server, "connect", keys[title])
        return digits(value / 1000 if value and keys[title] == "p99_us" else value)

    columns = list(keys) if figures.works(["connect"]) else []
    return markdown(figures, "connecting", columns, columns, cell)


def sweep(title: str, key: str, unit: float) -> Callable[[Figures], str]:
    """Return a function that makes the table of one figure against the number of connections."""

    def table(figures: Figures) -> str:
        works = figures.works(SWEEP)

        def cell(server: str, work: str) -> str:
            value = figures.get(server, work, key)
            return digits(value / unit if value is not None else None)

        heads = [f"{WORKS[work].people:,}" for work in works]
        return markdown(figures, f"{title}, at", works, heads, cell)

    return table


def about(figures: Figures) -> str:
    """Return the line that names versions, cores, rounds and time."""
    return (
        "Python {python}, Twisted {twisted}, cores used: {cores}; "
        "medians of {rounds} rounds of {seconds} s; {took} s in all."
    ).format(**figures.about)


TABLES: dict[str, Callable[[Figures], str]] = {
    "about": about,
    "cost": cost,
    "latency": latency,
    "rate": rate,
    "connecting": connecting,
    "sweep-cpu": sweep("µs CPU a message", "cpu_us", 1),
    "sweep-p99": sweep("p99 in ms", "p99_us", 1000),
    "sweep-memory": sweep("resident MiB", "resident_kib", 1024),
    "sweep-threads": sweep("threads", "threads", 1),
    "sweep-switches": sweep("context switches a message", "switches", 1),
}


def everything(result: Result) -> str:
    """Return all tables, the list of works, and the measurements that failed."""
    figures = Figures(result)
    tables = [text for table in TABLES.values() if (text := table(figures))]
    notes = [f"{work:{len('random-500')}}  {WORKS[work].title}" for work in figures.works(WORKS)]
    notes.append("x: a multiple of the bare relay's CPU; of twisted.words' where a relay cannot do the work")
    notes.append("*: the generator limited the rate; compare CPU, not rate or latency")
    return "\n\n".join([*tables, "\n".join(notes + figures.failed())])


def renewed(text: str, figures: Figures) -> str:
    """Return the page with the tables of this result."""

    def block(match: re.Match[str]) -> str:
        return f"{match[1]}\n\n{TABLES[match[2]](figures)}\n\n{match[3]}"

    return re.sub(r"(<!-- table: (\S+) -->)\n.*?(<!-- end -->)", block, text, flags=re.DOTALL)


def main() -> None:
    """Print the tables, or renew those of a page."""
    parser = argparse.ArgumentParser(description="makes tables of what run.py measured")
    parser.add_argument("result", type=Path)
    parser.add_argument("--into", metavar="FILE", type=Path)
    options = parser.parse_args()
    result: Result = json.loads(options.result.read_text())
    if options.into:
        options.into.write_text(renewed(options.into.read_text(), Figures(result)))
    else:
        print(everything(result))


if __name__ == "__main__":
    main()
