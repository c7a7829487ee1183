"""The line door's verbs for rooms: join, leave, topic; and the requests that wait for such a change."""

from __future__ import annotations

from collections.abc import Callable

from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import GUESTS, JOINED, LEFT, TOPIC
from twisted_chat.core.pending import Change
from twisted_chat.doors.line.dialects import WRITTEN, Answer
from twisted_chat.doors.line.requests import LineConnection, Result
from twisted_chat.doors.line.session import LineSession
from twisted_chat.wire.events import SERVER_MARK, quoted

Move = Callable[[LineSession, str, str | None], bool]
"""The hub's `join` or `leave`."""


async def when_settled(connection: LineConnection, change: Change, act: Callable[[], Result | None]) -> Answer:
    """Carry out a request that depends on a join, leave or topic that is under way, when that is stored or undone."""
    await connection.hub.settled(change)
    return await _answer(connection, act())


async def _answer(connection: LineConnection, result: Result | None) -> Answer:
    if result is None:  # the log will answer it
        connection.hub.flush()
        return WRITTEN
    return result if isinstance(result, Answer) else await result


def join(connection: LineConnection, label: str | None, room: str) -> Result | None:
    return _once(connection, label, room, "", JOINED, lambda: _move(connection, label, room, connection.hub.join))


def leave(connection: LineConnection, label: str | None, room: str) -> Result | None:
    return _once(connection, label, room, "", LEFT, lambda: _move(connection, label, room, connection.hub.leave))


def _once(
    connection: LineConnection, label: str | None, room: str, text: str, kind: str, act: Callable[[], Result | None]
) -> Result | None:
    """Carry a request out; or answer it, if the same client of an account has sent it before with this label."""
    if label is None or connection.session.sender_number >= GUESTS:
        return act()
    return _look_up(connection, label, room, text, kind, act)


async def _look_up(
    connection: LineConnection, label: str, room: str, text: str, kind: str, act: Callable[[], Result | None]
) -> Answer:
    id = await connection.hub.said_before(connection.session, room, text, kind, label)
    if id is not None:
        return Answer(fields=(str(id),))
    return await _answer(connection, act())


def _move(connection: LineConnection, label: str | None, room: str, move: Move) -> Result | None:
    if move(connection.session, room, label):
        return None
    change = connection.hub.pending_change(connection.session, room)
    if change is not None:
        return when_settled(connection, change, lambda: _move(connection, label, room, move))
    return _already(connection)


def topic(connection: LineConnection, label: str | None, room: str, text: str | None = None) -> Result | None:
    session, hub = connection.session, connection.hub
    if text is not None:
        words = connection.text(text)
        return _once(connection, label, room, words, TOPIC, lambda: _set_topic(connection, label, room, words))
    change = hub.pending_change(session, room, TOPIC) or hub.pending_change(session, room)
    if change is not None:
        return when_settled(connection, change, lambda: topic(connection, label, room))
    return _topic(connection, room)


def _set_topic(connection: LineConnection, label: str | None, room: str, text: str) -> Result | None:
    try:
        connection.hub.set_topic(connection.session, room, text, label)
    except ChatError:
        change = connection.hub.pending_change(connection.session, room)
        if change is None:
            raise
        return when_settled(connection, change, lambda: _set_topic(connection, label, room, text))
    return None


def _topic(connection: LineConnection, room: str) -> Answer:
    topic = connection.hub.topic(connection.session, room)
    line = f"{SERVER_MARK}the topic of {room} is: {quoted(topic)}" if topic else f"{SERVER_MARK}{room} has no topic"
    return Answer(lines=(line,), fields=(connection.field(topic),))


async def _already(connection: LineConnection) -> Answer:
    return Answer(fields=(str(connection.hub.log.last),))
