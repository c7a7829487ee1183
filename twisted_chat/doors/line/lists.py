"""The line door's long answers: lists of names, and many records. What is long is written in slices (doors/slices.py).

A list is one line whatever its length, and nothing comes in between: what the client is sent meanwhile, it reads
from the log afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol

from twisted_chat.core.messages import Record
from twisted_chat.core.ordered import Ordered
from twisted_chat.core.participants import User
from twisted_chat.doors.line.dialects import WRITTEN, Answer, session_number
from twisted_chat.doors.line.session import LineSession
from twisted_chat.doors.slices import SLICE_BYTES
from twisted_chat.wire.line import labelled

Join = Callable[[Sequence[Any]], str]
"""Puts people or rooms into a list."""

MAX_NAMES_AT_ONCE = 500
"""Names of a list that is written at once."""
MAX_RECORDS_AT_ONCE = 50
"""Records of an answer that are written at once."""


class Named(Protocol):
    """A person or a room."""

    @property
    def key(self) -> str: ...

    @property
    def name(self) -> str: ...


def list_names(
    session: LineSession, label: str | None, items: Ordered[Any], join: Join
) -> Answer | Coroutine[Any, Any, Answer]:
    """Return the answer that lists these people or rooms, or the coroutine that writes it."""
    if len(items) > MAX_NAMES_AT_ONCE:
        return _write_list(session, label, items, join)
    names = ",".join(items.slices(join))
    return Answer(lines=(names,), fields=(names,) if names else ())


async def answer_records(session: LineSession, label: str | None, records: Sequence[Record]) -> Answer:
    """Return the answer that shows these records; when there are many, they have been written before it."""
    answer = Answer(lines=(), fields=(str(len(records)),))
    if len(records) <= MAX_RECORDS_AT_ONCE:
        return answer._replace(history=records)
    await session.write_slices(_records(session, label, records))
    return answer


async def _write_list(session: LineSession, label: str | None, items: Ordered[Any], join: Join) -> Answer:
    await session.write_slices(_names(session, label, items, join))
    return WRITTEN


def _names(session: LineSession, label: str | None, items: Ordered[Any], join: Join) -> Iterator[None]:
    session.begin_answer()
    between, size = session.dialect.list_opening(label), 0
    for names in items.slices(join):
        session.write_part(between + names)
        size += len(names)
        between = ","
        if size >= SLICE_BYTES:
            size = 0
            yield
    session.end_answer(session.dialect.ended)


def _records(session: LineSession, label: str | None, records: Sequence[Record]) -> Iterator[None]:
    session.begin_answer()
    for start in range(0, len(records), MAX_RECORDS_AT_ONCE):
        for record in records[start : start + MAX_RECORDS_AT_ONCE]:
            session.write(*labelled(label, session.dialect.render_history(record)))
        yield
    session.end_answer(ended=False)  # the last line has its ending


def join_names(items: Sequence[Named]) -> str:
    """Return the names as a list has them."""
    return ",".join([item.name for item in items])


def join_marked(people: Sequence[User]) -> str:
    """Return the same with guests marked: `:` stands behind the name, which holds none, then the session's number."""
    return ",".join([one.name if one.is_account else f"{one.name}:{session_number(one.identity)}" for one in people])
