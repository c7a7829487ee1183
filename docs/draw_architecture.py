"""Draw the diagrams of docs/architecture.md from the code: imports, the calls for a message, state machines.

    python docs/draw_architecture.py docs/architecture.md

In a page, a drawing stands between the lines `<!-- drawn: KIND SUBJECT -->` and `<!-- end -->`. The kinds:

    imports PACKAGE      which parts of a package import which, read from the source files
    calls PATH           the calls from file to file on one of PATHS, recorded while a server in memory runs
    transitions MODULE   the diagram of a module's TRANSITIONS, and the table of its events
    table MODULE         the table in the head of a module
"""

from __future__ import annotations

import ast
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import FrameType, FunctionType

from twisted.internet.task import Clock

import twisted_chat
from twisted_chat.test.support import MemoryTransport, Server
from twisted_chat.test.support_sqlite import sqlite_log

PACKAGE = Path(twisted_chat.__file__).parent
LEFT_OUT = ("test", "__init__", "_version")
"""Parts that import everything, or that everything imports."""
REACTOR = "reactor"
FILES = {
    REACTOR: "and transports",
    "doors/line/protocol.py": "the line door",
    "wire/line.py": "its codec",
    "doors/protocol.py": "any door",
    "doors/line/commands.py": "the verbs",
    "core/router.py": "the hub",
    "doors/flusher.py": "once a turn",
    "stores/sqlite/log.py": "the log",
    "stores/sqlite/worker.py": "its thread",
    "stores/sqlite/appender.py": "rows in the file",
    "doors/session.py": "each client",
    "doors/dialect.py": "once a dialect",
    "doors/outbox.py": "bytes of a client",
}
"""The files between which calls are drawn, in the order of their columns, and what each stands for."""
CHAT, ME = b"@%d chat,#tea,the kettle is on\n", b"@%d me,#tea,puts the kettle on\n"
PATHS = {"chat": (CHAT, "read"), "me": (ME, "read"), "flush": (CHAT, "flush")}
"""The line that is sent, and the part that is drawn: the `read` of the line, or the `flush` in the turn after it."""
TIMES = 3
"""Times that a line is sent: the first ones fill the caches, the last one is recorded."""

_DRAWING = re.compile(r"(?<=<!-- drawn: )([^\n]*)( -->\n).*?(?=^<!-- end -->)", re.MULTILINE | re.DOTALL)

Arrow = tuple[str, str]
Call = tuple[str, str, str]
"""The caller's file, the file of the function that is called, and the function's name."""


def draw(page: str) -> str:
    """Return the page with all its drawings made anew."""
    return _DRAWING.sub(lambda found: f"{found[1]}{found[2]}\n{_drawing(*found[1].split())}\n", page)


def _drawing(kind: str, subject: str) -> str:
    kinds: dict[str, Callable[[str], str]] = {
        "imports": imports,
        "calls": calls,
        "transitions": transitions,
        "table": table,
    }
    return kinds[kind](subject)


def _mermaid(kind: str, lines: list[str]) -> str:
    return "\n".join(["```mermaid", kind, *(f"    {line}" for line in lines), "```", ""])


# which parts import which


def imports(package: str) -> str:
    """Return the diagram of a package's parts. An arrow that a longer path implies is left out."""
    folder = PACKAGE.parent / package.replace(".", "/")
    arrows = {
        (part, other)
        for file in folder.rglob("*.py")
        for part in [file.relative_to(folder).parts[0].removesuffix(".py")]
        for name in _imported(file)
        if name.startswith(f"{package}.")
        for other in [name.removeprefix(f"{package}.").split(".")[0]]
        if part != other and part not in LEFT_OUT and other not in LEFT_OUT
    }
    for arrow in sorted(arrows):
        if _path_exists(arrow, arrows - {arrow}):
            arrows.remove(arrow)
    parts = sorted({part for arrow in arrows for part in arrow})
    shapes = [f"{part}([{part}.py])" if (folder / f"{part}.py").exists() else f"{part}[{part}/]" for part in parts]
    return _mermaid("flowchart TD", shapes + [f"{part} --> {other}" for part, other in sorted(arrows)])


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def _path_exists(arrow: Arrow, arrows: set[Arrow]) -> bool:
    """Return True if these arrows lead from the start of this arrow to its end."""
    start, end = arrow
    reached, ahead = {start}, [start]
    while ahead:
        part = ahead.pop()
        found = {other for source, other in arrows if source == part} - reached
        reached |= found
        ahead += found
    return end in reached


# the calls for a line


def calls(path: str) -> str:
    """Return the diagram of the calls from file to file on one of PATHS."""
    made = _record(*PATHS[path])
    shown = [file for file in FILES if any(file in call for call in made)]
    columns = {file: f"c{number}" for number, file in enumerate(shown)}
    heads = [f"participant {columns[file]} as {_head(file)}" for file in shown]
    arrows = [f"{columns[caller]}->>{columns[called]}: {name}" for caller, called, name in made]
    return _mermaid("sequenceDiagram", ["autonumber", *heads, *arrows])


def _head(file: str) -> str:
    folder, slash, name = file.rpartition("/")
    return "<br/>".join([*([folder + slash] if slash else []), name, f"({FILES[file]})"])


def _record(line: bytes, part: str) -> list[Call]:
    """Send a line to a server in memory, whose log is in a file, and return the calls between FILES in a part of it."""
    made: list[Call] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        called, name = _file(frame), _name(frame)
        if event != "call" or called is None or name is None:
            return
        back = frame.f_back
        while back is not None and _file(back) is None:
            back = back.f_back
        caller = REACTOR if back is None else _file(back) or REACTOR
        if caller != called:
            made.append((caller, called, name))

    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        server = Server(sqlite_log(f"{folder}/chat.sqlite3", clock, clock.seconds), clock=clock)
        jane = server.plain("jane", "#tea")
        server.plain("zak", "#tea")
        former = sys.getprofile()
        for number in range(TIMES):
            last = number == TIMES - 1
            sys.setprofile(note if last and part == "read" else former)
            jane.say(line % number)
            sys.setprofile(note if last and part == "flush" else former)
            server.turn()
        sys.setprofile(former)
    return made


def _file(frame: FrameType) -> str | None:
    """Return the one of FILES that a frame belongs to."""
    if isinstance(frame.f_locals.get("self"), MemoryTransport):
        return REACTOR
    path = Path(frame.f_code.co_filename)
    name = path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else ""
    return name if name in FILES else None


def _name(frame: FrameType) -> str | None:
    """Return the name of a frame's function, with its class; None for a property and for nameless functions."""
    code = frame.f_code
    if code.co_name.startswith("<"):
        return None
    for owner in type(frame.f_locals.get("self")).__mro__:
        member = vars(owner).get(code.co_name)
        if isinstance(member, property):
            return None
        if isinstance(member, FunctionType) and member.__code__ is code:
            return code.co_name if owner is MemoryTransport else f"{owner.__name__}.{code.co_name}"
    return code.co_name


# state machines


def transitions(module: str) -> str:
    """Return the diagram of a module's TRANSITIONS, and the table of its events."""
    rows: dict[tuple[Enum, Enum], Enum] = import_module(module).TRANSITIONS
    (state, event), *_ = rows
    states, events = list(type(state)), list(type(event))
    # an event that leads to the same state from all others is drawn once, from a frame around these
    ends = [(event, end) for event in events for end in states if _from_all(rows, states, event, end)]
    ended = {end for _, end in ends}
    labels: dict[tuple[str, str], list[str]] = {}
    for (state, event), end in rows.items():
        if not {state, end} & ended:
            labels.setdefault((state.name, end.name), []).append(event.name)
    lines = [f"[*] --> {states[0].name}"]
    lines += [f"{state} --> {end}: {', '.join(names)}" for (state, end), names in labels.items()]
    if ends:
        lines = ["[*] --> connected", "state connected {", *(f"    {line}" for line in lines), "}"]
        lines += [f"connected --> {end.name}: {event.name}" for event, end in ends]
    meanings = [f"| {event.name} | {event.value} |" for event in events]
    return "\n".join([_mermaid("stateDiagram-v2", lines), "| event | meaning |", "|---|---|", *meanings, ""])


def _from_all(rows: dict[tuple[Enum, Enum], Enum], states: list[Enum], event: Enum, end: Enum) -> bool:
    return all(rows.get((state, event)) is end for state in states if state is not end)


def table(module: str) -> str:
    """Return the table in the head of a module, whose columns are at least two spaces apart."""
    lines = (import_module(module).__doc__ or "").splitlines()
    head = next((number for number, line in enumerate(lines) if line.startswith("    state ")), len(lines))
    if head == len(lines):
        raise ValueError(f"{module} has no table in its head; has it TRANSITIONS now?")
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[head:] if line.startswith("    ")]
    width = max(map(len, rows))
    cells = [[cell.removeprefix("→ ") for cell in row] + [""] * (width - len(row)) for row in rows]
    cells[0] = ["state", "event", "next state", "what the server does"][:width]
    cells.insert(1, ["---"] * width)
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(draw(path.read_text()))
