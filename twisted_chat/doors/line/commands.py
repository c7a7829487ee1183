"""The line protocol's verbs: the table, at the end, and the function that carries out each verb at the hub.

A verb's function takes the connection, the request's label and its fields. It returns an Answer, something
that becomes one, or None for what the log will answer.
"""

from __future__ import annotations

from twisted_chat._version import __version__
from twisted_chat.core.archive import MAX_HISTORY_RECORDS, UNREAD_SHOWN, fit_page
from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED
from twisted_chat.core.messages import ACTION
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import User
from twisted_chat.doors.line.dialects import (
    EVENTS,
    EVENTS_WITH_TAGS,
    PLAIN_FOR_ACCOUNTS,
    SILENT,
    Answer,
    PlainDialect,
)
from twisted_chat.doors.line.requests import Command, LineConnection, Result
from twisted_chat.wire.errors import BAD_COMMAND, ParseError
from twisted_chat.wire.events import SERVER_MARK, quoted
from twisted_chat.wire.line import MAX_LINE_BYTES, is_label

USAGE_COLUMNS = 34
"""Columns of the help's table for the usage."""
MAX_FOUND = 50
"""Messages that a search returns."""


async def register(connection: LineConnection, label: str | None, name: str, password: str | None = None) -> Answer:
    session = connection.session
    signed_in = await connection.hub.sign_in(session, name, password)
    user = session.user
    assert user is not None
    lines: list[str] = []
    if isinstance(session.dialect, PlainDialect) and user.is_account:
        connection.speak(PLAIN_FOR_ACCOUNTS)
        lines = await _unread(connection, user)
    return Answer(("ack", *lines), (user.name, signed_in.how), then=await session.begin(signed_in))


async def password(connection: LineConnection, label: str | None, old: str, new: str) -> Answer:
    await connection.hub.change_password(connection.session, old, new)
    return Answer()


def rename(connection: LineConnection, label: str | None, name: str) -> Answer:
    connection.hub.rename(connection.session, name)
    return Answer()


def list_(connection: LineConnection, label: str | None, what: str) -> Result:
    hub = connection.hub
    if what == "mine":
        return _mine(connection)
    if what == "friends":
        names = hub.registry.online_names()
    elif what == "rooms":
        names = hub.rooms.names()
    elif is_room(what):
        names = hub.rooms.find(what).names()
    else:
        raise ParseError(BAD_COMMAND, "usage: list,friends or list,rooms or list,#room or list,mine")
    return Answer(lines=(",".join(names),), fields=tuple(names))


async def _mine(connection: LineConnection) -> Answer:
    names = await connection.hub.archive.own_conversations(connection.session)
    return Answer(lines=(",".join(names),), fields=tuple(names))


def chat(connection: LineConnection, label: str | None, to: str, text: str = "hi") -> None:
    session = connection.session
    session.tell_absence(connection.hub.say(session, to, [connection.text(text)], label=label))


def me(connection: LineConnection, label: str | None, to: str, text: str) -> None:
    session = connection.session
    session.tell_absence(connection.hub.say(session, to, [connection.text(text)], ACTION, label))


def join(connection: LineConnection, label: str | None, room: str) -> Result | None:
    return None if connection.hub.join(connection.session, room, label) else _already(connection)


def leave(connection: LineConnection, label: str | None, room: str) -> Result | None:
    return None if connection.hub.leave(connection.session, room, label) else _already(connection)


def topic(connection: LineConnection, label: str | None, room: str, text: str | None = None) -> Answer | None:
    if text is None:
        topic = connection.hub.topic(connection.session, room)
        line = f"{SERVER_MARK}the topic of {room} is: {quoted(topic)}" if topic else f"{SERVER_MARK}{room} has no topic"
        return Answer(lines=(line,), fields=(connection.field(topic),))
    connection.hub.set_topic(connection.session, room, connection.text(text), label)
    return None


def away(connection: LineConnection, label: str | None, text: str | None = None) -> Answer:
    connection.hub.away(connection.session, connection.text(text) if text else None)
    return Answer()


async def history(connection: LineConnection, label: str | None, name: str, *options: str) -> Answer:
    page = _options("history", options, before=0, after=0, limit=50)
    records = await connection.hub.archive.history(connection.session, name, **page)
    records = fit_page(records, oldest_first=bool(page["after"] and not page["before"]))
    return Answer(lines=(), fields=(str(len(records)),), history=records)


async def search(connection: LineConnection, label: str | None, name: str, words: str) -> Answer:
    records = await connection.hub.archive.search(connection.session, name, words, MAX_FOUND)
    records = fit_page(records, oldest_first=False)
    return Answer(lines=(), fields=(str(len(records)),), history=records)


async def since(connection: LineConnection, label: str | None, id: str | None = None, *options: str) -> Answer:
    session = connection.session
    if id is None:
        return Answer(lines=(), fields=(str(session.catchup.position),))
    limit = _options("since", options, limit=MAX_HISTORY_RECORDS)["limit"] if options else 0
    last, more = await session.catchup.since(label, _id(id), limit)
    return Answer(lines=(), fields=(str(last), "more") if more else (str(last),))


async def seen(connection: LineConnection, label: str | None, name: str, id: str) -> Answer:
    await connection.hub.archive.move_read_marker(connection.session, name, _id(id))
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
    facts = ("twisted_chat", __version__, f"line={MAX_LINE_BYTES}", f"history={MAX_HISTORY_RECORDS}", f"verbs={verbs}")
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


async def _unread(connection: LineConnection, user: User) -> list[str]:
    """Return what a person reads who comes back: the newest messages since, and how many there are."""
    if not user.is_account or len(user.participants) > 1:
        return []
    session = connection.session
    records, count = await connection.hub.archive.unread(user, user.read_up_to, session.catchup.position, UNREAD_SHOWN)
    lines = [line for record in records for line in session.dialect.render_history(record)]
    if count > len(records):
        many = f"more than {MAX_UNREAD_COUNTED}" if count > MAX_UNREAD_COUNTED else str(count)
        shown = f"you have {many} unread messages; the last {len(records)} follow"
        lines.insert(0, f"{SERVER_MARK}{shown}, and history,<name or #room> shows the others")
    return lines


def _id(text: str) -> int:
    """Return the whole number in a field, an id for example. Raises ParseError(bad-command)."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ParseError(BAD_COMMAND, f"expected a whole number, got {text[:32]}")
    return int(text)


def _options(verb: str, options: tuple[str, ...], **values: int) -> dict[str, int]:
    """Return the numbers of `key=number` options, over their defaults. Raises ParseError(bad-command)."""
    for option in options:
        key, _, value = option.partition("=")
        if key not in values:
            takes = ", ".join(
                f"{name}=<{f'1 to {MAX_HISTORY_RECORDS}' if name == 'limit' else 'id'}>" for name in values
            )
            raise ParseError(BAD_COMMAND, f"the options of {verb} are {takes}")
        values[key] = _id(value)
    if not 1 <= values["limit"] <= MAX_HISTORY_RECORDS:
        raise ParseError(BAD_COMMAND, f"the limit of {verb} must be 1 to {MAX_HISTORY_RECORDS}")
    return values


def _help_lines(row: Command) -> tuple[str, ...]:
    if len(row.usage) > USAGE_COLUMNS:
        return (row.usage, f"{'':{USAGE_COLUMNS}}  {row.help}")
    return (f"{row.usage:{USAGE_COLUMNS}}  {row.help}",)


async def _already(connection: LineConnection) -> Answer:
    return Answer(fields=(str(connection.hub.log.last),))


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
        "history,<name or #room>[,before=<id>][,after=<id>][,limit=<n>]",
        "show messages, oldest first",
        1,
        4,
        begins_with_name=True,
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
    "since": Command(since, "since,<id>[,limit=<n>]", "show everything after an id (accounts only)", 0, 2),
    "seen": Command(seen, "seen,<name or #room>,<id>", "move your read marker", 2, 2, begins_with_name=True),
    "password": Command(password, "password,<old>,<new>", "change your password", 2, 2),
    "rename": Command(rename, "rename,<name>", "change your name (guests only)", 1, 1, begins_with_name=True),
    "ping": Command(ping, "ping,<token>", "get the token back", 0, 1, needs_name=False),
    "pong": Command(pong, "pong,<token>", "answer the server's ping", 0, 1, needs_name=False),
    "hello": Command(
        hello, "hello,events[,<client-id>[,tags]]", "switch to the events dialect, for programs", 1, 3, needs_name=False
    ),
    "help": Command(help_, "help[,<verb>]", "show this table", 0, 1, needs_name=False),
    "quit": Command(quit_, "quit", "end the connection", needs_name=False),
}
