"""List the servers that are compared: how each is started, and which works it can do."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from works import WORKS, Work

SERVERS = Path(__file__).parent / "servers"
MOST_PEOPLE = max(work.people for work in WORKS.values())


@dataclass(frozen=True)
class Peer:
    """A server to compare; `command` is its command line, with port 0: the system chooses the port."""

    title: str
    dialect: str
    command: list[str]
    rooms: bool = False

    def can(self, work: Work) -> bool:
        """Return True if this server can do a work: a relay has no names, and the lesson's servers have no rooms."""
        if self.dialect == "raw":
            return work.plan is not None and work.plan.pattern == "pairs"
        return self.rooms or work.plan is None or work.plan.pattern != "room"


def script(name: str, *arguments: str) -> list[str]:
    """Return the command line of a server in this folder."""
    return [sys.executable, str(SERVERS / name), "0", *arguments]


def twistd(store: str) -> list[str]:
    """Return the command line of our own server, with a store."""
    run = "from twisted.scripts.twistd import run; run()"
    quiet = ("-n", "--pidfile=", "-l", "/dev/null")
    listen = "tcp:0:interface=127.0.0.1:backlog=4096"
    return [sys.executable, "-c", run, *quiet, "chat", "--store", store, "--listen", listen]


PEERS = {
    "relay": Peer("bare Twisted relay", "raw", script("relay.py")),
    "threads": Peer("lesson, threads", "line", script("threaded.py", "--framed")),
    "streams": Peer("lesson, asyncio", "line", script("streams.py", "--framed")),
    "words": Peer("twisted.words (IRC)", "irc", script("words.py", str(MOST_PEOPLE)), rooms=True),
    "ours": Peer("twisted_chat, log in memory", "line", twistd("memory"), rooms=True),
    "disk": Peer("twisted_chat, log on disk", "line", twistd("sqlite:chat.sqlite3"), rooms=True),
}


def missing() -> list[str]:
    """Return the servers that are not installed."""
    return [] if find_spec("twisted_chat") and find_spec("twisted_chat.tap") else ["ours", "disk"]
