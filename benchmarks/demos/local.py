"""Provide what the demonstrations share: the servers, and a client that is a bare socket."""

import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from peers import PEERS, missing, script
from serving import serving

ARRIVED = 0.2
QUIET = 1.0


@dataclass(frozen=True)
class Server:
    """One of the servers, and the line ending that it needs: none if one recv is one command."""

    title: str
    command: list[str]
    end: str

    @contextlib.contextmanager
    def run(self) -> Iterator[int]:
        """Start it afresh; gives its port."""
        with serving(self.command) as (_, port):
            yield port


UNFRAMED = [
    Server("lesson, threads, without line endings", script("threaded.py"), ""),
    Server("lesson, asyncio, without line endings", script("streams.py"), ""),
]
FRAMED = [
    Server(f"{PEERS[peer].title}, with line endings", PEERS[peer].command, "\n")
    for peer in ("threads", "streams", "ours")
    if peer not in missing()
]
LENIENT = [
    Server(f"{PEERS[peer].title}, without line endings", PEERS[peer].command, "")
    for peer in ("ours",)
    if peer not in missing()
]


class Client:
    """A connection that sends exactly these bytes, at this moment."""

    def __init__(self, port: int, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(QUIET)
        self.socket.connect(("127.0.0.1", port))

    def send(self, data: str) -> None:
        """Send once, unless the server has closed the connection, and give it time to react."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data.encode())
        time.sleep(ARRIVED)

    def recv(self) -> str | None:
        """Return what one recv returns: '' if the server has closed the connection, None if nothing arrives in time."""
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return None
        except ConnectionError:
            return ""

    def leave(self) -> None:
        """Close the connection."""
        self.socket.close()
        time.sleep(ARRIVED)


def register(port: int, name: str, end: str) -> Client:
    """Return a client with a name."""
    client = Client(port)
    client.send(f"register,{name}{end}")
    client.recv()
    return client


def heard(what: str | None) -> str:
    """Return the text that shows what a recv returned."""
    return {None: "nothing", "": "the end of the connection"}.get(what, repr(what))
