"""ChatClients that chat until the input ends, even while the server restarts, and then print their results as JSON.

    python talkers.py PORT NAME,NAME,… < pipe

Each client signs in to an account. All are in #tea, and write there and to each other, with
many messages under way. The program prints `ready` when all are there, and at the end a line for all of them:
{"jane": {"acknowledged": {text: id}, "seen": [[id, text], …], "problems": […]}, …}.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any

from passwords import password_of
from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore
from twisted.internet.endpoints import clientFromString
from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO
from twisted.internet.task import react
from twisted.python.failure import Failure

from twisted_chat import ChatClient
from twisted_chat.wire.events import Event

MAX_UNACKNOWLEDGED = 30


class Talker:
    """A client, the acknowledgements of its messages, and the messages that it has seen."""

    def __init__(self, name: str, friends: list[str]) -> None:
        self.name, self._friends = name, friends
        self._numbers: Iterator[int] = count()
        self._dice = random.Random(name)
        self.acknowledged: dict[str, int] = {}
        self.seen: list[tuple[int, str]] = []
        self.problems: list[str] = []
        self.talking = True
        self._ends = 0
        self._ended: Deferred[None] = Deferred()

    async def begin(self, reactor: Any, port: int) -> None:
        """Sign in, and enter the room."""
        endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{port}")
        self._client = await ChatClient.connect(endpoint, self._hear, clock=reactor)
        await self._client.register(self.name, password_of(self.name))
        await self._client.join("#tea")

    async def talk(self) -> None:
        """Send messages while `talking`, and wait until all are acknowledged."""
        slots = DeferredSemaphore(MAX_UNACKNOWLEDGED)
        while self.talking:
            await slots.acquire()
            number = next(self._numbers)
            text = f"{self.name} {number}"
            to = "#tea" if number % 2 else self._dice.choice(self._friends)
            said = self._client.chat(to, text)
            said.addCallback(self._had, text)
            said.addErrback(self._failed)
            said.addBoth(lambda _: slots.release())
        for _ in range(MAX_UNACKNOWLEDGED):
            await slots.acquire()

    async def say_the_end(self) -> None:
        """Send each friend a last message."""
        for friend in self._friends:
            text = f"{self.name} to {friend}: the end"
            self._had(await self._client.chat(friend, text), text)

    async def hear_the_end(self) -> None:
        """Wait for the last message of each friend, and leave."""
        await self._ended
        await self._client.quit()

    def _had(self, id: int, text: str) -> None:
        assert text not in self.acknowledged, "acknowledged twice"
        self.acknowledged[text] = id

    def _failed(self, failure: Failure) -> None:
        self.problems.append(str(failure.value))

    def _hear(self, event: Event) -> None:
        if event.kind == "message":
            self.seen.append((event.id, event.text))
            self._ends += event.text.endswith(": the end")
            if self._ends == len(self._friends) and not self._ended.called:
                self._ended.callback(None)


class EndOfInput(Protocol):
    """End the talk when standard input ends."""

    def __init__(self, talkers: list[Talker]) -> None:
        self._talkers = talkers

    def connectionLost(self, reason: object = None) -> None:
        for talker in self._talkers:
            talker.talking = False


async def main(reactor: Any, port: str, names: str) -> None:
    """Run all clients at once."""
    all_names = names.split(",")
    talkers = [Talker(name, [other for other in all_names if other != name]) for name in all_names]
    for talker in talkers:
        await talker.begin(reactor, int(port))
    StandardIO(EndOfInput(talkers))
    print("ready", flush=True)
    await DeferredList([Deferred.fromCoroutine(talker.talk()) for talker in talkers], fireOnOneErrback=True)
    for talker in talkers:
        await talker.say_the_end()
    for talker in talkers:
        await talker.hear_the_end()
    known = [
        {"acknowledged": talker.acknowledged, "seen": talker.seen, "problems": talker.problems} for talker in talkers
    ]
    print(json.dumps(dict(zip(all_names, known, strict=True))))


if __name__ == "__main__":
    react(lambda reactor, *arguments: Deferred.fromCoroutine(main(reactor, *arguments)), sys.argv[1:])
