"""Run a real conversation on a real server, and draw it: docs/images/conversation.svg.

    python docs/images/draw_conversation.py docs/images/conversation.svg

The clients are `nc`, a client without line endings like the lesson's, and examples/bot.py.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import escape

CHECKOUT = Path(__file__).parents[2]
PORT = 8000
START_TIMEOUT_SECONDS = 30.0
LINE, TEXT, PADDING, BAR, GAP = 19, 13, 14, 30, 10
COLOURS = {"sent": "#f0c674", "received": "#d5d9e0"}

Shown = tuple[str, list[tuple[str, str]]]
"""A pane's title, and its lines: sent or received, and the text."""


class Pane:
    """One terminal, with the lines that were sent and received in it."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.lines: list[tuple[str, str]] = []

    def add(self, kind: str, text: str) -> None:
        self.lines += [(kind, line) for line in text.splitlines()]


class Netcat(Pane):
    """A person at nc."""

    def __init__(self) -> None:
        super().__init__(f"jane: nc localhost {PORT}")
        self._process = subprocess.Popen(
            ["nc", "localhost", str(PORT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._process.stdout
        self._out = self._process.stdout
        os.set_blocking(self._out.fileno(), False)

    def types(self, line: str) -> None:
        assert self._process.stdin
        self.listen()
        self.add("sent", line)
        self._process.stdin.write(f"{line}\n".encode())
        time.sleep(0.2)
        self.listen()

    def listen(self) -> None:
        self.add("received", (self._out.read() or b"").decode())

    def leaves(self) -> None:
        self._process.terminate()


class Lesson(Pane):
    """A client that sends no line endings."""

    def __init__(self) -> None:
        super().__init__("lou: the lesson's client")
        self._socket = socket.create_connection(("localhost", PORT))
        self._socket.settimeout(5)

    def sends(self, command: str) -> None:
        self.add("sent", f'send(b"{command}")')
        self._socket.sendall(command.encode())

    def receives(self) -> None:
        self.add("received", f"recv() → {self._socket.recv(4096)!r}")

    def leaves(self) -> None:
        self._socket.close()


def wait_for(name: str) -> None:
    """Wait until the server accepts connections and a user with this name is online."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("localhost", PORT), START_TIMEOUT_SECONDS) as probe:
            probe.sendall(b"register,probe\nlist,friends\nquit\n")
            if name in probe.makefile().read().replace("\n", ",").split(","):
                return
        time.sleep(0.1)
    sys.exit(f"there is no user {name} at port {PORT}")


def converse() -> list[Pane]:
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [Path(sys.executable).with_name("twistd"), "-n", "chat", "--port", str(PORT)],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        wait_for("probe")
        bot = subprocess.Popen([sys.executable, CHECKOUT / "examples" / "bot.py"])
        wait_for("echo")
        jane, lou = Netcat(), Lesson()
        jane.types("hello?")
        jane.types("register,jane")
        lou.sends("register,lou")
        lou.receives()
        time.sleep(0.5)
        jane.types("list,friends")
        jane.types("chat,lou,welcome, lou")
        lou.sends("list,friends")
        lou.receives()
        lou.receives()
        lou.sends("chat,jane")
        time.sleep(0.2)
        jane.types("chat,echo,tea?")
        lou.sends("chat,echo")
        lou.receives()
        jane.types("join,#tea")
        jane.types("quit")
        jane.leaves()
        lou.leaves()
        bot.terminate()
        server.terminate()
        server.wait()
    source = Pane("echo: examples/bot.py")
    program = (CHECKOUT / "examples" / "bot.py").read_text()
    source.add("received", program[program.index("async def") : program.index("\n\n\nreact")])
    return [jane, lou, source]


def draw(panes: list[Pane]) -> str:
    """Return an SVG with the first pane on the left, and the others below each other on the right."""
    first, *others = [(pane.title, [part for line in pane.lines for part in broken(*line)]) for pane in panes]
    left, right = width([first]), width(others)
    heights = [BAR + len(lines) * LINE + 2 * PADDING for _, lines in others]
    heights[-1] = max(
        heights[-1], BAR + len(first[1]) * LINE + 2 * PADDING - sum(heights[:-1]) - GAP * len(heights[:-1])
    )
    height = sum(heights) + GAP * (len(heights) - 1)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + GAP + right} {height}" '
            f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{TEXT}">'
        ),
        "<title>A person at nc, the lesson's client and a bot talk to each other</title>",
        *terminal(first, 0, 0, left, height),
    ]
    top = 0
    for other, its_height in zip(others, heights, strict=True):
        parts += terminal(other, left + GAP, top, right, its_height)
        top += its_height + GAP
    return "\n".join([*parts, "</svg>", ""])


def width(shown: list[Shown]) -> int:
    """Return the pixels for the longest line."""
    return int(max(len(text) for _, lines in shown for _, text in lines) * TEXT * 0.605) + 2 * PADDING


def terminal(shown: Shown, left: int, top: int, width: int, height: int) -> Iterator[str]:
    """Yield the SVG of one pane, with its corner at `left` and `top`."""
    title, lines = shown
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="8" fill="#1d2129"/>'
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{BAR}" rx="8" fill="#2f3541"/>'
    for number, colour in enumerate(("#e0665c", "#e3b04b", "#5fb35f")):
        yield f'<circle cx="{left + 16 + 16 * number}" cy="{top + BAR // 2}" r="5" fill="{colour}"/>'
    yield f'<text x="{left + 66}" y="{top + BAR // 2 + 4}" fill="#aeb6c2">{escape(title)}</text>'
    for number, (kind, line) in enumerate(lines):
        x, y = left + PADDING, top + BAR + PADDING + LINE * number + 12
        yield f'<text x="{x}" y="{y}" fill="{COLOURS[kind]}" xml:space="preserve">{escape(line)}</text>'


def broken(kind: str, line: str, most: int = 52) -> list[tuple[str, str]]:
    """Split a line at spaces, as a terminal with `most` columns shows it."""
    if len(line) <= most or line.startswith("    "):
        return [(kind, line)]
    cut = line.rfind(" ", 0, most)
    return [(kind, line[:cut]), *broken(kind, "  " + line[cut + 1 :])]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(converse()))
