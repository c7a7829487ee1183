"""A line client's session: errors, acknowledgements and read markers as lines, in the client's dialect."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.core.hub import SignedIn
from twisted_chat.core.messages import Record
from twisted_chat.core.participants import Absence, Entry
from twisted_chat.doors.line.dialects import WRITTEN, Answer, LineDialect
from twisted_chat.doors.line.sentences import sentence_with_hint
from twisted_chat.doors.session import Session
from twisted_chat.sentences import absence as absence_sentence
from twisted_chat.sentences import sentence_of
from twisted_chat.wire.errors import ParseError
from twisted_chat.wire.events import quoted
from twisted_chat.wire.line import error, labelled

MAX_LINES_HELD = 200
"""Lines that wait for the end of a long answer; further read markers are not told."""


class LineSession(Session):
    """A participant of the hub with a line client behind it."""

    __slots__ = ("_aside",)
    dialect: LineDialect

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._aside: list[str] | None = None  # lines that wait for the end of a long answer

    # a long answer, with nothing in between

    @property
    def is_answering(self) -> bool:
        """Return True while a long answer is being written."""
        return self._aside is not None

    def begin_answer(self) -> None:
        """Hold everything that is not the answer, until `end_answer`."""
        self._aside = []
        self.catchup.begin_answer()

    def write_part(self, text: str) -> None:
        """Queue a part of a line of the answer."""
        self.outbox.put(text.encode())

    def end_answer(self, ended: bool = True) -> None:
        """End the answer's last line, then write what was held; everything from the log is read on from there."""
        if ended:
            self.outbox.put(self._delimiter)
        aside, self._aside = self._aside, None
        self.write(*aside or ())
        self.catchup.end_answer()

    def write_aside(self, line: str) -> None:
        """Queue a line that the client did not ask for, behind a long answer if one is being written."""
        if self._aside is None:
            self.write(line)
        elif len(self._aside) < MAX_LINES_HELD:
            self._aside.append(line)

    def disconnect(self, notice: Notice, detail: str = "") -> None:
        if self._aside is None:
            super().disconnect(notice, detail)
        else:  # the notice would stand within a line
            self._door.close()

    # answers

    def write_answer(self, label: str | None, answer: Answer) -> None:
        """Queue the answer to a request that was carried out."""
        if answer is WRITTEN:
            return
        self.write(*self.dialect.answer(label, answer), ended=self.dialect.ended)
        if answer.then is not None:
            answer.then()

    def write_error(self, label: str | None, problem: ChatError | ParseError) -> None:
        """Queue the answer to a request that was not carried out."""
        if isinstance(problem, ParseError):
            sentence = problem.sentence
        else:
            sentence = sentence_of(problem) if self.dialect.for_programs else sentence_with_hint(problem)
        self.write(error(label, problem.code, sentence))

    def write_rejection(self, entry: Entry, index: int, problem: ChatError) -> None:
        self.write_error(entry.labels.get(index), problem)

    def write_replayed(self, records: Sequence[Record], label: str | None) -> None:
        for record in records:
            self.write(*labelled(label, self.render_replayed(record)))

    def tell_absence(self, absence: Absence | None) -> None:
        """Queue the news, if any, that the recipient of a message is away or not connected."""
        if absence is not None:
            name, away = absence
            if away is not None and not self.dialect.for_programs:
                away = quoted(away)
            self.write(*self.dialect.server_notice(Notice.AWAY, absence_sentence(name, away), name))

    def read_marker_moved(self, name: str, id: int) -> None:
        if self.dialect.for_programs:
            self.write_aside(f"seen,{name},{id}")

    async def begin(self, signed_in: SignedIn | None = None) -> "partial[None]":
        """Return what follows the answer to a sign-in or `hello`: read markers for a program, then what is new."""
        user, markers = self.user, list[tuple[str, int]]()
        if user is not None and user.is_account and self.dialect.for_programs:
            markers = await self._hub.archive.read_markers(user)
        return partial(self._begin, markers, signed_in)

    def _begin(self, markers: Sequence[tuple[str, int]], signed_in: SignedIn | None) -> None:
        for name, id in markers:
            self.read_marker_moved(name, id)
        if signed_in is not None:
            signed_in.answered()
