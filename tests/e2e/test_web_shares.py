"""Floods of one address at the web door: what they make the server hold is bounded, and others do not notice."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from conftest import Serve, Server

MIB = 1024 * 1024
CROWD = 600
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    b"GET /socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
FRAGMENTS = b"\x01\x80\0\0\0\0" + b"\x00\x82\0\0\0\0\xd0\xb6" * 2000
"""Half a message: 2,000 frames of one letter each, which is not ASCII."""


def connect(server: Server, data: bytes) -> socket.socket:
    """Return a connection that does not read, and has sent this as far as the server takes it."""
    connection = socket.create_connection(("127.0.0.1", server.port), 20)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(0.05)
    with suppress(TimeoutError, ConnectionError):
        connection.sendall(data)
    return connection


def websocket(server: Server) -> socket.socket:
    """Return a WebSocket that has sent half a message."""
    connection = socket.create_connection(("127.0.0.1", server.port), 20)
    connection.sendall(UPGRADE)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(4096)
    connection.sendall(FRAGMENTS)
    return connection


@contextmanager
def crowd(server: Server, count: int, make: Callable[[], socket.socket]) -> Iterator[int]:
    """Have so many connections do their worst, and give the bytes by which the server has grown."""
    with ExitStack() as ends, server.person("jane") as jane:
        jane.asks("chat,jane", "jane says hi")
        idle = server.resident()
        for _ in range(count):
            ends.enter_context(make())
        time.sleep(0.5)
        jane.asks("chat,jane,and now", "jane says and now")
        grown = server.resident() - idle
        print(f"{count} connections, {grown / MIB:.1f} MiB")
        yield grown


def page(server: Server) -> bytes:
    """Return the first line of the answer to a person who opens the page."""
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        connection.sendall(HEAD + b"\r\n")
        return connection.recv(4096).partition(b"\r\n")[0]


def test_half_messages_cost_bounded_memory(serve: Serve) -> None:
    server = serve("--store", "memory")
    with crowd(server, CROWD, lambda: websocket(server)) as grown:
        assert grown < 32 * MIB
        assert page(server) == b"HTTP/1.1 200 OK"


def test_half_requests_cost_bounded_memory(serve: Serve) -> None:
    server = serve("--store", "memory")
    data = HEAD + b"".join(b"x%d: y\r\n" % number for number in range(95))
    with crowd(server, CROWD, lambda: connect(server, data)) as grown:
        assert grown < 32 * MIB
        assert page(server) == b"HTTP/1.1 200 OK"


def test_requests_of_clients_that_do_not_read_cost_bounded_memory(serve: Serve) -> None:
    server = serve("--store", "memory")
    with crowd(server, 10, lambda: connect(server, (HEAD + b"\r\n") * 5000)) as grown:
        assert grown < 32 * MIB
        assert page(server) == b"HTTP/1.1 200 OK"
