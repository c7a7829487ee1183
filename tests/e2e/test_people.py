"""One address cannot keep others out, and the operator sees who is connected and can end it."""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

from conftest import PATIENCE, Person, Serve, Server, listening_ports, script, until
from passwords import password_of

ATTEMPTS = 15
"""Sign-ins of others beside an attack; all of them must come through."""


def operator(server: Server, *command: str) -> str:
    """Carry out a command of the operator, and return what it prints."""
    done = subprocess.run(
        [script("twisted-chat"), *command], cwd=server.folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done
    return done.stdout.rstrip("\n")


def connect(server: Server, host: str = "127.0.0.1") -> Person:
    """Connect from an address of this machine."""
    return Person(socket.create_connection(("127.0.0.1", server.port), PATIENCE, source_address=(host, 0)))


def sign_in(server: Server, name: str, host: str, password: str = "") -> str:
    """Sign in from an address, and return the answer; the connection ends."""
    with connect(server, host) as person:
        person.says(f"@1 register,{name},{password or password_of(name)}")
        return person.hears()


@contextmanager
def attacking(attack: Callable[[Event], None], threads: int) -> Iterator[None]:
    """Run an attack in threads until the block ends."""
    stop = Event()
    attackers = [Thread(target=attack, args=(stop,), daemon=True) for _ in range(threads)]
    for attacker in attackers:
        attacker.start()
    try:
        yield
    finally:
        stop.set()
        for attacker in attackers:
            attacker.join(PATIENCE)


def come_through(server: Server, name: str, host: str) -> int:
    """Return how many of ATTEMPTS sign-ins come through; at an unfair server they are refused at once."""
    return sum(sign_in(server, name, host).startswith("@1 ok,") for _ in range(ATTEMPTS))


def test_right_passwords_over_and_over_keep_nobody_out(serve: Serve) -> None:
    server = serve("--store", "memory")
    assert sign_in(server, "mallory", "127.0.0.2") == "@1 ok,mallory,new"
    assert sign_in(server, "kim", "127.0.0.3") == "@1 ok,kim,new"

    def attack(stop: Event) -> None:
        while not stop.is_set():
            sign_in(server, "mallory", "127.0.0.2")

    with attacking(attack, 20):
        assert come_through(server, "kim", "127.0.0.3") == ATTEMPTS


def test_wrong_passwords_from_four_addresses_do_not_lock_the_owner_out_even_after_a_restart(serve: Serve) -> None:
    server = serve("--store", "sqlite:here.sqlite3")
    assert sign_in(server, "kim", "127.0.0.3") == "@1 ok,kim,new"
    assert sign_in(server, "kim", "127.0.0.3") == "@1 ok,kim,known"
    server.stop()
    server = Server(server.folder, "--listen", "tcp:0:interface=127.0.0.1", "--store", "sqlite:here.sqlite3")
    hosts = iter([f"127.0.0.{number}" for number in (4, 5, 6, 7)])

    def attack(stop: Event) -> None:
        host = next(hosts)
        while not stop.is_set():
            sign_in(server, "kim", host, "a wrong one")
            time.sleep(0.01)

    try:
        with attacking(attack, 4):
            until(
                lambda: sign_in(server, "kim", "127.0.0.8", "another").startswith("@1 error,slow-down"), "a slow-down"
            )
            assert come_through(server, "kim", "127.0.0.3") == ATTEMPTS
    finally:
        server.stop()


def test_silent_guests_of_one_address_keep_neither_people_nor_accounts_nor_the_operator_out(serve: Serve) -> None:
    server = serve("--per-address", "150")
    with ExitStack() as open_connections:
        for number in range(150):
            guest = open_connections.enter_context(connect(server, "127.0.0.2"))
            guest.asks(f"register,silent{number}", "ack")
        with connect(server, "127.0.0.2") as late:
            assert late.hears().startswith("error,unavailable,too many connections from your address")
        with connect(server, "127.0.0.3") as kim:
            kim.asks("register,kim", "ack")
        people = json.loads(operator(server, "people", "--json"))
        assert sum(row["address"] == "127.0.0.2" and row["kind"] == "guest" for row in people) == 150
        assert "150 connections ended" in operator(server, "kick", "127.0.0.2", "--reason", "too many")
        assert guest.hears() == "*** the operator has ended this connection: too many"
        assert "127.0.0.2" not in operator(server, "people")


def test_the_operator_sees_ends_and_bans_and_a_ban_survives_a_restart(serve: Serve) -> None:
    server = serve()
    jane = connect(server, "127.0.0.2")
    jane.asks(f"register,jane,{password_of('jane')}", "ack")
    zak = connect(server, "127.0.0.3")
    zak.asks("register,zak", "ack")
    head, *rows = operator(server, "people").splitlines()
    assert head.split() == ["CONNECTION", "DOOR", "ADDRESS", "NAME", "KIND", "SINCE", "IDLE"]
    assert [row.split()[1:5] for row in rows] == [
        ["line", "127.0.0.2", "jane", "account"],
        ["line", "127.0.0.3", "zak", "guest"],
    ]
    assert operator(server, "kick", rows[1].split()[0]) == f"{rows[1].split()[0]}: 1 connection ended"
    assert zak.hears() == "*** the operator has ended this connection"
    banned = "jane is banned: spam; 1 connection ended"
    assert operator(server, "ban", "jane", "--for", "1h", "--reason", "spam") == banned
    assert "does not admit you again: spam" in jane.hears()
    assert "127.0.0.0/29 is banned" in operator(server, "ban", "127.0.0.5/29")
    with connect(server, "127.0.0.6") as late:
        late.says("register,late")
        assert late.hears().startswith("error,not-allowed,the operator does not admit you here")
    server.stop()
    assert "127.0.0.0/29 is not banned any more" in operator(server, "unban", "127.0.0.0/29")
    again = Server(server.folder, "--listen", "tcp:0:interface=127.0.0.1")
    try:
        assert sign_in(again, "jane", "127.0.0.2").startswith("@1 error,not-allowed,the operator does not admit you")
        assert [row.split()[:2] for row in operator(again, "bans").splitlines()[1:]] == [["jane", "name"]]
        assert operator(again, "unban", "jane") == "jane is not banned any more"
        assert sign_in(again, "jane", "127.0.0.2") == "@1 ok,jane,known"
        limits = operator(again, "limits")
        subjects = ("connections of a network", "wrong passwords from a network", "new accounts of a network")
        for subject in (*subjects, "reads of the file", "messages that wait for a commit", "bytes of TLS connections"):
            assert subject in limits
    finally:
        again.stop()


def test_idle_connections_to_the_control_socket_keep_the_operator_not_out(serve: Serve) -> None:
    server = serve()
    with ExitStack() as idle:
        for _ in range(40):
            one = idle.enter_context(socket.socket(socket.AF_UNIX))
            one.connect(str(server.folder / "chat.sqlite3.control"))
        assert operator(server, "accounts", "list") == "there are no accounts"


def test_commands_for_what_is_not_there_end_with_one_line(tmp_path: Path) -> None:
    for command in (("people",), ("kick", "jane"), ("ban", "jane"), ("ban", "jane", "--for", "soon"), ("limits",)):
        done = subprocess.run(
            [script("twisted-chat"), *command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode in (1, 2), done
        assert done.stderr.count("\n") == 1, done


def test_after_a_restart_tickets_sign_many_accounts_in_at_once(serve: Serve) -> None:
    server = serve()
    names = [f"user{number}" for number in range(60)]
    tickets = {}
    for number, name in enumerate(names):
        with connect(server, f"127.0.1.{number // 30}") as person:
            person.asks(f"@1 register,{name},{password_of(name)}", f"@1 ok,{name},new")
            person.says("@2 resume")
            tickets[name] = person.hears().split(",")[1]
    server.stop()
    again = Server(server.folder, "--listen", "tcp:0:interface=127.0.0.1")
    try:
        with ExitStack() as people:
            waiting = selectors.DefaultSelector()
            for name in names:
                person = people.enter_context(connect(again))
                person.says(f"@1 resume,{name},{tickets[name]}")
                waiting.register(person.socket, selectors.EVENT_READ, (person, name))
            for key in list(waiting.get_map().values()):
                person, name = key.data
                assert person.hears() == f"@1 ok,{name},known"
    finally:
        again.stop()


def test_silent_guests_of_one_address_do_not_fill_a_server_with_few_descriptors(tmp_path: Path) -> None:
    log = tmp_path / "log"
    limited = ["sh", "-c", 'ulimit -n 200 && exec "$0" "$@"', script("twistd"), "-n", "chat"]
    with log.open("wb") as output, ExitStack() as people:
        server = subprocess.Popen(
            [*limited, "--listen", "tcp:0:interface=127.0.0.1"], cwd=tmp_path, stdout=output, stderr=output
        )
        people.callback(server.wait, PATIENCE)
        people.callback(server.terminate)
        until(lambda: "can hold 136 connections" in log.read_text(), "the start-up line")
        [port] = listening_ports(log.read_text())

        def person(host: str) -> Person:
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE, source_address=(host, 0))
            return people.enter_context(Person(connection))

        admitted = 0
        for number in range(150):
            silent = person("127.0.0.2")
            silent.says(f"register,silent{number}")
            admitted += silent.hears() == "ack"
        assert admitted == 128, "the other eight are kept for accounts"
        for number in range(20):
            person(f"127.0.0.{number + 3}").asks(f"register,kim{number}", "ack")
        person("127.0.0.40").asks(f"register,jane,{password_of('jane')}", "ack")
        done = subprocess.run(
            [script("twisted-chat"), "people", "--json"], cwd=tmp_path, capture_output=True, timeout=60, check=True
        )
        assert sum(row["address"] == "127.0.0.2" for row in json.loads(done.stdout)) < 128
