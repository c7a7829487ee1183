"""Noise of every kind at the one port, on many connections at once: it does not disturb two clients that talk.

`NOISE=60 pytest -s tests/e2e/test_noise.py` makes noise for 60 seconds; `SEED=…` makes different noise.
"""

from __future__ import annotations

import os
import random
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from certificates import Certificates
from conftest import PATIENCE, Person, Serve, Server, until

NOISE = float(os.environ.get("NOISE", "10"))
SEED = int(os.environ.get("SEED", "11"))
AT_ONCE = 16
"""The number of connections that make noise at the same time."""
MIB = 1024 * 1024

UPGRADE = (
    b"GET /socket HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LINES = [
    b"register,mallory\njoin,#noise\nchat,#noise,hi\nhistory,#noise\nlist,friends\nquit\n",
    b"hello,events\n@1 register,mallory,blue stone 7\n@2 join,#noise\n@3 chat,#noise,hi\n@4 since,0,limit=5\n",
    b"register,mallory",
    b"@a topic,#noise,x\r\nme,#noise,waves\r\naway,x\r\nrename,mallet\r\nseen,#noise,1\r\npassword,a,b\r\n",
]
IRC = [
    b"CAP LS 302\r\nNICK mallory\r\nUSER m 0 * :M\r\nCAP REQ :sasl batch message-tags labeled-response\r\nCAP END\r\n",
    (
        b"CAP REQ :sasl\r\nAUTHENTICATE PLAIN\r\nAUTHENTICATE AG1hbGxvcnkAcGE1NXdvcmQ=\r\nNICK mallory\r\n"
        b"USER m 0 * :M\r\nCAP END\r\nJOIN #noise\r\nCHATHISTORY LATEST #noise * 5\r\n"
    ),
    (
        b"PASS :mallory:blue stone 7\r\nNICK mallory\r\nUSER m 0 * :M\r\nJOIN #noise,#a,#b\r\n"
        b"@label=1 PRIVMSG #noise :hi\r\nWHO #noise %tcuhnfar\r\nWHOIS mallory\r\n"
        b"NAMES #noise\r\nLIST\r\nTOPIC #noise :x\r\nPART #noise\r\nQUIT\r\n"
    ),
]
HTTP = [
    b"GET / HTTP/1.1\r\nHost: chat.example\r\n\r\nGET /style.css HTTP/1.1\r\nHost: chat.example\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: chat.example\r\nContent-Length: 30\r\n\r\nregister,mallory\nchat,zoe,hi\n",
    b"POST / HTTP/1.1\r\nHost: chat.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HEAD /app/../%2e%2e HTTP/1.0\r\nIf-None-Match: *\r\nRange: bytes=0-\r\nExpect: 100-continue\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    UPGRADE,
]


def client_hello() -> bytes:
    """Return the first bytes of a TLS handshake."""
    sent = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname="chat.example").do_handshake()
    return sent.read()


class Noise:
    """Makes noise, which is the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.kinds: list[Callable[[], bytes]] = [self.nothing, self.garbage, self.half, self.frames, self.tls]
        self.kinds += [self.mutated] * 3
        self.openings = [*LINES, *IRC, *HTTP, client_hello()]

    def one(self) -> bytes:
        """Return the bytes of one connection."""
        return self.dice.choice(self.kinds)()

    def nothing(self) -> bytes:
        return b""

    def garbage(self) -> bytes:
        return self.dice.randbytes(self.dice.choice((1, 3, 100, 20_000)))

    def half(self) -> bytes:
        """Return the beginning of a valid request."""
        opening = self.dice.choice(self.openings)
        return opening[: self.dice.randrange(len(opening))]

    def mutated(self) -> bytes:
        """Return a valid request with two or three changes."""
        said = bytearray(self.dice.choice(self.openings))
        for _ in range(self.dice.randrange(4)):
            start = self.dice.randrange(len(said) + 1)
            end = start + self.dice.randrange(12)
            part = self.dice.choice(
                (b"", self.dice.randbytes(4), bytes(said[start:end]) * 3, self.dice.choice(self.openings), b"x" * 9000)
            )
            said[start:end] = part
        return bytes(said)

    def frames(self) -> bytes:
        """Return a WebSocket handshake and frames of every kind (RFC 6455 section 5.2)."""
        return UPGRADE + b"".join(self._frame() for _ in range(self.dice.randrange(1, 12)))

    def _frame(self) -> bytes:
        dice = self.dice
        payload = dice.choice((*LINES[0].split(b"\n"), b"", b"\xff\xfe", dice.randbytes(130), b"x" * 17_000))
        first = dice.choice((0x81, 0x81, 0x81, 0x01, 0x80, 0x82, 0x88, 0x89, 0x8A, dice.randrange(256)))
        size = len(payload) if dice.random() < 0.9 else dice.choice((0, 2**16, 2**40, 2**63))
        masked = 0x80 if dice.random() < 0.95 else 0
        if size < 126:
            head = struct.pack("!BB", first, masked | size)
        elif size < 2**16:
            head = struct.pack("!BBH", first, masked | 126, size)
        else:
            head = struct.pack("!BBQ", first, masked | 127, size)
        return head + (b"\0\0\0\0" if masked else b"") + payload

    def tls(self) -> bytes:
        """Return a TLS handshake that continues with other bytes."""
        hello = client_hello()
        return hello[: self.dice.randrange(2, len(hello) + 1)] + self.dice.randbytes(self.dice.randrange(300))


class Stranger:
    """A connection that makes noise: sends its bytes in pieces, and ends in some way."""

    def __init__(self, port: int, certificates: Certificates, noise: Noise) -> None:
        self._dice, self._said = noise.dice, noise.one()
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        if self._dice.random() < 0.2:
            self._socket = certificates.secure(self._socket)
        self._socket.setblocking(False)
        self._reads = self._dice.random() < 0.8
        self._patience = self._dice.randrange(1, 20)

    def goes_on(self) -> bool:
        """Send one more piece; return False once the connection is over."""
        size = self._dice.choice((1, 7, 200, 5000, 100_000))
        piece, self._said = self._said[:size], self._said[size:]
        try:
            if piece:
                self._socket.send(piece)
            if self._reads:
                self._socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.ends()
            return False
        self._patience -= 1
        if self._patience > 0 or self._said:
            return True
        if self._dice.random() < 0.3:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
        self.ends()
        return False

    def ends(self) -> None:
        """Close the connection, sometimes with a reset."""
        if self._dice.random() < 0.3:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


class Friends:
    """Jane at the line door and zak at the IRC door with TLS, who send numbers to each other."""

    def __init__(self, server: Server, certificates: Certificates) -> None:
        self.jane = server.person("jane")
        self.zak = Person(certificates.secure(socket.create_connection(("127.0.0.1", server.port), PATIENCE)))
        self.zak.says("NICK zak", "USER zak 0 * :zak")
        while " 422 " not in self.zak.hears():
            pass
        self.count = 0

    def talk(self) -> None:
        """Send the next number; its recipient must get it, and nothing else."""
        self.count += 1
        self.jane.says(f"chat,zak,{self.count}")
        source, said = self.zak.hears().split(" ", 1)
        assert source.startswith(":jane!u@guest-")
        assert said == f"PRIVMSG zak :{self.count}\r"
        self.zak.says(f"PRIVMSG jane :{self.count}")
        assert self.jane.hears() == f"zak says {self.count}"


def rounds(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield


def test_noise_of_every_kind_disturbs_no_client_and_leaves_nothing_behind(
    serve: Serve, certificates: Certificates
) -> None:
    server = serve(*certificates.options, "--store", "memory")
    friends, noise = Friends(server, certificates), Noise(SEED)
    quiet = server.sockets()
    strangers: list[Stranger] = []
    made = 0

    def make_noise(seconds: float) -> int:
        """Make noise for these seconds, and return the server's memory in use afterwards."""
        nonlocal made
        for _ in rounds(seconds):
            while len(strangers) < AT_ONCE:
                strangers.append(Stranger(server.port, certificates, noise))
                made += 1
            strangers[:] = [stranger for stranger in strangers if stranger.goes_on()]
            friends.talk()
        for stranger in strangers:
            stranger.ends()
        strangers.clear()
        until(lambda: server.sockets() <= quiet, "their sockets are closed")
        return server.resident()

    resident = make_noise(NOISE / 2)
    grown = make_noise(NOISE / 2) - resident
    print(f"{made} strangers, {friends.count} messages each way, {grown / MIB:.1f} MiB more than halfway")
    assert grown < 16 * MIB
    friends.jane.asks("list,friends", "jane,zak")
    assert "Traceback" not in server.log, server.log
