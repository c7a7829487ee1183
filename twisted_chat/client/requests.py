"""Requests: what a client can ask, the line of each, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred

from twisted_chat.wire.events import Event
from twisted_chat.wire.line import escape, unescape

T = TypeVar("T")
OnEvent = Callable[[Event], None]
Finish = Callable[[str, list[Event]], T]
"""Makes a request's result of the fields of its closing line, and of the records before that."""


class ChatFailed(Exception):
    """The server did not do what was asked: `code` for programs, `sentence` for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code, self.sentence = code, sentence

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


class Disconnected(Exception):
    """There is no connection; what was asked and not answered may or may not have been done."""


class PendingRequest:
    """One that has not been answered: its whole line, and where its answer goes.

    It is `sent` on the connection that there is. One that `repeats` is sent again on the next.
    """

    __slots__ = ("finish", "line", "records", "repeats", "sent", "take", "waiting")

    def __init__(self, line: bytes, finish: Finish[Any], repeats: bool, take: OnEvent | None) -> None:
        self.line, self.finish, self.repeats = line, finish, repeats
        self.records: list[Event] = []
        self.take = self.records.append if take is None else take
        self.waiting: Deferred[Any] = Deferred()
        self.sent = False


class Ask(Protocol):
    """Asks the server on the connection that there is; `take` is given the records of an answer as they come."""

    def __call__(self, request: str, finish: Finish[T], take: OnEvent | None = None) -> Deferred[T]: ...


class Requests:
    """All that a client with a name can ask.

    Each returns a Deferred, and they are answered in the order in which they were
    asked. It fails with ChatFailed if the server says no, and with Disconnected if the
    connection ends first.
    """

    def friends(self) -> Deferred[list[str]]:
        """Everyone who is registered now, oneself too."""
        return self._ask("list,friends", names)

    def rooms(self) -> Deferred[list[str]]:
        """The rooms that there are."""
        return self._ask("list,rooms", names)

    def mine(self) -> Deferred[list[str]]:
        """The rooms that one is in, and then those with whom one has talked, the latest first."""
        return self._ask("list,mine", names)

    def members(self, room: str) -> Deferred[list[str]]:
        """Who is in a room."""
        return self._ask(about("list", room), names)

    def chat(self, to: str, text: str = "hi") -> Deferred[int]:
        """Say something to a person or a #room; the result is the message's id."""
        return self._ask(about("chat", to, escape(text)), number, waits=True)

    def act(self, to: str, text: str) -> Deferred[int]:
        """Say what one does, to a person or a #room; the result is the message's id."""
        return self._ask(about("me", to, escape(text)), number, waits=True)

    def join(self, room: str) -> Deferred[int]:
        """Enter a room; the result is an id from which on one sees it all."""
        return self._ask(about("join", room), number)

    def leave(self, room: str) -> Deferred[int]:
        """Leave a room; the result is an id up to which one has seen it all."""
        return self._ask(about("leave", room), number)

    def topic(self, room: str) -> Deferred[str]:
        """What a room is about."""
        return self._ask(about("topic", room), text_of)

    def set_topic(self, room: str, text: str) -> Deferred[int]:
        """Say what a room is about; the result is the record's id."""
        return self._ask(about("topic", room, escape(text)), number, repeats=False)

    def history(self, name: str, before: int = 0, after: int = 0, limit: int = 0) -> Deferred[list[Event]]:
        """A page of what was said in a room or with a person, oldest first: between two ids, at most `limit`."""
        options = (("before", before), ("after", after), ("limit", limit))
        asked = ",".join(f"{option}={value}" for option, value in options if value)
        return self._ask(about("history", name, asked or None), records_of)

    def search(self, name: str, words: str) -> Deferred[list[Event]]:
        """The newest that was said in a room or with a person with all these words in it, oldest first."""
        return self._ask(about("search", name, words), records_of)

    def seen(self, name: str, id: int) -> Deferred[None]:
        """Note, for all the account's clients, how far one has read in a room or with a person."""
        return self._ask(about("seen", name, str(id)), nothing)

    def away(self, text: str | None = None) -> Deferred[None]:
        """Say that one is away, and why; without a text: back again."""
        return self._ask(f"away,{escape(text)}" if text else "away", nothing)

    def rename(self, name: str) -> Deferred[None]:
        """Take another name; for guests."""
        return self._ask(about("rename", name), nothing, repeats=False)

    def ping(self) -> Deferred[None]:
        """Hear from the server: all that it had to tell before has then arrived."""
        return self._ask("ping,", nothing)

    def _ask(
        self, request: str | ChatFailed, finish: Finish[T], *, repeats: bool = True, waits: bool = False
    ) -> Deferred[T]:
        """Ask the server. What `waits` may be asked while there is no connection."""
        raise NotImplementedError


def about(verb: str, name: str, rest: str | None = None) -> str | ChatFailed:
    """A request about a person or a room, with a last field that may hold commas."""
    if "," in name:
        return ChatFailed("bad-name", f"no name has a comma in it, as {name} has")
    return f"{verb},{name}" if rest is None else f"{verb},{name},{rest}"


def nothing(answer: str, records: list[Event]) -> None:
    return None


def number(answer: str, records: list[Event]) -> int:
    return int(answer)


def names(answer: str, records: list[Event]) -> list[str]:
    return answer.split(",") if answer else []


def text_of(answer: str, records: list[Event]) -> str:
    return unescape(answer)


def records_of(answer: str, records: list[Event]) -> list[Event]:
    return records
