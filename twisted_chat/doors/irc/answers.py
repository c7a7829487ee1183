"""The answers to one IRC client: numerics, errors, labels and batches, with the client's nick."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from twisted_chat.core.errors import ChatError
from twisted_chat.core.moves import Quit
from twisted_chat.core.routes import said_by
from twisted_chat.doors.irc.dialect import BATCH, HISTORY, MIN_TEXT_BYTES, REPLIES, IrcDialect, dialect_of, one_line
from twisted_chat.doors.irc.hosts import Hosts, hosts_of
from twisted_chat.doors.irc.lines import acknowledgement, word
from twisted_chat.doors.irc.problems import numeric_for, sentence_for
from twisted_chat.doors.session import Session
from twisted_chat.wire.errors import NOT_UTF8, ParseError
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import MAX_BODY_BYTES, add_tag, render
from twisted_chat.wire.irc.names import nick_of
from twisted_chat.wire.irc.text import split_text

LINES_PER_STEP = 32
"""Lines of a long answer that are made in one step (doors/slices.py): some 0.2 ms of work."""
INVALID_UTF8 = "INVALID_UTF8"
"""The code of IRCv3's utf8-only for a line that is not UTF-8."""


class IrcAnswers(Session):
    """The part of an IRC client's session that answers its requests."""

    __slots__ = ("_batch_count", "_gathered", "_pinged", "_told_quits", "capabilities", "quit_reason", "real_name")
    dialect: IrcDialect

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._batch_count = self._pinged = 0
        self._told_quits: tuple[Mapping[int, Quit], ...] = ()  # of guests whose leaves of other rooms are to come
        self._gathered: list[Iterable[Sequence[str]]] | None = None  # of a labelled request with several answers
        self.real_name = self.quit_reason = ""
        self.use_capabilities(frozenset())

    def use_capabilities(self, capabilities: frozenset[str]) -> None:
        """Write with these capabilities from now on."""
        self.capabilities = _shared(capabilities)
        self.speak(dialect_of(capabilities, self.hosts), b"\r\n")

    @property
    def hosts(self) -> Hosts:
        return hosts_of(self._hub)

    @property
    def server(self) -> str:
        """Return the server's name."""
        return self.dialect.server

    @property
    def nick(self) -> str:
        """Return the client's nick; * before it has one."""
        return "*" if self.user is None else nick_of(self.user.name)

    # lines for this client

    def numeric(self, number: str, *params: str) -> str:
        """Return a numeric reply; all but the last of `params` must be words."""
        return render(number, self.nick, *params, source=self.server)

    def numeric_list(self, number: str, params: tuple[str, ...], words: Sequence[str]) -> list[str]:
        """Return a list of words, in as many numeric replies as it takes."""
        overhead = len(self.numeric(number, *params, ":").encode())
        return [self.numeric(number, *params, piece.strip()) for piece in split_text(" ".join(words), overhead)]

    def numeric_text(self, number: str, params: tuple[str, ...], text: str) -> str:
        """Return a numeric reply that ends with as much of a person's text as fits."""
        return self.numeric(number, *params, one_line(text, len(self.numeric(number, *params, ":").encode())))

    def numeric_cut(self, number: str, *params: str) -> str:
        """Return a numeric reply whose last parameter is cut if it does not fit."""
        line = self.numeric(number, *params)
        if len(line.encode()) <= MAX_BODY_BYTES:
            return line
        *words, last = params
        overhead = len(self.numeric(number, *words, ":").encode())
        return self.numeric(number, *words, one_line(last, min(overhead, MAX_BODY_BYTES - MIN_TEXT_BYTES)))

    def problem(self, command: str, target: str, problem: ChatError | ParseError) -> list[str]:
        """Return the answer to a request that was not carried out."""
        numeric = numeric_for(command, target, problem)
        if numeric is not None:
            params = (word(target),) if numeric.names_target else ()
            return [self.numeric(numeric.number, *params, numeric.text)]
        sentence = sentence_for(problem)
        if problem.code == NOT_UTF8:
            return [self.failure("*", INVALID_UTF8, (), sentence)]
        return [self.failure(command or "*", problem.code.upper().replace("-", "_"), (), sentence)]

    def failure(self, command: str, code: str, context: tuple[str, ...], sentence: str) -> str:
        """Return an error for which IRC has no number: FAIL, or 400 without standard-replies.

        draft/chathistory brings FAIL for its own command, whatever else the client has requested.
        """
        if REPLIES in self.capabilities or (command == "CHATHISTORY" and HISTORY in self.capabilities):
            return render("FAIL", word(command), code, *map(word, context), sentence, source=self.server)
        if code == INVALID_UTF8:
            return render("NOTICE", self.nick, sentence, source=self.server)
        return self.numeric(numerics.ERR_UNKNOWNERROR, word(command), sentence)

    # answers

    def write_answer(self, label: str | None, lines: Sequence[str], batch: tuple[str, ...] = ()) -> None:
        """Queue the whole answer to a request, in a batch of the given type if it is one."""
        self.write(*self._answer(label, lines, batch))

    async def write_sliced_answer(
        self, label: str | None, slices: Iterator[Sequence[str]], batch: tuple[str, ...] = ()
    ) -> None:
        """Queue an answer of many lines, a slice at a time; return when it is all queued."""
        await self.write_slices(self._answer_slices(label, slices, batch))

    def _answer_slices(
        self, label: str | None, slices: Iterator[Sequence[str]], batch: tuple[str, ...]
    ) -> Iterator[None]:
        """Write an answer, LINES_PER_STEP lines in each step; in a batch if it is of that type, or has a label."""
        if label is not None:
            batch = batch or ("labeled-response",)
        number = self._open_batch(label, batch) if batch and BATCH in self.capabilities else ""
        count = 0
        for lines in slices:
            if number:
                lines = [add_tag(line, "batch", number) for line in lines]
            elif label is not None and lines:
                lines, label = [add_tag(lines[0], "label", label), *lines[1:]], None
            self.write(*lines)
            count += len(lines)
            if count >= LINES_PER_STEP:
                count = 0
                yield
        if number:
            self.write(render("BATCH", f"-{number}", source=self.server))

    def _open_batch(self, label: str | None, batch: tuple[str, ...]) -> str:
        """Queue the line that begins a batch, and return the batch's name."""
        self._batch_count += 1
        begin = render("BATCH", f"+{self._batch_count}", *batch, source=self.server)
        self.write(begin if label is None else add_tag(begin, "label", label))
        return str(self._batch_count)

    def _answer(self, label: str | None, lines: Sequence[str], batch: tuple[str, ...] = ()) -> Sequence[str]:
        if label is not None and len(lines) > 1:
            batch = batch or ("labeled-response",)
        if batch:
            lines = self.in_batch(lines, batch)
        if label is None:
            return lines
        return [add_tag(lines[0], "label", label), *lines[1:]] if lines else [acknowledgement(label, self.server)]

    async def write_gathered_answer(self, label: str, act: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """Queue all answers to a labelled request as one; `act` makes the request, and returns its errors.

        The connection carries out no other request meanwhile, so every acknowledgement belongs to this one.
        """
        gathered = self._gathered = []
        try:
            errors = await act()
            self._hub.flush()
            await self._hub.log.wait_durable(None if self.user is None else said_by(self.user))
        finally:
            self._gathered = None
        slices = chain.from_iterable([*gathered, (errors,)])
        begin: list[str] = []
        while len(begin) < 2 and (lines := next(slices, None)) is not None:
            begin += lines
        if len(begin) < 2:
            self.write_answer(label, begin)
        else:
            await self.write_sliced_answer(label, chain((begin,), slices), ("labeled-response",))

    def _gathers(self, slices: Iterable[Sequence[str]]) -> bool:
        """Keep slices for the answer to a labelled request with several answers, if one is under way."""
        if self._gathered is None:
            return False
        self._gathered.append(slices)
        return True

    def in_batch(self, lines: Sequence[str], batch: tuple[str, ...]) -> Sequence[str]:
        """Return lines as a batch of a type with parameters, if the client has requested batches."""
        if BATCH not in self.capabilities:
            return lines
        self._batch_count += 1
        number = str(self._batch_count)
        inner = [add_tag(line, "batch", number) for line in lines]
        begin = render("BATCH", f"+{number}", *batch, source=self.server)
        return [begin, *inner, render("BATCH", f"-{number}", source=self.server)]


@lru_cache(1024)
def _shared(capabilities: frozenset[str]) -> frozenset[str]:
    """Return an equal set that all clients with the same capabilities share."""
    return capabilities
