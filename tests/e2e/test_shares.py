"""Floods from one address: what they make the server hold is bounded, and others do not wait for them."""

from __future__ import annotations

import multiprocessing
import os
import socket
import time
from contextlib import ExitStack

from conftest import Serve, Server

MIB = 1024 * 1024
FLOOD_SECONDS = 4.0


class Flood:
    """Connections that send the same bytes as fast as the server takes them, from a process of their own."""

    def __init__(self, server: Server, people: int, data: bytes, prelude: str = "register,flood{}\n") -> None:
        self.sockets = []
        for number in range(people):
            connection = socket.create_connection(("127.0.0.1", server.port), 20)
            connection.sendall(prelude.format(number).encode())
            connection.setblocking(False)
            self.sockets.append(connection)
        self._data = data
        self._process = multiprocessing.get_context("fork").Process(target=self._run, daemon=True)

    def __enter__(self) -> Flood:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        for connection in self.sockets:
            connection.close()

    def _run(self) -> None:
        left = {connection: memoryview(self._data) for connection in self.sockets}
        while True:
            moved = False
            for connection, rest in left.items():
                try:
                    while connection.recv(65536):
                        pass
                except BlockingIOError:
                    pass
                try:
                    count = connection.send(rest)
                except BlockingIOError:
                    continue
                moved = True
                left[connection] = rest[count:] or memoryview(self._data)
            if not moved:
                time.sleep(0.001)


def peak(server: Server, seconds: float = FLOOD_SECONDS) -> int:
    """Return the most bytes of memory that the server has in use in so many seconds."""
    most, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        most = max(most, server.resident())
        time.sleep(0.02)
    return most


def test_guests_with_long_lines_cost_bounded_memory_and_delay_nobody(serve: Serve) -> None:
    server = serve()
    line = f"chat,flood0,{'.' * 16_300}\n".encode()
    with server.person("jane") as jane:
        jane.asks("chat,jane", "jane says hi")
        idle = server.resident()
        with Flood(server, 40, line * 16):
            most, waits = 0, []
            deadline = time.monotonic() + FLOOD_SECONDS
            while time.monotonic() < deadline:
                began = time.monotonic()
                jane.asks("chat,jane,and now", "jane says and now")
                waits.append(time.monotonic() - began)
                most = max(most, server.resident())
        print(f"idle {idle / MIB:.0f} MiB, most {most / MIB:.0f} MiB, {len(waits)} messages")
        waits.sort()
        print(f"p50 {waits[len(waits) // 2] * 1000:.1f} ms, most {waits[-1] * 1000:.1f} ms")
        assert most - idle < 64 * MIB


def test_guests_that_do_not_read_cost_bounded_memory(serve: Serve) -> None:
    server = serve("--store", "memory")
    with ExitStack() as ends, server.person("jane") as jane:
        jane.asks("join,#tea", "ack")
        for number in range(300):
            deaf = socket.create_connection(("127.0.0.1", server.port), 20)
            ends.enter_context(deaf)
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(f"register,deaf{number}\njoin,#tea\n".encode())
        jane.asks("ping,a", "pong,a")
        idle = server.resident()
        most = idle
        for _ in range(400):
            jane.says(f"chat,#tea,{'.' * 16_000}")
            jane.asks("ping,a", "pong,a")
            most = max(most, server.resident())
        print(f"idle {idle / MIB:.0f} MiB, most {most / MIB:.0f} MiB")
        assert most - idle < 64 * MIB


def test_one_guest_does_not_fill_the_disk(serve: Serve) -> None:
    server = serve()
    with Flood(server, 1, f"chat,flood0,{'.' * 16_300}\n".encode() * 16):
        time.sleep(2 * FLOOD_SECONDS)
        files = [server.folder / f"chat.sqlite3{end}" for end in ("", "-wal")]
        size = sum(os.path.getsize(file) for file in files)
    print(f"{size / MIB:.0f} MiB")
    assert size < 80 * MIB  # the burst of one person, in the log and once more in the WAL
