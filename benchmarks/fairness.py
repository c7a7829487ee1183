"""Attack a server, and measure what others notice: their waits, the server's memory, the growth of its file.

    python benchmarks/fairness.py                                           this checkout, all attacks
    python benchmarks/fairness.py --before CHECKOUT --json result.json      two versions, in one run
    python benchmarks/fairness.py --only four,topics --secs 3

A version is the folder of a checkout, or of a virtual environment in which twisted_chat is installed. Each attack
gets a freshly started server. The attackers (attacks.py) and the people (bystanders.py) are processes of their own.
All traffic stays on the loopback interface, is bounded in number and time, and ends by itself.
`fairness_report.py` makes the table and the plot of a result.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import proc
from attacks import ATTACKS
from attacks import Row as AttackRow
from attacks_people import CROWD_ACCOUNTS, ticket
from fairness_report import everything
from serving import raise_limits, serving

HERE = Path(__file__).parent
SAMPLE_SECONDS = 0.05
AFTERMATH_SECONDS = 1.0
"""The people are measured for so long after the attack too."""
MAX_WAIT_SECONDS = 60.0
TICKETS_END = 2**40
KIB, MIB = 1024, 1024 * 1024
RUN = "from twisted.scripts.twistd import run; run()"
OPERATE = "from twisted_chat.cli import main; main()"

Row = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A version of the server: the folder of a checkout, or of a virtual environment."""

    label: str
    folder: Path

    def command(self, code: str, descriptors: int = 0) -> list[str]:
        """Return the start of a command line that runs Python code in this version, without its arguments."""
        python = self.folder / "bin" / "python"
        found = [str(python)] if python.exists() else ["env", f"PYTHONPATH={self.folder}", sys.executable]
        limit = ["sh", "-c", f'ulimit -n {descriptors} && exec "$0" "$@"'] if descriptors else []
        return [*limit, *found, "-c", code]

    def server(self, store: Path, descriptors: int = 0) -> list[str]:
        """Return the command line of the server."""
        twistd = (
            "-n",
            "--pidfile=",
            f"--logfile={store}.txt",
            "chat",
            "--listen",
            "tcp:0:interface=127.0.0.1:backlog=4096",
        )
        return [*self.command(RUN, descriptors), *twistd, "--store", f"sqlite:{store}"]


@dataclass
class Watch:
    """The server's memory and files, looked at again and again."""

    pid: int
    store: Path
    idle_kib: int = field(init=False)
    first_bytes: int = field(init=False)
    peak_kib: int = 0
    peak_bytes: int = 0

    def __post_init__(self) -> None:
        self.idle_kib, self.first_bytes = proc.resident_kib(self.pid), self.file_bytes()
        self.look()

    def file_bytes(self) -> int:
        """Return the size of the file and of what SQLite keeps beside it."""
        return sum(path.stat().st_size for path in self.store.parent.glob(self.store.name + "*") if path.is_file())

    def look(self) -> None:
        """Take one sample."""
        self.peak_kib = max(self.peak_kib, proc.resident_kib(self.pid))
        self.peak_bytes = max(self.peak_bytes, self.file_bytes())

    def until_ended(self, process: subprocess.Popen[str], seconds: float) -> None:
        """Take samples until a process has ended, or some seconds are over."""
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            self.look()
            time.sleep(SAMPLE_SECONDS)


def python(script: str, *arguments: str) -> list[str]:
    """Return the command line of a script of this folder."""
    return [sys.executable, str(HERE / script), *arguments]


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Yield a process whose output can be read, and end it."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(output: IO[str] | None) -> str:
    """Return the next line that a process prints."""
    assert output is not None
    return output.readline().strip()


def make_crowd(version: Version, store: Path) -> None:
    """Make the accounts of a crowd, by copying one row of the file: 1,000 passwords would take half a minute.

    Each has a ticket, if the version knows tickets.
    """
    with (
        serving(version.server(store), pinned=False) as (_, port),
        running(python("bystanders.py", str(port))) as people,
    ):
        if line_of(people.stdout) != "ready":
            raise RuntimeError("the accounts could not be made")
    with closing(sqlite3.connect(store)) as db, db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(accounts)") if row[1] != "id"]
        values = ", ".join("?1" if column in ("key", "name") else column for column in columns)
        sql = f"INSERT INTO accounts ({', '.join(columns)}) SELECT {values} FROM accounts WHERE key = 'mallory'"
        db.executemany(sql, [(f"crowd{number}",) for number in range(CROWD_ACCOUNTS)])
        with suppress(sqlite3.OperationalError):
            db.executemany(
                "INSERT INTO tickets (account, client, hash, until) SELECT id, '', ?, ? FROM accounts WHERE key = ?",
                [(sha256(ticket(n).encode()).hexdigest(), TICKETS_END, f"crowd{n}") for n in range(CROWD_ACCOUNTS)],
            )


def operator_ms(version: Version, store: Path) -> float | None:
    """Return how long a command of the operator takes; None if it is not answered."""
    began = time.perf_counter()
    command = [*version.command(OPERATE), "accounts", "list", "--store", f"sqlite:{store}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=MAX_WAIT_SECONDS / 3, check=False)
    except subprocess.TimeoutExpired:
        return None
    return None if done.returncode else (time.perf_counter() - began) * 1000


def measure(version: Version, name: str, seconds: float) -> Row:
    """Carry out one attack against a freshly started server, and return what others noticed."""
    attack: AttackRow = ATTACKS[name]
    seconds *= attack.times
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = folder / "chat.sqlite3"
        if attack.crowd:
            make_crowd(version, store)
        server, port = stack.enter_context(serving(version.server(store, attack.descriptors), pinned=False))
        people = stack.enter_context(running(python("bystanders.py", str(port), *attack.sign_in_as.split())))
        if line_of(people.stdout) != "ready":
            raise RuntimeError("the people could not sign in before the attack")
        time.sleep(AFTERMATH_SECONDS / 2)
        watch = Watch(server.pid, store)
        began = time.monotonic()
        attackers = stack.enter_context(running(python("attacks.py", name, str(port), str(seconds), str(store))))
        operator = None
        if attack.operator:
            watch.until_ended(attackers, seconds / 2)
            operator = operator_ms(version, store)
        watch.until_ended(attackers, 2 * seconds + MAX_WAIT_SECONDS)
        took = time.monotonic() - began
        watch.until_ended(people, AFTERMATH_SECONDS)
        output, errors = people.communicate("", timeout=MAX_WAIT_SECONDS)
        if people.returncode:
            raise RuntimeError("the people have failed: " + (errors.strip() or "killed").splitlines()[-1])
        watch.look()
        done, problem = attackers.communicate(timeout=1.0) if attackers.poll() is not None else ("", "did not end")
        row: Row = json.loads(output)
        row |= {
            "memory_mib": (watch.peak_kib - watch.idle_kib) / KIB,
            "file_mib": (watch.peak_bytes - watch.first_bytes) / MIB,
            "took": took,
            "done": json.loads(done) if done else problem.strip()[-200:],
            "tracebacks": Path(f"{store}.txt").read_text().count("Traceback"),
        }
        return row | ({"operator_ms": operator} if attack.operator else {})


def tour(versions: list[Version], names: list[str], seconds: float) -> list[Row]:
    """Measure each version under each attack; a failed measurement becomes a row with its error."""
    rows: list[Row] = []
    for name in names:
        for version in versions:
            row: Row = {"attack": name, "version": version.label}
            try:
                row |= measure(version, name, seconds)
                chat, sign_in = row["chat"], row["sign_in"]
                line = f"chat p99 {chat.get('p99', 0):8.1f} ms  sign-in p99 {sign_in.get('p99', 0):8.1f} ms"
                line += f"  refused {sign_in['refused'] + sign_in['lost']:3}/{sign_in['asked']:3}"
                line += f"  memory {row['memory_mib']:7.1f} MiB  file {row['file_mib']:7.1f} MiB  {row['done']}"
            except (RuntimeError, OSError, subprocess.SubprocessError, sqlite3.Error) as error:
                row["error"] = str(error)
                line = f"failed: {error}"
            rows.append(row)
            print(f"{name:16} {version.label:7} {line}", file=sys.stderr, flush=True)
    return rows


def several(text: str) -> list[str]:
    """Parse the names of attacks, separated by commas."""
    names = text.split(",")
    for name in names:
        if name not in ATTACKS:
            raise argparse.ArgumentTypeError(f"expected names from {', '.join(ATTACKS)}, got {name}")
    return names


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="measures what people notice while others attack the server")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="a version to compare with")
    parser.add_argument("--server", type=Path, metavar="FOLDER", default=HERE.parent, help="the version to measure")
    parser.add_argument("--only", type=several, default=list(ATTACKS), metavar="NAMES", help="only these attacks")
    parser.add_argument("--secs", type=float, default=8.0, help="seconds of one attack")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    options = parser.parse_args()
    raise_limits()
    versions = [Version("before", options.before.resolve())] if options.before else []
    versions.append(Version("after" if options.before else "server", options.server.resolve()))
    rows = tour(versions, options.only, options.secs)
    about = {"python": sys.version.split()[0], "cores": len(os.sched_getaffinity(0)), "seconds": options.secs}
    result = {"about": about, "rows": rows}
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(everything(result))
    return 1 if any("error" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
