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
        program.write_text((CHECKOUT / "examples" / name).read_text().replace("8000", str(port)))
        process = subprocess.Popen(
            [sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        running.append(process)
        return process

    yield start
    for process in running:
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

        def bot_is_here() -> bool:
            jane.says("list,friends")
            return "echo" in jane.hears()

        until(bot_is_here, "the bot has registered")
        jane.asks("chat,echo,one, two", "echo says you said one, two")
        jane.asks("chat,echo", "echo says you said hi")
    server.stop()
    server = serve(*store, port=server.port)
    with server.person("jane") as jane:
        jane.says("chat,echo,welcome back")
        heard = jane.hears()
        if heard.startswith("* echo "):  # the bot has not reconnected yet, and will read the message then
            heard = jane.hears()
        assert heard == "echo says you said welcome back"


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
