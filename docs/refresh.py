"""Renews what the pages quote: the table of commands, and the answers in the transcripts.

    python docs/refresh.py README.md docs/protocol.md docs/irc.md

In a block marked `chat`, the lines `jane> …` are what jane says, and all others are
what follows from them, written anew. Everyone in it is registered before, but for
those who register themselves in it and those called `stranger`. `lou>> …` is said
without a line ending, and `lou<< …` heard without one. A block marked `irc` is the same at the IRC door.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime, timezone
from pathlib import Path

from twisted_chat.doors.irc.commands import COMMANDS
from twisted_chat.doors.irc.dialect import CAPABILITIES
from twisted_chat.test.support import Connection, Server

START = datetime(2026, 3, 14, 9, 26, 53, tzinfo=timezone.utc).timestamp()
_CHAT = re.compile(r"(?<=^```chat\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_IRC = re.compile(r"(?<=^```irc\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_IRC_COMMANDS = re.compile(r"(?<=<!-- irc commands -->\n)\|.*?(?=^<!-- end -->)", re.MULTILINE | re.DOTALL)
_IRC_CAPABILITIES = re.compile(r"(?<=<!-- irc capabilities -->\n)\|.*?(?=^<!-- end -->)", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"(?<=<!-- commands -->\n```\n).*?(?=^```\n<!-- end -->)", re.MULTILINE | re.DOTALL)
_SAID = re.compile(r"(\w+)(>>?) (.*)")


def renew(page: str) -> str:
    """The page with everything in it that a server says as it says it now."""
    table = "".join(f"{line}\n" for line in Server().connect().ask("help"))
    page = _TABLE.sub(lambda _: table, page)
    page = _IRC_COMMANDS.sub(lambda _: commands(), page)
    page = _IRC_CAPABILITIES.sub(lambda _: capabilities(), page)
    page = _IRC.sub(lambda block: play(block[0], irc=True), page)
    return _CHAT.sub(lambda block: play(block[0]), page)


def commands() -> str:
    """The IRC door's commands as a table."""
    rows = ["| command | what it does |", "|---|---|"]
    for row in COMMANDS.values():
        usage = row.usage.replace("|", "\\|")
        rows.append(f"| `{usage}` | {row.help}{'' if row.needs_name else ' (before too)'} |")
    return "".join(f"{row}\n" for row in rows)


def capabilities() -> str:
    """Its capabilities as a table."""
    rows = ["| capability | what it brings |", "|---|---|"]
    rows += [f"| `{name}` | {what} |" for name, what in CAPABILITIES.items()]
    return "".join(f"{row}\n" for row in rows)


def play(block: str, irc: bool = False) -> str:
    """A transcript of what is said in a block, and heard."""
    said = [match.groups() for line in block.splitlines() if (match := _SAID.fullmatch(line))]
    server = Server()
    server.clock.advance(START)
    connect = server.irc_stranger if irc else server.connect
    people = {name: connect() for name in dict.fromkeys(name for name, _, _ in said)}
    people |= {name: connect() for name in re.findall(r"^(\w+)<", block, re.MULTILINE) if name not in people}
    for name, person in people.items():
        own = [line for speaker, _, line in said if speaker == name]
        if name != "stranger" and not any(line.startswith(("register,", "hello,", "NICK ")) for line in own):
            person.say(f"NICK {name}\nUSER {name} 0 * :{name}\n".encode() if irc else f"register,{name}\n".encode())
            person.read()
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
        heard = person.read().decode().replace("\r\n", "\n")
        *lines, rest = heard.split("\n")
        transcript += [f"{name}< {line}" for line in lines]
        if rest:
            transcript.append(f"{name}<< {rest}")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(renew(path.read_text()))
