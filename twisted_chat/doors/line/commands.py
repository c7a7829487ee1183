"""The line protocol's verbs: the table, at the end, and the function that carries out each verb at the hub.

A verb's function takes the connection, the request's label and its fields. It returns an Answer, something
that becomes one, or None for what the log will answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted_chat._version import __version__
from twisted_chat.core.archive import MAX_HISTORY_RECORDS, fit_page
from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import ACTION, GUESTS, MESSAGE
from twisted_chat.core.names import is_room
from twisted_chat.doors.line.dialects import EVENTS, EVENTS_WITH_TAGS, SILENT, Answer
from twisted_chat.doors.line.lists import Join, answer_records, join_marked, join_names, list_names
from twisted_chat.doors.line.options import numbers_in, whole_number
from twisted_chat.doors.line.requests import Command, LineConnection, Result
from twisted_chat.doors.line.rooms import join, leave, topic, when_settled
from twisted_chat.doors.line.signin import login, password, register, resume
from twisted_chat.doors.reading import when_moved
from twisted_chat.wire.errors import BAD_COMMAND, ParseError
from twisted_chat.wire.line import MAX_LINE_BYTES, is_label

USAGE_COLUMNS = 34
"""Columns of the help's table for the usage."""
MAX_UNREAD_CONVERSATIONS = 200
"""Conversations with unread messages that one answer names, unless the client asks for another number."""
MAX_FOUND = 50
"""Messages that a search returns."""


def rename(connection: LineConnection, label: str | None, name: str) -> Result:
    return connection.session.pace.run(connection.session, lambda: _done(connection.hub.rename, connection, name))


def list_(connection: LineConnection, label: str | None, what: str) -> Result:
    hub, session = connection.hub, connection.session
    put = join_marked if connection.tags.guests else join_names
    if what == "friends":
        return list_names(session, label, hub.registry.present, put)
    return when_moved(hub, session, lambda: _list(connection, label, what, put))


def _list(connection: LineConnection, label: str | None, what: str, put: Join) -> Result:
    hub, session = connection.hub, connection.session
    if what == "mine":
        return _mine(connection, put)
    if what == "rooms":
        return list_names(session, label, hub.rooms.ordered, join_names)
    if is_room(what):
        return list_names(session, label, hub.rooms.find_shown(what).ordered, put)
    raise ParseError(BAD_COMMAND, "usage: list,friends or list,rooms or list,#room or list,mine")


async def _mine(connection: LineConnection, put: Join) -> Answer:
    rooms, people = await connection.hub.archive.own_conversations(connection.session)
    names = ",".join(filter(None, (join_names(rooms), put(people))))
    return Answer(lines=(names,), fields=(names,) if names else ())


def chat(connection: LineConnection, label: str | None, to: str, text: str = "hi") -> Result | None:
    return _say(connection, label, to, connection.text(text), MESSAGE)


def me(connection: LineConnection, label: str | None, to: str, text: str) -> Result | None:
    return _say(connection, label, to, connection.text(text), ACTION)


def _say(connection: LineConnection, label: str | None, to: str, text: str, kind: str) -> Result | None:
    session = connection.session
    try:
        session.tell_absence(connection.hub.say(session, to, [text], kind, label))
    except ChatError as problem:
        change = connection.hub.pending_change(session, to)
        if change is not None:
            return when_settled(connection, change, lambda: _say(connection, label, to, text, kind))
        if label is None or session.sender_number >= GUESTS:
            raise
        return _answer_again(connection, label, to, text, kind, problem)
    return None


async def _answer_again(
    connection: LineConnection, label: str, to: str, text: str, kind: str, problem: ChatError
) -> Answer:
    """Answer a request that was carried out before, although it can no longer be; raise the problem for another one."""
    id = await connection.hub.said_before(connection.session, to, text, kind, label)
    if id is None:
        raise problem
    return Answer(fields=(str(id),))


def away(connection: LineConnection, label: str | None, text: str | None = None) -> Result:
    words = connection.text(text) if text else None
    return connection.session.pace.run(connection.session, lambda: _done(connection.hub.away, connection, words))


def _done(change: Callable[[Any, Any], None], connection: LineConnection, value: str | None) -> Answer:
    change(connection.session, value)
    return Answer()


async def history(connection: LineConnection, label: str | None, name: str, *options: str) -> Answer:
    page = numbers_in("history", options, before=0, after=0, around=0, limit=50)
    await connection.session.turn()
    await connection.hub.moved(connection.session)
    if around := page.pop("around"):
        if page["before"] or page["after"]:
            raise ParseError(BAD_COMMAND, "around does not go with before or after; use one or the other")
        records = await connection.hub.archive.around(connection.session, name, around, page["limit"])
        return await answer_records(connection.session, label, records)
    records = await connection.hub.archive.history(connection.session, name, **page)
    records = fit_page(records, oldest_first=bool(page["after"] and not page["before"]))
    return await answer_records(connection.session, label, records)


async def unread(connection: LineConnection, label: str | None, *options: str) -> Answer:
    page = numbers_in("unread", options, before=0, limit=MAX_UNREAD_CONVERSATIONS)
    await connection.session.turn()
    found, before = await connection.hub.archive.unread_conversations(connection.session, **page)
    more = ("more", str(before)) if before else ()
    return connection.session.dialect.unread(label, found, (str(len(found)), *more))


async def search(connection: LineConnection, label: str | None, name: str, words: str) -> Answer:
    await connection.session.turn()
    await connection.hub.moved(connection.session)
    records = await connection.hub.archive.search(connection.session, name, words, MAX_FOUND)
    records = fit_page(records, oldest_first=False)
    return await answer_records(connection.session, label, records)


async def since(connection: LineConnection, label: str | None, id: str | None = None, *options: str) -> Answer:
    session = connection.session
    if id is None:
        return Answer(lines=(), fields=(str(session.catchup.position),))
    epochs = [option.removeprefix("epoch=") for option in options if option.startswith("epoch=")]
    options = tuple(option for option in options if not option.startswith("epoch="))
    limit = numbers_in("since", options, limit=MAX_HISTORY_RECORDS)["limit"] if options else 0
    last, more = await session.catchup.since(label, whole_number(id), limit, epochs[0] if epochs else "")
    return Answer(lines=(), fields=(str(last), "more") if more else (str(last),))


async def seen(connection: LineConnection, label: str | None, name: str, id: str) -> Answer:
    await connection.hub.moved(connection.session)
    await connection.hub.archive.move_read_marker(connection.session, name, whole_number(id))
    return Answer()


def ping(connection: LineConnection, label: str | None, token: str = "") -> Answer:
    return Answer(lines=(f"pong,{token}",), fields=(token,))


def pong(connection: LineConnection, label: str | None, token: str = "") -> Answer:
    return SILENT


async def hello(
    connection: LineConnection, label: str | None, dialect: str, client: str = "", tags: str = ""
) -> Answer:
    if dialect != "events" or tags not in ("", "tags"):
        raise ParseError(BAD_COMMAND, f"usage: {COMMANDS['hello'].usage}")
    if client and not is_label(client):
        raise ParseError(BAD_COMMAND, "a client-id must have 1 to 64 of A-Z a-z 0-9 . _ -")
    session = connection.session
    if client:
        await connection.hub.identify_client(session, client)
    connection.speak(EVENTS_WITH_TAGS if tags else EVENTS)
    verbs = " ".join(connection.commands)
    limits = (f"line={MAX_LINE_BYTES}", f"history={MAX_HISTORY_RECORDS}")
    facts = ("twisted_chat", __version__, *limits, f"epoch={connection.hub.log.epoch}", f"verbs={verbs}")
    then = await session.begin()
    if label is None:
        connection.sendLine(",".join(("info", *facts)).encode())
        return SILENT._replace(then=then)
    return Answer(fields=facts, then=then)


def help_(connection: LineConnection, label: str | None, verb: str | None = None) -> Answer:
    commands = connection.commands
    if verb is None:
        rows = tuple(line for row in commands.values() for line in _help_lines(row))
        return Answer(lines=rows, fields=tuple(commands))
    if verb not in commands:
        raise ParseError(BAD_COMMAND, f"unknown command {verb}; help lists all commands")
    text = f"{commands[verb].usage}  {commands[verb].help}"
    return Answer(lines=(text,), fields=(text,))


def quit_(connection: LineConnection, label: str | None) -> Answer:
    return Answer(lines=("bye",), last=True)


def _help_lines(row: Command) -> tuple[str, ...]:
    if len(row.usage) > USAGE_COLUMNS:
        return (row.usage, f"{'':{USAGE_COLUMNS}}  {row.help}")
    return (f"{row.usage:{USAGE_COLUMNS}}  {row.help}",)


COMMANDS: dict[str, Command] = {
    "register": Command(
        register,
        "register,<name>[,<password>]",
        "take a name; with a password, sign in or make an account",
        1,
        2,
        needs_name=False,
        begins_with_name=True,
    ),
    "login": Command(
        login,
        "login,<name>,<password>",
        "sign in to an account that exists",
        2,
        2,
        needs_name=False,
        begins_with_name=True,
    ),
    "list": Command(
        list_,
        "list,friends | list,rooms | list,#room | list,mine",
        "people online; rooms; members of a room; what is yours",
        1,
        1,
        begins_with_name=True,
    ),
    "chat": Command(
        chat, "chat,<name or #room>[,<text>]", "send a message; without a text it is hi", 1, 2, begins_with_name=True
    ),
    "me": Command(me, "me,<name or #room>,<text>", "send an action: * jane waves", 2, 2, begins_with_name=True),
    "join": Command(join, "join,#room", "join a room; the first to join makes it", 1, 1, begins_with_name=True),
    "leave": Command(leave, "leave,#room", "leave a room", 1, 1, begins_with_name=True),
    "topic": Command(topic, "topic,#room[,<text>]", "show or set the topic of a room", 1, 2, begins_with_name=True),
    "history": Command(
        history,
        "history,<name or #room>[,before=<id>][,after=<id>][,around=<id>][,limit=<n>]",
        "show messages, oldest first",
        1,
        4,
        begins_with_name=True,
    ),
    "unread": Command(
        unread, "unread[,before=<id>][,limit=<n>]", "show where you have unread messages (accounts only)", 0, 2
    ),
    "away": Command(away, "away[,<text>]", "say that you are away; without a text you are back", 0, 1),
    "search": Command(
        search,
        "search,<name or #room>,<words>",
        "find messages that contain all these words",
        2,
        2,
        begins_with_name=True,
    ),
    "since": Command(since, "since,<id>[,limit=<n>][,epoch=<e>]", "show everything after an id (accounts only)", 0, 3),
    "seen": Command(seen, "seen,<name or #room>,<id>", "move your read marker", 2, 2, begins_with_name=True),
    "password": Command(
        password, "password,[<old>,]<new>", "change your password; soon after sign-in without the old one", 1, 2
    ),
    "resume": Command(
        resume,
        "resume | resume,<name>,<ticket>",
        "get a ticket; sign in with it instead of the password",
        0,
        2,
        needs_name=False,
    ),
    "rename": Command(rename, "rename,<name>", "change your name (guests only)", 1, 1, begins_with_name=True),
    "ping": Command(ping, "ping,<token>", "get the token back", 0, 1, needs_name=False),
    "pong": Command(pong, "pong,<token>", "answer the server's ping", 0, 1, needs_name=False),
    "hello": Command(
        hello, "hello,events[,<client-id>[,tags]]", "switch to the events dialect, for programs", 1, 3, needs_name=False
    ),
    "help": Command(help_, "help[,<verb>]", "show this table", 0, 1, needs_name=False),
    "quit": Command(quit_, "quit", "end the connection", needs_name=False),
}
