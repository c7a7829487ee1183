"""The connections of an attack: they come from loopback addresses of their own, and end by themselves.

Everything here is bounded by a deadline, so that an attack ends whether or not the server answers, pauses or
refuses it. Functions return how much they have done, and a connection that the server ends is not an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

ADDRESS = "127.0.0.2"
"""The address of an attack that names no other."""
MAX_CONNECTING = 50
"""Connections that an attack opens at the same time."""
ENDED = (OSError, EOFError, asyncio.TimeoutError)
"""The errors that end a connection of an attack; they are expected."""


class Attack:
    """The knowledge that an attack needs: the server's port, the file, and the time at which it must end."""

    def __init__(self, port: int, store: str, seconds: float) -> None:
        self.port, self.store, self.seconds = port, store, seconds
        self.deadline = time.monotonic() + seconds
        self.done: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(MAX_CONNECTING)

    @property
    def left(self) -> float:
        """Return the seconds that are left; a very short time if there are none."""
        return max(self.deadline - time.monotonic(), 0.001)

    @property
    def going(self) -> bool:
        """Return True until the time is over."""
        return time.monotonic() < self.deadline

    def restart_clock(self) -> None:
        """Give the attack its whole time from now on: its preparation is over."""
        self.deadline = time.monotonic() + self.seconds

    async def connect(self, address: str = ADDRESS) -> Connection:
        """Open a connection from this address. Raises OSError or TimeoutError."""
        async with self._slots:
            opening = asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
            reader, writer = await asyncio.wait_for(opening, self.left)
            return Connection(self, reader, writer)

    async def guest(self, name: str, address: str = ADDRESS, more: bytes = b"") -> Connection:
        """Open a connection, take a name, and send `more`. Raises what a connection raises."""
        connection = await self.connect(address)
        await connection.ask(b"register,%b\n" % name.encode(), b"ack\n")
        await connection.send(more)
        return connection

    async def guests(self, count: int, prefix: str = "m", more: bytes = b"") -> list[Connection]:
        """Open connections with names; return those that the server has accepted."""
        names = [f"{prefix}{number}" for number in range(count)]
        return await self.opened(self.guest(name, more=more) for name in names)

    async def opened(self, opening: Iterable[Awaitable[Connection]]) -> list[Connection]:
        """Return the connections that could be opened, and count the others."""
        found = await asyncio.gather(*opening, return_exceptions=True)
        opened = [one for one in found if isinstance(one, Connection)]
        self.done["connections"] += len(opened)
        self.done["refused"] += len(found) - len(opened)
        return opened

    async def everyone(self, work: Iterable[Awaitable[object]]) -> None:
        """Do work at the same time, and ignore how it ends."""
        await asyncio.gather(*work, return_exceptions=True)

    async def again(self, what: str, once: Callable[[int], Awaitable[object]], workers: int = 1) -> None:
        """Repeat an action with some workers until the time is over; the action is given a number."""
        numbers = iter(range(10**9))

        async def worker() -> None:
            while self.going:
                try:
                    await asyncio.wait_for(once(next(numbers)), self.left)
                    self.done[what] += 1
                except ENDED:
                    self.done["refused"] += 1
                    await asyncio.sleep(0.01)

        await self.everyone(worker() for _ in range(workers))


class Connection:
    """A connection of an attack."""

    def __init__(self, attack: Attack, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._attack, self._reader, self._writer = attack, reader, writer

    @property
    def is_open(self) -> bool:
        """Return False once the server has ended the connection."""
        return not self._reader.at_eof() and not self._writer.is_closing()

    async def send(self, data: bytes) -> None:
        """Send bytes, and wait while the server does not read."""
        self._writer.write(data)
        await asyncio.wait_for(self._writer.drain(), self._attack.left)

    async def ask(self, data: bytes, *answers: bytes) -> bytes:
        """Send bytes, read until one of the answers has come, and return what has come. Raises EOFError."""
        await self.send(data)
        got = b""
        while not any(answer in got for answer in answers):
            read = await asyncio.wait_for(self._reader.read(1 << 18), self._attack.left)
            if not read:
                raise EOFError
            got = got[-64:] + read
        return got

    async def flood(self, data: bytes, reads: bool = True) -> None:
        """Send the same bytes until the time is over, as fast as the server takes them; read or ignore the answers."""
        reading = asyncio.ensure_future(self.discard()) if reads else None
        try:
            while self._attack.going:
                await self.send(data)
                self._attack.done["MiB sent"] += len(data)
                await asyncio.sleep(0)
        except ENDED:
            pass
        finally:
            if reading is not None:
                reading.cancel()

    async def discard(self) -> None:
        """Read and drop all that comes, until the end."""
        with contextlib.suppress(*ENDED):
            while await self._reader.read(1 << 18):
                pass

    def drop(self) -> None:
        """End the connection without a word."""
        self._writer.transport.abort()


def listing(prefix: str, verb: str = "join", count: int = 100, rest: str = "") -> bytes:
    """Return the lines of a verb for some rooms: `join,#<prefix>0` and so on."""
    return "".join(f"{verb},#{prefix}-{number}{rest}\n" for number in range(count)).encode()
