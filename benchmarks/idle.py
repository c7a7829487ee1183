"""Measure the memory of an idle registered connection at each door.

python benchmarks/idle.py
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import proc
from peers import PEERS
from serving import raise_limits, serving

FEW, MANY = 200, 1200
"""Connections at the first and at the second measurement: memory that all connections share is not counted."""
PATIENCE = 10.0


def line(connection: socket.socket, number: int) -> None:
    """Register at the line door."""
    connection.sendall(b"register,u%d\n" % number)
    _await(connection, b"ack")


def irc(connection: socket.socket, number: int) -> None:
    """Register as an IRC client does."""
    connection.sendall(b"NICK u%d\r\nUSER u 0 * :u\r\n" % number)
    _await(connection, b" 422 ")


def websocket(connection: socket.socket, number: int) -> None:
    """Register through a WebSocket (RFC 6455)."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = ("GET /socket HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade")
    more = ("Origin: http://localhost", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", "")
    connection.sendall("\r\n".join((*head, *more)).encode())
    _await(connection, b"\r\n\r\n")
    said = b"register,u%d" % number
    connection.sendall(bytes((0x81, 0x80 | len(said), 0, 0, 0, 0)) + said)  # masked with zeros
    _await(connection, b"ack")


def tls(connection: socket.socket, number: int) -> None:
    """Register at the line door, behind TLS."""
    line(connection, number)


DOORS: dict[str, Callable[[socket.socket, int], None]] = {
    "line": line,
    "IRC": irc,
    "WebSocket": websocket,
    "line behind TLS": tls,
}


def idle(door: str) -> float:
    """Return the KiB that each connection costs at a door."""
    raise_limits()
    register = DOORS[door]
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as folder:
        certificate = _certificate(Path(folder)) if register is tls else []
        with serving(PEERS["ours"].command + certificate) as (server, port):
            connections: list[socket.socket] = []
            sizes = []
            for most in (FEW, MANY):
                while len(connections) < most:
                    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
                    if register is tls:
                        connection = trusting.wrap_socket(connection)
                    register(connection, len(connections))
                    connections.append(connection)
                time.sleep(0.5)
                sizes.append(proc.resident_kib(server.pid))
            for connection in connections:
                connection.close()
    return (sizes[1] - sizes[0]) / (MANY - FEW)


def _await(connection: socket.socket, words: bytes) -> None:
    """Read until these bytes have arrived."""
    got = b""
    while words not in got:
        data = connection.recv(65536)
        if not data:
            raise RuntimeError(f"the server has ended the connection after {got!r}")
        got += data


def _certificate(folder: Path) -> list[str]:
    """Make a self-signed certificate, and return the server's options for it."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    what = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost")
    command = ["openssl", "req", *what, "-keyout", str(key), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True)
    return ["--tls-cert", str(chain), "--tls-key", str(key), "--per-address", "100000"]


def main() -> None:
    """Measure one door after the other."""
    for door in DOORS:
        print(f"{door:16} {idle(door):5.1f} KiB an idle connection")


if __name__ == "__main__":
    main()
