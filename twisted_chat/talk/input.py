"""The texts that `twisted-chat send` sends: a given text, or lines of standard input as they come; checked before."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from twisted_chat.talk.failures import TalkError
from twisted_chat.wire.line import MAX_LINE_BYTES, escape
from twisted_chat.wire.stream import CONTROL

MAX_LABEL_BYTES = 66
"""A request's label, with @ and the space behind it."""

Texts = AsyncIterator[str]


def checked(to: str, text: str) -> str:
    """Return the text without its last line breaks, if a server would take it; raises TalkError."""
    text = text.replace("\r\n", "\n").rstrip("\n")
    if not text:
        raise TalkError("the text is empty; give a text, or write it to standard input")
    found = CONTROL.search(text.replace("\n", ""))
    if found:
        raise TalkError(
            f"the text contains a control character (U+{ord(found[0]):04X}); only tabs and line breaks are allowed"
        )
    try:
        size = len(f"chat,{to},{escape(text)}".encode()) + MAX_LABEL_BYTES
    except UnicodeEncodeError:
        raise TalkError("the text is not UTF-8") from None
    if size > MAX_LINE_BYTES:
        most = MAX_LINE_BYTES - MAX_LABEL_BYTES
        raise TalkError(f"the text is too long; with the name it goes to it may have {most:,} bytes")
    return text


async def only(text: str) -> Texts:
    """Give this text alone."""
    yield text


async def checked_lines(to: str, lines: Texts) -> Texts:
    """Give each line that is not empty; raises TalkError with the number of a line that cannot be sent."""
    number = 0
    async for line in lines:
        number += 1
        if line.strip():
            try:
                yield checked(to, line)
            except TalkError as problem:
                raise TalkError(f"line {number}: {problem}") from None


def whole_input() -> str:
    """Return all of standard input, or a part of it that is too long already; raises TalkError."""
    try:
        return sys.stdin.buffer.read(MAX_LINE_BYTES + 1).decode()
    except UnicodeDecodeError as problem:
        if len(problem.object) > MAX_LINE_BYTES and problem.end == len(problem.object):
            return problem.object.decode(errors="replace")  # cut within a character, and too long anyway
        raise TalkError("the text is not UTF-8") from None


class LineReader(Protocol):
    """The lines of a stream, for `async for`; reads no further while lines wait."""

    def __init__(self) -> None:
        self._tail = b""
        self._lines: list[bytes] = []
        self._ended = False
        self._waiting: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        *lines, self._tail = (self._tail + data).split(b"\n")
        if len(self._tail) > MAX_LINE_BYTES:  # too long to be sent, which `checked` will report
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
        """Give each line as it comes; raises TalkError for a line that is not UTF-8."""
        while True:
            while self._lines:
                try:
                    yield self._lines.pop(0).decode()
                except UnicodeDecodeError:
                    raise TalkError("a line of the input is not UTF-8") from None
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
    """Give the lines of standard input as they come."""
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
