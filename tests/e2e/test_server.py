"""The server as its operator and its people meet it: how it starts, listens, serves and stops."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PATIENCE, Person, Serve, Server, answers, listening_ports, script, until

AS_SYSTEMD = """
import os, sys
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="chat.socket")
os.dup2(int(sys.argv[1]), 3)
os.execv(sys.argv[2], sys.argv[2:])
"""


def twistd(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run twistd to its end."""
    return subprocess.run(
        [script("twistd"), *arguments], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


class Netcat:
    """A person at `nc`."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            ["nc", "127.0.0.1", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._process.stdin
        assert self._process.stdout
        self._in, self._out = self._process.stdin, self._process.stdout

    def types(self, line: str) -> None:
        self._in.write(line + "\n")

    def sees(self) -> str:
        return self._out.readline().rstrip("\n")

    def leaves(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._in.close()
        self._out.close()


@pytest.fixture
def people(serve: Serve) -> Iterator[tuple[Netcat, Netcat]]:
    if shutil.which("nc") is None and not os.environ.get("CI"):
        pytest.skip("there is no nc on this machine")
    port = serve().port
    jane, zak = Netcat(port), Netcat(port)
    yield jane, zak
    jane.leaves()
    zak.leaves()


class TestPeople:
    def test_two_people_talk_through_nc(self, people: tuple[Netcat, Netcat]) -> None:
        jane, zak = people
        jane.types("good morning")
        assert jane.sees() == "error,bad-command,unknown command good morning; help lists all commands"
        assert jane.sees() == "*** register,<name> takes a name; help lists all commands"
        jane.types("chat,zak,are you there?")
        assert jane.sees() == "error,not-registered,you have no name yet; register,<name> takes one"
        jane.types("register,jane")
        assert jane.sees() == "ack"
        zak.types("register,JANE")
        assert zak.sees() == "error,name-taken,the name JANE is taken; choose another name"
        zak.types("register,zak")
        assert zak.sees() == "ack"
        zak.types("list,friends")
        assert zak.sees() == "jane,zak"
        zak.types("chat,jane")
        assert jane.sees() == "zak says hi"
        jane.types("chat,zak,tea, or coffee?")
        assert zak.sees() == "jane says tea, or coffee?"
        zak.types("quit")
        assert zak.sees() == "bye"
        jane.types("list,friends")
        assert jane.sees() == "jane"

    def test_a_name_is_free_again_when_its_client_quits_hangs_up_or_drops(self, serve: Serve) -> None:
        server = serve()
        quitting, hanging_up, dropping = server.person("quinn"), server.person("hank"), server.person("drew")
        quitting.asks("quit", "bye")
        assert quitting.hears_the_end() == b""
        hanging_up.hangs_up()
        dropping.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        dropping.hangs_up()  # with a reset
        with server.person("watcher") as watcher:

            def alone() -> bool:
                watcher.says("list,friends")
                return watcher.hears() == "watcher"

            until(alone, "the others are gone from the list")
            for name in ("quinn", "hank", "drew"):
                watcher.asks(
                    f"chat,{name}", f"error,no-such-user,no user named {name}; list,friends shows who is online"
                )

    def test_what_was_read_before_the_end_of_input_is_answered(self, serve: Serve) -> None:
        server = serve()
        with server.person("ende") as half_open, server.person("elsa") as elsa:
            half_open.says("list,friends", "join,#end", "chat,elsa,my last words", "topic,#end,closing", "topic,#end")
            half_open.socket.shutdown(socket.SHUT_WR)
            assert half_open.hears_the_end() == b'elsa,ende\nack\nack\n*** the topic of #end is: "closing"\n'
            assert elsa.hears() == "ende says my last words"
            elsa.asks("list,friends", "elsa")

    def test_a_last_line_without_an_ending_is_not_carried_out(self, server: Server) -> None:
        with server.person("uma") as uma, server.person("vic") as vic:
            uma.sends(b"chat,vic,I owe you 10")
            uma.socket.shutdown(socket.SHUT_WR)
            assert uma.hears_the_end() == (
                b"error,bad-command,the last line has no line ending, so it was not carried out;"
                b" end it with a line feed\n"
                b"*** register,<name> takes a name; help lists all commands\n"
            )
            vic.hears_nothing()

    def test_line_endings_are_the_clients(self, server: Server) -> None:
        with server.person() as telnet:
            telnet.sends(b"register,tel\r\nping,1\r\n")
            assert (telnet.hears(), telnet.hears()) == ("ack\r", "pong,1\r")

    def test_registering_with_a_password_makes_an_account_that_no_other_gets(self, server: Server) -> None:
        with server.person() as person, server.person() as other:
            person.asks("@1 register,paula,blue stone 7", "@1 ok,paula,new")
            other.says("register,Paula", "register,paula,guess")
            assert other.hears().startswith("error,name-taken,")
            assert other.hears().startswith("error,wrong-password,")
            other.asks("@1 register,Paula,blue stone 7", "@1 ok,paula,known")
        assert "blue stone" not in server.log


class TestStarting:
    def test_it_says_where_it_listens_and_how_many_it_can_hold(self, server: Server) -> None:
        line = re.search(r"twisted_chat \S+ listens at tcp:(\d+)\S* over .* and can hold (\d+) connections", server.log)
        assert line
        assert int(line[1]) == server.port
        assert int(line[2]) > 0

    def test_it_raises_the_limit_of_descriptors(self, serve: Serve) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limits = Path(f"/proc/{serve().process.pid}/limits").read_text()
        assert re.search(rf"Max open files +{hard} +{hard} ", limits)

    def test_listen_replaces_the_default_port_and_may_be_repeated(self, serve: Serve) -> None:
        server = serve("--listen", "tcp:0:interface=127.0.0.1")
        assert ":8000" not in server.log
        _, second = server.ports
        jane, server.port = server.person("jane"), second
        with jane, server.person("zak") as zak:
            zak.says("chat,jane")
            assert jane.hears() == "zak says hi"

    def test_a_port_beside_listen_is_one_more_place(self, serve: Serve) -> None:
        one, two = serve("--port", "0").ports
        assert answers(one)
        assert answers(two)

    def test_a_unix_socket_is_a_door_too(self, serve: Serve, tmp_path: Path) -> None:
        path = tmp_path / "chat.sock"
        server = serve("--listen", f"unix:{path}", port=None)
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(path))
        with Person(connection) as person:
            person.asks("register,jane", "ack")
            person.asks("list,friends", "jane")
        server.stop()
        assert not path.exists()

    def test_systemd_may_open_the_socket(self, tmp_path: Path) -> None:
        log, chat = tmp_path / "log", [script("twistd"), "-n", "chat", "--listen", "systemd:domain=INET:index=0"]
        with socket.create_server(("127.0.0.1", 0)) as opened, log.open("wb") as out:
            port = opened.getsockname()[1]
            process = subprocess.Popen(
                [sys.executable, "-c", AS_SYSTEMD, str(opened.fileno()), *chat],
                pass_fds=[opened.fileno()],
                cwd=tmp_path,
                stdout=out,
                stderr=out,
            )
        try:
            with Person(socket.create_connection(("127.0.0.1", port), PATIENCE)) as person:
                person.asks("register,jane", "ack")
        finally:
            process.terminate()
            process.wait(PATIENCE)
        assert "Traceback" not in log.read_text(), log.read_text()

    def test_help_says_how_to_start(self, tmp_path: Path) -> None:
        shown = twistd(tmp_path, "chat", "--help")
        assert shown.returncode == 0
        assert "--port=" in shown.stdout
        assert "--listen=" in shown.stdout
        assert "nc localhost 8000" in shown.stdout
        assert not re.search(r"\S {3,}unix:", shown.stdout), "the description of --listen is torn"

    def test_twistd_lists_it(self, tmp_path: Path) -> None:
        assert re.search(r"^ +chat +\S", twistd(tmp_path, "--help").stdout, re.MULTILINE)

    @pytest.mark.parametrize(
        ("option", "value", "right"),
        [
            ("--port", "eighty", "a number from 0 to 65535, not 'eighty'"),
            ("--port", "65536", "a number from 0 to 65535, not '65536'"),
            ("--port", "-1", "a number from 0 to 65535, not '-1'"),
            ("--listen", "8000", "an endpoint such as tcp:8000:interface=127.0.0.1, not '8000'"),
            ("--listen", "tcp:eighty", "an endpoint such as tcp:8000:interface=127.0.0.1, not 'tcp:eighty'"),
            ("--listen", "pigeon:8000", "an endpoint such as tcp:8000:interface=127.0.0.1, not 'pigeon:8000'"),
            ("--listen", "", "an endpoint such as tcp:8000:interface=127.0.0.1, not ''"),
        ],
    )
    def test_a_wrong_option_gets_an_error_that_says_what_is_right(
        self, tmp_path: Path, option: str, value: str, right: str
    ) -> None:
        ended = twistd(tmp_path, "-n", "chat", f"{option}={value}")
        assert ended.returncode == 1
        said = ended.stdout + ended.stderr
        assert right in said.splitlines()[-1]
        assert "Traceback" not in said

    def test_a_taken_port_is_one_line(self, server: Server, tmp_path: Path) -> None:
        ended = twistd(tmp_path, "-n", "chat", "--listen", f"tcp:{server.port}:interface=127.0.0.1")
        assert ended.returncode == 1
        (line,) = ended.stderr.splitlines()
        assert line.startswith(f"twisted_chat: cannot listen at tcp:{server.port}")
        assert "already in use" in line
        assert "Traceback" not in ended.stdout
        assert not list(tmp_path.iterdir())

    def test_one_taken_port_of_two_ends_the_start(self, server: Server, tmp_path: Path) -> None:
        taken = f"tcp:{server.port}:interface=127.0.0.1"
        ended = twistd(tmp_path, "-n", "chat", "--listen", "tcp:0:interface=127.0.0.1", "--listen", taken)
        assert ended.returncode == 1
        (line,) = ended.stderr.splitlines()
        assert line.startswith(f"twisted_chat: cannot listen at {taken}")

    def test_a_taken_port_is_one_line_in_the_log_of_a_daemon(self, server: Server, tmp_path: Path) -> None:
        ended = twistd(tmp_path, "chat", "--listen", f"tcp:{server.port}:interface=127.0.0.1")
        assert ended.returncode == 1
        log = (tmp_path / "twistd.log").read_text()
        assert f"cannot listen at tcp:{server.port}" in log
        assert "Traceback" not in log + ended.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["twistd.log"]

    def test_one_connection_too_many_gets_an_error(self, tmp_path: Path) -> None:
        limited = f'ulimit -n 70 && exec "{script("twistd")}" -n chat --listen tcp:0:interface=127.0.0.1'
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(["sh", "-c", limited], cwd=tmp_path, stdout=log, stderr=log)
        try:
            until(lambda: "can hold 6 connections" in (tmp_path / "log").read_text(), "the start-up line")
            (port,) = listening_ports((tmp_path / "log").read_text())
            crowd = [Person(socket.create_connection(("127.0.0.1", port))) for _ in range(6)]
            crowd[-1].asks("register,sixth", "ack")
            seventh = Person(socket.create_connection(("127.0.0.1", port)))
            assert seventh.hears_the_end() == b"error,unavailable,the server is full; try again later\n"
            for person in crowd:
                person.hangs_up()
            seventh.hangs_up()
        finally:
            process.terminate()
            process.wait(PATIENCE)
        assert "Traceback" not in (tmp_path / "log").read_text()


class TestStopping:
    def test_each_client_is_told_in_its_dialect(self, serve: Serve) -> None:
        server = serve()
        plain, program, lesson = server.person("plain"), server.program("program"), server.person()
        lesson.sends(b"register,lesson")
        assert lesson.socket.recv(100) == b"ack"
        server.tell_to_stop()
        assert plain.hears_the_end() == b"*** the server is shutting down; come back in a while\n"
        assert program.hears_the_end() == b"server,shutdown,the server is shutting down; come back in a while\n"
        assert lesson.hears_the_end() == b""
        server.stop()
        assert not (server.folder / "twistd.pid").exists()

    def test_queued_messages_are_sent_first(self, serve: Serve) -> None:
        server = serve()
        texts = [f"{number:04} {'.' * 1000}" for number in range(200)]
        with server.person("slow") as slow, server.person("zak") as zak:
            zak.says(*(f"chat,slow,{text}" for text in texts))
            zak.hears_nothing()
            server.tell_to_stop()
            until(lambda: not answers(server.port), "nobody is let in any more")
            expected = "".join(f"zak says {text}\n" for text in texts)
            assert slow.hears_the_end().decode() == expected + "*** the server is shutting down; come back in a while\n"

    def test_a_client_that_does_not_read_does_not_delay_the_stop(self, serve: Serve) -> None:
        server = serve()
        with server.person("deaf"), server.person("zak") as zak:
            for _ in range(25):  # below the bytes that a person may store at once
                zak.says(*["chat,deaf," + "." * 10_000] * 100)
                zak.hears_nothing()
            server.stop()

    def test_a_silent_connection_does_not_delay_the_stop(self, serve: Serve) -> None:
        server = serve()
        with server.person():
            server.stop()


def test_a_daemon_has_a_pidfile_and_a_log_and_goes_at_sigterm(tmp_path: Path) -> None:
    started = twistd(tmp_path, "chat", "--listen", "tcp:0:interface=127.0.0.1")
    assert (started.returncode, started.stderr) == (0, "")
    log, pidfile = tmp_path / "twistd.log", tmp_path / "twistd.pid"
    until(lambda: log.exists() and "can hold" in log.read_text(), "the start-up line")
    (port,) = listening_ports(log.read_text())
    pid = int(pidfile.read_text())
    try:
        with Person(socket.create_connection(("127.0.0.1", port), PATIENCE)) as person:
            person.asks("register,jane", "ack")
            os.kill(pid, signal.SIGTERM)
            assert person.hears_the_end() == b"*** the server is shutting down; come back in a while\n"
        until(lambda: not pidfile.exists(), "the pidfile is gone")
        until(lambda: not Path(f"/proc/{pid}").exists(), "the process is gone")
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    assert "Server Shut Down" in log.read_text()
    assert "Traceback" not in log.read_text()
