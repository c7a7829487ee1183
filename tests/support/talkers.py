"""Some ChatClients that talk, whatever becomes of the server, until their input ends; then what each knows, as JSON.

    python talkers.py PORT NAME,NAME,… < pipe

Their accounts' passwords are their names. All are in #tea, and write there and to each other, with many
messages under way. Printed is `ready` once they are; and at the end, a line for all of them:
{"jane": {"acknowledged": {text: id}, "seen": [[id, text], …], "problems": […]}, …}.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore
from twisted.internet.endpoints import clientFromString
from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO
from twisted.internet.task import react
from twisted.python.failure import Failure

from twisted_chat import ChatClient
from twisted_chat.wire.events import Event

UNDER_WAY = 30


class Talker:
    """One client, and what it was told."""

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
        await self._client.register(self.name, self.name)
        await self._client.join("#tea")

    async def talk(self) -> None:
        """Go on until told to end, and until everything is acknowledged."""
        places = DeferredSemaphore(UNDER_WAY)
        while self.talking:
            await places.acquire()
            number = next(self._numbers)
            text = f"{self.name} {number}"
            to = "#tea" if number % 2 else self._dice.choice(self._friends)
            said = self._client.chat(to, text)
            said.addCallback(self._had, text)
            said.addErrback(self._failed)
            said.addBoth(lambda _: places.release())
        for _ in range(UNDER_WAY):
            await places.acquire()

    async def say_the_end(self) -> None:
        """Tell each friend that this is all."""
        for friend in self._friends:
            text = f"{self.name} to {friend}: the end"
            self._had(await self._client.chat(friend, text), text)

    async def hear_the_end(self) -> None:
        """Wait until each friend has said that this is all, and leave."""
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


class Input(Protocol):
    """Ends the talk with the input."""

    def __init__(self, talkers: list[Talker]) -> None:
        self._talkers = talkers

    def connectionLost(self, reason: object = None) -> None:
        for talker in self._talkers:
            talker.talking = False


async def main(reactor: Any, port: str, names: str) -> None:
    """Everyone at once."""
    everyone = names.split(",")
    talkers = [Talker(name, [other for other in everyone if other != name]) for name in everyone]
    for talker in talkers:
        await talker.begin(reactor, int(port))
    StandardIO(Input(talkers))
    print("ready", flush=True)
    await DeferredList([Deferred.fromCoroutine(talker.talk()) for talker in talkers], fireOnOneErrback=True)
    for talker in talkers:
        await talker.say_the_end()
    for talker in talkers:
        await talker.hear_the_end()
    known = [
        {"acknowledged": talker.acknowledged, "seen": talker.seen, "problems": talker.problems} for talker in talkers
    ]
    print(json.dumps(dict(zip(everyone, known, strict=True))))


if __name__ == "__main__":
    react(lambda reactor, *arguments: Deferred.fromCoroutine(main(reactor, *arguments)), sys.argv[1:])
