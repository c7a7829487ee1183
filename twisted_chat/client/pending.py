"""Pending: the requests of a client that the server has not answered yet, by label."""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from twisted_chat.client.requests import ChatFailed, Finish, OnEvent, PendingRequest
from twisted_chat.wire.errors import BAD_TEXT, NOT_UTF8
from twisted_chat.wire.events import parse_event

T = TypeVar("T")


class Pending:
    """The requests that wait for an answer, in the order in which they were asked.

    Each label begins with `prefix`, so that labels are new even to a server that knew this client before.
    """

    def __init__(self) -> None:
        self.prefix = ""
        self._asked = 0
        self._requests: dict[str, PendingRequest] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, request: str, finish: Finish[T], repeats: bool, take: OnEvent | None) -> PendingRequest | Deferred[T]:
        """Keep a request; a request that cannot be a line gives a Deferred that has failed with ChatFailed."""
        if "\n" in request or "\r" in request:
            breaks = "a name cannot contain a line break, and a text cannot contain a carriage return; remove it"
            return fail(ChatFailed(BAD_TEXT, breaks))
        self._asked += 1
        label = f"@{self.prefix}{self._asked}"
        try:
            line = f"{label} {request}\n".encode()
        except UnicodeEncodeError:
            return fail(ChatFailed(NOT_UTF8, "the text contains half of a surrogate pair, which UTF-8 cannot encode"))
        asked = self._requests[label] = PendingRequest(line, finish, repeats, take)
        return asked

    def answer(self, line: str) -> None:
        """Take a labelled line; raises LookupError for a label without a request, and ValueError."""
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
        """Mark the requests that were not sent on this connection as sent, and return their lines."""
        unsent = [request for request in self._requests.values() if not request.sent]
        for request in unsent:
            request.sent = True
        return b"".join(request.line for request in unsent)

    def keep_repeating(self) -> list[PendingRequest]:
        """Keep the requests that repeat, as unsent, after the connection is gone; return the others."""
        others = [request for request in self._requests.values() if not request.repeats]
        self._requests = {label: request for label, request in self._requests.items() if request.repeats}
        for request in self._requests.values():
            request.sent = False
            request.records.clear()
        return others

    def clear(self, unsent: bool = False) -> list[PendingRequest]:
        """Remove all requests, or only the `unsent`, and return them."""
        gone = {label: request for label, request in self._requests.items() if not (unsent and request.sent)}
        for label in gone:
            del self._requests[label]
        return list(gone.values())


def fail_all(requests: list[PendingRequest], problem: Exception | Failure) -> None:
    """Make each of these requests fail."""
    for request in requests:
        request.waiting.errback(problem)
