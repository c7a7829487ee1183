"""CHATHISTORY: pages of the log for IRC clients (IRCv3 draft/chathistory)."""

from __future__ import annotations

from typing import NamedTuple

from twisted_chat.core.archive import fit_page
from twisted_chat.core.errors import ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.core.messages import SPOKEN, Record
from twisted_chat.core.names import is_room
from twisted_chat.doors.irc.dialect import PLAYBACK, SERVER, target_of
from twisted_chat.doors.irc.requests import IrcConnection, Reply, Request, Result, reply_line
from twisted_chat.doors.irc.session import IrcSession, word
from twisted_chat.wire.events import milliseconds, timestamp
from twisted_chat.wire.irc.message import render

MAX_CHATHISTORY_RECORDS = 100
"""Records of one reply."""
MAX_PAGES_READ = 10
"""Pages of the log that are read for one reply, where few records are messages."""
MAX_TARGETS_RECORDS = 500
"""Messages to a client that TARGETS looks at."""

_REFERENCE_COUNTS = {"LATEST": 1, "BEFORE": 1, "AFTER": 1, "AROUND": 1, "BETWEEN": 2}
"""References to a position that each subcommand takes."""
_USAGE = (
    "usage: CHATHISTORY LATEST|BEFORE|AFTER|AROUND <nick or #room> <reference> <limit>, "
    "BETWEEN with two references, or TARGETS <timestamp> <timestamp> <limit>"
)


class ChatHistoryError(Exception):
    """A CHATHISTORY request that is not valid: a code of the specification, and a sentence."""


class Bound(NamedTuple):
    """A position in a conversation: earlier records have ids below `before`, later records ids above `after`."""

    before: int
    after: int


class _Conversation(NamedTuple):
    """The conversation that a request asks about, as this client may see it."""

    hub: Hub
    session: IrcSession
    target: str

    async def read(self, before: int, after: int, count: int) -> list[Record]:
        """Return a page of it, oldest first, when it is this client's turn. Raises ChatError."""
        await self.session.turn()
        return await self.hub.archive.history(self.session, self.target, before, after, count)

    def shown(self, records: list[Record]) -> list[Record]:
        """Return the records that the client wants to see: messages only, without event-playback."""
        if PLAYBACK in self.session.capabilities:
            return records
        return [record for record in records if record.kind in SPOKEN]


def chathistory(connection: IrcConnection, request: Request) -> Result:
    hub, session = connection.hub, connection.session
    subcommand, *params = request.params
    subcommand = subcommand.upper()
    if subcommand == "TARGETS" and len(params) == 3:
        return _targets(hub, session, params)
    if subcommand in _REFERENCE_COUNTS and len(params) == _REFERENCE_COUNTS[subcommand] + 2:
        target, *references, limit = params
        return _page(_Conversation(hub, session, target), subcommand, references, limit)
    return reply_line(_fail(session, "INVALID_PARAMS", subcommand, sentence=_USAGE))


async def _page(conversation: _Conversation, subcommand: str, references: list[str], limit: str) -> Reply:
    session, target = conversation.session, conversation.target
    try:
        count = _limit(limit)
        bounds = [await _bound(conversation, reference, subcommand) for reference in references]
        records = await _records(conversation, subcommand, bounds, count)
    except ChatHistoryError as error:
        code, sentence = error.args
        return reply_line(_fail(session, code, subcommand, target, sentence=sentence))
    except ChatError:
        sentence = "there is no such conversation, or you are not in it"
        return reply_line(_fail(session, "INVALID_TARGET", subcommand, target, sentence=sentence))
    lines = [line for record in records for line in session.dialect.render_history(record)]
    return Reply(lines, batch=("chathistory", word(target)))


async def _targets(hub: Hub, session: IrcSession, params: list[str]) -> Reply:
    """Return where others wrote to the client between two times, as far as the newest MAX_TARGETS_RECORDS tell."""
    user = session.user
    assert user is not None
    try:
        ends, count = (_time(params[0]), _time(params[1])), _limit(params[2])
    except ChatHistoryError as error:
        code, sentence = error.args
        return reply_line(_fail(session, code, "TARGETS", sentence=sentence))
    await session.turn()
    records, _ = await hub.archive.unread(user, 0, hub.log.last, MAX_TARGETS_RECORDS)
    latest: dict[str, int] = {}
    for record in records:
        if min(ends) < record.time < max(ends):
            latest[record.to if is_room(record.to) else record.sender] = record.time
    found = sorted(latest.items(), key=lambda item: item[1])[:count]
    lines = [render("CHATHISTORY", "TARGETS", target_of(name), timestamp(time), source=SERVER) for name, time in found]
    return Reply(lines, batch=("draft/chathistory-targets",))


async def _records(conversation: _Conversation, subcommand: str, bounds: list[Bound], count: int) -> list[Record]:
    first, end = bounds[0], conversation.hub.log.last + 1
    if subcommand == "AFTER":
        return await _oldest(conversation, first.after, end, count)
    if subcommand == "BEFORE":
        return await _newest(conversation, first.before, 0, count)
    if subcommand == "LATEST":
        return await _newest(conversation, end, first.after, count)
    if subcommand == "AROUND":
        before = await _newest(conversation, first.before, 0, count // 2)
        return before + await _oldest(conversation, first.before - 1, end, count - len(before))
    second = bounds[1]
    if first.after < second.before:
        return await _oldest(conversation, first.after, second.before, count)
    return await _newest(conversation, first.before, second.after, count)


async def _newest(conversation: _Conversation, before: int, after: int, count: int) -> list[Record]:
    """Return the newest records with after < id < before that the client wants to see, oldest first."""
    found: list[Record] = []
    for _ in range(MAX_PAGES_READ if count else 0):
        page = await conversation.read(before, after, count)
        found = conversation.shown(page) + found
        if len(page) < count or len(found) >= count:
            break
        before = page[0].id
    return fit_page(found[-count:], oldest_first=False)


async def _oldest(conversation: _Conversation, after: int, before: int, count: int) -> list[Record]:
    """Return the oldest of them."""
    found: list[Record] = []
    for _ in range(MAX_PAGES_READ):
        page = await conversation.read(0, after or -1, count)  # 0 would stand for no `after`
        found += conversation.shown([record for record in page if record.id < before])
        if len(page) < count or len(found) >= count:
            break
        after = page[-1].id
    return fit_page(found[:count], oldest_first=True)


async def _bound(conversation: _Conversation, reference: str, subcommand: str) -> Bound:
    """Return the bound for `msgid=…` or `timestamp=…`, or for the * of LATEST: before everything."""
    if reference == "*" and subcommand == "LATEST":
        return Bound(0, 0)
    kind, _, value = reference.partition("=")
    if kind == "msgid":
        id = value.partition(".")[0]  # the further lines of a long text have .1, .2 and so on
        if not (id.isascii() and id.isdigit() and len(id) < 19 and int(id)):
            raise ChatHistoryError("INVALID_MSGREFTYPE", "a msgid must be an id from the tag msgid, for example 12")
        return Bound(int(id), int(id))
    time = _time(reference)
    before, after = await _last_id_before(conversation, time), await _last_id_before(conversation, time + 1)
    return Bound(before + 1, after)


async def _last_id_before(conversation: _Conversation, time: int) -> int:
    """Return an id such that the conversation's records up to it are those from before a time, by bisection."""
    low, high = 0, conversation.hub.log.last
    while low < high:
        middle = (low + high + 1) // 2
        newest = await conversation.read(middle + 1, low, 1)
        if newest and newest[0].time >= time:
            high = newest[0].id - 1
        else:
            low = middle
    return low


def _time(reference: str) -> int:
    kind, _, value = reference.partition("=")
    if kind != "timestamp":
        raise ChatHistoryError("INVALID_MSGREFTYPE", "a reference must be msgid=<id> or timestamp=<time>")
    try:
        return milliseconds(value)
    except ValueError:
        raise ChatHistoryError("INVALID_PARAMS", "a timestamp must be like 2026-03-14T09:26:53.000Z") from None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9])):
        raise ChatHistoryError("INVALID_PARAMS", f"the limit must be 1 to {MAX_CHATHISTORY_RECORDS}")
    return min(int(text[:9]), MAX_CHATHISTORY_RECORDS)


def _fail(session: IrcSession, code: str, *context: str, sentence: str) -> str:
    return session.failure("CHATHISTORY", code, context, sentence)
