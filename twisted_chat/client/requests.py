"""Requests: what a client can ask, the line of each request, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred

from twisted_chat.wire.events import Event
from twisted_chat.wire.line import escape, unescape
from twisted_chat.wire.numbers import is_number

T = TypeVar("T")
OnEvent = Callable[[Event], None]
Finish = Callable[[str, list[Event]], T]
"""Makes a request's result from the fields of its closing line, and from the records before that line."""


class ChatFailed(Exception):
    """The server has refused a request: `code` is for programs, `sentence` for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code, self.sentence = code, sentence

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


Line = str | ChatFailed
"""A request's line without its label, or why it cannot be one."""


class Disconnected(Exception):
    """There is no connection. The server may or may not have carried out a request that it has not answered."""


class Person(NamedTuple):
    """A person in a list: the name, and the number of a guest's session, or 0 for an account.

    Another guest who has the same name later has another number.
    """

    name: str
    session: int = 0

    @property
    def is_guest(self) -> bool:
        """Return True for a guest."""
        return self.session > 0


class PendingRequest:
    """A request without an answer yet: its whole line, and the Deferred that its answer goes to.

    `sent` is true once the line was written to the present connection. A request that `repeats` is sent again on the
    next connection.
    """

    __slots__ = ("finish", "line", "records", "repeats", "sent", "take", "waiting")

    def __init__(self, line: bytes, finish: Finish[Any], repeats: bool, take: OnEvent | None) -> None:
        self.line, self.finish, self.repeats = line, finish, repeats
        self.records: list[Event] = []
        self.take = self.records.append if take is None else take
        self.waiting: Deferred[Any] = Deferred()
        self.sent = False


class Ask(Protocol):
    """Asks the server on the present connection; `take` is given the records of the answer as they come."""

    def __call__(self, request: str, finish: Finish[T], take: OnEvent | None = None) -> Deferred[T]: ...


class Requests:
    """All requests of a client that has a name.

    Each method returns a Deferred. The server answers in the order of the requests. The Deferred fails with ChatFailed
    if the server refuses the request, and with Disconnected if the connection ends first.
    """

    def friends(self) -> Deferred[list[str]]:
        """List the names of all users who are online, including this client's."""
        return self._ask("list,friends", names)

    def rooms(self) -> Deferred[list[str]]:
        """List the rooms."""
        return self._ask("list,rooms", names)

    def mine(self) -> Deferred[list[str]]:
        """List the rooms that this client's user is in, then the users of its direct messages, latest first."""
        return self._ask("list,mine", names)

    def members(self, room: str) -> Deferred[list[str]]:
        """List the members of a room."""
        return self._ask(about("list", room), names)

    def people(self, room: str = "") -> Deferred[list[Person]]:
        """List the members of a room, or all users who are online, and tell guests from accounts."""
        line = about("list", room or "friends")
        return self._ask(line if isinstance(line, ChatFailed) else f";guests=1 {line}", persons)

    def chat(self, to: str, text: str = "hi", *, label: str | None = None) -> Deferred[int]:
        """Send a message to a user or a #room; the result is the message's id.

        An account's program that may be killed before it knows the result gives a `label` (1 to 64 of A-Z a-z 0-9 . _
        -) for what it wants to say once, and a `client_id` to `connect`. When it says the same again with the same
        label, the result is the first message's id, and nobody sees the message twice.
        """
        return self._ask(about("chat", to, escape(text)), number, waits=True, label=label)

    def act(self, to: str, text: str, *, label: str | None = None) -> Deferred[int]:
        """Send an action ("* jane waves") to a user or a #room; the result is the message's id. `label` as for chat."""
        return self._ask(about("me", to, escape(text)), number, waits=True, label=label)

    def join(self, room: str) -> Deferred[int]:
        """Enter a room; the result is an id: every later record of the room comes to this client."""
        return self._ask(about("join", room), number)

    def leave(self, room: str) -> Deferred[int]:
        """Leave a room; the result is an id: no later record of the room comes to this client."""
        return self._ask(about("leave", room), number)

    def topic(self, room: str) -> Deferred[str]:
        """Return the topic of a room; it is empty if the room has none."""
        return self._ask(about("topic", room), text_of)

    def set_topic(self, room: str, text: str) -> Deferred[int]:
        """Set the topic of a room; the result is the record's id."""
        return self._ask(about("topic", room, escape(text)), number, repeats=False)

    def history(self, name: str, before: int = 0, after: int = 0, limit: int = 0) -> Deferred[list[Event]]:
        """Return records of a room or a direct conversation, oldest first: between two ids, at most `limit`."""
        options = (("before", before), ("after", after), ("limit", limit))
        asked = ",".join(f"{option}={value}" for option, value in options if value)
        return self._ask(about("history", name, asked or None), records_of)

    def search(self, name: str, words: str) -> Deferred[list[Event]]:
        """Return the newest messages of a room or a direct conversation that contain all words, oldest first."""
        return self._ask(about("search", name, words), records_of)

    def seen(self, name: str, id: int) -> Deferred[None]:
        """Move the account's read marker in a room or a direct conversation, for all its clients."""
        return self._ask(about("seen", name, str(id)), nothing)

    def away(self, text: str | None = None) -> Deferred[None]:
        """Set an away message; without a text, remove it."""
        return self._ask(f"away,{escape(text)}" if text else "away", nothing)

    def rename(self, name: str) -> Deferred[None]:
        """Take another name; only guests can."""
        return self._ask(about("rename", name), nothing, repeats=False)

    def ping(self) -> Deferred[None]:
        """Wait for the server: everything that it sent before this answer has arrived then."""
        return self._ask("ping,", nothing)

    def _ask(
        self, request: Line, finish: Finish[T], *, repeats: bool = True, waits: bool = False, label: str | None = None
    ) -> Deferred[T]:
        """Ask the server. A request that `waits` may be asked while there is no connection."""
        raise NotImplementedError


def about(verb: str, name: str, rest: str | None = None) -> Line:
    """Write a request about a user or a room, with a last field that may contain commas."""
    if "," in name:
        return ChatFailed("bad-name", f"a name cannot contain a comma: {name}")
    return f"{verb},{name}" if rest is None else f"{verb},{name},{rest}"


def nothing(answer: str, records: list[Event]) -> None:
    return None


def number(answer: str, records: list[Event]) -> int:
    return int(answer)


def names(answer: str, records: list[Event]) -> list[str]:
    return answer.split(",") if answer else []


def persons(answer: str, records: list[Event]) -> list[Person]:
    found = [name.partition(":") for name in names(answer, records)]
    return [Person(name, int(session) if is_number(session) else 0) for name, _, session in found]


def text_of(answer: str, records: list[Event]) -> str:
    return unescape(answer)


def records_of(answer: str, records: list[Event]) -> list[Event]:
    return records
