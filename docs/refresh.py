"""Renew what the pages quote from the server: tables of commands, and the answers in the transcripts.

    python docs/refresh.py README.md docs/protocol.md docs/irc.md

In a block marked `chat`, the lines `jane> …` are sent, and all other lines are replaced by
the server's answers. Every client in it is registered first, except those that register in
the block and those called `stranger`. `lou>> …` is sent without a line ending, and `lou<< …`
was received without one. A block marked `irc` is the same at the IRC door.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime, timezone
from pathlib import Path

from twisted_chat.doors.irc.commands import COMMANDS
from twisted_chat.doors.irc.dialect import CAPABILITIES
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, Server

START = datetime(2026, 3, 14, 9, 26, 53, tzinfo=timezone.utc).timestamp()
EPOCH = "5d1e0b7c92a4f836"
_CHAT = re.compile(r"(?<=^```chat\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_IRC = re.compile(r"(?<=^```irc\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_IRC_COMMANDS = re.compile(r"(?<=<!-- irc commands -->\n)\|.*?(?=^<!-- end -->)", re.MULTILINE | re.DOTALL)
_IRC_CAPABILITIES = re.compile(r"(?<=<!-- irc capabilities -->\n)\|.*?(?=^<!-- end -->)", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"(?<=<!-- commands -->\n```\n).*?(?=^```\n<!-- end -->)", re.MULTILINE | re.DOTALL)
_BEGINS = re.compile(r"(@\S+ )?(register,|login,|hello,|NICK )")  # what the first line of a new client is
_SENT = re.compile(r"(\w+)(>>?) (.*)")


def renew(page: str) -> str:
    """Return the page with all quotes of the server made anew."""
    table = "".join(f"{line}\n" for line in Server().connect().ask("help"))
    page = _TABLE.sub(lambda _: table, page)
    page = _IRC_COMMANDS.sub(lambda _: commands(), page)
    page = _IRC_CAPABILITIES.sub(lambda _: capabilities(), page)
    page = _IRC.sub(lambda block: play(block[0], irc=True), page)
    return _CHAT.sub(lambda block: play(block[0]), page)


def commands() -> str:
    """Return the table of the IRC door's commands."""
    rows = ["| command | what it does |", "|---|---|"]
    for row in COMMANDS.values():
        usage = row.usage.replace("|", "\\|")
        rows.append(f"| `{usage}` | {row.help}{'' if row.needs_name else ' (before too)'} |")
    return "".join(f"{row}\n" for row in rows)


def capabilities() -> str:
    """Return the table of the IRC door's capabilities."""
    rows = ["| capability | what it brings |", "|---|---|"]
    rows += [f"| `{name}` | {what} |" for name, what in CAPABILITIES.items()]
    return "".join(f"{row}\n" for row in rows)


def play(block: str, irc: bool = False) -> str:
    """Send the lines of a block to a server in memory, and return the transcript."""
    sent = [match.groups() for line in block.splitlines() if (match := _SENT.fullmatch(line))]
    server = Server()
    server.clock.advance(START)
    assert isinstance(server.log, MemoryLog)
    server.log.epoch = EPOCH
    connect = server.irc_stranger if irc else server.connect
    people = {name: connect() for name in dict.fromkeys(name for name, _, _ in sent)}
    people |= {name: connect() for name in re.findall(r"^(\w+)<", block, re.MULTILINE) if name not in people}
    for name, person in people.items():
        own = [line for sender, _, line in sent if sender == name]
        if name != "stranger" and not any(_BEGINS.match(line) for line in own):
            person.say(f"NICK {name}\nUSER {name} 0 * :{name}\n".encode() if irc else f"register,{name}\n".encode())
            person.read()
    transcript = []
    for name, mark, line in sent:
        people[name].say(line.encode() + (b"\n" if mark == ">" else b""))
        transcript.append(f"{name}{mark} {line}")
        server.turn()
        _note_received(people, transcript)
        for _ in range(16):  # one second, in steps that a float holds exactly
            server.clock.advance(0.0625)
            _note_received(people, transcript)
    return "".join(f"{line}\n" for line in transcript)


def _note_received(people: dict[str, Connection], transcript: list[str]) -> None:
    for name, person in people.items():
        received = person.read().decode().replace("\r\n", "\n")
        *lines, rest = received.split("\n")
        transcript += [f"{name}< {line}" for line in lines]
        if rest:
            transcript.append(f"{name}<< {rest}")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(renew(path.read_text()))
