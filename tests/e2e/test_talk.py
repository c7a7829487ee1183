"""`twisted-chat talk` in terminals and `twisted-chat send` from scripts, with the real server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import trustme
from conftest import PATIENCE, Person, Serve, Server, reserved_port, script, until
from terminals import Terminal

Talk = Callable[..., Terminal]


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    """Start `twisted-chat talk` in a terminal and wait for its sign-in: `talk(server, "jane", "#tea")`.

    With `password=` it signs in to an account.
    """
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    pytest.importorskip("prompt_toolkit")
    terminals: list[Terminal] = []

    def talk(server: Server, name: str, *where: str, password: str = "", term: str = "screen-256color") -> Terminal:
        folder = tmp_path / f"{name}{len(terminals)}"
        folder.mkdir()
        command = ["env", f"TERM={term}", f"TWISTED_CHAT_PASSWORD={password}", script("twisted-chat"), "talk"]
        guest = [] if password else ["--guest"]
        terminal = Terminal(f"talk of {name}", folder, [*command, *guest, f"{name}@localhost:{server.port}", *where])
        terminals.append(terminal)
        terminal.shows(f"you are {name}")
        return terminal

    yield talk
    for terminal in terminals:
        terminal.end()


def test_two_people_chat_and_continue_after_a_restart_of_the_server(serve: Serve, talk: Talk, tmp_path: Path) -> None:
    port = reserved_port()
    options = ("--store", f"sqlite:{tmp_path}/chat.sqlite3")
    server = serve(*options, port=port)
    jane = talk(server, "jane", "#tea")
    kim = talk(server, "kim", "#tea", password="correct horse")
    jane.shows("kim has joined")
    jane.types("good morning")
    kim.shows("jane (guest): good morning")
    kim.types("/me nods", "/msg jane psst")
    jane.shows("* kim nods")
    jane.shows("2 kim(1!)")
    jane.types("/to kim")
    jane.shows("kim: psst")
    jane.types("/to #tea")
    server.stop()
    kim.shows("the connection is lost")
    kim.types("said while it is down")
    kim.shows("… said while it is down")
    again = serve(*options, port=port)
    jane.shows("connected again, as a guest")
    jane.shows("kim: said while it is down")
    kim.shows("connected again")
    jane.types("there you are")
    kim.shows("jane (guest): there you are")
    assert len(re.findall("said while it is down", jane.screen() + kim.screen())) == 2
    for terminal in (jane, kim):
        terminal.types("/quit")
    with again.person("zak") as zak:
        until(lambda: not {"jane", "kim"} & friends(zak), "both users have left")


def friends(person: Person) -> set[str]:
    """Return the names of all users who are online."""
    person.says("list,friends")
    return set(person.hears().split(","))


@pytest.mark.parametrize("term", ["dumb", "vt100"])
def test_a_simple_terminal_is_enough(server: Server, talk: Talk, term: str) -> None:
    with server.person(f"zak-{term}") as zak:
        jane = talk(server, f"jane-{term}", f"zak-{term}", term=term)
        jane.types("hello")
        assert zak.hears() == f"jane-{term} says hello"
        zak.says(f"chat,jane-{term},hello yourself")
        jane.shows(f"zak-{term}: hello yourself")
        jane.types("/quit")
        until(lambda: f"jane-{term}" not in friends(zak), "the program has ended")


def run(*arguments: str, said: str = "", env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run `twisted-chat`; return its exit status and its standard error."""
    ended = subprocess.run(
        [script("twisted-chat"), *arguments],
        input=said,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def test_talk_without_a_terminal_names_the_command_for_scripts() -> None:
    status, told = run("talk", "jane@localhost:8000")
    assert status == 1
    assert told == "twisted-chat: talk needs a terminal; a script can use: twisted-chat send NAME TEXT\n"


def test_a_script_sends_messages_and_its_exit_status_says_whether_they_arrived(server: Server, tmp_path: Path) -> None:
    where = ("--server", f"localhost:{server.port}")
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    with server.person("zak") as zak:
        assert run("send", *where, "--as", "cron", "zak", "the", "backup", "is", "done") == (0, "")
        assert zak.hears() == "cron says the backup is done"
        assert run("send", *where, "--as", "cron", "zak", said="one\ntwo\n") == (0, "")
        assert zak.hears() == "cron says one\\ntwo"
        assert run("send", *where, "--as", "cron", "--lines", "zak", said="one\n\ntwo") == (0, "")
        assert [zak.hears(), zak.hears()] == ["cron says one", "cron says two"]
        zak.asks("join,#ops", "ack")
        env = {"TWISTED_CHAT": f"cron@localhost:{server.port}"}
        assert run("send", "#ops", "it rains", env=env) == (0, "")
        assert zak.hears() == "cron in #ops says it rains"
        account = ("--as", "robot", "--password-file", str(secret))
        assert run("send", *where, *account, "zak", "beep") == (0, "")
        assert zak.hears() == "robot says beep"
        wrong = {"TWISTED_CHAT_PASSWORD": "battery staple"}
        status, told = run("send", *where, "--as", "robot", "zak", "beep", env=wrong)
        assert (status, "wrong password for robot" in told, told.count("\n")) == (1, True, 1), told
        assert run("send", *where, "max", "hi") == (1, "twisted-chat: no user named max\n")
        zak.hears_nothing()


def test_a_server_that_does_not_listen_or_does_not_answer() -> None:
    port = reserved_port()
    reason = "no server listens there; check the host and the port"
    again = f"twisted-chat: localhost:{port} is not available; trying again for 10 s\n"
    told = f"twisted-chat: cannot connect to localhost:{port}: {reason}\n"
    assert run("send", "--port", str(port), "zak", "hi") == (1, again + told)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        where = f"127.0.0.1:{deaf.getsockname()[1]}"
        told = f"twisted-chat: {where} did not answer in time; check the host and the port, or try again later\n"
        assert run("send", "--server", where, "--timeout", "0.5", "zak", "hi") == (1, told)


def test_send_over_tls_checks_the_certificate(serve: Serve, tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("localhost")
    chain, key, ca = (tmp_path / name for name in ("chain.pem", "key.pem", "ca.pem"))
    key.touch(mode=0o600)
    key.write_bytes(made.private_key_pem.bytes())
    chain.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    authority.cert_pem.write_to_path(ca)
    server = serve("--tls-cert", str(chain), "--tls-key", str(key))
    with server.person("zak") as zak:
        there = ("--server", f"cron@localhost:{server.port}")
        assert run("send", *there, "--tls", "--ca", str(ca), "zak", "in private") == (0, "")
        assert zak.hears() == "cron says in private"
        status, told = run("send", *there, "--tls", "zak", "hi")
        assert (status, "is not signed by a trusted authority" in told) == (1, True), told
        status, told = run("send", "--server", f"127.0.0.1:{server.port}", "--ca", str(ca), "zak", "hi")
        assert (status, "is not valid for 127.0.0.1" in told) == (1, True), told
