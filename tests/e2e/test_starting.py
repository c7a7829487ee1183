"""The server as a program: how it is started, which signals it takes, and what it does where it cannot run."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from certificates import Certificates
from conftest import CHECKOUT, PATIENCE, TRANSPORTS, Person, listening_ports, reserved_port, script, until

PLACE = ("--listen", "tcp:0:interface=127.0.0.1")
TWISTD = (script("twistd"), "-n", "--pidfile=", "chat", *PLACE)
COMMANDS = {
    "twistd": TWISTD,
    "twisted-chat serve": (sys.executable, "-c", "from twisted_chat.cli import main; main()", "serve", *PLACE),
    "python -m twisted_chat": (sys.executable, "-m", "twisted_chat", "serve", *PLACE),
}


class Program:
    """A running server, with its output in a file."""

    def __init__(self, folder: Path, command: Sequence[str], **how: object) -> None:
        self._file = folder / "output"
        with self._file.open("wb") as output:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
                command, cwd=folder, **{"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **how}
            )

    @property
    def output(self) -> str:
        return self._file.read_text()

    def started(self) -> int:
        """Wait for the start-up line, and return the port."""
        until(lambda: "can hold" in self.output or self.process.poll() is not None, "it starts")
        assert self.process.poll() is None, self.output
        return listening_ports(self.output)[0]

    def person(self, port: int, name: str) -> Person:
        person = Person(socket.create_connection(("127.0.0.1", port), PATIENCE))
        person.asks(f"register,{name}", "ack")
        return person

    def ends(self) -> int:
        """Return its status."""
        try:
            return self.process.wait(PATIENCE)
        finally:
            assert "Traceback" not in self.output, self.output


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    programs: list[Program] = []

    def begin(*options: str, command: Sequence[str] = TWISTD, **how: object) -> Program:
        programs.append(Program(tmp_path, (*command, *options), **how))
        return programs[-1]

    yield begin
    for program in programs:
        program.process.kill()
        program.process.wait(PATIENCE)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_way_to_start_it_is_the_same_server(name: str, start: Start) -> None:
    assert f"`{name}" in (CHECKOUT / "README.md").read_text() + (CHECKOUT / "docs/operations.md").read_text()
    program = start(command=COMMANDS[name])
    port = program.started()
    with program.person(port, "jane") as jane:
        jane.asks("list,friends", "jane")
    assert (program._file.parent / "chat.sqlite3").exists()
    assert not (program._file.parent / "twistd.pid").exists()
    transports = "the reactor's transports" if "uvloop" not in program.output else "uvloop's transports"
    assert f"over {transports}" in program.output
    program.process.send_signal(signal.SIGTERM)
    assert program.ends() == -signal.SIGTERM


@pytest.mark.parametrize("name", COMMANDS)
def test_a_mistake_in_the_options_is_one_line(name: str, start: Start) -> None:
    for wrong in ("--nonsense", "--port=x", "--store=nonsense", "--url=nonsense", "--host=a/b"):
        program = start(wrong, command=COMMANDS[name])
        assert program.ends() in (1, 2)
        (line,) = program.output.splitlines()
        assert line.endswith("; see --help"), line


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP])
def test_without_a_terminal_no_signal_ends_it_without_a_word(number: signal.Signals, start: Start) -> None:
    program = start()
    port = program.started()
    with program.person(port, "jane") as jane:
        program.process.send_signal(number)
        until(lambda: number.name in program.output, "it says something about the signal")
        jane.asks("list,friends", "jane")
    assert program.process.poll() is None


def test_sighup_reads_the_certificate_again(start: Start, certificates: Certificates) -> None:
    program = start(*certificates.options)
    program.started()
    certificates.issue("new.example")
    program.process.send_signal(signal.SIGHUP)
    until(lambda: "reloaded the certificate" in program.output, "it is read")


def test_at_a_terminal_that_goes_away_the_server_stops_in_order(start: Start) -> None:
    ours, theirs = pty.openpty()
    program = start(stdin=theirs, start_new_session=True)
    os.close(theirs)
    port = program.started()
    with program.person(port, "jane") as jane:
        program.process.send_signal(signal.SIGHUP)
        os.close(ours)
        assert jane.hears().startswith("*** the server is shutting down")
    assert program.ends() == 0
    assert "the terminal is gone (SIGHUP)" in program.output


def test_nohup_goes_on(start: Start) -> None:
    program = start(command=("sh", "-c", 'trap "" HUP; exec "$@"', "sh", *TWISTD))
    port = program.started()
    program.process.send_signal(signal.SIGHUP)
    with program.person(port, "jane") as jane:
        jane.asks("list,friends", "jane")


def test_a_second_ctrl_c_waits_for_no_client(start: Start) -> None:
    program = start()
    port = program.started()
    with program.person(port, "jane") as jane, program.person(port, "zak") as zak:
        jane.socket.settimeout(None)
        for _ in range(800):  # more than the kernel holds, for a client that reads nothing
            zak.says("chat,jane," + "x" * 16_000)
        zak.asks("ping,1", "pong,1")
        for _ in range(3):
            program.process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert program.ends() == -signal.SIGINT
    assert "told to stop again" in program.output


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-", ">/dev/full", ">/dev/full 2>/dev/full"])
def test_it_runs_with_a_closed_or_full_standard_output(closed: str, start: Start, tmp_path: Path) -> None:
    port = reserved_port()
    listening = ("--listen", f"tcp:{port}:interface=127.0.0.1")
    program = start(*listening, command=("sh", "-c", f'exec "$@" {closed}', "sh", *TWISTD[:4]))
    until(lambda: _reaches(port) or program.process.poll() is not None, "it listens")
    with program.person(port, "jane") as jane:
        jane.asks("list,friends", "jane")
    program.process.send_signal(signal.SIGTERM)
    assert program.ends() == -signal.SIGTERM


def _reaches(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_with_too_few_descriptors_it_ends_with_one_line(start: Start) -> None:
    program = start(command=("sh", "-c", 'ulimit -n 40; exec "$@"', "sh", *TWISTD), stdout=subprocess.DEVNULL)
    assert program.ends() == 1
    (line,) = program.output.splitlines()
    assert line.startswith("twisted_chat: the server needs more than")
    assert "ulimit -n" in line


def test_a_command_whose_output_cannot_be_written_ends_with_one_line(start: Start) -> None:
    command = (sys.executable, "-m", "twisted_chat")
    for words in (("--version",), ("--help",), ("simulate", "--help")):
        done = start(*words, command=("sh", "-c", 'exec "$@" >/dev/full', "sh", *command))
        assert done.ends() == 1
        assert done.output == "twisted-chat: cannot write the output: No space left on device\n"
        done = start(*words, command=("sh", "-c", 'exec "$@" >&-', "sh", *command))
        assert done.ends() == 0


@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("kind", ["several", "unix", "tls"])
def test_a_server_waits_for_the_ports_of_the_one_that_stops(
    kind: str, transports: str, start: Start, tmp_path: Path
) -> None:
    port, path = reserved_port(), tmp_path / "chat.sock"
    where = f"tcp:{port}:interface=127.0.0.1"
    options = {
        "several": ("--listen", "tcp:0:interface=127.0.0.1", "--listen", where),
        "unix": ("--listen", f"unix:{path}"),
        "tls": ("--listen", where),
    }[kind]
    if kind == "tls":
        options = (*options, *Certificates(tmp_path).options)
    command = (*TWISTD[:4], "--transports", transports, "--store", "memory", *options)
    before = start(command=command)
    until(lambda: "can hold" in before.output, "it starts")
    before.process.send_signal(signal.SIGSTOP)  # it has not come round to stopping yet
    (tmp_path / "second").mkdir()
    after = Program(tmp_path / "second", command)
    try:
        until(lambda: "waiting for another program" in after.output, "the new server waits")
        before.process.send_signal(signal.SIGTERM)
        before.process.send_signal(signal.SIGCONT)
        until(lambda: "can hold" in after.output or after.process.poll() is not None, "the new server starts")
        assert after.process.poll() is None, after.output
        assert after.output.count("waiting for another program") == 1
    finally:
        after.process.kill()
        after.process.wait(PATIENCE)


def test_a_socket_of_a_server_that_was_killed_is_replaced_whatever_its_lock_says(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "chat.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    (tmp_path / "chat.sock.lock").symlink_to(str(os.getpid()))  # in a container it would be 1, as that of the new one
    server = start(command=(*TWISTD[:4], "--store", "memory", "--listen", f"unix:{path}"))
    until(lambda: "can hold" in server.output or server.process.poll() is not None, "it starts")
    assert server.process.poll() is None, server.output


def test_ctrl_c_while_a_start_waits_is_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start(command=(*TWISTD[:4], "--store", "memory", "--listen", f"tcp:{port}:interface=127.0.0.1"))
        until(lambda: "waiting for another program" in server.output, "it waits")
        server.process.send_signal(signal.SIGINT)
        assert server.ends() == 1
    assert server.output.splitlines()[-1] == "twisted_chat: told to stop before the start was over"
