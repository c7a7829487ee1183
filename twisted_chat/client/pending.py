"""Pending: what a client has asked and the server not answered, by label."""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from twisted_chat.client.requests import ChatFailed, Finish, OnEvent, PendingRequest
from twisted_chat.wire.events import parse_event
from twisted_chat.wire.line import BAD_TEXT, NOT_UTF8

T = TypeVar("T")


class Pending:
    """The requests that wait for an answer, in the order in which they were asked.

    Labels begin with the `prefix`, which makes them new even to a server that knew this
    client before.
    """

    def __init__(self) -> None:
        self.prefix = ""
        self._asked = 0
        self._requests: dict[str, PendingRequest] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, request: str, finish: Finish[T], repeats: bool, take: OnEvent | None) -> PendingRequest | Deferred[T]:
        """One more request, or how it fails: with ChatFailed for what cannot be a line."""
        if "\n" in request or "\r" in request:
            return fail(ChatFailed(BAD_TEXT, "a line break is no part of a name, nor a carriage return of a text"))
        self._asked += 1
        label = f"@{self.prefix}{self._asked}"
        try:
            line = f"{label} {request}\n".encode()
        except UnicodeEncodeError:
            return fail(ChatFailed(NOT_UTF8, "what was said cannot be written in UTF-8"))
        asked = self._requests[label] = PendingRequest(line, finish, repeats, take)
        return asked

    def answer(self, line: str) -> None:
        """A labelled line; raises LookupError for a label that nobody waits for, and ValueError."""
        label, _, answer = line.partition(" ")
        request = self._requests[label]
        if answer[:3] == "ok," or answer == "ok":
            result = request.finish(answer[3:], request.records)
            del self._requests[label]
            request.waiting.callback(result)
        elif answer[:6] == "error,":
            _, code, sentence = answer.split(",", 2)
            del self._requests[label]
            request.waiting.errback(ChatFailed(code, sentence))
        else:
            request.take(parse_event(answer))

    def unsent(self) -> bytes:
        """The lines of those that were not sent on this connection, which now are."""
        unsent = [request for request in self._requests.values() if not request.sent]
        for request in unsent:
            request.sent = True
        return b"".join(request.line for request in unsent)

    def keep_repeating(self) -> list[PendingRequest]:
        """The connection is gone: keep those that repeat, unsent, and give the others."""
        others = [request for request in self._requests.values() if not request.repeats]
        self._requests = {label: request for label, request in self._requests.items() if request.repeats}
        for request in self._requests.values():
            request.sent = False
            request.records.clear()
        return others

    def clear(self, unsent: bool = False) -> list[PendingRequest]:
        """Keep none, or none that is `unsent`, and give them."""
        gone = {label: request for label, request in self._requests.items() if not (unsent and request.sent)}
        for label in gone:
            del self._requests[label]
        return list(gone.values())


def fail_all(requests: list[PendingRequest], problem: Exception) -> None:
    """Tell those who asked that it came to nothing."""
    for request in requests:
        request.waiting.errback(Failure(problem))
