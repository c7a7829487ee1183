"""The actors of a script: programs on ChatClient, and bare connections that send and read lines.

What an actor sees waits until the script expects it, and the script waits for what an actor has not seen yet.
"""

from __future__ import annotations

import re
from collections import deque

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from twisted_chat.client import Disconnected
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.person import Person
from twisted_chat.wire.events import Event, plain

QUIET_SECONDS = 0.3
"""After so long a silence, nothing more is taken to come on a bare connection."""

_NEWS = re.compile(r"\S+ is (?:online|offline)|\S+ is now \S+|server: .*")
_BYTE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_ANYTHING = re.compile(r"\.\.\.|…")


class Unmet(Exception):
    """An expectation failed: `seen` came instead of `expected`."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}, saw {seen}")
        self.expected, self.seen = expected, seen


class Actor:
    """An actor with one connection, who waits at most `timeout_seconds` for anything."""

    def __init__(self, clock: IReactorTime, timeout_seconds: float) -> None:
        self.clock, self.timeout_seconds = clock, timeout_seconds
        self.gone = False
        self._waiting: Deferred[None] | None = None

    async def see(self, expected: str) -> None:
        """Expect this to be the next thing that the actor sees; raises Unmet."""
        raise NotImplementedError

    async def see_nothing(self) -> None:
        """Expect that there is nothing more to see; raises Unmet."""
        raise NotImplementedError

    async def leave(self) -> None:
        """End the connection gracefully."""
        raise NotImplementedError

    def drop(self) -> None:
        """Drop the connection without warning."""
        raise NotImplementedError

    async def see_end(self) -> None:
        """Expect that the server ends the connection; raises Unmet."""
        while not self.gone:
            if not await self.change():
                raise Unmet("the connection ends", "the connection continues")

    async def change(self) -> bool:
        """Wait until anything comes; return False if it takes too long."""
        self._waiting = Deferred()
        try:
            await self._waiting.addTimeout(self.timeout_seconds, self.clock)
        except TimeoutError:
            return False
        return True

    def changed(self) -> None:
        """Wake up what waits, since something has come."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)


class ProgramActor(Actor):
    """A program that speaks the events dialect. Messages, and news of presence, wait in a queue each."""

    def __init__(self, clock: IReactorTime, timeout_seconds: float, ledger: Ledger) -> None:
        super().__init__(clock, timeout_seconds)
        self.person = Person(ledger, clock.seconds, self._event, self._lost)
        self._said: deque[str] = deque()
        self._news: deque[str] = deque()

    async def see(self, expected: str) -> None:
        queue = self._news if _NEWS.fullmatch(expected) else self._said
        while not queue:
            if self.gone:
                raise Unmet(expected, "the end of the connection")
            if not await self.change() and not queue:
                raise Unmet(expected, "nothing")
        seen = queue.popleft()
        if not matches(expected, seen):
            raise Unmet(expected, seen)

    async def see_nothing(self) -> None:
        await self.person.client.ping()  # everything that the server sent before its answer is here now
        for queue in (self._said, self._news):
            if queue:
                raise Unmet("nothing", queue[0])

    async def leave(self) -> None:
        if self.person.client.connected:
            await self.person.quit()

    def drop(self) -> None:
        self.person.drop()

    def remember(self, records: list[Event]) -> None:
        """Let the actor see records of the past."""
        self._said.extend(shown(record) for record in records)

    def _event(self, event: Event) -> None:
        (self._news if event.kind in ("online", "offline", "renamed", "server", "error") else self._said).append(
            shown(event)
        )
        self.changed()

    def _lost(self, reason: Disconnected) -> None:
        self.gone = True
        self.changed()


class BareActor(Actor):
    """Sends what the script says, byte by byte, as a person with `nc` or the lesson's client does."""

    def __init__(self, clock: IReactorTime, timeout_seconds: float) -> None:
        super().__init__(clock, timeout_seconds)
        self._protocol = _Reads(self)
        self.heard = ""

    async def connect(self, endpoint: IStreamClientEndpoint) -> None:
        """Connect; raises what the endpoint raises."""
        await connectProtocol(endpoint, self._protocol)

    def send(self, line: str, ending: bytes) -> None:
        r"""Send bytes; `\xff` in the line stands for one byte."""
        data = _BYTE.sub(lambda match: bytes([int(match[1], 16)]), line.encode())
        self._protocol.transport.write(data + ending)

    async def see(self, expected: str) -> None:
        while "\n" not in self.heard:
            await self._wait(expected)
        line, _, self.heard = self.heard.partition("\n")
        if not matches(expected, line.removesuffix("\r")):
            raise Unmet(expected, line)

    async def see_unended(self, expected: str) -> None:
        """Expect that all that has come is this, without a line ending; raises Unmet."""
        while not matches(expected, self.heard):
            await self._wait(expected)
        self.heard = ""

    async def see_nothing(self) -> None:
        await deferLater(self.clock, QUIET_SECONDS)
        if self.heard:
            raise Unmet("nothing", self.heard.rstrip())

    async def leave(self) -> None:
        if not self.gone:
            self.hang_up()
            await self.see_end()

    def hang_up(self) -> None:
        """Close the sending half of the connection, and read on."""
        self._protocol.transport.loseWriteConnection()

    def drop(self) -> None:
        if not self.gone:
            self._protocol.transport.abortConnection()

    async def _wait(self, expected: str) -> None:
        if self.gone:
            raise Unmet(expected, self.heard.rstrip() or "the end of the connection")
        before = self.heard
        if not await self.change() and self.heard == before:
            raise Unmet(expected, self.heard.rstrip() or "nothing")


class _Reads(Protocol):
    transport: ITCPTransport

    def __init__(self, actor: BareActor) -> None:
        self._actor = actor

    def dataReceived(self, data: bytes) -> None:
        self._actor.heard += data.decode("utf-8", "backslashreplace")
        self._actor.changed()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._actor.gone = True
        self._actor.changed()


def matches(expected: str, seen: str) -> bool:
    """Return True if `seen` is what was expected, where `...` stands for anything."""
    parts = _ANYTHING.split(expected)
    return re.fullmatch(".*".join(map(re.escape, parts)), seen, re.DOTALL) is not None


def shown(event: Event) -> str:
    """Return an event as scripts write it: a message as a person reads it, or news that only programs are sent."""
    kind, name = event.kind, event.sender
    if kind in ("online", "offline"):
        return f"{name} is {kind}"
    if kind == "renamed":
        return f"{name} is now {event.text}"
    if kind in ("joined", "left"):
        return f"{name} {kind} {event.to}"
    if kind in ("server", "error"):
        return f"server: {event.text}"
    return "".join(plain(kind, name, event.to, [event.text]))
