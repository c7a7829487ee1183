"""Renews what the pages quote: the table of commands, and the answers in the transcripts.

    python docs/refresh.py README.md docs/protocol.md

In a block marked `chat`, the lines `jane> …` are what jane says, and all others are
what follows from them, written anew. Everyone in it is registered before, but for
those who register themselves in it and those called `stranger`. `lou>> …` is said
without a line ending, and `lou<< …` heard without one.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime, timezone
from pathlib import Path

from twisted_chat.test.support import Connection, Server

START = datetime(2026, 3, 14, 9, 26, 53, tzinfo=timezone.utc).timestamp()
_CHAT = re.compile(r"(?<=^```chat\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"(?<=<!-- commands -->\n```\n).*?(?=^```\n<!-- end -->)", re.MULTILINE | re.DOTALL)
_SAID = re.compile(r"(\w+)(>>?) (.*)")


def renew(page: str) -> str:
    """The page with everything in it that a server says as it says it now."""
    table = "".join(f"{line}\n" for line in Server().connect().ask("help"))
    page = _TABLE.sub(lambda _: table, page)
    return _CHAT.sub(lambda block: play(block[0]), page)


def play(block: str) -> str:
    """A transcript of what is said in a block, and heard."""
    said = [match.groups() for line in block.splitlines() if (match := _SAID.fullmatch(line))]
    server = Server()
    server.clock.advance(START)
    people = {name: server.connect() for name, _, _ in said}
    people |= {name: server.connect() for name in re.findall(r"^(\w+)<", block, re.MULTILINE) if name not in people}
    for name, person in people.items():
        own = [line for speaker, _, line in said if speaker == name]
        if name != "stranger" and not any(line.startswith(("register,", "hello,")) for line in own):
            person.ask(f"register,{name}")
    transcript = []
    for name, mark, line in said:
        people[name].say(line.encode() + (b"\n" if mark == ">" else b""))
        transcript.append(f"{name}{mark} {line}")
        server.turn()
        _listen(people, transcript)
        for _ in range(16):  # a second, with nothing lost to rounding
            server.clock.advance(0.0625)
            _listen(people, transcript)
    return "".join(f"{line}\n" for line in transcript)


def _listen(people: dict[str, Connection], transcript: list[str]) -> None:
    for name, person in people.items():
        heard = person.read().decode()
        *lines, rest = heard.split("\n")
        transcript += [f"{name}< {line}" for line in lines]
        if rest:
            transcript.append(f"{name}<< {rest}")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(renew(path.read_text()))
