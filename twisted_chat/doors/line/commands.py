"""The line protocol's verbs: the table, and what each does at the hub.

A verb's function takes the connection, the request's label and its fields, and
returns an Answer, something that becomes one, or None for what is answered when
the log has it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple

from twisted.internet.defer import Deferred

from twisted_chat import __version__
from twisted_chat.core.errors import BAD_COMMAND, ChatError
from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED
from twisted_chat.core.messages import ACTION, Record
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import User
from twisted_chat.doors.line.dialects import EVENTS, PLAIN, SILENT, Answer
from twisted_chat.wire.line import LONGEST, is_label

if TYPE_CHECKING:
    from twisted_chat.doors.line.protocol import ChatProtocol

Result = Answer | Coroutine[Any, Any, Answer] | Deferred[Answer]

USAGE = 34
"""Columns of the help's table for what one types."""
FOUND = 50
UNREAD_SHOWN = 50
"""Records that a search finds, and that a person is shown who comes back."""
MOST_HISTORY = 500
MOST_HISTORY_SIZE = 256 * 1024
"""Records, and characters of their texts, in one page of history."""


class Command(NamedTuple):
    """A row of the table: what is called, with how many fields, by whom, and what a person reads of it.

    The last of `most` fields takes the rest of the line, commas included.
    """

    run: Callable[..., Result | None]
    usage: str
    help: str
    least: int = 0
    most: int = 0
    needs_name: bool = True


async def register(connection: ChatProtocol, label: str | None, name: str, password: str | None = None) -> Answer:
    session = connection.session
    how = await connection.hub.sign_in(session, name, password)
    user = session.user
    assert user is not None
    lines = await _missed(connection, user) if session.dialect is PLAIN else []
    await _begin(connection)
    return Answer(("ack", *lines), (user.name, how))


async def password(connection: ChatProtocol, label: str | None, old: str, new: str) -> Answer:
    await connection.hub.change_password(connection.session, old, new)
    return Answer()


def rename(connection: ChatProtocol, label: str | None, name: str) -> Answer:
    connection.hub.rename(connection.session, name)
    return Answer()


def list_(connection: ChatProtocol, label: str | None, what: str) -> Result:
    hub = connection.hub
    if what == "mine":
        return _mine(connection)
    if what == "friends":
        names = hub.registry.names()
    elif what == "rooms":
        names = hub.rooms.names()
    elif is_room(what):
        names = hub.rooms.find(what).names()
    else:
        raise ChatError(BAD_COMMAND, "list takes friends, rooms, mine or a room: list,friends")
    return Answer(lines=(",".join(names),), fields=tuple(names))


async def _mine(connection: ChatProtocol) -> Answer:
    names = await connection.hub.archive.mine(connection.session)
    return Answer(lines=(",".join(names),), fields=tuple(names))


def chat(connection: ChatProtocol, label: str | None, to: str, text: str = "hi") -> None:
    connection.hub.say(connection.session, to, [connection.text(text)], label=label)
    if label is None:
        connection.again(to)


def me(connection: ChatProtocol, label: str | None, to: str, text: str) -> None:
    connection.hub.say(connection.session, to, [connection.text(text)], ACTION, label)


def join(connection: ChatProtocol, label: str | None, room: str) -> Result | None:
    return None if connection.hub.join(connection.session, room, label) else _already(connection)


def leave(connection: ChatProtocol, label: str | None, room: str) -> Result | None:
    return None if connection.hub.leave(connection.session, room, label) else _already(connection)


def topic(connection: ChatProtocol, label: str | None, room: str, text: str | None = None) -> Answer | None:
    if text is None:
        topic = connection.hub.topic(connection.session, room)
        return Answer(lines=(topic,), fields=(connection.field(topic),))
    connection.hub.set_topic(connection.session, room, connection.text(text), label)
    return None


def away(connection: ChatProtocol, label: str | None, text: str | None = None) -> Answer:
    connection.hub.away(connection.session, connection.text(text) if text else None)
    return Answer()


async def history(connection: ChatProtocol, label: str | None, name: str, *options: str) -> Answer:
    page = _options("history", options, before=0, after=0, limit=50)
    records = await connection.hub.archive.history(connection.session, name, **page)
    records = fitting(records, oldest_first=bool(page["after"] and not page["before"]))
    return Answer(lines=(), fields=(str(len(records)),), past=records)


async def search(connection: ChatProtocol, label: str | None, name: str, words: str) -> Answer:
    records = await connection.hub.archive.search(connection.session, name, words, FOUND)
    records = fitting(records, oldest_first=False)
    return Answer(lines=(), fields=(str(len(records)),), past=records)


async def since(connection: ChatProtocol, label: str | None, id: str | None = None, *options: str) -> Answer:
    session = connection.session
    if id is None:
        return Answer(lines=(), fields=(str(session.sent_up_to),))
    limit = _options("since", options, limit=MOST_HISTORY)["limit"] if options else 0
    last, more = await session.replay(label, _id(id), limit)
    return Answer(lines=(), fields=(str(last), "more") if more else (str(last),))


async def seen(connection: ChatProtocol, label: str | None, name: str, id: str) -> Answer:
    await connection.hub.archive.mark(connection.session, name, _id(id))
    return Answer()


def ping(connection: ChatProtocol, label: str | None, token: str = "") -> Answer:
    return Answer(lines=(f"pong,{token}",), fields=(token,))


def pong(connection: ChatProtocol, label: str | None, token: str = "") -> Answer:
    return SILENT


async def hello(connection: ChatProtocol, label: str | None, dialect: str, client: str = "") -> Answer:
    if dialect != "events":
        raise ChatError(BAD_COMMAND, "there is one dialect to ask for: hello,events")
    if client and not is_label(client):
        raise ChatError(BAD_COMMAND, "a client-id is 1 to 64 of A-Z a-z 0-9 . _ -")
    if client:
        await connection.hub.introduce(connection.session, client)
    connection.speak(EVENTS)
    await _begin(connection)
    verbs = " ".join(connection.commands)
    facts = ("twisted_chat", __version__, f"line={LONGEST}", f"history={MOST_HISTORY}", f"verbs={verbs}")
    if label is None:
        connection.sendLine(",".join(("info", *facts)).encode())
        return SILENT
    return Answer(fields=facts)


def help_(connection: ChatProtocol, label: str | None, verb: str | None = None) -> Answer:
    commands = connection.commands
    if verb is None:
        rows = tuple(line for row in commands.values() for line in _help_lines(row))
        return Answer(lines=rows, fields=tuple(commands))
    if verb not in commands:
        raise ChatError(BAD_COMMAND, f"there is no verb {verb}; help shows those that there are")
    text = f"{commands[verb].usage}  {commands[verb].help}"
    return Answer(lines=(text,), fields=(text,))


def quit_(connection: ChatProtocol, label: str | None) -> Answer:
    return Answer(lines=("bye",), last=True)


async def _missed(connection: ChatProtocol, user: User) -> list[str]:
    """What a person is shown who comes back: the newest that others said meanwhile, and how much there is."""
    if not user.is_account or len(user.participants) > 1:
        return []
    session = connection.session
    records, count = await connection.hub.archive.unread(user, user.read_up_to, session.sent_up_to, UNREAD_SHOWN)
    lines = [line for record in records for line in session.dialect.past(record)]
    if count > len(records):
        many = f"more than {MAX_UNREAD_COUNTED}" if count > MAX_UNREAD_COUNTED else str(count)
        more = f"you missed {many}; here are the last {len(records)}, and history,<name or #room> shows the others"
        lines.insert(0, session.dialect.server_notice("missed", more))
    return lines


async def _begin(connection: ChatProtocol) -> None:
    """Go on live, behind the answer; a program is first shown the read markers of its account."""
    session = connection.session
    if session.user is not None and session.user.is_account:
        markers = await connection.hub.archive.markers(session.user) if session.dialect.program else []
        session.begin(markers)


def _id(text: str) -> int:
    """An id, or another whole number, as it stands in a field; raises ChatError(bad-command)."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ChatError(BAD_COMMAND, f"here stands a whole number from 0 on, not {text[:32]}")
    return int(text)


def _options(verb: str, options: tuple[str, ...], **values: int) -> dict[str, int]:
    """The numbers of `key=number` options; raises ChatError(bad-command)."""
    for option in options:
        key, _, value = option.partition("=")
        if key not in values:
            takes = ", ".join(f"{name}=<{f'1 to {MOST_HISTORY}' if name == 'limit' else 'id'}>" for name in values)
            raise ChatError(BAD_COMMAND, f"{verb} takes {takes}")
        values[key] = _id(value)
    if not 1 <= values["limit"] <= MOST_HISTORY:
        raise ChatError(BAD_COMMAND, f"{verb}'s limit is 1 to {MOST_HISTORY}")
    return values


def _help_lines(row: Command) -> tuple[str, ...]:
    if len(row.usage) > USAGE:
        return (row.usage, f"{'':{USAGE}}  {row.help}")
    return (f"{row.usage:{USAGE}}  {row.help}",)


async def _already(connection: ChatProtocol) -> Answer:
    return Answer(fields=(str(connection.hub.log.last),))


def fitting(records: list[Record], oldest_first: bool) -> list[Record]:
    """As many of a page's records as make no answer that is too large to wait for one client."""
    size = 0
    for count, record in enumerate(records if oldest_first else reversed(records)):
        size += len(record.text)
        if count and size > MOST_HISTORY_SIZE:
            return records[:count] if oldest_first else records[-count:]
    return records


COMMANDS: dict[str, Command] = {
    "register": Command(
        register, "register,<name>[,<password>]", "take a name; with a password, an account's", 1, 2, needs_name=False
    ),
    "list": Command(
        list_,
        "list,friends | list,rooms | list,#room | list,mine",
        "who is here; rooms; who is in one; what is yours",
        1,
        1,
    ),
    "chat": Command(chat, "chat,<name or #room>[,<text>]", "say something: hi, if no text is given", 1, 2),
    "me": Command(me, "me,<name or #room>,<text>", "say what you do: * jane waves", 2, 2),
    "join": Command(join, "join,#room", "enter a room; the first to join makes it", 1, 1),
    "leave": Command(leave, "leave,#room", "leave a room", 1, 1),
    "topic": Command(topic, "topic,#room[,<text>]", "show or set what a room is about", 1, 2),
    "history": Command(
        history, "history,<name or #room>[,before=<id>][,after=<id>][,limit=<n>]", "what was said, oldest first", 1, 4
    ),
    "away": Command(away, "away[,<text>]", "say that you are away, and why; without a text: back again", 0, 1),
    "search": Command(search, "search,<name or #room>,<words>", "what was said with all these words in it", 2, 2),
    "since": Command(since, "since,<id>[,limit=<n>]", "everything that came after an id, for accounts", 0, 2),
    "seen": Command(seen, "seen,<name or #room>,<id>", "note how far you have read", 2, 2),
    "password": Command(password, "password,<old>,<new>", "have another password", 2, 2),
    "rename": Command(rename, "rename,<name>", "take another name", 1, 1),
    "ping": Command(ping, "ping,<token>", "get the token back", 0, 1, needs_name=False),
    "pong": Command(pong, "pong,<token>", "answer the server's ping", 0, 1, needs_name=False),
    "hello": Command(hello, "hello,events[,<client-id>]", "speak as a program does", 1, 2, needs_name=False),
    "help": Command(help_, "help[,<verb>]", "this table", 0, 1, needs_name=False),
    "quit": Command(quit_, "quit", "say goodbye", needs_name=False),
}
