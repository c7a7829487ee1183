"""ChatClient: the Deferred-based client, for bots, simulations and tests.

It speaks the events dialect of the line protocol and labels every request. A read
is split once; an answer costs one look into a dict.
"""

from __future__ import annotations

from collections.abc import Callable
from random import random
from secrets import token_hex
from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat.client.catchup import Account, Place
from twisted_chat.client.connection import LONGEST_LINE, Connection
from twisted_chat.client.eventstream import EventStream
from twisted_chat.client.pending import Pending, fail_all
from twisted_chat.client.reconnect import Backoff, Link
from twisted_chat.client.requests import ChatFailed, Disconnected, Finish, OnEvent, Requests, about, nothing
from twisted_chat.wire.events import Event, parse_event
from twisted_chat.wire.line import BAD_TEXT

__all__ = ["LONGEST_LINE", "ChatClient", "ChatFailed", "Disconnected", "OnEvent"]

_log = Logger()

LAST_WORDS = ("shutdown", "timeout", "replaced", "disabled", "deleted")
"""Codes of the server's own word after which it ends the connection."""
FOR_GOOD = ("replaced", "disabled", "deleted")
"""Those after which signing in again would be wrong."""
PASSING = ("slow-down", "unavailable")
"""Codes of refusals after which signing in may succeed later."""
MOST_WAITING = 1000
"""Requests that wait for a connection."""

T = TypeVar("T")
OnLost = Callable[[Disconnected], None]
OnConnected = Callable[[bool], None]


class ChatClient(Requests):
    """One client of a chat server, and the owner of its connection.

    `on_event` is called with each event, `on_lost` once, with the Disconnected, when
    it is over for whatever reason.

    A guest's client is over when its connection ends. One that has registered with a
    password connects again by itself, for as long as it may, and signs in. `chat` and
    `act` then resolve only when the server has it, once, and may be asked meanwhile, up to
    MOST_WAITING of them. Other requests fail with Disconnected while it is not
    `connected`; those that were under way and may be repeated without harm are. Every
    record that the account may see is given to the readers exactly once, in order.
    """

    def __init__(self, on_event: OnEvent | None = None, on_lost: OnLost | None = None) -> None:
        self.name, self.standing = "", ""
        self._readers: tuple[OnEvent, ...] = (on_event,) if on_event is not None else ()
        self._on_lost = on_lost
        self._on_connected: OnConnected | None = None
        self._streams: list[EventStream] = []
        self._connection: Connection | None = None
        self._lost = Disconnected("not connected yet")
        self._last_words = self._refusal = ""
        self._over = self._quitting = self._leaving = False
        self._end: Deferred[None] | None = None
        self._pending = Pending()
        self._account: Account | None = None
        self._place = Place(None, self._ask_now, self._give, self._has_room, self._settled)
        self._endpoint: IStreamClientEndpoint | None = None
        self._clock: IReactorTime | None = None
        self._client_id = token_hex(16)
        self._backoff = Backoff(random)
        self._link: Link | None = None

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
        recent: int = 0,
        on_connected: OnConnected | None = None,
        jitter: Callable[[], float] = random,
    ) -> Deferred[ChatClient]:
        """A client that is connected and greeted; fails as the endpoint does, or with Disconnected or ChatFailed.

        A program that goes on where it was after a restart of its own has a
        `client_id`, 1 to 64 of A-Z a-z 0-9 . _ -, which nobody else of the account uses at the same
        time, and gives `since`, the id up to which it has dealt with everything. Without one
        an account's client is first given what it may see of the `recent` records of the log.
        `on_connected` is told False when an account has lost its connection, perhaps again and again,
        and True when it is signed in again. `clock` is the reactor unless another is given; `jitter`
        gives numbers from 0 to 1.
        """
        client = cls(on_event, on_lost)
        client._endpoint, client._clock, client._backoff = endpoint, clock, Backoff(jitter)
        client._on_connected = on_connected
        if client_id is not None:
            client._client_id = client_id
        if since is not None or recent:
            client._place = Place(since, client._ask_now, client._give, client._has_room, client._settled, recent)
        return Deferred.fromCoroutine(client._open(endpoint))

    async def _open(self, endpoint: IStreamClientEndpoint) -> ChatClient:
        await connectProtocol(endpoint, self._make())
        await self._ask_now(f"hello,events,{self._client_id}", nothing)
        return self

    @property
    def connected(self) -> bool:
        """Whether requests can be made."""
        return self._connection is not None and (self._account is None or self._account.open)

    @property
    def last(self) -> int:
        """The id up to which all that an account may see has been given to `on_event` and to the iterators.

        What waits in an iterator counts as given: a program that reads by one stores
        the id of the last event that it has dealt with.
        """
        return self._place.last

    # who one is

    def register(self, name: str, password: str | None = None) -> Deferred[str]:
        """Take a free name as a guest; with a password, make an account or sign in to it.

        The result is the name as others see it, which is `name` from then on;
        `standing` is then `guest`, `new` or `known`.
        """
        if password is None:
            return self._ask(about("register", name), self._named, repeats=False)
        request = about("register", name, password)
        if isinstance(request, ChatFailed) or self._account is not None or not self.connected:
            return self._ask(request, self._named, repeats=False)
        account = self._account = Account(name, password)
        registering = account.registering
        assert registering is not None
        self._pending.prefix = f"{token_hex(6)}."
        self._start_link()
        self._sign_in(account)
        return registering

    def change_password(self, old: str, new: str) -> Deferred[None]:
        """Have another password from now on."""
        if "," in old:
            return fail(ChatFailed(BAD_TEXT, "the old password cannot be said here, since there is a comma in it"))
        changing = self._ask(f"password,{old},{new}", nothing, repeats=False)
        if self._account is not None and self.connected:
            self._account.passwords = [old, new]  # until it is known which
            changing.addCallbacks(self._changed, self._unchanged, callbackArgs=(new,), errbackArgs=(old,))
        return changing

    def _named(self, answer: str, records: list[Event]) -> str:
        self.name, _, self.standing = answer.partition(",")
        return self.name

    def _changed(self, _: None, new: str) -> None:
        if self._account is not None:
            self._account.passwords = [new]

    def _unchanged(self, failure: Failure, old: str) -> Failure:
        if self._account is not None and failure.check(ChatFailed):
            self._account.passwords = [old]
        return failure

    # the end

    def quit(self) -> Deferred[None]:
        """Leave gracefully: everything on the way still arrives, then the connection ends.

        Without a connection it is over at once, and what waits for one fails.
        """
        return Deferred.fromCoroutine(self._quit())

    def abort(self) -> None:
        """Drop the connection at once, without a word."""
        if self._connection is not None:
            self._quitting = True
            self._connection.transport.abortConnection()
        elif self._account is not None:
            self._quitting = True
            self._finish("")

    async def _quit(self) -> None:
        if self._account is not None and not self.connected and not self._over:
            self.abort()
            return
        self._leaving = True
        await self._ask("quit", nothing, repeats=False)
        self._quitting = True
        if self._connection is not None:
            self._connection.transport.loseConnection()
            self._end = Deferred()
            await self._end

    # events

    def events(self) -> EventStream:
        """The events from now on, for `async for`; they end when the client is over.

        The server keeps what is said meanwhile for a slow reader, but takes one who
        reads nothing for minutes, and so answers no ping, for dead.
        """
        stream = EventStream(self._flow)
        if self._connection is None and (self._account is None or self._over):
            stream.end()
        self._streams.append(stream)
        self._readers += (stream.put,)
        return stream

    def _has_room(self) -> bool:
        return not any(stream.full for stream in self._streams)

    def _flow(self) -> None:
        """Read on or not: while an answer is awaited always, since it comes behind the events."""
        room = self._has_room()
        if room and self._account is not None and self._connection is not None:
            self._place.read_on()
        if self._connection is not None:
            self._connection.pause(not self._pending and not room)

    def _give(self, event: Event) -> None:
        for reader in self._readers:
            try:
                reader(event)
            except Exception:
                _log.failure("an event's reader failed at {event}", event=event)

    # requests and answers

    def _ask(
        self, request: str | ChatFailed, finish: Finish[T], *, repeats: bool = True, waits: bool = False
    ) -> Deferred[T]:
        if not self.connected:
            if not waits or self._account is None or self._over:
                return fail(Disconnected(*self._lost.args))
            if len(self._pending) >= MOST_WAITING:
                return fail(Disconnected(f"{MOST_WAITING} requests wait for a connection already"))
        if isinstance(request, ChatFailed):
            return fail(request)
        return self._put(request, finish, repeats, None, now=self.connected)

    def _ask_now(self, request: str, finish: Finish[T], take: OnEvent | None = None) -> Deferred[T]:
        """Ask on the connection that there is, whether signed in or not."""
        return self._put(request, finish, False, take, now=True)

    def _put(self, request: str, finish: Finish[T], repeats: bool, take: OnEvent | None, now: bool) -> Deferred[T]:
        asked = self._pending.add(request, finish, repeats, take)
        if isinstance(asked, Deferred):
            return asked
        if now and self._connection is not None:
            asked.sent = True
            self._connection.send(asked.line)
            if self._connection.paused:
                self._flow()
        return asked.waiting

    def _take(self, lines: list[str]) -> None:
        """The lines of one read; raises ValueError or ParseError for what no server says."""
        answer = self._pending.answer
        for line in lines:
            if line[:1] == "@":
                answer(line)
            elif line[:5] == "ping,":
                if self._connection is not None:
                    self._connection.send(f"pong,{line[5:]}\n".encode())
            else:
                event = parse_event(line)
                if event.id:
                    if self._account is not None and not self._place.is_next(event):
                        continue
                elif event.kind == "error" or (event.kind == "server" and event.sender in LAST_WORDS):
                    self._last_words = event.text
                    if event.kind == "server" and event.sender in FOR_GOOD:
                        self._refusal = event.text
                self._give(event)
        if self._streams:
            self._flow()

    # the connection

    def _opened(self, connection: Connection) -> None:
        self._connection, self._last_words = connection, ""

    def _ended(self, reason: str) -> None:
        """The connection is gone: connect again, or finish."""
        self._connection = None
        if self._last_words:
            reason = f"the server ended the connection: {self._last_words}"
        if self._account is None or self._quitting or self._leaving or self._refusal:
            self._finish(reason)
            return
        self._account.open = False
        self._lost = Disconnected(f"{reason}; it connects again")
        if self._link is not None:
            self._link.again()
        fail_all(self._pending.keep_repeating(), Disconnected(reason))
        if self._on_connected is not None and self._account.registering is None:
            self._on_connected(False)

    def _finish(self, reason: str) -> None:
        """It is over: fail what is outstanding, end the iterators."""
        if self._over:
            return
        self._over = True
        if self._quitting:
            reason = "you have left"
        elif self._refusal:
            reason = f"the server ended the connection: {self._refusal}"
        self._lost = Disconnected(reason)
        if self._link is not None:
            self._link.stop()
        fail_all(self._pending.clear(), self._lost)
        if self._account is not None and self._account.registering is not None:
            registering, self._account.registering = self._account.registering, None
            registering.errback(Disconnected(reason))
        for stream in self._streams:
            stream.end()
        if self._on_lost is not None:
            self._on_lost(self._lost)
        if self._end is not None:
            self._end.callback(None)

    # an account's connections

    def _make(self) -> Connection:
        return Connection(self._opened, self._take, self._ended)

    def _start_link(self) -> None:
        if self._clock is None:
            from twisted.internet import reactor

            self._clock = IReactorTime(reactor)
        assert self._endpoint is not None
        assert self._connection is not None
        wait = self._backoff.wait
        self._link = Link(self._endpoint, self._clock, wait, self._make, self._reached, self._probe)
        self._link.start(self._connection)

    def _reached(self) -> None:
        if self._account is not None:
            self._ask_now(f"hello,events,{self._client_id}", nothing).addErrback(_unheeded)
            self._sign_in(self._account)

    def _probe(self) -> None:
        self._ask_now("ping,", nothing).addErrback(_unheeded)

    def _sign_in(self, account: Account) -> None:
        signing_in = self._ask_now(account.request, self._named)
        signing_in.addCallbacks(self._signed_in, self._refused, callbackArgs=(account,), errbackArgs=(account,))
        self._place.begin()

    def _signed_in(self, _: str, account: Account) -> None:
        """Say again, in order, what the server has not acknowledged."""
        account.open = True
        if self._connection is not None:
            self._connection.send(self._pending.unsent())
        if self._on_connected is not None and account.registering is None:
            self._on_connected(True)

    def _refused(self, failure: Failure, account: Account) -> None:
        problem, connection = failure.value, self._connection
        if not isinstance(problem, ChatFailed) or connection is None:
            return
        if account.registering is not None:
            registering, self._account = account.registering, None
            if self._link is not None:
                self._link.stop()
            fail_all(self._pending.clear(unsent=True), problem)
            registering.errback(problem)
            return
        if problem.code == "wrong-password" and len(account.passwords) > 1:
            account.passwords.pop(0)
        elif problem.code not in PASSING:
            self._refusal = problem.sentence
        connection.drop(f"signing in again was refused: {problem.sentence}")

    def _settled(self, failure: Failure | None) -> None:
        """A page of what was missed is here, or is not to be had on this connection."""
        account, connection = self._account, self._connection
        if account is None or connection is None:
            return
        if failure is None:
            self._backoff.reset()
            if account.registering is not None:
                registering, account.registering = account.registering, None
                registering.callback(self.name)
        elif isinstance(failure.value, ChatFailed) and failure.value.code != "not-registered":
            connection.drop(f"what was missed cannot be read: {failure.getErrorMessage()}")


def _unheeded(_: Failure) -> None:
    """What else was asked tells of it too."""
