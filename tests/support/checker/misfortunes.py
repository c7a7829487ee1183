"""What befalls a server and its clients in a history: kills, stalls, resets, a clock that jumps, a full disk."""

from __future__ import annotations

import asyncio
import random
import resource
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from clocked_server import OFFSET
from conftest import PATIENCE, Server, reserved_port

from checker.facts import Facts
from checker.people import Client

CLOCKED_SERVER = Path(__file__).parent.parent / "clocked_server.py"
HOUR, DAY = 3600.0, 86_400.0
JUMPS_SECONDS = (-2 * HOUR, -5.0, 5.0, HOUR, 3 * DAY, 100 * DAY)
WEIGHTS = (3, 6, 4, 4, 1)
"""How often the server is killed, a client stalls, the clock jumps, the disk is full, and the server is stopped."""
KIB = 1024
PROBE = "probe"


class World:
    """A server that can be killed and restarted at its port, on a clock and a disk that can be changed.

    `up` is set while clients may connect.
    """

    def __init__(self, folder: Path, transports: str, facts: Facts) -> None:
        self._folder, self._facts = folder, facts
        self._clock, self.store = folder / "clock", folder / "chat.sqlite3"
        self._clock.write_bytes(OFFSET.pack(0.0))
        self.offset = 0.0
        self.port = reserved_port()
        listen = f"tcp:{self.port}:interface=127.0.0.1"
        self._options = ("--listen", listen, "--transports", transports, "--outbox", "4096")
        self.up = asyncio.Event()
        self.server: Server

    async def start(self) -> None:
        """Start the server, and note the last id of its log."""
        program = [sys.executable, str(CLOCKED_SERVER), str(self._clock)]
        self.server = await asyncio.to_thread(Server, self._folder, *self._options, program=program)
        position = await self.position()
        if self._facts.run:
            self._facts.boundaries.append(position)
        self._facts.run += 1
        self.up.set()

    async def position(self) -> int:
        """Return the last id of the log, as an account is told it."""
        for _ in range(int(PATIENCE)):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(f"@r register,{PROBE},{PROBE} at the seaside\n@s since\n".encode())
            answers = [(await asyncio.wait_for(reader.readline(), PATIENCE)).decode().strip() for _ in range(2)]
            writer.close()
            if answers[1].startswith("@s ok,"):
                return int(answers[1].removeprefix("@s ok,"))
            self._facts.fault("no sign-in", f"{PROBE} cannot sign in after a restart: {answers[0]}")
            self.move_clock(max(0.0, -self.offset) + DAY)
            await asyncio.sleep(0.1)
        raise RuntimeError("nobody can sign in after a restart")

    async def restart(self, gently: bool) -> None:
        """Kill the server, or stop it as an operator does, and start it again."""
        self.up.clear()
        with self._facts.unable():
            self.fill_disk(None)
            if gently:
                await asyncio.to_thread(self.stop)
            else:
                self.server.kill()
            self._read_log()
            await self.start()

    def stop(self) -> None:
        """Stop the server; an unclean end is a fault."""
        try:
            self.server.stop()
        except AssertionError:
            if "Traceback" not in self.server.log:
                self._facts.fault("unclean stop", self.server.log[-1500:])

    def _read_log(self) -> None:
        log = self.server.log
        if "Traceback" in log:
            self._facts.fault("traceback", log[log.index("Traceback") :][:1500])

    def move_clock(self, seconds: float) -> None:
        """Set the server's clock forward or back."""
        self.offset += seconds
        self._facts.set_back |= seconds < 0
        self._facts.days_jumped |= abs(seconds) >= DAY
        with self._clock.open("r+b") as file:  # in place: the server reads these very bytes at any moment
            file.write(OFFSET.pack(self.offset))

    def relieve(self) -> None:
        """Set the clock forward, so that clients that were told to wait may sign in."""
        self.move_clock(3 * HOUR)

    def fill_disk(self, spare: int | None) -> None:
        """Let no file of the server grow by more than so many bytes, as a full disk would; None: as before."""
        pid, kind = self.server.process.pid, resource.RLIMIT_FSIZE
        _, hard = resource.prlimit(pid, kind)
        if spare is None:
            resource.prlimit(pid, kind, (resource.RLIM_INFINITY, hard))
            return
        names = (self.store, Path(f"{self.store}-wal"))
        size = max(path.stat().st_size for path in names if path.exists())
        resource.prlimit(pid, kind, (size + spare, hard))

    def finish(self) -> None:
        """Stop the server for good."""
        self.fill_disk(None)
        self.stop()
        self._read_log()


class Misfortunes:
    """Chooses what happens next. The same seed chooses the same."""

    def __init__(self, world: World, clients: Sequence[Client], facts: Facts, dice: random.Random) -> None:
        self._world, self._clients, self._facts, self._dice = world, clients, facts, dice
        self.count: dict[str, int] = {}

    async def go_on(self, number: int) -> None:
        """Let so many things happen, one after the other."""
        kinds: list[Callable[[], Awaitable[None]]] = [self.kill, self.stall, self.jump, self.full, self.stop]
        for _ in range(number):
            await asyncio.sleep(self._dice.uniform(0.1, 0.8))
            (happens,) = self._dice.choices(kinds, WEIGHTS)
            name = happens.__name__
            self.count[name] = self.count.get(name, 0) + 1
            await happens()

    async def kill(self) -> None:
        """Kill the server, sometimes twice."""
        await self._world.restart(gently=False)
        if self._dice.random() < 0.2:
            await asyncio.sleep(self._dice.uniform(0.0, 0.1))
            await self._world.restart(gently=False)

    async def stop(self) -> None:
        """Stop the server and start it again."""
        await self._world.restart(gently=True)

    async def stall(self) -> None:
        """Let a client read nothing for a while; sometimes it is then reset."""
        client = self._dice.choice(self._clients)
        seconds, resets = self._dice.uniform(0.1, 0.8), self._dice.random() < 0.3
        door = client.door
        if door is not None:
            door.stall()
            await asyncio.sleep(seconds)
            if resets:
                door.reset()
            door.read_on()

    async def jump(self) -> None:
        """Move the clock, and sometimes back again."""
        seconds, back = self._dice.choice(JUMPS_SECONDS), self._dice.random() < 0.3
        self._world.move_clock(seconds)
        if back:
            await asyncio.sleep(0.2)
            self._world.move_clock(-seconds)

    async def full(self) -> None:
        """Let the disk be full for a while."""
        spare, seconds = self._dice.choice((4, 16, 100)) * KIB, self._dice.uniform(0.1, 0.5)
        with self._facts.unable():
            self._world.fill_disk(spare)
            await asyncio.sleep(seconds)
            self._world.fill_disk(None)
            await asyncio.sleep(0.05)
