"""CHATHISTORY: pages of the log for IRC clients (IRCv3 draft/chathistory)."""

from __future__ import annotations

from twisted_chat.core.errors import ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.core.participants import User
from twisted_chat.doors.irc.channels import channel_of, room_of
from twisted_chat.doors.irc.dialect import target_of
from twisted_chat.doors.irc.lines import word
from twisted_chat.doors.irc.pages import BEHIND_ALL_PARTS, Bound, Line, Pages
from twisted_chat.doors.irc.requests import IrcConnection, Reply, Request, Result, reply_line
from twisted_chat.doors.irc.session import IrcSession
from twisted_chat.wire.events import milliseconds, timestamp
from twisted_chat.wire.irc.message import render
from twisted_chat.wire.numbers import is_number

MAX_CHATHISTORY_RECORDS = 100
"""Lines of one reply."""
TARGETS_PAGE_CONTACTS = 200
"""Direct conversations that TARGETS looks at together."""
MAX_TARGETS_PAGES = 50
"""Such pages for one reply."""

_REFERENCE_COUNTS = {"LATEST": 1, "BEFORE": 1, "AFTER": 1, "AROUND": 1, "BETWEEN": 2}
"""References to a position that each subcommand takes."""
_USAGE = (
    "usage: CHATHISTORY LATEST|BEFORE|AFTER|AROUND <nick or #room> <reference> <limit>, "
    "BETWEEN with two references, or TARGETS <timestamp> <timestamp> <limit>"
)


class ChatHistoryError(Exception):
    """A CHATHISTORY request that is not valid: a code of the specification, and a sentence."""


def chathistory(connection: IrcConnection, request: Request) -> Result:
    hub, session = connection.hub, connection.session
    subcommand, *params = request.params
    subcommand = subcommand.upper()
    if subcommand == "TARGETS" and len(params) == 3:
        return _targets(hub, session, params)
    if subcommand in _REFERENCE_COUNTS and len(params) == _REFERENCE_COUNTS[subcommand] + 2:
        target, *references, limit = params
        return _page(Pages(hub, session, room_of(target)), subcommand, references, limit)
    return reply_line(_fail(session, "INVALID_PARAMS", subcommand, sentence=_USAGE))


async def _page(pages: Pages, subcommand: str, references: list[str], limit: str) -> Reply:
    session, target = pages.session, channel_of(pages.target)
    await pages.hub.moved(session)
    try:
        count = _limit(limit)
        bounds = [await _bound(pages, reference, subcommand) for reference in references]
        lines = await _lines(pages, subcommand, bounds, count)
    except ChatHistoryError as error:
        code, sentence = error.args
        return reply_line(_fail(session, code, subcommand, target, sentence=sentence))
    except ChatError:
        sentence = "there is no such conversation, or you are not in it"
        return reply_line(_fail(session, "INVALID_TARGET", subcommand, target, sentence=sentence))
    return Reply([line.text for line in lines], batch=("chathistory", word(target)))


async def _targets(hub: Hub, session: IrcSession, params: list[str]) -> Reply:
    """Return the conversations whose newest message is between two times, the one from the first time on."""
    user = session.user
    assert user is not None
    try:
        ends, count = (_time(params[0]), _time(params[1])), _limit(params[2])
    except ChatHistoryError as error:
        code, sentence = error.args
        return reply_line(_fail(session, code, "TARGETS", sentence=sentence))
    latest = await _direct_targets(hub, session, user, min(ends))
    for room in hub.rooms.joined_by(user):
        try:
            newest = await Pages(hub, session, room.name).newest_record(hub.log.last)
        except ChatError:  # the client has left it meanwhile
            continue
        if newest is not None:
            latest[room.name] = newest.time
    between = [item for item in latest.items() if min(ends) < item[1] < max(ends)]
    found = sorted(between, key=lambda item: (item[1], item[0]))
    found = found[:count] if ends[0] <= ends[1] else found[-count:]
    lines = [
        render("CHATHISTORY", "TARGETS", target_of(name), timestamp(time), source=session.server)
        for name, time in found
    ]
    return Reply(lines, batch=("draft/chathistory-targets",))


async def _direct_targets(hub: Hub, session: IrcSession, user: User, after: int) -> dict[str, int]:
    """Return the people of the client's conversations, and the time of the newest message, if it is behind a time.

    A guest is shown no people who are gone: only an account can read what they said.
    """
    latest: dict[str, int] = {}
    before = hub.log.last + 1
    for _ in range(MAX_TARGETS_PAGES):
        await session.turn()
        contacts = await hub.archive.contacts(session, before, TARGETS_PAGE_CONTACTS)
        for contact in contacts:
            before = contact.last
            if contact.time and contact.time <= after:
                return latest
            holder = hub.registry.get(contact.name) if contact.name else None
            if contact.name and (user.is_account or (holder is not None and holder.identity == contact.partner)):
                latest.setdefault(contact.name, contact.time)
        if len(contacts) < TARGETS_PAGE_CONTACTS:
            break
    return latest


async def _lines(pages: Pages, subcommand: str, bounds: list[Bound], count: int) -> list[Line]:
    first, end = bounds[0], (pages.hub.log.last + 1, 0)
    if subcommand == "AFTER":
        return await pages.oldest(first.after, end, count)
    if subcommand == "BEFORE":
        return await pages.newest(first.before, (0, 0), count)
    if subcommand == "LATEST":
        return await pages.newest(end, first.after, count)
    if subcommand == "AROUND":
        before = await pages.newest(first.before, (0, 0), count // 2)
        id, part = first.before
        return before + await pages.oldest((id, part - 1), end, count - len(before))
    second = bounds[1]
    if first.after < second.before:
        return await pages.oldest(first.after, second.before, count)
    return await pages.newest(first.before, second.after, count)


async def _bound(pages: Pages, reference: str, subcommand: str) -> Bound:
    """Return the bound for `msgid=…` or `timestamp=…`, or for the * of LATEST: before everything."""
    if reference == "*" and subcommand == "LATEST":
        return Bound((0, 0), (0, 0))
    kind, _, value = reference.partition("=")
    if kind == "msgid":
        id, dot, part = value.partition(".")  # the further lines of a long text have .1, .2 and so on
        if not (is_number(id) and int(id) and (not dot or is_number(part))):
            raise ChatHistoryError("INVALID_MSGREFTYPE", "a msgid must be an id from the tag msgid, for example 12")
        place = (int(id), min(int(part or 0), BEHIND_ALL_PARTS))
        return Bound(place, place)
    time = _time(reference)
    before, after = await _last_id_before(pages, time), await _last_id_before(pages, time + 1)
    return Bound((before + 1, 0), (after, BEHIND_ALL_PARTS))


async def _last_id_before(pages: Pages, time: int) -> int:
    """Return an id such that the conversation's records up to it are those from before a time, by bisection."""
    low, high = 0, pages.hub.log.last
    while low < high:
        middle = (low + high + 1) // 2
        newest = await pages.read(middle + 1, low, 1)
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
