"""Pending: the requests of a client that the server has not answered yet, by label."""

from __future__ import annotations

import re
from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from twisted_chat.client.requests import ChatFailed, Finish, OnEvent, PendingRequest
from twisted_chat.wire.errors import BAD_COMMAND, BAD_TEXT, NOT_UTF8
from twisted_chat.wire.events import parse_event

T = TypeVar("T")
_LABEL = re.compile(r"[A-Za-z0-9._-]{1,64}")


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

    def add(
        self, request: str, finish: Finish[T], repeats: bool, take: OnEvent | None, given: str | None = None
    ) -> PendingRequest | Deferred[T]:
        """Keep a request, with the label that is `given` or a new one.

        A request that cannot be a line gives a Deferred that has failed with ChatFailed.
        """
        if "\n" in request or "\r" in request:
            breaks = "a name cannot contain a line break, and a text cannot contain a carriage return; remove it"
            return fail(ChatFailed(BAD_TEXT, breaks))
        label = self._new_label() if given is None else f"@{given}"
        if given is not None and (problem := self._problem_with(given)):
            return fail(ChatFailed(BAD_COMMAND, problem))
        try:
            line = f"{label} {request}\n".encode()
        except UnicodeEncodeError:
            return fail(ChatFailed(NOT_UTF8, "the text contains half of a surrogate pair, which UTF-8 cannot encode"))
        asked = self._requests[label] = PendingRequest(line, finish, repeats, take)
        return asked

    def _new_label(self) -> str:
        while True:
            self._asked += 1
            label = f"@{self.prefix}{self._asked}"
            if label not in self._requests:  # the caller may have given the same one
                return label

    def _problem_with(self, given: str) -> str:
        """Return why a label cannot be used, or an empty string."""
        if _LABEL.fullmatch(given) is None:
            return f"a label must be 1 to 64 of A-Z a-z 0-9 . _ -, not {given!r}"
        if f"@{given}" in self._requests:
            return f"the label {given} is that of a request that is not answered yet; wait for the answer"
        return ""

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
