"""CHATHISTORY: the log, as IRC clients page through it (IRCv3 draft/chathistory)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import SPOKEN, Record
from twisted_chat.core.names import is_room
from twisted_chat.doors.irc.dialect import PLAYBACK, SERVER, target_of
from twisted_chat.doors.irc.requests import Reply, Request, Result, one
from twisted_chat.doors.irc.session import word
from twisted_chat.doors.line.commands import fitting
from twisted_chat.wire.events import milliseconds, timestamp
from twisted_chat.wire.irc.message import render

if TYPE_CHECKING:
    from twisted_chat.doors.irc.protocol import IrcProtocol

MOST_HISTORY = 100
"""Records of one page."""
MOST_LOOKED_AT = 10
"""Pages of the log that are looked at for one of these, where few records are messages."""
MOST_TARGETS = 500
"""Messages to one that are looked at to tell by whom and where they were."""


class Wrong(Exception):
    """A CHATHISTORY that cannot be: a code of the specification's, and a sentence."""


class Place(NamedTuple):
    """A place in a conversation: the ids of what is before it are below `before`, of what is after it above `after`."""

    before: int
    after: int


def chathistory(connection: IrcProtocol, request: Request) -> Result:
    subcommand, *params = request.params
    subcommand = subcommand.upper()
    if subcommand == "TARGETS" and len(params) == 3:
        return _targets(connection, params)
    if subcommand in _REFERENCES and len(params) == _REFERENCES[subcommand] + 2:
        return _page(connection, subcommand, params)
    usage = "CHATHISTORY takes LATEST, BEFORE, AFTER, AROUND or BETWEEN, a target, where, and how many; or TARGETS"
    return one(_fail(connection, "INVALID_PARAMS", subcommand, sentence=usage))


async def _page(connection: IrcProtocol, subcommand: str, params: list[str]) -> Reply:
    target, *references, limit = params
    try:
        count = _limit(limit)
        places = [await _place(connection, target, reference, subcommand) for reference in references]
        records = await _records(connection, subcommand, target, places, count)
    except Wrong as wrong:
        code, sentence = wrong.args
        return one(_fail(connection, code, subcommand, target, sentence=sentence))
    except ChatError:
        sentence = "there is no such conversation, or it is not yours"
        return one(_fail(connection, "INVALID_TARGET", subcommand, target, sentence=sentence))
    lines = [line for record in records for line in connection.session.dialect.past(record)]
    return Reply(lines, batch=("chathistory", word(target)))


async def _targets(connection: IrcProtocol, params: list[str]) -> Reply:
    """Where others have said something between two times, as far as the newest MOST_TARGETS messages tell."""
    user, hub = connection.session.user, connection.hub
    assert user is not None
    try:
        one_end, other_end, count = _time(params[0]), _time(params[1]), _limit(params[2])
    except Wrong as wrong:
        code, sentence = wrong.args
        return one(_fail(connection, code, "TARGETS", sentence=sentence))
    records, _ = await hub.archive.unread(user, 0, hub.log.last, MOST_TARGETS)
    latest: dict[str, int] = {}
    for record in records:
        if min(one_end, other_end) < record.time < max(one_end, other_end):
            latest[record.to if is_room(record.to) else record.sender] = record.time
    found = sorted(latest.items(), key=lambda item: item[1])[:count]
    lines = [render("CHATHISTORY", "TARGETS", target_of(name), timestamp(time), source=SERVER) for name, time in found]
    return Reply(lines, batch=("draft/chathistory-targets",))


async def _records(
    connection: IrcProtocol, subcommand: str, target: str, places: list[Place], count: int
) -> list[Record]:
    first, end = places[0], connection.hub.log.last + 1
    if subcommand == "AFTER":
        return await _oldest(connection, target, first.after, end, count)
    if subcommand == "BEFORE":
        return await _newest(connection, target, first.before, 0, count)
    if subcommand == "LATEST":
        return await _newest(connection, target, end, first.after, count)
    if subcommand == "AROUND":
        before = await _newest(connection, target, first.before, 0, count // 2)
        return before + await _oldest(connection, target, first.before - 1, end, count - len(before))
    other = places[1]
    if first.after < other.before:
        return await _oldest(connection, target, first.after, other.before, count)
    return await _newest(connection, target, first.before, other.after, count)


async def _newest(connection: IrcProtocol, target: str, before: int, after: int, count: int) -> list[Record]:
    """The newest records between two ids that the client wants to see, oldest first."""
    found: list[Record] = []
    for _ in range(MOST_LOOKED_AT if count else 0):
        page = await connection.hub.archive.history(connection.session, target, before, after, count)
        found = _shown(connection, page) + found
        if len(page) < count or len(found) >= count:
            break
        before = page[0].id
    return fitting(found[-count:], oldest_first=False)


async def _oldest(connection: IrcProtocol, target: str, after: int, before: int, count: int) -> list[Record]:
    """The oldest of them."""
    found: list[Record] = []
    for _ in range(MOST_LOOKED_AT):
        page = await connection.hub.archive.history(connection.session, target, 0, after or -1, count)
        found += _shown(connection, [record for record in page if record.id < before])
        if len(page) < count or len(found) >= count:
            break
        after = page[-1].id
    return fitting(found[:count], oldest_first=True)


def _shown(connection: IrcProtocol, records: list[Record]) -> list[Record]:
    if PLAYBACK in connection.session.capabilities:
        return records
    return [record for record in records if record.kind in SPOKEN]


async def _place(connection: IrcProtocol, target: str, reference: str, subcommand: str) -> Place:
    """Where `msgid=…` or `timestamp=…` is, or the * of LATEST: before everything."""
    if reference == "*" and subcommand == "LATEST":
        return Place(0, 0)
    kind, _, value = reference.partition("=")
    if kind == "msgid":
        id = value.partition(".")[0]  # the further lines of a long text have .1, .2 and so on
        if not (id.isascii() and id.isdigit() and 0 < int(id[:19]) < 10**18):
            raise Wrong("INVALID_MSGREFTYPE", "an id is a whole number from 1 on, as the tag msgid has it")
        return Place(int(id), int(id))
    time = _time(reference)
    return Place(await _upto(connection, target, time) + 1, await _upto(connection, target, time + 1))


async def _upto(connection: IrcProtocol, target: str, time: int) -> int:
    """An id that parts a conversation: up to it are the records from before that time."""
    low, high = 0, connection.hub.log.last
    while low < high:
        middle = (low + high + 1) // 2
        newest = await connection.hub.archive.history(connection.session, target, middle + 1, low, 1)
        if newest and newest[0].time >= time:
            high = newest[0].id - 1
        else:
            low = middle
    return low


def _time(reference: str) -> int:
    kind, _, value = reference.partition("=")
    if kind != "timestamp":
        raise Wrong("INVALID_MSGREFTYPE", "a place is msgid=<id> or timestamp=<time>")
    try:
        return milliseconds(value)
    except ValueError:
        raise Wrong("INVALID_PARAMS", "a time is written 2026-03-14T09:26:53.000Z") from None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9])):
        raise Wrong("INVALID_PARAMS", f"how many is a whole number from 1 to {MOST_HISTORY}")
    return min(int(text[:9]), MOST_HISTORY)


def _fail(connection: IrcProtocol, code: str, *context: str, sentence: str) -> str:
    return connection.session.failure("CHATHISTORY", code, context, sentence)


_REFERENCES = {"LATEST": 1, "BEFORE": 1, "AFTER": 1, "AROUND": 1, "BETWEEN": 2}
"""How many places each subcommand takes."""
