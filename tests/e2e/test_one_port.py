"""Clients of every kind in one room through one port (browsers, nc, an IRC client, a program), and a killed server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pytest
from browsers import Browse, PageUser, browsing, launched
from certificates import Certificates
from conftest import CHECKOUT, TRANSPORTS, Lasting, until
from terminals import Start, Terminal, irssi, joins, terminals

ROOM = "#tea"
MEMBER = CHECKOUT / "tests" / "support" / "member.py"
SECURE = [False, True]
"""True: the first browser, the IRC client, the program and one of two at nc use TLS, at the same port as the rest."""


class Program:
    """A process with pipes for input and output; `heard` holds the lines that it has printed."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
        )
        assert self._process.stdin
        assert self._process.stdout
        self._input, self.heard = self._process.stdin, list[str]()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.start()

    def _read(self, output: IO[str]) -> None:
        for line in output:
            self.heard.append(line.rstrip("\n"))

    def says(self, *lines: str) -> None:
        """Write lines to its input."""
        self._input.write("".join(f"{line}\n" for line in lines))

    def hears(self, *lines: str) -> None:
        """Wait until these are the last lines that it has printed."""
        until(lambda: tuple(self.heard[-len(lines) :]) == lines, f"{lines} rather than {self.heard}")

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._reader.join()


class Group:
    """Jane (an account) and kim (a guest) at browsers, nick at nc, ira at irssi, and a bot, all in the room."""

    def __init__(self, server: Lasting, secure: bool, certificates: Certificates, browse: Browse, start: Start) -> None:
        self._server, self._secure, self._certificates, self._start = server, secure, certificates, start
        self.programs: list[Program] = []
        scheme = "https" if secure else "http"
        self.jane = browse(f"{scheme}://127.0.0.1:{server.port}/", ignore_https_errors=True)
        self.kim = browse()
        self.jane.makes_account("jane", "correct horse")
        self.kim.enters("kim")
        for user in (self.jane, self.kim):
            user.joins(ROOM)
        self.bot = self._program(sys.executable, str(MEMBER), self._endpoint(), "bot", ROOM)
        self.bot.hears("ready")
        self.nick, self.nina, self.ira = self._at_nc("nick", secure), self._at_nc("nina", False), self._at_irssi()

    def reconnect(self) -> None:
        """Reconnect the clients that do not reconnect by themselves."""
        for client in (self.nick, self.nina, self.ira):
            client.end()
        self.nick, self.nina, self.ira = self._at_nc("nick", self._secure), self._at_nc("nina", False), self._at_irssi()

    def _at_nc(self, name: str, secure: bool) -> Program:
        """Start nc, or OpenSSL's client for TLS."""
        address = ["127.0.0.1", str(self._server.port)]
        tls = ["openssl", "s_client", "-quiet", "-verify_quiet", "-connect", ":".join(address)]
        person = self._program(*(tls if secure else ["nc", *address]))
        person.says(f"register,{name}", f"join,{ROOM}")
        person.hears("ack", "ack")
        return person

    def _at_irssi(self) -> Terminal:
        """Start irssi."""
        terminal = self._start(irssi, "ira", tls=self._secure)
        joins(terminal, irssi, ROOM)
        return terminal

    def _program(self, *command: str) -> Program:
        program = Program(*command)
        self.programs.append(program)
        return program

    def _endpoint(self) -> str:
        if not self._secure:
            return f"tcp:127.0.0.1:{self._server.port}"
        trusted = self._certificates.trusted
        return (
            f"tls:chat.example:{self._server.port}:trustRoots={trusted}:endpoint=tcp\\:127.0.0.1\\:{self._server.port}"
        )

    def end(self) -> None:
        """End all clients."""
        for program in self.programs:
            program.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield one browser for all tests."""
    with launched() as browser:
        yield browser


Gather = Callable[[bool], tuple[Lasting, Group]]


@pytest.fixture(params=TRANSPORTS)
def gather(
    request: pytest.FixtureRequest, tmp_path: Path, certificates: Certificates, browser: Any
) -> Iterator[Gather]:
    """Return a function that starts a server and all clients; with `gather(True)`, half of them use TLS."""
    for program in ("nc", "openssl", "irssi", "tmux"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with ExitStack() as stack:

        def start(secure: bool) -> tuple[Lasting, Group]:
            server = Lasting(tmp_path, "--transports", request.param, *certificates.options)
            stack.callback(server.stop)
            browse = stack.enter_context(browsing(browser, server.url))
            clients = stack.enter_context(terminals(tmp_path, server.port))
            group = Group(server, secure, certificates, browse, clients)
            stack.callback(group.end)
            return server, group

        yield start


@pytest.mark.parametrize("secure", SECURE)
def test_all_clients_see_all_messages_even_after_the_server_is_killed(gather: Gather, secure: bool) -> None:
    server, all_ = gather(secure)
    texts: list[str] = []
    say_in_turn(all_, texts, "before")
    for page in (all_.jane, all_.kim):
        page.page.wait_for_selector("#members >> text=nina")
    guests = ["ira", "kim", "nick", "nina"]
    assert members(all_.kim) == sorted(["bot", "jane", *guests])
    assert members(all_.jane) == sorted(["bot", "jane", *(f"{guest} (guest)" for guest in guests)])

    server.kill()
    all_.jane.page.wait_for_selector("#status", state="visible")
    all_.jane.writes("jane in between")
    all_.bot.says("bot in between")
    server.start()
    all_.reconnect()
    for page in (all_.jane, all_.kim):
        page.page.wait_for_selector("#status", state="hidden")
    all_.jane.page.wait_for_selector(".sending, .failed", state="detached")
    both = ["bot in between", "jane in between"]
    for page in (all_.jane, all_.kim):  # the bot connects again at a random time
        for text in both:
            page.page.wait_for_selector(f"text={text}")
    said = history(server)
    assert sorted(said[-2:]) == both
    texts += said[-2:]
    say_in_turn(all_, texts, "after")
    heard = [json.loads(line) for line in all_.bot.heard[1:]]
    assert [text for _, _, text in heard] == [text for text in texts if not text.startswith("bot ")]
    assert [id for id, _, _ in heard] == sorted({id for id, _, _ in heard})
    assert history(server) == texts


def say_in_turn(all_: Group, texts: list[str], when: str) -> None:
    """Have each send a text, once all have seen the previous text."""
    ways: dict[str, Callable[[str], None]] = {
        "jane": all_.jane.says,
        "kim": all_.kim.says,
        "nick": lambda text: all_.nick.says(f"chat,{ROOM},{text}"),
        "nina": lambda text: all_.nina.says(f"chat,{ROOM},{text}"),
        "ira": all_.ira.types,
        "bot": all_.bot.says,
    }
    for name, way in ways.items():
        text = f"{name} {when}"
        texts.append(text)
        way(text)
        for page in (all_.jane, all_.kim):
            page.sees(*texts)
        all_.ira.shows(text)
        for other, person in (("nick", all_.nick), ("nina", all_.nina)):
            if name != other:
                person.hears(f"{name} in {ROOM} says {text}")
        if name != "bot":
            until(lambda text=text: json.loads(all_.bot.heard[-1])[-1] == text, f"the bot hears {text}")  # type: ignore[misc]


def history(server: Lasting) -> list[str]:
    """Return the room's messages as the server has stored them."""
    with server.person("clerk", ROOM) as clerk:
        clerk.says("hello,events", f"@1 history,{ROOM}")
        lines = []
        while not (line := clerk.hears()).startswith("@1 ok"):
            lines.append(line)
        return [line.split(",", 5)[5] for line in lines if line.startswith("@1 message,")]


def members(page: PageUser) -> list[str]:
    """Return the room's online members, as the page shows them."""
    shown = [one.text_content().strip() for one in page.page.query_selector_all("#members li")]
    return sorted(one.removesuffix(", online").removesuffix(" (you)") for one in shown)
