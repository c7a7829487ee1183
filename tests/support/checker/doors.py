"""A connection for each door but IRC (irc_door.py): requests out, answers and records in.

A reader can be stalled and a connection reset. Everything that arrives is parsed to an Answer, a Told or a Ping; other
lines are for people only.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from checker.facts import ACTION, JOINED, LEFT, LIVE, MESSAGE, PAST, SPOKEN, TOPIC, Seen
from twisted_chat.wire.events import parse_event

RECEIVE_BYTES = 4096
"""So small that a stalled reader stalls the server's writes too."""
TEXT = r"t\d+-\S*"
PLAIN = re.compile(
    rf"(?:\d+ \S+ \S+ )?(?P<star>\*+ )?(?P<sender>\S+)(?: \(guest\))?(?: to (?P<other>[^#\s]\S*))?"
    rf"(?: in (?P<room>#\S+)| set the topic of (?P<topic>#\S+):)?(?P<says> says)? \"?(?P<text>{TEXT}?)\"?"
)
EVENTS = (*SPOKEN, TOPIC, JOINED, LEFT)


@dataclass(frozen=True)
class Answer:
    """The closing answer to a request. `value` is what follows `ok`, or an error's code and sentence."""

    label: str
    ok: bool
    value: str = ""


@dataclass(frozen=True)
class Told:
    """A record, with the label of the request that asked for it."""

    seen: Seen
    label: str = ""


@dataclass(frozen=True)
class Ping:
    """The server wants an answer."""

    token: str


Heard = Answer | Told | Ping


class Door:
    """A connection at the line door in the plain dialect, and what all connections share."""

    events = False

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        self._reader, self._writer, self.name = reader, writer, name
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._rest = b""

    @classmethod
    async def connect(cls, port: int, name: str) -> Door:
        """Open a connection. Raises OSError."""
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        peer.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", port))
        except BaseException:
            peer.close()
            raise
        door = cls(*await asyncio.open_connection(sock=peer, limit=RECEIVE_BYTES), name)
        await door.open()
        return door

    async def open(self) -> None:
        """Do what comes before the first request. Raises EOFError."""

    # the transport

    def stall(self) -> None:
        """Read nothing from now on."""
        self._may_read.clear()

    def read_on(self) -> None:
        """Read again."""
        self._may_read.set()

    def reset(self) -> None:
        """End the connection with a reset."""
        peer = self._writer.get_extra_info("socket")
        with suppress(OSError):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self.read_on()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        self.read_on()

    def send(self, *lines: str) -> None:
        """Send lines in one write."""
        self._writer.write("".join(line + "\n" for line in lines).encode())

    async def lines(self) -> list[str]:
        """Return the next lines, at least one. Raises EOFError or OSError at the end."""
        while True:
            await self._may_read.wait()
            *whole, self._rest = (self._rest + await self.read()).split(b"\n")
            if whole:
                return [line.decode().rstrip("\r") for line in whole]

    async def read(self) -> bytes:
        """Return bytes of lines. Raises EOFError."""
        data = await self._reader.read(65536)
        if not data:
            raise EOFError
        return data

    # requests

    def register(self, password: str, client_id: str) -> list[str]:
        """Return the lines that sign in, answered with the label `r`."""
        return [f"@r register,{self.name}" + (f",{password}" if password else "")]

    def say(self, kind: str, to: str, text: str, label: str) -> str:
        """Return the request to store something."""
        verb = {MESSAGE: "chat", ACTION: "me", TOPIC: "topic", JOINED: "join", LEFT: "leave"}[kind]
        return f"@{label} {verb},{to}" + (f",{text}" if text else "")

    def history(self, room: str, label: str, limit: int) -> str:
        """Return the request for a page of history."""
        return f"@{label} history,{room},limit={limit}"

    def ping(self, label: str) -> str:
        """Return the request that is answered after everything sent before."""
        return f"@{label} ping,here"

    def pong(self, token: str) -> str:
        """Return the answer to the server's ping."""
        return f"pong,{token}"

    # what the server sends

    def parse(self, line: str) -> Heard | None:
        """Return what a line says to a program, or None."""
        label, _, rest = line[1:].partition(" ") if line.startswith("@") else ("", "", line)
        kind, _, value = rest.partition(",")
        if label and kind in ("ok", "error"):
            return Answer(label, kind == "ok", value)
        seen = self.record(rest, PAST if label.startswith("h") else LIVE)
        return None if seen is None else Told(seen, label)

    def record(self, line: str, how: str) -> Seen | None:
        """Return the record that a line of text shows, or None."""
        found = PLAIN.fullmatch(line)
        if found is None:
            return None
        to = found["room"] or found["topic"] or found["other"] or self.name
        kind = TOPIC if found["topic"] else ACTION if found["star"] else MESSAGE
        return Seen(how, kind, found["sender"], to, found["text"])


class EventsDoor(Door):
    """A connection in the events dialect."""

    events = True

    def register(self, password: str, client_id: str) -> list[str]:
        return [f"hello,events,{client_id}", *super().register(password, client_id)]

    def parse(self, line: str) -> Heard | None:
        return Ping(line.removeprefix("ping,")) if line.startswith("ping,") else super().parse(line)

    def record(self, line: str, how: str) -> Seen | None:
        if line.partition(",")[0] not in EVENTS:
            return None
        event = parse_event(line)
        return Seen(how, event.kind, event.sender, event.to, event.text, event.id)


class WebDoor(EventsDoor):
    """The same in a WebSocket (RFC 6455), a message a line."""

    _frames = b""

    async def open(self) -> None:
        host = "127.0.0.1:{}".format(self._writer.get_extra_info("peername")[1])
        head = ("GET /socket HTTP/1.1", f"Host: {host}", f"Origin: http://{host}", "Upgrade: websocket")
        key = base64.b64encode(b"sixteen bytes ok").decode()
        more = ("Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", "")
        self._writer.write("\r\n".join((*head, *more)).encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer:
            raise EOFError

    def send(self, *lines: str) -> None:
        self._writer.write(b"".join(self._frame(0x81, line.encode()) for line in lines))

    async def read(self) -> bytes:
        said = b""
        while not said:
            self._frames += await super().read()
            while (frame := self._next_frame()) is not None:
                opcode, payload = frame
                if opcode == 8:
                    raise EOFError
                if opcode == 9:
                    self._writer.write(self._frame(0x8A, payload))
                elif opcode in (0, 1):
                    said += payload.rstrip(b"\n") + b"\n"
        return said

    def _frame(self, first: int, payload: bytes) -> bytes:
        """Return a frame whose mask is zero."""
        size = len(payload)
        head = struct.pack("!BB", first, 0x80 | size) if size < 126 else struct.pack("!BBH", first, 0xFE, size)
        return head + bytes(4) + payload

    def _next_frame(self) -> tuple[int, bytes] | None:
        """Return the opcode and payload of the next whole frame, or None."""
        data = self._frames
        if len(data) < 2:
            return None
        size, start = data[1] & 0x7F, 2
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big") if len(data) >= start else len(data)
        if len(data) < start + size:
            return None
        self._frames = data[start + size :]
        return data[0] & 0x0F, data[start : start + size]
