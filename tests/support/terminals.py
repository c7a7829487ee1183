"""Programs in terminals, run by tmux: type into them, and read their screens."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import PATIENCE, until


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, name: str, folder: Path, command: list[str], size: tuple[int, int] = (150, 60)) -> None:
        self._name, self._socket = name, str(folder / "tmux")
        variables = ["env", f"HOME={folder}", "LANG=C.UTF-8", "TZ=UTC", "TERM=screen-256color"]
        width, height = map(str, size)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, shlex.join(variables + command))

    def types(self, *lines: str) -> None:
        for line in lines:
            self._tmux("send-keys", "-l", line)
            self._tmux("send-keys", "Enter")

    def shows(self, text: str) -> None:
        """Wait until the screen shows this."""
        try:
            until(lambda: text in self.screen(), text)
        except AssertionError:
            screen = "\n".join(line for line in self.screen().split("\n") if line.strip(" │"))
            pytest.fail(f"{self._name} does not show {text!r} but\n{screen}")

    def screen(self, colours: bool = False) -> str:
        """Return the screen's text, on request with its colour sequences (ECMA-48, SGR)."""
        return self._tmux("capture-pane", "-p", *(["-e", "-N"] if colours else []))

    def end(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], check=False, capture_output=True)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", self._socket, *words], check=True, capture_output=True, timeout=PATIENCE)
        return done.stdout.decode()


def irssi(folder: Path, port: int, nick: str, password: str, tls: bool = False) -> list[str]:
    secure = 'use_tls = "yes"; tls_verify = "no";' if tls else ""
    sasl = f'sasl_mechanism = "PLAIN"; sasl_username = "{nick}"; sasl_password = "{password}";' if password else ""
    (folder / "config").write_text(
        f'servers = ( {{ address = "127.0.0.1"; chatnet = "here"; port = "{port}"; {secure} }} );\n'
        f'chatnets = {{ here = {{ type = "IRC"; nick = "{nick}"; {sasl} }}; }};\n'
        'settings = { "irc/core" = { cmd_queue_speed = "10msec"; }; };\n'
    )
    return ["irssi", f"--home={folder}", "-c", "here"]


def weechat(folder: Path, port: int, nick: str, password: str, tls: bool = False) -> list[str]:
    server = f"/server add here 127.0.0.1/{port} -{'tls -tls_verify=off' if tls else 'notls'} -nicks={nick}"
    if password:
        server += f" -sasl_mechanism=plain -sasl_username={nick} -sasl_password={password}"
    commands = ["/set irc.server_default.anti_flood_prio_high 0", server, "/connect here"]
    return ["weechat", "-d", str(folder), *(word for command in commands for word in ("-r", command))]


Command = Callable[..., list[str]]
"""Starts an IRC client, given its folder, a port, a nick, a password ("" for a guest), and True for TLS."""
Start = Callable[..., Terminal]


@contextmanager
def terminals(folder: Path, port: int) -> Iterator[Start]:
    """Yield `start(irssi, "jane")`, which starts an IRC client (a password is for an account) and waits for `shows`."""
    started: list[Terminal] = []

    def start(
        client: Command, nick: str, password: str = "", shows: str = "Welcome to twisted_chat", tls: bool = False
    ) -> Terminal:
        home = folder / f"{nick}{len(started)}"
        home.mkdir()
        command = client(home, port, nick, password, tls)
        for program in ("tmux", command[0]):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed")
        terminal = Terminal(f"{command[0]} of {nick}", home, command)
        started.append(terminal)
        terminal.shows(shows)
        return terminal

    try:
        yield start
    finally:
        for terminal in started:
            terminal.end()


def joins(terminal: Terminal, client: Command, room: str) -> None:
    """Join a room, and wait until the client has its topic and members."""
    terminal.types(f"/join {room}")
    terminal.shows(f"Join to {room} was synced" if client is irssi else f"Channel {room}:")
