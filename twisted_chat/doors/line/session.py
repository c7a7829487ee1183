"""A line client's session: errors, acknowledgements and read markers as lines, in the client's dialect."""

from collections.abc import Sequence
from functools import partial

from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.core.hub import SignedIn
from twisted_chat.core.messages import Record
from twisted_chat.core.participants import Absence, Entry
from twisted_chat.doors.line.dialects import Answer, LineDialect
from twisted_chat.doors.line.sentences import sentence_with_hint
from twisted_chat.doors.session import Session
from twisted_chat.sentences import absence as absence_sentence
from twisted_chat.sentences import sentence_of
from twisted_chat.wire.errors import ParseError
from twisted_chat.wire.events import quoted
from twisted_chat.wire.line import error, labelled


class LineSession(Session):
    """A participant of the hub with a line client behind it."""

    __slots__ = ()
    dialect: LineDialect

    def write_answer(self, label: str | None, answer: Answer) -> None:
        """Queue the answer to a request that was carried out."""
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
            self.write(*self.dialect.server_notice(Notice.AWAY, absence_sentence(name, away)))

    def read_marker_moved(self, name: str, id: int) -> None:
        if self.dialect.for_programs:
            self.write(f"seen,{name},{id}")

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
