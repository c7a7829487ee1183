"""A ChatClient with an account, in a room: it sends each line of its input, and writes each message it reads as JSON.

    python member.py ENDPOINT NAME ROOM

The program prints `ready`, then a line for each message of others, [id, sender, text]; at the
end of its input it leaves.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from passwords import password_of
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.stdio import StandardIO
from twisted.internet.task import react
from twisted.protocols.basic import LineOnlyReceiver

from twisted_chat import ChatClient
from twisted_chat.wire.events import Event


class LinesToSend(LineOnlyReceiver):
    """Send each line of standard input to the room."""

    delimiter = b"\n"

    def __init__(self, client: ChatClient, room: str) -> None:
        self._client, self._room = client, room
        self.ended: Deferred[None] = Deferred()

    def lineReceived(self, line: bytes) -> None:
        self._client.chat(self._room, line.decode())

    def connectionLost(self, reason: object = None) -> None:
        self.ended.callback(None)


def hear(event: Event) -> None:
    """Print a message of another user."""
    if event.kind == "message":
        print(json.dumps([event.id, event.sender, event.text]), flush=True)


async def main(reactor: Any, endpoint: str, name: str, room: str) -> None:
    """Stay in the room until the input ends."""
    client = await ChatClient.connect(clientFromString(reactor, endpoint), hear, clock=reactor)
    await client.register(name, password_of(name))
    await client.join(room)
    lines = LinesToSend(client, room)
    StandardIO(lines)
    print("ready", flush=True)
    await lines.ended
    await client.quit()


if __name__ == "__main__":
    react(lambda reactor, *arguments: Deferred.fromCoroutine(main(reactor, *arguments)), sys.argv[1:])
