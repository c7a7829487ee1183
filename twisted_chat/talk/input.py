"""What `twisted-chat send` says: a text, or the lines of standard input as they come, checked before they go."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from twisted_chat.talk.address import Problem
from twisted_chat.wire.line import CONTROL, LONGEST, escape

LABEL = 66
"""Bytes that a request's label may take."""

Texts = AsyncIterator[str]


def checked(to: str, text: str) -> str:
    """A text that a server would take, as far as can be told here; raises Problem."""
    text = text.replace("\r\n", "\n").rstrip("\n")
    if not text:
        raise Problem("there is nothing to say: the text is empty")
    found = CONTROL.search(text.replace("\n", ""))
    if found:
        raise Problem(
            f"the text holds a control character (U+{ord(found[0]):04X}); only tabs and line breaks may be in it"
        )
    try:
        size = len(f"chat,{to},{escape(text)}".encode()) + LABEL
    except UnicodeEncodeError:
        raise Problem("the text is not UTF-8") from None
    if size > LONGEST:
        raise Problem(f"the text is too long: with whom it goes to it has at most {LONGEST - LABEL:,} bytes")
    return text


async def one(text: str) -> Texts:
    """This text alone."""
    yield text


async def checked_lines(to: str, lines: Texts) -> Texts:
    """Each line that is not empty; raises Problem with the number of the line that cannot be said."""
    number = 0
    async for line in lines:
        number += 1
        if line.strip():
            try:
                yield checked(to, line)
            except Problem as problem:
                raise Problem(f"line {number}: {problem}") from None


def whole_input() -> str:
    """All of standard input, or as much of it as is too long; raises Problem."""
    try:
        return sys.stdin.buffer.read(LONGEST + 1).decode()
    except UnicodeDecodeError as problem:
        if len(problem.object) > LONGEST and problem.end == len(problem.object):
            return problem.object.decode(errors="replace")  # cut within a character, and too long anyway
        raise Problem("the text is not UTF-8") from None


class LineReader(Protocol):
    """The lines of a stream, for `async for`; reads no further while lines wait."""

    def __init__(self) -> None:
        self._tail = b""
        self._lines: list[bytes] = []
        self._ended = False
        self._waiting: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        *lines, self._tail = (self._tail + data).split(b"\n")
        if len(self._tail) > LONGEST:  # no line that could be said: it is told as such
            lines, self._tail, self._ended = [*lines, self._tail], b"", True
        self._lines += lines
        if self._lines:
            self._pause(True)
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._tail:
            self._lines.append(self._tail)
        self._ended = True
        self._wake()

    async def lines(self) -> Texts:
        """Each line as it comes; raises Problem for one that is not UTF-8."""
        while True:
            while self._lines:
                try:
                    yield self._lines.pop(0).decode()
                except UnicodeDecodeError:
                    raise Problem("a line of the input is not UTF-8") from None
            if self._ended:
                return
            self._pause(False)
            self._waiting = Deferred()
            await self._waiting

    def _pause(self, pause: bool) -> None:
        transport: Any = self.transport
        if not self._ended:
            (transport.pauseProducing if pause else transport.resumeProducing)()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)


async def lines_of_input(reactor: Any) -> Texts:
    """The lines of standard input as they come."""
    from twisted.internet import stdio

    opened: Any = stdio.StandardIO
    reader = LineReader()
    nothing = os.open(os.devnull, os.O_WRONLY)  # or standard output would be made non-blocking as well
    blocking = os.get_blocking(0)
    try:
        opened(reader, 0, nothing, reactor)
        async for line in reader.lines():
            yield line
    finally:
        with suppress(OSError):
            os.set_blocking(0, blocking)
