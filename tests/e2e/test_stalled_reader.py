"""A member of a room of fifty stops reading for a very long time: it costs little, and misses nothing."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Sequence

from conftest import Person, Serve

MESSAGES = int(os.environ.get("MESSAGES", "200000"))
PEOPLE = 50
AT_ONCE = 500
MIB = 1024 * 1024


class Listeners(threading.Thread):
    """Read everything that some clients get, and count the lines."""

    def __init__(self, people: Sequence[Person]) -> None:
        super().__init__(daemon=True)
        self.lines = dict.fromkeys((person.socket for person in people), 0)
        self._done = False

    def run(self) -> None:
        with selectors.DefaultSelector() as ready:
            for one in self.lines:
                ready.register(one, selectors.EVENT_READ)
            while not self._done:
                for key, _ in ready.select(0.1):
                    assert isinstance(key.fileobj, socket.socket)
                    self.lines[key.fileobj] += key.fileobj.recv(MIB).count(b"\n")

    def stop(self) -> None:
        self._done = True
        self.join()


def test_a_client_that_leaves_200_000_messages_unread_gets_all_in_order_once(serve: Serve) -> None:
    server = serve()
    deaf, jane, *others = [server.person(f"person{number}") for number in range(PEOPLE)]
    for person in (deaf, jane, *others):
        person.asks("join,#tea", "ack")
    listeners = Listeners(others)
    listeners.start()

    def say(first: int, last: int) -> None:
        for number in range(first, last, AT_ONCE):
            texts = range(number, min(number + AT_ONCE, last))
            jane.says(*(f"chat,#tea,message {text}" for text in texts), "@done ping,done")
            assert jane.hears() == "@done ok,done"

    say(0, MESSAGES // 10)  # so that all buffers of fixed size are full
    before = server.resident()
    say(MESSAGES // 10, MESSAGES)
    grown = server.resident() - before
    heard = 0
    while heard < MESSAGES:
        assert deaf.hears() == f"person1 in #tea says message {heard}"
        heard += 1
    deaf.hears_nothing()
    grown_after = server.resident() - before
    listeners.stop()
    print(f"{heard} messages; memory grew by {grown / MIB:.1f} MiB, and {grown_after / MIB:.1f} MiB after it caught up")
    assert set(listeners.lines.values()) == {MESSAGES}
    assert max(grown, grown_after) < 32 * MIB
    for person in (deaf, jane, *others):
        person.hangs_up()
