"""People who do nothing wrong while others attack the server: what they wait for, measured.

    python benchmarks/bystanders.py PORT [ACCOUNT]

jane (127.0.0.3) writes to zak (127.0.0.4) fifty times a second, anna reads the last messages of a conversation ten
times a second, and four times a second a person signs in: ten accounts in turn, each from an address of its own, or
always ACCOUNT. The requests come on a schedule, so a stalled server cannot hide by being asked less often. The program
prints `ready`, measures until its input ends, waits for what is still unanswered, and prints the figures as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable

CHAT_SECONDS = 0.02
HISTORY_SECONDS = 0.1
SIGN_IN_SECONDS = 0.25
ACCOUNTS = 10
LAST_WAIT_SECONDS = 10.0
"""Seconds after the end of the attack; a request that has no answer by then counts as lost."""
LOOK_SECONDS = 0.05
MAX_SIGN_IN_SECONDS = 20.0
MAX_SECONDS = 300
JANE, ZAK = "127.0.0.3", "127.0.0.4"

Figures = dict[str, float]


class Waits:
    """The times at which requests were sent and answered, by number."""

    def __init__(self) -> None:
        self._sent: dict[int, float] = {}
        self._took: list[float] = []
        self.refused = 0

    def sent(self, number: int) -> None:
        """Note the time at which a request was sent."""
        self._sent[number] = time.perf_counter()

    def answered(self, number: int, well: bool = True) -> None:
        """Note the time of an answer; a refusal is counted apart."""
        sent_at = self._sent.pop(number, None)
        if sent_at is not None and well:
            self._took.append(time.perf_counter() - sent_at)
        elif sent_at is not None:
            self.refused += 1

    @property
    def unanswered(self) -> int:
        """Return the number of requests without an answer so far."""
        return len(self._sent)

    def figures(self) -> Figures:
        """Return the percentiles in ms; a request without an answer has taken until now, and counts as lost."""
        now = time.perf_counter()
        took = sorted([*self._took, *(now - sent_at for sent_at in self._sent.values())])
        figures: Figures = {"asked": len(took) + self.refused, "refused": self.refused, "lost": len(self._sent)}
        if took:
            figures |= {key: took[min(int(len(took) * share), len(took) - 1)] * 1000 for key, share in SHARES.items()}
        return figures


SHARES = {"p50": 0.5, "p99": 0.99, "worst": 1.0}


class Person:
    """A connection at the line door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int, address: str) -> Person:
        """Open a connection from this address."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))

    async def ask(self, line: str) -> str:
        """Send a line, and return the next line that comes. Raises EOFError."""
        self.writer.write(line.encode() + b"\n")
        return await self.hear()

    async def hear(self) -> str:
        """Return the next line. Raises EOFError."""
        line = await self.reader.readline()
        if not line:
            raise EOFError
        return line.decode().rstrip("\r\n")


async def on_schedule(seconds: float, request: Callable[[int], None]) -> None:
    """Call `request` with the numbers from 0 on, at fixed times, until cancelled."""
    number, due = 0, time.perf_counter()
    while True:
        request(number)
        number, due = number + 1, due + seconds
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


class Bystanders:
    """Jane, zak, anna, and those who sign in."""

    def __init__(self, port: int, account: str) -> None:
        self._port, self._account = port, account
        self.chat, self.history, self.sign_in = Waits(), Waits(), Waits()
        self._tasks: list[asyncio.Task[None]] = []
        self._signing_in: set[asyncio.Task[None]] = set()

    def _who(self, number: int) -> tuple[str, str]:
        """Return the account and address of the sign-in of this number."""
        number %= ACCOUNTS
        return (self._account, f"127.0.1.{ACCOUNTS}") if self._account else (f"person{number}", f"127.0.1.{number}")

    async def begin(self) -> None:
        """Connect everybody, make the accounts, and start to measure."""
        self._jane = await Person.connect(self._port, JANE)
        self._zak = await Person.connect(self._port, ZAK)
        self._anna = await Person.connect(self._port, ZAK)
        for name, person in (("jane", self._jane), ("zak", self._zak), ("anna", self._anna)):
            assert await person.ask(f"register,{name}") == "ack"
        assert await self._anna.ask("chat,anna,a message to read again") == "anna says a message to read again"
        for number in range(1 if self._account else ACCOUNTS):
            name, address = self._who(number)
            answer = await self._register(name, address)
            assert answer.startswith("@r ok,"), answer
        await self._register("mallory", "127.0.0.2")
        start = asyncio.ensure_future
        self._tasks = [start(self._hear_chat()), start(self._hear_history())]
        self._asking = [
            start(on_schedule(CHAT_SECONDS, self._chat)),
            start(on_schedule(HISTORY_SECONDS, self._history)),
            start(on_schedule(SIGN_IN_SECONDS, self._begin_sign_in)),
        ]

    async def end(self) -> dict[str, Figures]:
        """Ask no more, wait for what is unanswered, and return the figures."""
        for task in self._asking:
            task.cancel()
        kinds = {"chat": self.chat, "history": self.history, "sign_in": self.sign_in}
        for _ in range(round(LAST_WAIT_SECONDS / LOOK_SECONDS)):
            if any(waits.unanswered for waits in kinds.values()):
                await asyncio.sleep(LOOK_SECONDS)
        for task in [*self._tasks, *self._signing_in]:
            task.cancel()
        return {kind: waits.figures() for kind, waits in kinds.items()}

    def _chat(self, number: int) -> None:
        self.chat.sent(number)
        self._jane.writer.write(b"chat,zak,%d\n" % number)

    async def _hear_chat(self) -> None:
        while True:
            heard = await self._zak.hear()
            if heard.startswith("jane says "):
                self.chat.answered(int(heard.removeprefix("jane says ")))

    def _history(self, number: int) -> None:
        self.history.sent(number)
        self._anna.writer.write(b"@%d history,anna\n" % number)

    async def _hear_history(self) -> None:
        while True:
            label, _, answer = (await self._anna.hear()).partition(" ")
            if answer.startswith(("ok,", "error,")):
                self.history.answered(int(label[1:]), answer.startswith("ok,"))

    def _begin_sign_in(self, number: int) -> None:
        task = asyncio.ensure_future(self._sign_in(number))
        self._signing_in.add(task)
        task.add_done_callback(self._signing_in.discard)

    async def _sign_in(self, number: int) -> None:
        self.sign_in.sent(number)
        try:
            answer = await asyncio.wait_for(self._register(*self._who(number)), MAX_SIGN_IN_SECONDS)
        except (OSError, EOFError, asyncio.TimeoutError):
            answer = ""
        self.sign_in.answered(number, answer.startswith("@r ok,"))

    async def _register(self, name: str, address: str) -> str:
        """Sign in to an account or make it, and leave; return the answer."""
        person = await Person.connect(self._port, address)
        try:
            answer = await person.ask(f"@r register,{name},{name} at the seaside")
            person.writer.write(b"quit\n")
            return answer
        finally:
            person.writer.close()


async def main() -> None:
    """Measure until the input ends."""
    bystanders = Bystanders(int(sys.argv[1]), "".join(sys.argv[2:]))
    await asyncio.wait_for(bystanders.begin(), LAST_WAIT_SECONDS)
    print("ready", flush=True)
    ended = asyncio.Event()

    def input_came() -> None:
        if not os.read(0, 100):
            ended.set()

    asyncio.get_running_loop().add_reader(0, input_came)
    await ended.wait()
    print(json.dumps(await bystanders.end()))


if __name__ == "__main__":
    signal.alarm(MAX_SECONDS)
    asyncio.run(main())
