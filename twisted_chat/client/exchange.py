"""Exchange: a client's requests, and the server's answers and events, on the connection that the client has now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_chat.client.connection import ClientConnection
from twisted_chat.client.pending import Pending
from twisted_chat.client.requests import Finish, OnEvent, nothing
from twisted_chat.wire.events import parse_event

T = TypeVar("T")


class Exchange:
    """Sends labelled requests, resolves them as answers come, and passes each event to `take_event`.

    A read is split once, and an answer costs one look into a dict. Calls `opened` for each connection, and `lost`
    with the reason when it is gone. `connection` is None in between.
    """

    def __init__(
        self,
        opened: Callable[[], None],
        take_event: OnEvent,
        lost: Callable[[str], None],
        have_room: Callable[[], bool],
    ) -> None:
        self.pending = Pending()
        self.connection: ClientConnection | None = None
        self._opened, self._take_event, self._lost, self._have_room = opened, take_event, lost, have_room

    def new_connection(self) -> ClientConnection:
        """Return a connection, to be connected, which replaces the one before it."""
        return ClientConnection(self._connection_opened, self._take, self._connection_lost)

    def ask(
        self,
        request: str,
        finish: Finish[T],
        *,
        repeats: bool,
        now: bool,
        take: OnEvent | None = None,
        label: str | None = None,
    ) -> Deferred[T]:
        """Keep a request until it is answered; send it `now`, or with the others that are unsent."""
        asked = self.pending.add(request, finish, repeats, take, label)
        if isinstance(asked, Deferred):
            return asked
        if now and self.connection is not None:
            asked.sent = True
            self.connection.send(asked.line)
            if self.connection.paused:
                self.regulate()
        return asked.waiting

    def ask_now(self, request: str, finish: Finish[T], take: OnEvent | None = None) -> Deferred[T]:
        """Ask on the present connection, whether signed in or not."""
        return self.ask(request, finish, repeats=False, now=True, take=take)

    def probe(self) -> None:
        """Send a ping, to hear whether the server is still there."""
        self.ask_now("ping,", nothing).addErrback(ignore)

    def send_unsent(self) -> None:
        """Send, in order, the requests that were not sent on this connection."""
        if self.connection is not None:
            self.connection.send(self.pending.unsent())

    def regulate(self) -> None:
        """Read on, or stop reading while the readers have no room and no answer is awaited: answers follow events."""
        if self.connection is not None:
            self.connection.pause(not self.pending and not self._have_room())

    def _connection_opened(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._opened()

    def _connection_lost(self, reason: str) -> None:
        self.connection = None
        self._lost(reason)

    def _take(self, lines: list[str]) -> None:
        """Take the lines of one read; raises ValueError, LookupError or ParseError for a line that no server sends."""
        answer, take_event = self.pending.answer, self._take_event
        for line in lines:
            if line[:1] == "@":
                answer(line)
            elif line[:5] == "ping,":
                if self.connection is not None:
                    self.connection.send(f"pong,{line[5:]}\n".encode())
            else:
                take_event(parse_event(line))
        self.regulate()


def ignore(_: Failure) -> None:
    """Ignore the failure of a request whose connection is gone: the connection reports it."""
