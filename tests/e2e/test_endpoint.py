"""LoopEndpoint with real sockets behaves to a protocol as Twisted's own transports do, on asyncio and on uvloop."""

from __future__ import annotations

import importlib.util
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import CHECKOUT, PATIENCE, script, until

SERVER = CHECKOUT / "tests" / "support" / "endpoint_server.py"
BIG = 8 * 2**20

uvloop = pytest.param(
    "uvloop", marks=pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
)


class Process:
    """A running endpoint_server.py, and the lines that it has printed."""

    def __init__(self, kind: str, protocol: str, interface: str = "127.0.0.1") -> None:
        self.kind, self.interface = kind, interface
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), kind, protocol, interface],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.told: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.tells("listens")
        self.port = int(self.told.pop().split()[-1])

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.told.append(line.strip())

    def tells(self, begin: str) -> None:
        """Wait until the server prints a line with this beginning."""
        until(lambda: any(line.startswith(begin) for line in list(self.told)), f"{begin} in {self.told}")

    def connect(self) -> socket.socket:
        return socket.create_connection((self.interface, self.port), PATIENCE)

    def resident(self) -> int:
        """Return the server's resident memory in bytes."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * 4096

    def ends(self) -> None:
        """Wait until the server has ended."""
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)

    def stop(self) -> None:
        self._process.terminate()
        self.ends()


Start = Callable[..., Process]


@pytest.fixture(params=["reactor", "asyncio", uvloop])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Yield a function that starts a server with a protocol of endpoint_server.py, on each kind of transports."""
    started: list[Process] = []

    def one(protocol: str, interface: str = "127.0.0.1") -> Process:
        started.append(Process(request.param, protocol, interface))
        return started[-1]

    yield one
    for process in started:
        process.stop()


def read_all(connection: socket.socket) -> bytes:
    """Return all bytes up to the end of input."""
    parts = []
    while part := connection.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


def send_for_ever(connection: socket.socket, data: bytes) -> None:
    while True:
        connection.send(data)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_connection_is_made_receives_and_is_lost_once(start: Start) -> None:
    server = start("Printing")
    with server.connect() as peer:
        peer.sendall(b"x")
        server.tells("received")
    server.tells("lost")
    with server.connect() as peer:
        server.tells("made")
    until(lambda: server.told.count("lost ConnectionDone") == 2, "the second to be lost")
    assert server.told == ["made", "received x", "lost ConnectionDone", "made", "lost ConnectionDone"]


def test_the_transport_knows_its_addresses_and_options(start: Start) -> None:
    server = start("Printing")
    with server.connect() as peer:
        peer.sendall(b"t")
        server.tells("True")
        assert server.told[2:] == [f"IPv4Address 127.0.0.1 {server.port}", "True True True"]


def test_it_listens_at_ipv6_addresses(start: Start) -> None:
    server = start("Printing", "::1")
    with server.connect() as peer:
        peer.sendall(b"t")
        server.tells("True")
        assert server.told[2] == f"IPv6Address ::1 {server.port}"


def test_written_bytes_are_sent_before_the_end(start: Start) -> None:
    server = start("Printing")
    with server.connect() as peer:
        peer.sendall(b"bl")
        data = read_all(peer)
    assert len(data) == BIG + len(b"a last word")
    assert data.endswith(b"a last word")
    server.tells("lost")
    assert server.told == ["made", "received bl", "disconnecting True", "lost ConnectionDone"]


def test_nothing_is_received_after_the_protocol_lost_the_connection(start: Start) -> None:
    server = start("Printing")
    with server.connect() as peer:
        peer.sendall(b"bl")
        server.tells("disconnecting")
        peer.sendall(b"x")
        with suppress(ConnectionResetError):  # for the bytes that the server did not read
            read_all(peer)
    server.tells("lost")
    assert server.told == ["made", "received bl", "disconnecting True", "lost ConnectionDone"]


@pytest.mark.parametrize("letters", [b"a", b"ba", b"bla"])
def test_an_aborted_connection_is_reset_whatever_is_queued(start: Start, letters: bytes) -> None:
    server = start("Printing")
    with server.connect() as peer:
        peer.sendall(letters)
        with pytest.raises(ConnectionResetError):
            read_all(peer)
    server.tells("lost")
    assert server.told[-1] == "lost ConnectionAborted"
    assert [line for line in server.told if line.startswith("logg")] == []


def test_it_may_end_as_soon_as_it_is_made(start: Start) -> None:
    server = start("Leaver")
    with server.connect() as peer:
        assert read_all(peer) == b"hello"
    server.tells("lost")
    server = start("Aborter")
    with server.connect() as peer, pytest.raises(ConnectionResetError):
        read_all(peer)
    server.tells("lost")
    assert server.told == ["made", "lost ConnectionAborted"]


def test_a_peer_that_resets_is_a_lost_connection(start: Start) -> None:
    server = start("Printing")
    peer = server.connect()
    peer.sendall(b"x")
    server.tells("received")
    reset(peer)
    server.tells("lost")
    assert server.told == ["made", "received x", "lost ConnectionLost"]


def test_a_peer_that_resets_while_much_is_queued_is_a_lost_connection(start: Start) -> None:
    server = start("Printing")
    peer = server.connect()
    peer.sendall(b"b")
    server.tells("received")
    reset(peer)
    server.tells("lost")
    assert server.told[:-1] == ["made", "received b"]
    # the reactor's transport may be told of the reset while it sends, and then reads an end of input
    assert server.told[-1] in ("lost ConnectionLost", *(["lost ConnectionDone"] if server.kind == "reactor" else []))


def test_writing_on_to_a_peer_that_has_reset_is_not_logged(start: Start) -> None:
    server = start("Printing")
    peer = server.connect()
    peer.sendall(b"m")
    server.tells("received m")
    reset(peer)
    server.tells("lost")
    assert server.told == ["made", "received m", "lost ConnectionLost"]


def test_an_exception_ends_its_connection_and_is_logged(start: Start) -> None:
    server = start("Printing")
    with server.connect() as peer:
        peer.sendall(b"e")
        assert read_all(peer) == b""
    server.tells("lost")
    assert server.told == ["made", "received e", "logged ZeroDivisionError", "lost ZeroDivisionError"]
    with server.connect():
        until(lambda: server.told.count("made") == 2, "another connection")


def test_an_exception_in_a_half_closed_protocol_ends_its_connection_and_is_logged(start: Start) -> None:
    server = start("RaisesAtHalf")
    for how in range(2):
        with server.connect() as peer:
            if how:
                peer.sendall(b"w")
            else:
                peer.shutdown(socket.SHUT_WR)
            read_all(peer)
            server.tells("lost")
        assert server.told[-2:] == ["logged ZeroDivisionError", "lost ZeroDivisionError"]
        server.told.clear()


def test_nothing_is_received_while_reading_is_paused(start: Start) -> None:
    server = start("HalfClosed")
    with server.connect() as peer:
        peer.sendall(b"p")
        server.tells("received p")
        peer.sendall(b"x")
        server.tells("received x")
        peer.sendall(b"p")
        until(lambda: server.told.count("received p") == 2, "the second pause")
        peer.shutdown(socket.SHUT_WR)
        server.tells("lost")
    assert server.told == [
        *("made", "received p", "resumed", "received x", "received p", "resumed", "read lost", "lost ConnectionDone")
    ]


@pytest.mark.parametrize("first", [b"x", b""])
def test_reading_may_be_paused_from_the_start(start: Start, first: bytes) -> None:
    server = start("Paused")
    with server.connect() as peer:
        peer.sendall(first)
        peer.shutdown(socket.SHUT_WR)
        assert read_all(peer) == b"still here"
    server.tells("lost")
    received = [f"received {first.decode()}"] if first else []
    assert server.told == ["made", "resumed", *received, "read lost", "lost ConnectionDone"]


def test_the_end_of_input_is_the_end_unless_the_protocol_can_be_half_closed(start: Start) -> None:
    server = start("Printing")
    with server.connect() as peer:
        peer.shutdown(socket.SHUT_WR)
        assert read_all(peer) == b""
    server = start("HalfClosed")
    with server.connect() as peer:
        peer.shutdown(socket.SHUT_WR)
        assert read_all(peer) == b"still here"
    server.tells("lost")
    assert server.told == ["made", "read lost", "lost ConnectionDone"]


def test_the_writing_half_may_be_closed_first(start: Start) -> None:
    server = start("HalfClosed")
    with server.connect() as peer:
        peer.sendall(b"bw")
        data = read_all(peer)
        assert len(data) == BIG + len(b"a last word")
        server.tells("write lost")
        peer.sendall(b"x")
        server.tells("received x")
    server.tells("lost")
    assert server.told == ["made", "received bw", "write lost", "received x", "read lost", "lost ConnectionDone"]


def test_a_pull_producer_is_asked_for_all_it_has_before_the_end(start: Start) -> None:
    server = start("Printing")
    with server.connect() as peer:
        peer.sendall(b"u")
        assert len(read_all(peer)) == 64 * 100_000
    server.tells("lost")
    assert server.told == ["made", "received u", "lost ConnectionDone"]


def test_a_paused_producer_goes_on_before_the_end_and_never_queues_much(start: Start) -> None:
    server = start("Printing")
    with server.connect() as peer:
        before = server.resident()
        peer.sendall(b"s")
        size, most = 0, 0
        while part := peer.recv(1 << 20):
            size += len(part)
            most = max(most, server.resident() - before)
        assert size == 64 * 2**20
    assert most < 16 * 2**20
    server.tells("lost")
    assert server.told == ["made", "received s", "lost ConnectionDone"]


def test_a_producer_is_stopped_when_the_connection_is_lost(start: Start) -> None:
    server = start("Printing")
    peer = server.connect()
    peer.sendall(b"s")
    server.tells("received s")
    reset(peer)
    server.tells("lost")
    assert server.told == ["made", "received s", "producer stopped", "lost ConnectionLost"]


def test_an_echo_of_much_is_whole_and_bounded_both_ways(start: Start) -> None:
    server = start("Echo")
    with server.connect() as peer:
        before = server.resident()
        data = bytes(range(256)) * 4096 * 48
        peer.settimeout(0.5)
        with pytest.raises(TimeoutError):  # neither side reads, so both directions are full
            send_for_ever(peer, data)
        assert server.resident() - before < 16 * 2**20
    with server.connect() as peer:
        sender = threading.Thread(target=peer.sendall, args=[data])
        sender.start()
        heard = bytearray()
        while len(heard) < len(data):
            heard += peer.recv(1 << 20)
        sender.join()
        assert heard == data
        assert server.resident() - before < 16 * 2**20


def test_ten_thousand_connections_leave_nothing_behind(start: Start) -> None:
    server = start("Counted")

    def count() -> tuple[int, ...]:
        with server.connect() as asks:
            asks.sendall(b"?")
            server.tells("here")
        return tuple(map(int, server.told.pop().split()[1:]))

    for _ in range(100):
        server.connect().close()
    until(lambda: count()[0] == 1, "only the one who asks to be there")
    before = count()
    for index in range(10_000):
        if index % 2:
            server.connect().close()
        else:
            reset(server.connect())
    until(lambda: count()[0] == 1, "all to be gone")
    after = count()
    assert after[:3] == before[:3]
    assert after[1] == 1
    if server.kind != "asyncio":  # its own transports are in cycles, which only the garbage collector frees
        assert after[3] <= before[3] + 1
    assert server.told == []


def test_a_factory_may_refuse_or_fail_and_the_port_may_be_closed_and_opened(start: Start) -> None:
    server = start("Picky")
    for _ in range(2):
        with server.connect() as peer:
            assert read_all(peer) == b""
    with server.connect() as peer:
        peer.sendall(b"c")
        until(lambda: server.told.count("factory started") == 2, "the port to open again")
        peer.sendall(b"x")
        server.tells("received x")
    assert server.told[:7] == [
        *("factory started", "logged ZeroDivisionError", "made", "received c"),
        *("factory stopped", "stopped", "factory started"),
    ]


def test_too_many_connections_do_not_keep_it_from_serving_later(start: Start) -> None:
    server = start("Few")
    many = [server.connect() for _ in range(60)]
    server.tells("made")
    for one in many:
        one.close()
    until(lambda: server.told.count("made") == server.told.count("lost ConnectionDone"), "all to be gone")

    def is_served() -> bool:
        """Return True once a new connection was served: the loop may still be dropping the ones it had no room for."""
        with server.connect() as peer, suppress(ConnectionError):
            peer.sendall(b"x")
            peer.shutdown(socket.SHUT_WR)
            peer.recv(1)
        return "received x" in server.told

    until(is_served, "a connection that is served")


def test_connections_are_lost_when_the_reactor_stops(start: Start) -> None:
    server = start("Printing")
    with server.connect() as idle, server.connect() as peer:
        until(lambda: server.told.count("made") == 2, "both")
        peer.sendall(b"f")
        server.ends()
        assert read_all(idle) == b""
    assert server.told[3:] == ["lost ConnectionLost", "lost ConnectionLost", "ended"]


TAC = """
import sys
sys.path.insert(0, {folder!r})
import endpoint_server
endpoint_server.reactor = endpoint_server.install_reactor({kind!r})
from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import Application
from twisted.internet.protocol import Factory
application = Application("echo")
endpoint = endpoint_server.endpoint({kind!r}, 0, "127.0.0.1")
StreamServerEndpointService(endpoint, Factory.forProtocol(endpoint_server.Echo)).setServiceParent(application)
"""


@pytest.mark.parametrize("kind", ["reactor", "asyncio", uvloop])
def test_it_serves_as_a_daemon(kind: str, tmp_path: Path) -> None:
    Path(tmp_path, "echo.tac").write_text(TAC.format(folder=str(SERVER.parent), kind=kind))
    subprocess.run([script("twistd"), "--no_save", "-y", "echo.tac"], cwd=tmp_path, check=True, timeout=PATIENCE)
    daemon = int(Path(tmp_path, "twistd.pid").read_text())
    log = Path(tmp_path, "twistd.log")
    try:
        until(lambda: "Factory starting on" in log.read_text(), "the port in the log")
        port = int(log.read_text().partition("Factory starting on ")[2].split()[0])
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as peer:
                peer.sendall(b"hello")
                assert peer.recv(5) == b"hello"
    finally:
        subprocess.run(["kill", str(daemon)], check=True)
        until(lambda: not Path(tmp_path, "twistd.pid").exists(), "the daemon to end")
    assert "Traceback" not in log.read_text()
