"""What can be typed behind a slash: the table, and what each command does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple

from twisted_chat.core.names import is_room
from twisted_chat.talk.conversation import Conversation
from twisted_chat.talk.format import notice, problem, rule

if TYPE_CHECKING:
    from twisted_chat.talk.app import Talker

MOST_HISTORY = 500
USAGE = 22
KEYS = (
    ("Tab", "completes names, #rooms and commands"),
    ("Alt+1 … Alt+9", "go to that conversation; Alt+A to the next with something unread"),
    ("Alt+Enter", "a line break within a message"),
    ("Ctrl+D", "leave"),
)


class Command(NamedTuple):
    """A row of the table: what is called with what stands behind it, and what its first field may be completed to."""

    run: Callable[[Talker, str], Coroutine[Any, Any, None]]
    usage: str
    help: str
    completes: str = ""
    needs: bool = False


async def to(talker: Talker, rest: str) -> None:
    if is_room(rest) and talker.conversations.find(rest) is None:
        await join(talker, rest)
    elif rest.isdigit() and talker.conversations.find(rest) is None:
        talker.timeline.go_to(talker.conversations.numbered(int(rest)))
    else:
        talker.timeline.go_to(talker.conversations.open(rest.removeprefix("@")))


async def join(talker: Talker, rest: str) -> None:
    room = rest if is_room(rest) else f"#{rest}"
    await talker.session.client.join(room)
    conversation = talker.conversations.open(room)
    talker.timeline.go_to(conversation)
    members = await talker.session.client.members(room)
    topic = await talker.session.client.topic(room)
    talker.know(members)
    talker.show(notice(f"{room}: {', '.join(members)}" + (f" · {topic}" if topic else "")))


async def leave(talker: Talker, rest: str) -> None:
    conversation = talker.conversations.find(rest) if rest else talker.conversations.current
    if conversation is None:
        talker.show(problem(f"there is no conversation {rest}" if rest else "there is no conversation to leave"))
        return
    if conversation.is_room:
        await talker.session.client.leave(conversation.name)
    talker.conversations.close(conversation)
    talker.show(notice(f"you have left {conversation.name}"))
    talker.timeline.go_to(talker.conversations.current)


async def msg(talker: Talker, rest: str) -> None:
    name, _, text = rest.partition(" ")
    if not text.strip():
        talker.show(problem(f"it is typed like this: {COMMANDS['/msg'].usage}"))
        return
    talker.say(name.removeprefix("@"), text.strip())


async def me(talker: Talker, rest: str) -> None:
    current = _current(talker)
    if current is not None:
        talker.say(current.name, rest, action=True)


async def names(talker: Talker, rest: str) -> None:
    current = talker.conversations.current
    room = rest or (current.name if current is not None and current.is_room else "")
    if room:
        found = await talker.session.client.members(room)
    else:
        found = await talker.session.client.friends()
    talker.know(found)
    talker.show(notice(f"{room or 'here'} ({len(found)}): {', '.join(found)}"))


async def rooms(talker: Talker, rest: str) -> None:
    found = await talker.session.client.rooms()
    talker.rooms = set(found[: talker.MOST_KNOWN])
    talker.show(
        notice(f"rooms ({len(found)}): {', '.join(found)}" if found else "there are no rooms; /join #tea makes one")
    )


async def topic(talker: Talker, rest: str) -> None:
    current = _current(talker)
    if current is None or not current.is_room:
        talker.show(problem("topics are for rooms; /join one first"))
    elif rest:
        talker.timeline.done("topic", current.name, rest, await talker.session.client.set_topic(current.name, rest))
    else:
        found = await talker.session.client.topic(current.name)
        talker.show(notice(f"the topic of {current.name}: {found}" if found else f"{current.name} has no topic"))


async def history(talker: Talker, rest: str) -> None:
    current = _current(talker)
    if rest and not (rest.isascii() and rest.isdigit() and 1 <= int(rest) <= MOST_HISTORY):
        talker.show(problem(f"/history takes a number from 1 to {MOST_HISTORY}"))
    elif current is not None:
        records = await talker.session.client.history(current.name, limit=int(rest or 50))
        talker.show(
            rule(f"{current.name}, the last {len(records)}" if records else f"nothing was said in {current.name}")
        )
        talker.show(*(line for event in records for line in talker.timeline.dated(event)), rule("up to here"))


async def search(talker: Talker, rest: str) -> None:
    current = _current(talker)
    if current is not None:
        records = await talker.session.client.search(current.name, rest)
        talker.show(rule(f"{len(records)} found in {current.name}: {rest}"))
        talker.show(*(line for event in records for line in talker.timeline.dated(event)), rule("up to here"))


async def away(talker: Talker, rest: str) -> None:
    await talker.session.client.away(rest or None)
    talker.show(notice(f"you are away: {rest}; /away says that you are back" if rest else "you are back"))


async def nick(talker: Talker, rest: str) -> None:
    await talker.session.rename(rest)
    talker.show(notice(f"you are {talker.session.name} now"))


async def help_(talker: Talker, rest: str) -> None:
    rows = [(row.usage, row.help) for row in COMMANDS.values()] + list(KEYS)
    talker.show(notice("what you type is said in the conversation that the prompt shows; // begins a text with /"))
    talker.show(*([("class:command", f"   {usage:{USAGE}}"), ("", what)] for usage, what in rows))


async def quit_(talker: Talker, rest: str) -> None:
    talker.leave()


def _current(talker: Talker) -> Conversation | None:
    current = talker.conversations.current
    if current is None:
        talker.show(problem("that is for a conversation: /join #tea, or /to NAME"))
    return current


COMMANDS = {
    "/join": Command(join, "/join #tea", "enter a room; the first makes it", "room", needs=True),
    "/leave": Command(leave, "/leave [#tea]", "leave it, or the current conversation", "both"),
    "/to": Command(to, "/to NAME or #tea", "go to a conversation, or begin one", "both", needs=True),
    "/msg": Command(msg, "/msg NAME TEXT", "say something without going there", "both", needs=True),
    "/me": Command(me, "/me TEXT", "say what you do: * jane waves", needs=True),
    "/names": Command(names, "/names [#tea]", "who is in the room; elsewhere: who is here", "room"),
    "/rooms": Command(rooms, "/rooms", "which rooms there are"),
    "/topic": Command(topic, "/topic [TEXT]", "show or set what the room is about"),
    "/history": Command(history, "/history [N]", "the last 50, or N, that were said"),
    "/search": Command(search, "/search WORDS", "what was said with all these words in it", needs=True),
    "/away": Command(away, "/away [TEXT]", "say that you are away, and why; without: back"),
    "/nick": Command(nick, "/nick NAME", "have another name, as a guest", needs=True),
    "/help": Command(help_, "/help", "this"),
    "/quit": Command(quit_, "/quit", "leave"),
}
