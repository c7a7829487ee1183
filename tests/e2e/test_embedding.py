"""The protocol, the factory and the client in other programs: those of examples/, and this one."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import CHECKOUT, PATIENCE, Person, Serve, answers, reserved_port, until
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.endpoints import clientFromString, serverFromString

from twisted_chat import ChatClient, ChatFactory, Hub, MemoryLog

Run = Callable[[str, int], subprocess.Popen[str]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Run an example at another port than 8000."""
    running: list[subprocess.Popen[str]] = []

    def start(name: str, port: int) -> subprocess.Popen[str]:
        program = tmp_path / name
        program.write_text(
            (CHECKOUT / "examples" / name).read_text().replace("8000", str(port)).replace("8080", str(port))
        )
        process = subprocess.Popen(
            [sys.executable, program], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.terminate()
            output, _ = process.communicate(timeout=PATIENCE)
            assert not output


def connect(port: int) -> Person:
    until(lambda: answers(port), "the program listens")
    return Person(socket.create_connection(("127.0.0.1", port), PATIENCE))


def test_a_short_program_serves_chat(run: Run) -> None:
    port = reserved_port()
    run("serve.py", port)
    with connect(port) as jane:
        jane.asks("register,jane", "ack")
        jane.asks("chat,jane", "jane says hi")


def test_a_subclass_adds_a_verb(run: Run) -> None:
    port = reserved_port()
    run("dice.py", port)
    with connect(port) as jane, connect(port) as zak:
        jane.says("roll,zak")
        assert jane.hears().startswith("error,not-registered,")
        jane.asks("register,jane", "ack")
        zak.asks("register,zak", "ack")
        jane.says("roll")
        refused = jane.hears()
        assert refused.startswith("error,bad-command,")
        assert refused.endswith("roll,<name or #room>")
        assert "register,<name>" in jane.hears()
        jane.asks("@r roll,zak", "@r ok,1")
        assert re.fullmatch(r"\* jane rolls a [1-6]", zak.hears())
        zak.says("help,roll")
        assert zak.hears() == "roll,<name or #room>  throw a die for all to see"
        jane.asks("chat,jane", "jane says hi")


def test_a_bot_reconnects_when_the_server_is_back(run: Run, serve: Serve, tmp_path: Path) -> None:
    store = ("--store", f"sqlite:{tmp_path / 'chat.sqlite3'}")
    server = serve(*store, port=reserved_port())
    run("bot.py", server.port)
    with server.person("jane") as jane:
        until(lambda: _online(jane, "echo"), "the bot has registered")
        jane.asks("chat,echo,one, two", "echo says you said one, two")
        jane.asks("chat,echo", "echo says you said hi")
    server.stop()
    server = serve(*store, port=server.port)
    with server.person("jane") as jane:
        jane.says("chat,echo,welcome back")
        heard = jane.hears()
        if heard.startswith("*** echo "):  # the bot has not reconnected yet, and will read the message then
            heard = jane.hears()
        assert heard == "echo says you said welcome back"


def test_a_bot_that_is_killed_answers_each_message_once(run: Run, serve: Serve) -> None:
    server = serve(port=reserved_port())
    bot = run("bot.py", server.port)
    with server.person("jane") as jane:
        until(lambda: _online(jane, "echo"), "the bot has registered")
        jane.socket.settimeout(5 * PATIENCE)  # the bot is started six times
        for number in range(5):
            jane.says(*(f"chat,echo,{number}.{part}" for part in range(20)))
            bot.kill()
            bot.communicate(timeout=PATIENCE)
            jane.says(f"chat,echo,{number}.away")
            bot = run("bot.py", server.port)
        said = [f"{number}.{part}" for number in range(5) for part in (*range(20), "away")]
        heard: list[str] = []
        while len(heard) < len(said):
            line = jane.hears()
            if not line.startswith("*** echo "):
                heard.append(line.removeprefix("echo says you said "))
        assert heard == said
        jane.asks("chat,echo,end", "echo says you said end")


def _online(person: Person, name: str) -> bool:
    person.says("list,friends")
    return name in person.hears().split(",")


def test_a_bot_that_is_over_for_good_says_why_and_fails(run: Run, serve: Serve) -> None:
    server = serve(port=reserved_port())
    first = run("bot.py", server.port)
    with server.person("jane") as jane:
        until(lambda: _online(jane, "echo"), "the bot has registered")
        run("bot.py", server.port)
        output, _ = first.communicate(timeout=PATIENCE)
        assert first.returncode == 1
        assert output == (
            "echo: the server ended the connection: the same client has connected again, so this connection ends\n"
        )
        jane.says("chat,echo")
        until(lambda: "echo says you said hi" in jane.hears(), "the second one answers")


def test_a_bot_without_a_server_says_so_and_fails(run: Run) -> None:
    for name in ("bot.py", "asyncio_bot.py"):
        bot = run(name, reserved_port())
        output, _ = bot.communicate(timeout=PATIENCE)
        assert bot.returncode == 1
        assert output.startswith("echo: ")
        assert "refused" in output
        assert output.count("\n") == 1, output


def test_a_bot_in_asyncio(run: Run, serve: Serve) -> None:
    server = serve(port=reserved_port())
    bot = run("asyncio_bot.py", server.port)
    with server.person("jane") as jane:
        until(lambda: _online(jane, "echo"), "the bot has registered")
        for number in range(20):
            jane.asks(f"chat,echo,{number}", f"echo says you said {number}")
    server.stop()
    output, _ = bot.communicate(timeout=PATIENCE)
    assert bot.returncode == 1
    assert output == "echo: the server ended the connection: the server is shutting down; come back in a while\n"


def test_all_doors_with_a_file_in_a_program_of_ones_own(run: Run) -> None:
    port = reserved_port()
    program = run("all_doors.py", port)
    with connect(port) as jane, connect(port) as browser, connect(port) as irc:
        jane.asks("register,jane,correct horse", "ack")
        jane.asks("@1 chat,jane,kept", "jane says kept")
        browser.sends(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert browser.hears().startswith("HTTP/1.1 200 ")
        irc.says("NICK kim\r", "USER kim 0 * :Kim\r")
        assert " 001 kim " in irc.hears()
    program.terminate()
    output, _ = program.communicate(timeout=PATIENCE)
    assert not output
    run("all_doors.py", port)
    with connect(port) as jane:
        jane.asks(
            "register,jane,wrong horse!",
            "error,wrong-password,wrong password for jane; try again, or choose another name",
        )
        jane.asks("register,jane,correct horse", "ack")
        jane.says("history,jane")
        assert "kept" in jane.hears()


@pytest.mark.parametrize("name", ["serve.py", "dice.py", "web.py", "all_doors.py"])
def test_an_example_whose_port_is_taken_ends_with_one_line(name: str, run: Run) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - where the examples listen
        port = taken.getsockname()[1]
        program = run(name, port)
        output, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert output == f"cannot listen at tcp:{port}: Address already in use\n"


def test_a_log_in_json(serve: Serve) -> None:
    path = f"{CHECKOUT / 'examples'}:{os.environ.get('PYTHONPATH', '')}"
    server = serve(twistd=["--logger", "json_log.to_stdout"], env={"PYTHONPATH": path})
    server.stop()
    events = [json.loads(line) for line in server.log.splitlines()]
    (started,) = (event for event in events if event.get("log_namespace") == "twisted_chat.service")
    assert started["where"].startswith(f"tcp:{server.port}")
    assert started["most"] > 0


@ensureDeferred
async def test_a_server_and_its_clients_in_one_program() -> None:
    factory = ChatFactory(Hub(MemoryLog()))
    port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(factory)
    endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{port.getHost().port}")
    jane, zak = await ChatClient.connect(endpoint), await ChatClient.connect(endpoint)
    events = jane.events()
    assert await jane.register("Jane") == "Jane"
    await zak.register("zak")
    assert factory.registry is factory.hub.registry
    assert "JANE" in factory.registry
    assert await zak.friends() == ["Jane", "zak"]
    id = await zak.chat("jane", "good morning")
    event = await events.__anext__()
    assert (event.kind, event.id, event.sender, event.text) == ("message", id, "zak", "good morning")
    await jane.quit()
    await zak.quit()
    assert [event async for event in events] == []
    await port.stopListening()
    assert len(factory.registry) == 0
