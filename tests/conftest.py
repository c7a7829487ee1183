"""The end-to-end tests' fixtures: the real server as a process of its own, and clients that talk to it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from certificates import Certificates

PATIENCE = 20.0
"""Seconds after which a wait fails."""

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it, and so would the processes that the tests start

TRANSPORTS = ["loop", "reactor"]
"""The transports that a server may use; both must behave the same."""

CHECKOUT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the checker of random histories."""
    parser.addoption("--secs", type=float, default=25.0, help="seconds for random histories (test_checker)")
    parser.addoption("--seed", type=int, default=1, help="the first history's seed (test_checker)")


def script(name: str) -> str:
    """Return the path of a console script of the Python that runs the tests."""
    path = Path(sysconfig.get_path("scripts"), name)
    found = str(path) if path.exists() else shutil.which(name)
    assert found, f"{name} is not installed"
    return found


_reserved: list[socket.socket] = []
"""Sockets that hold ports for as long as the tests run."""


def reserved_port() -> int:
    """Return a TCP port at which nothing listens, and which the system gives to no other program.

    For what must know a port before there is a server, or come back at the same one; all other servers
    choose theirs. The port is held by a socket that is bound to it and does not listen. On Linux a server may
    listen there all the same, if both set SO_REUSEADDR, as Twisted does.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    if sys.platform == "linux":
        _reserved.append(holder)
    else:
        holder.close()  # elsewhere a second socket may not be bound to it
    return port


def listening_ports(log: str) -> list[int]:
    """Return the TCP ports of a server, in the order of its endpoints, from the start-up line of its log."""
    line = re.search(r"^.*listens at.*\n", log, re.MULTILINE)
    return [] if line is None else [int(port) for port in re.findall(r"(?:tcp6?|ssl):(\d+)", line[0])]


def until(happened: Callable[[], bool], what: str) -> None:
    """Wait until the condition is true; fail after a time, naming the condition."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


def answers(port: int) -> bool:
    """Return True if a process listens on this port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A running `twistd -n chat` in a folder of its own; `options` are those of chat, `twistd` those of twistd.

    `ports` are those that its start-up line names; `port` is the first of them.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        twistd: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = (),
    ) -> None:
        self.folder, self._told, self._killed = folder, False, False
        self.log_file = folder / "server.log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*(program or [script("twistd")]), "-n", *twistd, "chat", *options],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONFAULTHANDLER": "1", **(env or {})},
            )
        until(lambda: "can hold" in self.log or self.process.poll() is not None, f"the start-up line in\n{self.log}")
        assert self.process.poll() is None, self.log
        self.ports = listening_ports(self.log)
        self.port = self.ports[0] if self.ports else 0

    @property
    def log(self) -> str:
        """Return the server's log so far."""
        return self.log_file.read_text()

    def person(self, name: str | None = None, *, host: str = "127.0.0.1") -> Person:
        """Return a new client, registered if there is a `name`."""
        person = Person(socket.create_connection((host, self.port), PATIENCE))
        if name is not None:
            person.asks(f"register,{name}", "ack")
        return person

    def program(self, name: str) -> Person:
        """Return the same kind of client in the events dialect."""
        program = self.person(name)
        program.says("hello,events")
        assert program.hears().startswith("info,twisted_chat,")
        return program

    def sockets(self) -> int:
        """Return the number of sockets that the process has open."""
        descriptors = Path(f"/proc/{self.process.pid}/fd")
        found = 0
        for descriptor in descriptors.iterdir():
            with suppress(FileNotFoundError):  # it is closed meanwhile
                found += os.readlink(descriptor).startswith("socket:")
        return found

    def resident(self) -> int:
        """Return the bytes of memory that the process has in use."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def tell_to_stop(self) -> None:
        """Send the process SIGTERM, once."""
        if not self._told and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self._told = True

    def kill(self) -> None:
        """Kill the process, as a power cut would."""
        self._killed = True
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        """Stop the process as an operator would; fail if it logged an error or ended with one."""
        if self._killed:
            return
        self.tell_to_stop()
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        log = self.log
        assert "Traceback" not in log, log
        assert status == -signal.SIGTERM, log  # as twistd ends: by the signal, after all is done


class Lasting:
    """A server that can be killed and started again with the same `options`, port and files."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder, self.port = folder, reserved_port()
        self._options = ("--listen", f"tcp:{self.port}:interface=127.0.0.1", *options)
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        """Start the server, for the first time or again."""
        self.server = Server(self._folder, *self._options)

    def kill(self) -> None:
        """Kill the process, as a power cut would."""
        self.server.kill()

    def stop(self) -> None:
        """Stop the server as an operator would; fail if it logged an error."""
        self.server.stop()

    def person(self, name: str, *rooms: str) -> Person:
        """Return a registered client in the plain dialect that has joined these rooms."""
        person = self.server.person(name)
        for room in rooms:
            person.asks(f"join,{room}", "ack")
        return person


def refused_to_start(folder: Path, *options: str) -> str:
    """Start a server that cannot start, and return the one line that it prints."""
    command = [script("twistd"), "-n", "--pidfile=other.pid", "chat", "--listen", "tcp:0:interface=127.0.0.1", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


class Person:
    """A client that reads and writes lines on a blocking socket."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self.socket = connection
        self._heard = b""

    def sends(self, data: bytes) -> None:
        """Send these bytes unchanged."""
        self.socket.sendall(data)

    def says(self, *lines: str) -> None:
        """Send lines."""
        self.sends("".join(line + "\n" for line in lines).encode())

    def hears(self) -> str:
        """Return the next line without its ending; fail at the end of input."""
        while b"\n" not in self._heard:
            read = self.socket.recv(65536)
            assert read, f"the server hung up after {self._heard!r}"
            self._heard += read
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def asks(self, line: str, answer: str) -> None:
        """Send a line; the next line must be this answer."""
        self.says(line)
        heard = self.hears()
        assert heard == answer, f"{line!r} was answered {heard!r}"

    def hears_nothing(self) -> None:
        """Check that no line has arrived so far."""
        self.asks("ping,nothing-before-this", "pong,nothing-before-this")

    def hears_the_end(self) -> bytes:
        """Return all bytes up to the end of input."""
        while read := self.socket.recv(65536):
            self._heard += read
        heard, self._heard = self._heard, b""
        return heard

    def hangs_up(self) -> None:
        """Close the connection without a quit."""
        self.socket.close()

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.hangs_up()


Serve = Callable[..., Server]


@pytest.fixture(params=TRANSPORTS)
def serve(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Return `serve(*options, port=…)`, which starts a server at a port of its choice; for each kind of transports."""
    servers: list[Server] = []

    def start(
        *options: str,
        port: int | None = 0,
        twistd: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> Server:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        if port is not None:
            options = ("--listen", f"tcp:{port}:interface=127.0.0.1", *options)
        if not any(option.startswith("--reactor") for option in twistd):
            options = ("--transports", request.param, *options)
        server = Server(folder, *options, twistd=twistd, env=env)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module", params=TRANSPORTS)
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Return one server for a module's tests, on each kind of transports; each test uses its own names and hangs up."""
    options = ("--transports", request.param, "--listen", "tcp:0:interface=127.0.0.1")
    server = Server(tmp_path_factory.mktemp("server"), *options)
    yield server
    server.stop()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Return the certificates for `chat.example`."""
    from certificates import Certificates  # which imports this module

    return Certificates(tmp_path)
