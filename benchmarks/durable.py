"""Measure the cost of durable acknowledgements: the log on disk compared with the log in memory.

    python benchmarks/durable.py [--seconds 2] [--rounds 3] [--json FILE]

Programs (events dialect) write to themselves, always with a fixed number of outstanding messages in all, and count
the acknowledgements. The server has one core and the programs another. The table shows medians of the rounds, which
alternate between the stores.
"""

import argparse
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import proc
from peers import PEERS
from serving import cores, serving

OUTSTANDING = (1, 10, 100, 1000)
MOST_PROGRAMS = 10
TEXT = b"x" * 64
WARM_UP = 0.5
PATIENCE = 10.0
STORES = {"ours": "memory", "disk": "disk"}

Row = dict[str, float | str]


class Program:
    """A connection that always has `window` outstanding messages to itself."""

    def __init__(self, port: int, number: int, window: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = b"u%d" % number
        self.socket.sendall(b"register,%b\n" % name)
        assert self.socket.recv(100) == b"ack\n"
        self.socket.sendall(b"hello,events\n")
        assert self.socket.recv(4096).startswith(b"info,")
        self._line = b"chat,%b,%b\n" % (name, TEXT)
        self._window, self._tail = window, b""
        self.acknowledged = 0

    def begin(self) -> None:
        """Send the first `window` messages."""
        self.socket.sendall(self._line * self._window)

    def go_on(self) -> None:
        """Read what has arrived, and send one message for each acknowledgement."""
        data = self._tail + self.socket.recv(1 << 18)
        whole, newline, self._tail = data.rpartition(b"\n")
        count = (b"\n" + whole + newline).count(b"\nok,")
        self.acknowledged += count
        if count:
            self.socket.sendall(self._line * count)


def measure(store: str, outstanding: int, seconds: float) -> Row:
    """Measure one server with this number of outstanding messages, for some seconds."""
    with serving(PEERS[store].command) as (server, port):
        programs = min(outstanding, MOST_PROGRAMS)
        everyone = [Program(port, number, outstanding // programs) for number in range(programs)]
        with selectors.DefaultSelector() as ready:
            for program in everyone:
                ready.register(program.socket, selectors.EVENT_READ, program)
                program.begin()

            def run(seconds: float) -> int:
                """Run for some seconds; return the number of acknowledged messages."""
                before = sum(program.acknowledged for program in everyone)
                end = time.perf_counter() + seconds
                while time.perf_counter() < end:
                    events = ready.select(PATIENCE)
                    if not events:
                        raise RuntimeError("the server has stopped answering")
                    for key, _ in events:
                        key.data.go_on()
                return sum(program.acknowledged for program in everyone) - before

            run(WARM_UP)
            cpu, reactor = proc.cpu_seconds(server.pid), proc.thread_seconds(server.pid)
            began = time.perf_counter()
            count = run(seconds)
            took = time.perf_counter() - began
            cpu, reactor = proc.cpu_seconds(server.pid) - cpu, proc.thread_seconds(server.pid) - reactor
        for program in everyone:
            program.socket.close()
    return {
        "store": STORES[store],
        "outstanding": outstanding,
        "acknowledged": count / took,
        "reactor_us": reactor / count * 1e6,
        "cpu_us": cpu / count * 1e6,
    }


def table(rows: list[Row]) -> str:
    """Return the table of the medians, in memory and on disk."""
    lines = [
        (
            "| outstanding | acknowledged a second: memory | disk "
            "| reactor's CPU a message: memory | disk | whole process, disk |"
        ),
        "|---|---|---|---|---|---|",
    ]
    for outstanding in OUTSTANDING:

        def median(store: str, what: str, outstanding: int = outstanding) -> float:
            found = [row[what] for row in rows if row["store"] == store and row["outstanding"] == outstanding]
            return statistics.median(float(value) for value in found)

        memory, disk = median("memory", "reactor_us"), median("disk", "reactor_us")
        lines.append(
            f"| {outstanding:,} | {median('memory', 'acknowledged'):,.0f} | **{median('disk', 'acknowledged'):,.0f}** "
            f"| {memory:.1f} µs | {disk:.1f} µs ({disk / memory:.2f}x) | {median('disk', 'cpu_us'):.1f} µs |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure the stores in turn, and print the table."""
    parser = argparse.ArgumentParser(description="measures what a durable acknowledgement costs")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    os.sched_setaffinity(0, {cores()[1]})
    rows: list[Row] = []
    for turn in range(options.rounds):
        for outstanding in OUTSTANDING:
            for store in STORES:
                try:
                    rows.append(measure(store, outstanding, options.seconds))
                except (OSError, RuntimeError, subprocess.SubprocessError) as problem:
                    sys.exit(f"{store}, {outstanding} outstanding: {problem}")
                print(f"round {turn + 1}: {rows[-1]}", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
