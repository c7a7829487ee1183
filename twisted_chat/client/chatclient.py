"""ChatClient: the Deferred-based client, for bots, simulations and tests.

It speaks the events dialect of the line protocol and labels every request.
"""

from __future__ import annotations

from collections.abc import Callable
from random import random
from secrets import token_hex
from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure

from twisted_chat.client.catchup import CatchUp, Credentials
from twisted_chat.client.eventstream import EventStream
from twisted_chat.client.exchange import Exchange, ignore
from twisted_chat.client.lifecycle import ClientEvent, ClientState, Lifecycle
from twisted_chat.client.pending import fail_all
from twisted_chat.client.readers import EventReaders
from twisted_chat.client.reconnect import Backoff, Reconnector
from twisted_chat.client.requests import ChatFailed, Disconnected, Finish, Line, OnEvent, Requests, about, nothing
from twisted_chat.client.signin import SignIn
from twisted_chat.wire.errors import BAD_TEXT
from twisted_chat.wire.events import Event

__all__ = ["ChatClient", "ChatFailed", "Disconnected", "OnEvent"]

MAX_WAITING_REQUESTS = 1000
"""Requests that may wait for a connection."""

T = TypeVar("T")
OnLost = Callable[[Disconnected], None]
OnConnected = Callable[[bool], None]


class ChatClient(Requests):
    """A client of a chat server, and the owner of its connection.

    `on_event` is called with each event. `on_lost` is called once, with the Disconnected, when the client is closed
    for whatever reason.

    A guest's client is closed when its connection ends. A client that has registered with a password connects again by
    itself and signs in, for as long as it may. `chat` and `act` then succeed only when the server has the message,
    once, and may be called while there is no connection, up to MAX_WAITING_REQUESTS of them. Other requests fail with
    Disconnected while the client is not `connected`; of those that were under way, the client repeats the ones that
    may be repeated without harm. The readers are given every record that the account may see exactly once, in order.
    """

    def __init__(self, on_event: OnEvent | None = None, on_lost: OnLost | None = None) -> None:
        self.name, self.standing = "", ""
        self._lifecycle = Lifecycle()
        self._on_lost = on_lost
        self._on_connected: OnConnected | None = None
        self._end: Deferred[None] | None = None
        self._client_id = token_hex(16)
        self._readers = readers = EventReaders(on_event, self._have_room_again)
        self._exchange = Exchange(self._opened, self._take_event, self._connection_lost, readers.have_room)
        self._catch_up = CatchUp(self._exchange.ask_now, readers.give, readers.have_room)
        self._reconnector: Reconnector | None = None
        self._sign_in: SignIn | None = None

    @classmethod
    def connect(
        cls,
        endpoint: IStreamClientEndpoint,
        on_event: OnEvent | None = None,
        on_lost: OnLost | None = None,
        *,
        clock: IReactorTime | None = None,
        client_id: str | None = None,
        since: int | None = None,
        epoch: str = "",
        recent: int = 0,
        on_connected: OnConnected | None = None,
        jitter: Callable[[], float] = random,
    ) -> Deferred[ChatClient]:
        """Connect and greet the server; fails as the endpoint does, or with Disconnected or ChatFailed.

        A program that continues after a restart of its own gives `since`, the id up to which it has dealt with all, the
        `epoch` of then, and a `client_id` (1 to 64 of A-Z a-z 0-9 . _ -) that no other client of the account uses.
        Without `since` an account's client first gets those of the `recent` newest records that the account may see.
        `on_connected` is called with False when an account has lost its connection, perhaps several times, and with
        True when it is back. `clock` is the reactor if none is given; `jitter` returns numbers from 0 to 1.
        """
        client = cls(on_event, on_lost)
        client._on_connected = on_connected
        if client_id is not None:
            client._client_id = client_id
        client._catch_up.start_from(since, recent, epoch)
        exchange = client._exchange
        client._reconnector = Reconnector(endpoint, clock, Backoff(jitter), exchange.new_connection, exchange.probe)
        return Deferred.fromCoroutine(client._open(endpoint))

    async def _open(self, endpoint: IStreamClientEndpoint) -> ChatClient:
        await connectProtocol(endpoint, self._exchange.new_connection())
        try:
            await self._greet()
        except Exception:  # refused, or the caller has cancelled it
            self.abort()
            raise
        self._lifecycle.follow(ClientEvent.GREETED)
        return self

    @property
    def connected(self) -> bool:
        """Return True while requests are sent at once."""
        return self._lifecycle.state in (ClientState.OPEN, ClientState.CLOSING)

    @property
    def last(self) -> int:
        """Return the id up to which all was given to `on_event` and to the streams, where events may still wait."""
        return self._catch_up.last

    @property
    def epoch(self) -> str:
        """Return the epoch of the server's log in which `last` is meant, to be stored with it; "" before the first."""
        return self._catch_up.epoch or self._catch_up.told_epoch

    # the name

    def register(self, name: str, password: str | None = None) -> Deferred[str]:
        """Take a free name as a guest; with a password, make an account or sign in to it.

        The result, also `name` from then on, is the name as others see it; `standing` is `guest`, `new` or `known`.
        """
        if password is None:
            return self._ask(about("register", name), self._named, repeats=False)
        request = about("register", name, password)
        reconnector = self._reconnector
        if isinstance(request, ChatFailed) or self._sign_in is not None or reconnector is None or not self.connected:
            return self._ask(request, self._named, repeats=False)
        return self._sign_in_first(Credentials(name, password), reconnector)

    def change_password(self, old: str, new: str) -> Deferred[None]:
        """Change the account's password."""
        if "," in old:
            comma = "a password that contains a comma cannot be changed here; ask the operator to set another"
            return fail(ChatFailed(BAD_TEXT, comma))
        changing = self._ask(f"password,{old},{new}", nothing, repeats=False)
        if self._sign_in is not None and self.connected:
            self._sign_in.change_password(old, new, changing)
        return changing

    # the end

    def quit(self) -> Deferred[None]:
        """Leave gracefully: everything under way still arrives, then the connection ends.

        Without a connection the client is closed at once, and the requests that wait for a connection fail.
        """
        return Deferred.fromCoroutine(self._quit())

    def abort(self) -> None:
        """Drop the connection at once; what is under way may be lost."""
        self._leave_now(ClientEvent.ABORT)

    async def _quit(self) -> None:
        if self._lifecycle.state in (ClientState.RECONNECTING, ClientState.SIGNING_IN):
            self._leave_now(ClientEvent.QUIT)
            return
        self._lifecycle.follow(ClientEvent.QUIT)
        await self._ask("quit", nothing, repeats=False)
        self._lifecycle.leaving()
        if self._exchange.connection is not None:
            self._exchange.connection.transport.loseConnection()
            self._end = Deferred()
            await self._end

    def _leave_now(self, event: ClientEvent) -> None:
        if self._lifecycle.state is ClientState.CLOSED:
            return
        self._lifecycle.leaving()
        if self._lifecycle.follow(event) is ClientState.CLOSED:
            self._close()
        if self._exchange.connection is not None:
            self._exchange.connection.drop(self._lifecycle.reason)

    # events

    def events(self) -> EventStream:
        """Return a stream of the events from now on, for `async for`; it ends when the client is closed.

        After `quit` and `abort` the loop just ends. Otherwise it ends with Disconnected, which says why.
        For a slow reader the server keeps what is said meanwhile. But the server takes a client for dead that reads
        nothing for minutes, and so answers no ping.
        """
        stream = self._readers.add_stream()
        state = self._lifecycle.state
        if state is ClientState.CLOSED or (state is ClientState.CONNECTING and self._exchange.connection is None):
            stream.end(self._why_closed())
        return stream

    def _why_closed(self) -> Disconnected | None:
        """Return why the client has ended, or None if its caller wanted the end."""
        return None if self._lifecycle.has_left else Disconnected(self._lifecycle.reason)

    def _have_room_again(self) -> None:
        if self._sign_in is not None and self._exchange.connection is not None:
            self._catch_up.read_on()
        self._exchange.regulate()

    def _take_event(self, event: Event) -> None:
        if event.id:
            if self._sign_in is not None and not self._catch_up.is_next(event):
                return
        else:
            self._lifecycle.noticed(event)
        self._readers.give(event)

    # requests

    def _ask(
        self, request: Line, finish: Finish[T], *, repeats: bool = True, waits: bool = False, label: str | None = None
    ) -> Deferred[T]:
        now = self.connected
        if not now:
            if not waits or self._lifecycle.state not in (ClientState.RECONNECTING, ClientState.SIGNING_IN):
                return fail(Disconnected(self._lifecycle.reason))
            if len(self._exchange.pending) >= MAX_WAITING_REQUESTS:
                return fail(Disconnected(f"{MAX_WAITING_REQUESTS} requests wait for a connection already"))
        if isinstance(request, ChatFailed):
            return fail(request)
        return self._exchange.ask(request, finish, repeats=repeats, now=now, label=label)

    def _greet(self) -> Deferred[None]:
        return self._exchange.ask_now(f"hello,events,{self._client_id},tags", self._catch_up.note_epoch)

    # the connection

    def _opened(self) -> None:
        if self._lifecycle.opened() is ClientState.SIGNING_IN and self._sign_in is not None:
            self._greet().addErrback(ignore)
            self._sign_in.begin()

    def _connection_lost(self, reason: str) -> None:
        if self._lifecycle.state is ClientState.CLOSED:
            return
        if self._lifecycle.lost(reason, has_account=self._sign_in is not None) is ClientState.CLOSED:
            self._close()
            return
        if self._reconnector is not None:
            self._reconnector.reconnect()
        fail_all(self._exchange.pending.keep_repeating(), Disconnected(self._lifecycle.reason))
        self._tell_connected(False)

    def _close(self) -> None:
        """Fail what is unanswered, end the streams, and tell the owner; the state is CLOSED."""
        problem = Disconnected(self._lifecycle.reason)
        if self._reconnector is not None:
            self._reconnector.stop()
        fail_all(self._exchange.pending.clear(), problem)
        if self._sign_in is not None:
            self._sign_in.end_first(problem)
        self._readers.end(self._why_closed())
        if self._on_lost is not None:
            self._on_lost(problem)
        if self._end is not None:
            self._end.callback(None)

    # an account

    def _sign_in_first(self, credentials: Credentials, reconnector: Reconnector) -> Deferred[str]:
        sign_in = self._sign_in = SignIn(
            credentials,
            self._exchange,
            self._catch_up,
            reconnector,
            named=self._named,
            accepted=self._signed_in,
            refused_for_good=self._lifecycle.refused_for_good,
        )
        return sign_in.begin_first().addErrback(self._forget_account)

    def _named(self, answer: str, records: list[Event]) -> str:
        self.name, _, self.standing = answer.partition(",")
        return self.name

    def _signed_in(self) -> None:
        self._lifecycle.follow(ClientEvent.SIGNED_IN)
        self._exchange.send_unsent()
        self._tell_connected(True)

    def _tell_connected(self, connected: bool) -> None:
        if self._on_connected is not None and self._sign_in is not None and self._sign_in.first is None:
            self._on_connected(connected)

    def _forget_account(self, failure: Failure) -> Failure:
        """Become a client without an account again, since its first sign-in was refused."""
        self._sign_in = None
        if self._reconnector is not None:
            self._reconnector.stop()
        fail_all(self._exchange.pending.clear(unsent=True), failure)
        self._lifecycle.follow(ClientEvent.REGISTER_REFUSED)
        return failure
