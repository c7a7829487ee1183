"""The commands that begin with a slash: their table, and what each does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple, Protocol

from twisted_chat.core.names import is_room
from twisted_chat.talk.conversation import Conversation, Conversations
from twisted_chat.talk.format import Line, notice, problem, rule
from twisted_chat.talk.session import TalkSession
from twisted_chat.talk.timeline import Timeline
from twisted_chat.wire.events import GUEST_MARK
from twisted_chat.wire.numbers import is_number

DEFAULT_HISTORY_RECORDS, MAX_HISTORY_RECORDS = 50, 500
USAGE_WIDTH = 22
NO_CONVERSATION = "no conversation is open; type /join #tea or /to NAME first"
KEYS = (
    ("Tab", "complete a name, a #room or a command"),
    ("Alt+1 … Alt+9", "go to that conversation; Alt+A goes to the next unread one"),
    ("Alt+Enter", "insert a line break in the message"),
    ("Ctrl+D", "leave"),
)


class CommandContext(Protocol):
    """The part of the program that a command uses."""

    session: TalkSession
    timeline: Timeline
    conversations: Conversations

    def know(self, names: Iterable[str]) -> None: ...
    def know_rooms(self, names: Iterable[str]) -> None: ...
    def say(self, to: str, text: str, action: bool = False) -> None: ...
    def show(self, *lines: Line) -> None: ...
    def leave(self) -> None: ...


class SlashCommand(NamedTuple):
    """A row of the table: a function, called with the text behind the command, and the kind of its first word."""

    run: Callable[[CommandContext, str], Coroutine[Any, Any, None]]
    usage: str
    help: str
    completes: str = ""
    needs_argument: bool = False


async def to(talk: CommandContext, rest: str) -> None:
    if is_room(rest) and talk.conversations.find(rest) is None:
        await join(talk, rest)
    elif is_number(rest) and talk.conversations.find(rest) is None:
        talk.timeline.go_to(talk.conversations.numbered(int(rest)))
    else:
        talk.timeline.go_to(talk.conversations.open(rest.removeprefix("@")))


async def join(talk: CommandContext, rest: str) -> None:
    room = rest if is_room(rest) else f"#{rest}"
    await talk.session.client.join(room)
    conversation = talk.conversations.open(room)
    talk.timeline.go_to(conversation)
    members = await talk.session.client.members(room)
    topic = await talk.session.client.topic(room)
    talk.know(members)
    talk.show(notice(f"{room}: {', '.join(members)}" + (f" · {topic}" if topic else "")))


async def leave(talk: CommandContext, rest: str) -> None:
    conversation = talk.conversations.find(rest) if rest else talk.conversations.current
    if conversation is None:
        talk.show(problem(f"no conversation {rest} is open" if rest else NO_CONVERSATION))
        return
    if conversation.is_room:
        await talk.session.client.leave(conversation.name)
    talk.conversations.close(conversation)
    talk.show(notice(f"you have left {conversation.name}"))
    talk.timeline.go_to(talk.conversations.current)


async def msg(talk: CommandContext, rest: str) -> None:
    name, _, text = rest.partition(" ")
    if not text.strip():
        talk.show(problem(f"usage: {COMMANDS['/msg'].usage}"))
        return
    talk.say(name.removeprefix("@"), text.strip())


async def me(talk: CommandContext, rest: str) -> None:
    current = _current(talk)
    if current is not None:
        talk.say(current.name, rest, action=True)


async def names(talk: CommandContext, rest: str) -> None:
    current = talk.conversations.current
    room = rest or (current.name if current is not None and current.is_room else "")
    found = await talk.session.client.people(room)
    talk.know([person.name for person in found])
    marks = talk.session.is_account
    shown = [f"{person.name}{GUEST_MARK if marks and person.is_guest else ''}" for person in found]
    talk.show(notice(f"{room or 'online'} ({len(found)}): {', '.join(shown)}"))


async def rooms(talk: CommandContext, rest: str) -> None:
    found = await talk.session.client.rooms()
    talk.know_rooms(found)
    none = "there are no rooms; type /join #tea to create one"
    talk.show(notice(f"rooms ({len(found)}): {', '.join(found)}" if found else none))


async def topic(talk: CommandContext, rest: str) -> None:
    current = _current(talk)
    if current is None:
        return
    if not current.is_room:
        talk.show(problem("only a room has a topic; go to one with /to #tea first"))
    elif rest:
        talk.timeline.done("topic", current.name, rest, await talk.session.client.set_topic(current.name, rest))
    else:
        found = await talk.session.client.topic(current.name)
        talk.show(notice(f"the topic of {current.name}: {found}" if found else f"{current.name} has no topic"))


async def history(talk: CommandContext, rest: str) -> None:
    current = _current(talk)
    if rest and not (is_number(rest) and 1 <= int(rest) <= MAX_HISTORY_RECORDS):
        talk.show(problem(f"{rest} is not a number from 1 to {MAX_HISTORY_RECORDS}; usage: /history [N]"))
    elif current is not None:
        records = await talk.session.client.history(current.name, limit=int(rest or DEFAULT_HISTORY_RECORDS))
        title = f"{current.name}, the newest {len(records)}" if records else f"no messages in {current.name}"
        talk.show(rule(title))
        talk.show(*(line for event in records for line in talk.timeline.dated(event)), rule("end"))


async def search(talk: CommandContext, rest: str) -> None:
    current = _current(talk)
    if current is not None:
        records = await talk.session.client.search(current.name, rest)
        talk.show(rule(f"{len(records)} found in {current.name}: {rest}"))
        talk.show(*(line for event in records for line in talk.timeline.dated(event)), rule("end"))


async def away(talk: CommandContext, rest: str) -> None:
    await talk.session.client.away(rest or None)
    talk.show(notice(f"you are away: {rest}; type /away when you are back" if rest else "you are back"))


async def nick(talk: CommandContext, rest: str) -> None:
    await talk.session.rename(rest)
    talk.show(notice(f"you are now called {talk.session.name}"))


async def help_(talk: CommandContext, rest: str) -> None:
    rows = [(row.usage, row.help) for row in COMMANDS.values()] + list(KEYS)
    talk.show(
        notice("a text goes to the conversation in the prompt; begin it with // to send a text that begins with /")
    )
    talk.show(*([("class:command", f"   {usage:{USAGE_WIDTH}}"), ("", what)] for usage, what in rows))


async def quit_(talk: CommandContext, rest: str) -> None:
    talk.leave()


def _current(talk: CommandContext) -> Conversation | None:
    current = talk.conversations.current
    if current is None:
        talk.show(problem(NO_CONVERSATION))
    return current


COMMANDS = {
    "/join": SlashCommand(join, "/join #tea", "enter a room, or create it", "room", needs_argument=True),
    "/leave": SlashCommand(leave, "/leave [#tea]", "leave a room, or the current conversation", "both"),
    "/to": SlashCommand(to, "/to NAME or #tea", "go to a conversation, or begin it", "both", needs_argument=True),
    "/msg": SlashCommand(msg, "/msg NAME TEXT", "send a message without going there", "both", needs_argument=True),
    "/me": SlashCommand(me, "/me TEXT", "say what you do: * jane waves", needs_argument=True),
    "/names": SlashCommand(names, "/names [#tea]", "list the room's members; outside rooms: all users online", "room"),
    "/rooms": SlashCommand(rooms, "/rooms", "list the rooms"),
    "/topic": SlashCommand(topic, "/topic [TEXT]", "show or set the topic of the room"),
    "/history": SlashCommand(history, "/history [N]", f"show the newest {DEFAULT_HISTORY_RECORDS} messages, or N"),
    "/search": SlashCommand(search, "/search WORDS", "show messages that contain all the words", needs_argument=True),
    "/away": SlashCommand(away, "/away [TEXT]", "set an away message; without TEXT: you are back"),
    "/nick": SlashCommand(nick, "/nick NAME", "change your name, as a guest", needs_argument=True),
    "/help": SlashCommand(help_, "/help", "show this help"),
    "/quit": SlashCommand(quit_, "/quit", "leave"),
}
