"""ChatClient: the Deferred-based client, for bots, simulations and tests.

It speaks the events dialect of the line protocol and labels every request. A read
is split once; an answer costs one look into a dict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer, IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat.eventstream import EventStream
from twisted_chat.wire.events import Event, parse_event
from twisted_chat.wire.line import BAD_TEXT, NOT_UTF8, LineError, escape, unescape

_log = Logger()

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of one line of the server's; a list is one line however long."""
LAST_WORDS = ("shutdown", "timeout")
"""Codes of the server's own word after which it ends the connection."""

T = TypeVar("T")
OnEvent = Callable[[Event], None]
Finish = Callable[[str, list[Event]], T]


class ChatFailed(Exception):
    """The server did not do what was asked: `code` for programs, `sentence` for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code, self.sentence = code, sentence

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


class Disconnected(Exception):
    """There is no connection; what was asked and not answered may or may not have been done."""


class ChatClient:
    """One client of a chat server, and the owner of its connection.

    Every request returns a Deferred, in the order of the requests. It fails with
    ChatFailed if the server says no, and with Disconnected if the connection ends
    first. `on_event` is called with each event, `on_lost` once, with the
    Disconnected, when the connection has ended for whatever reason.
    """

    def __init__(self, on_event: OnEvent | None = None, on_lost: Callable[[Disconnected], None] | None = None) -> None:
        self._readers: tuple[OnEvent, ...] = (on_event,) if on_event is not None else ()
        self._on_lost = on_lost
        self._streams: list[EventStream] = []
        self._connection: _Connection | None = None
        self._lost = Disconnected("not connected yet")
        self._last_words = ""
        self._quitting = self._paused = False
        self._end: Deferred[None] | None = None
        self._asked = 0
        self._pending: dict[str, tuple[Deferred[object], Finish[object], list[Event]]] = {}

    @classmethod
    def connect(
        cls,
        endpoint: IStreamClientEndpoint,
        on_event: OnEvent | None = None,
        on_lost: Callable[[Disconnected], None] | None = None,
    ) -> Deferred[ChatClient]:
        """A client that is connected and greeted; fails as the endpoint does, or with Disconnected."""
        client = cls(on_event, on_lost)
        return Deferred.fromCoroutine(client._open(endpoint))

    async def _open(self, endpoint: IStreamClientEndpoint) -> ChatClient:
        await connectProtocol(endpoint, _Connection(self))
        await self._ask("hello,events", _nothing)
        return self

    @property
    def connected(self) -> bool:
        """Whether requests can be made."""
        return self._connection is not None

    # requests

    def register(self, name: str, password: str | None = None) -> Deferred[str]:
        """Take a name; the result is the name as others see it."""
        return self._ask(_line("register", name, password), _first)

    def rename(self, name: str) -> Deferred[None]:
        """Take another name."""
        return self._ask(_line("rename", name), _nothing)

    def friends(self) -> Deferred[list[str]]:
        """Everyone who is registered now, oneself too."""
        return self._ask("list,friends", _names)

    def rooms(self) -> Deferred[list[str]]:
        """The rooms that there are."""
        return self._ask("list,rooms", _names)

    def members(self, room: str) -> Deferred[list[str]]:
        """Who is in a room."""
        return self._ask(_line("list", room), _names)

    def chat(self, to: str, text: str = "hi") -> Deferred[int]:
        """Say something to a person or a #room; the result is the message's id."""
        return self._ask(_line("chat", to, text), _number)

    def act(self, to: str, text: str) -> Deferred[int]:
        """Say what one does, to a person or a #room; the result is the message's id."""
        return self._ask(_line("me", to, text), _number)

    def join(self, room: str) -> Deferred[int]:
        """Enter a room; the result is an id from which on one sees it all."""
        return self._ask(_line("join", room), _number)

    def leave(self, room: str) -> Deferred[int]:
        """Leave a room; the result is an id up to which one has seen it all."""
        return self._ask(_line("leave", room), _number)

    def topic(self, room: str) -> Deferred[str]:
        """What a room is about."""
        return self._ask(_line("topic", room), _text)

    def set_topic(self, room: str, text: str) -> Deferred[int]:
        """Say what a room is about; the result is the record's id."""
        return self._ask(_line("topic", room, text), _number)

    def history(self, name: str, before: int = 0, after: int = 0, limit: int = 0) -> Deferred[list[Event]]:
        """A page of what was said in a room or with a person, oldest first: between two ids, at most `limit`."""
        options = (("before", before), ("after", after), ("limit", limit))
        asked = ",".join(f"{option}={value}" for option, value in options if value)
        return self._ask(_line("history", name, asked or None), _records)

    def away(self, text: str | None = None) -> Deferred[None]:
        """Say that one is away, and why; without a text: back again."""
        return self._ask(f"away,{escape(text)}" if text else "away", _nothing)

    def ping(self) -> Deferred[None]:
        """Hear from the server: all that it had to tell before has then arrived."""
        return self._ask("ping,", _nothing)

    def quit(self) -> Deferred[None]:
        """Leave gracefully: everything on the way still arrives, then the connection ends."""
        return Deferred.fromCoroutine(self._quit())

    def abort(self) -> None:
        """Drop the connection at once, without a word."""
        if self._connection is not None:
            self._quitting = True
            self._connection.transport.abortConnection()

    async def _quit(self) -> None:
        await self._ask("quit", _nothing)
        self._quitting = True
        if self._connection is not None:
            self._connection.transport.loseConnection()
            self._end = Deferred()
            await self._end

    # events

    def events(self) -> EventStream:
        """The events from now on, for `async for`; they end with the connection.

        The server keeps what is said meanwhile for a slow reader, but takes one who
        reads nothing for minutes, and so answers no ping, for dead.
        """
        stream = EventStream(self._flow)
        if self._connection is None:
            stream.end()
        self._streams.append(stream)
        self._readers += (stream.put,)
        return stream

    def _flow(self) -> None:
        """Read on or not: while an answer is awaited always, since it comes behind the events."""
        pause = not self._pending and any(stream.full for stream in self._streams)
        if pause is not self._paused and self._connection is not None:
            self._paused = pause
            if pause:
                self._connection.transport.pauseProducing()
            else:
                self._connection.transport.resumeProducing()

    # the connection

    def _ask(self, request: str | ChatFailed, finish: Finish[T]) -> Deferred[T]:
        connection = self._connection
        if connection is None:
            return fail(Disconnected(*self._lost.args))
        if isinstance(request, ChatFailed):
            return fail(request)
        if "\n" in request or "\r" in request:
            return fail(ChatFailed(BAD_TEXT, "a line break is no part of a name, nor a carriage return of a text"))
        self._asked += 1
        label = f"@{self._asked}"
        try:
            line = f"{label} {request}\n".encode()
        except UnicodeEncodeError:
            return fail(ChatFailed(NOT_UTF8, "what was said cannot be written in UTF-8"))
        waiting: Deferred[T] = Deferred()
        self._pending[label] = (waiting, finish, [])  # type: ignore[assignment]  # each row is of one T
        connection.transport.write(line)
        if self._paused:
            self._flow()
        return waiting

    def _take(self, lines: list[str]) -> None:
        """The lines of one read; raises ValueError or LineError for what no server says."""
        pending = self._pending
        for line in lines:
            if line[:1] == "@":
                label, _, answer = line.partition(" ")
                waiting, finish, records = pending[label]
                if answer[:3] == "ok," or answer == "ok":
                    result = finish(answer[3:], records)
                    del pending[label]
                    waiting.callback(result)
                elif answer[:6] == "error,":
                    _, code, sentence = answer.split(",", 2)
                    del pending[label]
                    waiting.errback(ChatFailed(code, sentence))
                else:
                    records.append(parse_event(answer))
            elif line[:5] == "ping,":
                if self._connection is not None:
                    self._connection.transport.write(f"pong,{line[5:]}\n".encode())
            else:
                event = parse_event(line)
                if event.kind == "error" or (event.kind == "server" and event.sender in LAST_WORDS):
                    self._last_words = event.text
                for reader in self._readers:
                    try:
                        reader(event)
                    except Exception:
                        _log.failure("an event's reader failed at {event}", event=event)
        if self._streams:
            self._flow()

    def _opened(self, connection: _Connection) -> None:
        self._connection = connection

    def _ended(self, reason: str) -> None:
        """The connection is gone: fail what is outstanding, end the iterators."""
        self._connection = None
        if self._quitting:
            reason = "you have left"
        elif self._last_words:
            reason = f"the server ended the connection: {self._last_words}"
        self._lost = Disconnected(reason)
        pending, self._pending = self._pending, {}
        for waiting, _, _ in pending.values():
            waiting.errback(Disconnected(reason))
        for stream in self._streams:
            stream.end()
        if self._on_lost is not None:
            self._on_lost(self._lost)
        if self._end is not None:
            self._end.callback(None)


class _Transport(ITCPTransport, IPushProducer):
    """What TCP's and other streams' transports are, all in one."""


class _Connection(Protocol):
    """The lines of one connection, a read at a time."""

    transport: _Transport

    def __init__(self, client: ChatClient) -> None:
        self._client = client
        self._tail = b""
        self._broken = ""

    def connectionMade(self) -> None:
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self._client._opened(self)

    def dataReceived(self, data: bytes) -> None:
        if self._broken:
            return
        whole, newline, self._tail = (self._tail + data).rpartition(b"\n")
        try:
            if len(self._tail) > LONGEST_LINE:
                raise ValueError("a line without an end")
            if newline:
                self._client._take(whole.decode().split("\n"))
        except (ValueError, LookupError, LineError) as problem:
            self._broken = f"the server said what is not understood: {problem}"
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._broken:
            clean = reason.check(ConnectionDone) is not None
            why = "" if clean else f": {reason.getErrorMessage().rstrip('.')}"
            self._broken = f"the server ended the connection{why}"
        self._client._ended(self._broken)


def _line(verb: str, name: str, text: str | None = None) -> str | ChatFailed:
    """A request about a person or a room, with a text that may hold what it likes."""
    if "," in name:
        return ChatFailed("bad-name", f"no name has a comma in it, as {name} has")
    return f"{verb},{name}" if text is None else f"{verb},{name},{escape(text)}"


def _nothing(answer: str, records: list[Event]) -> None:
    return None


def _number(answer: str, records: list[Event]) -> int:
    return int(answer)


def _first(answer: str, records: list[Event]) -> str:
    return answer.partition(",")[0]


def _names(answer: str, records: list[Event]) -> list[str]:
    return answer.split(",") if answer else []


def _text(answer: str, records: list[Event]) -> str:
    return unescape(answer)


def _records(answer: str, records: list[Event]) -> list[Event]:
    return records
