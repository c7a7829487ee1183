"""Compare chat servers: give every server the same works, and print the costs as multiples of a baseline's.

    python benchmarks/run.py                    all works, three rounds
    python benchmarks/run.py --quick            a few works, one short round, for CI and for a first look
    python benchmarks/run.py --servers relay,ours --works pairs-32,room-100 --rounds 5

Each measurement starts a fresh server on one core and a fresh generator on another core, if there is one.
The rounds of a work go through all servers in turn, so that other load on the machine affects all of them.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import report
from peers import PEERS, missing
from serving import cores, raise_limits, serving
from works import QUICK, SWEEP, WORKS

GENERATOR = Path(__file__).parent / "generator.py"
LONGEST = 120.0

Row = dict[str, Any]


def measure(server: str, work: str, seconds: float, messages: int) -> Row:
    """Measure one server with one work, once."""
    peer = PEERS[server]
    with serving(peer.command) as (process, port):
        command = [sys.executable, str(GENERATOR), "--port", str(port), "--pid", str(process.pid)]
        command += ["--dialect", peer.dialect, "--work", work]
        command += ["--seconds", str(seconds), "--messages", str(messages)]
        generator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            os.sched_setaffinity(generator.pid, {cores()[1]})
            output, errors = generator.communicate(timeout=LONGEST)
        finally:
            generator.kill()
            generator.wait()
        if generator.returncode:
            raise RuntimeError((errors.strip() or "the generator ran out of time").splitlines()[-1])
        row: Row = json.loads(output)
        return row


def tour(servers: list[str], works: list[str], rounds: int, seconds: float) -> list[Row]:
    """Measure each server with each work in each round; a failed measurement becomes a row with its error."""
    rows: list[Row] = []
    messages: dict[tuple[str, str], int] = {}
    for work in works:
        able = [server for server in servers if PEERS[server].can(WORKS[work])]
        for turn in range(rounds):
            first = turn % len(able) if able else 0
            for server in able[first:] + able[:first]:
                row: Row = {"server": server, "work": work, "round": turn}
                try:
                    row |= measure(server, work, seconds, messages.get((server, work), 0))
                    messages[server, work] = row.get("messages", 0)
                    line = f"{row['cpu_us']:8.2f} µs CPU   p99 {row['p99_us'] / 1000:8.2f} ms"
                    line += f"   server {row['server_share']:4.0%}   generator {row['generator_share']:4.0%}"
                except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
                    row["error"] = str(error)
                    line = f"failed: {error}"
                rows.append(row)
                print(f"{work:11} round {turn + 1}  {server:8} {line}", file=sys.stderr, flush=True)
    return rows


def several(allowed: list[str], text: str) -> list[str]:
    """Parse names separated by commas; `sweep` stands for all of its sizes."""
    names = [name for part in text.split(",") for name in (SWEEP if part == "sweep" else [part])]
    for name in names:
        if name not in allowed:
            raise argparse.ArgumentTypeError(f"expected names from {', '.join(allowed)}, got {name}")
    return names


def main() -> int:
    """Run all measurements, and print the tables."""
    parser = argparse.ArgumentParser(description="compares chat servers on this machine")
    parser.add_argument("--quick", action="store_true", help="one short round of a few works: less than a minute")
    parser.add_argument("--servers", type=lambda text: several(list(PEERS), text), default=list(PEERS))
    parser.add_argument("--works", type=lambda text: several(list(WORKS), text))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="seconds of one measurement")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    works = options.works or (QUICK if options.quick else list(WORKS))
    rounds = options.rounds or (1 if options.quick else 3)
    seconds = options.seconds or (0.3 if options.quick else 2.0)

    servers = [server for server in options.servers if server not in missing()]
    for server in set(options.servers) - set(servers):
        print(f"{server} is skipped: it is not installed in this Python", file=sys.stderr)
    raise_limits()
    began = time.monotonic()
    rows = tour(servers, works, rounds, seconds)
    about = {
        "python": platform.python_version(),
        "twisted": version("twisted"),
        "cores": 1 if len(set(cores())) == 1 else 2,
        "rounds": rounds,
        "seconds": seconds,
        "took": round(time.monotonic() - began),
    }
    result = {"about": about, "rows": rows}
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(report.everything(result))
    return 1 if any("error" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
