"""Measure what each step of a message's path costs, from the read to the write, by timing the real functions.

    python benchmarks/costs.py                               print the tables
    python benchmarks/costs.py --into docs/architecture.md   renew the tables in that page

Everything up to the transport runs in memory, without sockets; the transports are timed with real sockets, kernel
included. A figure is the minimum of several rounds, in nanoseconds. A whole server takes more, since other data
competes for the processor's caches: run.py measures whole servers.
"""

import argparse
import asyncio
import re
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from idle import DOORS, idle
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.protocol import Factory, Protocol

from twisted_chat.core.participants import Entry
from twisted_chat.doors.session import Session
from twisted_chat.doors.web.websocket import Frames
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Server
from twisted_chat.transports.direct import direct_writer
from twisted_chat.transports.endpoint import LoopEndpoint
from twisted_chat.transports.interfaces import Writer, tune_socket

ROUNDS = 15
TEXT = "x" * 64
PAIRS = 50
ROOM = 100
CONNECTIONS = 50
READERS = 1000

Step = Callable[[], object]
Costs = dict[str, float]


class Sink:
    """A writer that drops everything."""

    def write(self, data: bytes) -> None:
        """Drop the bytes."""


def least(step: Step, prepare: Step = lambda: None, rounds: int = ROUNDS) -> float:
    """Return the nanoseconds of the fastest of several calls; `prepare` runs before each call, untimed."""
    best = float("inf")
    for _ in range(rounds):
        prepare()
        began = time.perf_counter_ns()
        step()
        best = min(best, time.perf_counter_ns() - began)
    return best


class Workload:
    """Clients in memory, some of which send reads of `lines` lines each."""

    def __init__(self, lines: int, room: bool) -> None:
        self.server = Server()
        names = [f"u{number}" for number in range(ROOM if room else 2 * PAIRS)]
        people = [self.server.plain(name, *(["#tea"] if room else [])) for name in names]
        for person in people:
            person.chat.session.outbox._transport = Sink()  # type: ignore[assignment]
        speakers = people[:5] if room else people[:PAIRS]
        whom = ["#tea" if room else f"u{PAIRS + number}" for number in range(len(speakers))]
        self.reads = [
            (speaker, f"chat,{to},{TEXT}\n".encode() * lines) for speaker, to in zip(speakers, whom, strict=True)
        ]
        self.messages = lines * len(speakers)
        self.batch: list[Entry] = []
        for _ in range(3):  # from then on all caches are filled
            self.read()
            self.server.turn()
        log = self.server.log
        assert isinstance(log, MemoryLog)
        self._deliver = log._deliver
        log._deliver = self.batch.extend

    def read(self) -> None:
        """Deliver all the reads of a turn."""
        for speaker, data in self.reads:
            speaker.protocol.dataReceived(data)

    def said(self) -> None:
        """Mark all messages as stored and delivered."""
        self.server.turn()
        self.batch.clear()
        for speaker, _ in self.reads:
            speaker.chat.session.unstored = 0

    def kept(self) -> None:
        """Prepare one batch that the log is about to deliver."""
        self.said()
        self.read()
        self.server.turn()

    def costs(self) -> Costs:
        """Return the nanoseconds of each step for one message."""
        hub, say = self.server.hub, self.server.hub.say
        reading = least(self.read, self.said)
        hub.say = lambda *arguments: None  # type: ignore[method-assign]
        taking = least(self.read, self.said)
        hub.say = say  # type: ignore[method-assign]

        def spoken() -> None:
            self.said()
            self.read()

        keeping = least(self.server.log.flush, spoken)
        delivering = least(lambda: self._deliver(self.batch), self.kept)
        rendering = self._rendering()
        writing = self._writing()
        steps = {
            "take the read: `ChatProtocol.dataReceived`, `Flusher.request`": taking,
            "`Hub.say`": reading - taking,
            "keep it: `MemoryLog.flush`": keeping,
            "deliver it: `Hub.deliver`, `Session.deliver`, `Session.acknowledge`": delivering - rendering - writing,
            "render it: `RenderCache`": rendering,
            "send it: `Outbox.put` and `flush`": writing,
        }
        return {step: max(cost, 0) / self.messages for step, cost in steps.items()}

    def _rendering(self) -> float:
        self.kept()
        batch = list(self.batch)
        rendering = self._readers(batch[0])[0]._render
        return least(lambda: [rendering(entry) for entry in batch])

    def _writing(self) -> float:
        """Return the nanoseconds that the outboxes take for one batch."""
        self.kept()
        batch = list(self.batch)
        jobs = [(reader.outbox, reader._render(entry)) for entry in batch for reader in self._readers(entry)]
        outboxes = list({id(outbox): outbox for outbox, _ in jobs}.values())

        def write() -> None:
            for outbox, data in jobs:
                outbox.put(data)
            for outbox in outboxes:
                outbox.flush()

        return least(write)

    def _readers(self, entry: Entry) -> Sequence[Session]:
        return [reader for reader in entry.recipients if isinstance(reader, Session) and reader is not entry.connection]


class Wires:
    """Real connections to a protocol that only counts reads, on one kind of transport."""

    def __init__(self, kind: str) -> None:
        self.count, self.ends = 0, []
        self.writers: list[Writer] = []
        if kind == "epoll":
            self._reactor = EPollReactor()
            endpoint: IStreamServerEndpoint = TCP4ServerEndpoint(self._reactor, 0, interface="127.0.0.1")
            self.turn: Step = lambda: self._reactor.iterate(0)
        else:
            self._loop = _loop(kind)
            endpoint = LoopEndpoint(AsyncioSelectorReactor(self._loop), 0, "127.0.0.1")
            self.turn = self._turn
        wires = self

        class Counting(Protocol):
            def connectionMade(self) -> None:
                tune_socket(self.transport)
                wires.writers.append(direct_writer(self.transport))  # type: ignore[arg-type]

            def dataReceived(self, data: bytes) -> None:
                wires.count += 1

        ports: list[IListeningPort] = []
        endpoint.listen(Factory.forProtocol(Counting)).addCallback(ports.append)
        port = ports[0].getHost().port  # type: ignore[attr-defined]  # an IPv4Address
        for _ in range(CONNECTIONS):
            self.ends.append(socket.create_connection(("127.0.0.1", port)))
        while len(self.writers) < CONNECTIONS:
            self.turn()

    def _turn(self) -> None:
        self._loop.call_soon(self._loop.stop)
        self._loop.run_forever()

    def costs(self, size: int) -> tuple[float, float]:
        """Return the nanoseconds of a read and of a write of `size` bytes, with all connections busy."""
        data = b"x" * size

        def send() -> None:
            self.count = 0
            for end in self.ends:
                end.sendall(data)

        def receive() -> None:
            while self.count < CONNECTIONS:
                self.turn()

        def drain() -> None:
            for end in self.ends:
                end.setblocking(False)
                with suppress(BlockingIOError):
                    end.recv(1 << 20)
                end.setblocking(True)

        def write() -> None:
            for writer in self.writers:
                writer.write(data)
            self.turn()  # where a loop's transports write

        nothing = least(self.turn)
        reading = least(receive, send) - nothing
        writing = least(write, drain) - nothing
        return reading / CONNECTIONS, writing / CONNECTIONS


def _loop(kind: str) -> asyncio.AbstractEventLoop:
    if kind == "asyncio":
        return asyncio.new_event_loop()
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def steps() -> str:
    """Return the table of a message's path in memory."""
    columns = {
        "alone in its read": Workload(1, room=False).costs(),
        "of 32 in a read": Workload(32, room=False).costs(),
        f"to a room of {ROOM}, {ROOM - 1} readers": Workload(1, room=True).costs(),
    }
    rows = [[step, *(f"{costs[step]:,.0f}" for costs in columns.values())] for step in next(iter(columns.values()))]
    rows.append(["**in all**", *(f"**{sum(costs.values()):,.0f}**" for costs in columns.values())])
    return table(["ns a message", *columns], rows)


def transports() -> str:
    """Return the table of reads and writes on real sockets, by transport."""
    rows = []
    for kind, title in (
        ("uvloop", "uvloop's (`LoopTransport`)"),
        ("epoll", "the epoll reactor's (`DirectWriter`)"),
    ):
        try:
            reading, writing = Wires(kind).costs(len(TEXT) + 10)
        except ImportError:
            continue
        rows.append([title, f"{reading:,.0f}", f"{writing:,.0f}"])
    return table(["ns, kernel included, with 50 connections busy", "read", "write"], rows)


def websockets() -> str:
    """Return the table of one line that goes to many WebSockets."""
    line = f"jane in #tea says {TEXT}\n".encode()
    shared = Frames()

    def once() -> None:
        for _ in range(READERS):
            shared(line)

    def each() -> None:
        for _ in range(READERS):
            Frames()(line)

    rows = [["made for each", f"{least(each) / 1000:,.0f}"], ["made once", f"{least(once) / 1000:,.0f}"]]
    return table([f"frames of one message to {READERS:,} WebSockets", "µs"], rows)


def memory() -> str:
    """Return the table of the memory that idle connections hold."""
    return table(
        ["an idle connection with a name, at the door", "KiB"], [[door, f"{idle(door):.1f}"] for door in DOORS]
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


TABLES = {"steps": steps, "transports": transports, "websockets": websockets, "memory": memory}


def main() -> None:
    """Measure, and print the tables or write them into a page."""
    parser = argparse.ArgumentParser(description="times each step of a message's path")
    parser.add_argument("--tables", default=",".join(TABLES), help="the tables to make, separated by commas")
    parser.add_argument(
        "--into",
        type=Path,
        metavar="FILE",
        help="renew them in this page, below the <!-- costs: NAME --> lines",
    )
    options = parser.parse_args()
    made = {name: TABLES[name]() for name in options.tables.split(",")}
    if options.into is None:
        print("\n\n".join(made.values()))
        return
    text = options.into.read_text()
    for name, lines in made.items():
        place = re.compile(f"(<!-- costs: {name} -->).*?(<!-- end -->)", re.DOTALL)
        text, found = place.subn(rf"\1\n\n{lines}\n\n\2", text)
        if not found:
            sys.exit(f"{options.into} has no <!-- costs: {name} --> line")
    options.into.write_text(text)


if __name__ == "__main__":
    main()
