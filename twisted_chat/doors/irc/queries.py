"""The commands by which an IRC client asks about people, rooms and the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from time import time as time_of_day
from typing import TypeVar

from twisted_chat._version import __version__
from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import is_room
from twisted_chat.core.ordered import Ordered
from twisted_chat.core.participants import User
from twisted_chat.core.rooms import Room
from twisted_chat.doors.irc.answers import LINES_PER_STEP
from twisted_chat.doors.irc.channels import channel_of, room_of
from twisted_chat.doors.irc.hosts import real_name_of
from twisted_chat.doors.irc.lines import word
from twisted_chat.doors.irc.messaging import NO_OPERATORS
from twisted_chat.doors.irc.requests import IrcConnection, Reply, Request, Result, reply_line
from twisted_chat.doors.irc.session import IrcSession
from twisted_chat.doors.reading import when_moved
from twisted_chat.wire.events import timestamp
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import render
from twisted_chat.wire.irc.names import nick_of

MAX_NICKS_ASKED = 30
"""Nicks of one ISON or USERHOST; further ones are left out."""
MAX_THINGS_AT_ONCE = 64
"""Rooms or people of a reply that is written at once; a longer one is written in slices (doors/slices.py)."""
T = TypeVar("T")
Query = Callable[[IrcConnection, Request], Result]


def _of_durable(query: Query) -> Query:
    """Have a query about rooms wait until the log has the asker's own joins and leaves."""
    return lambda connection, request: when_moved(
        connection.hub, connection.session, partial(query, connection, request)
    )


@_of_durable
def names(connection: IrcConnection, request: Request) -> Result:
    session = connection.session
    if not request.params:
        return reply_line(session.numeric(numerics.RPL_ENDOFNAMES, "*", "End of /NAMES list; usage: NAMES #tea"))
    asked = list(dict.fromkeys(request.params[0].split(",")))
    rooms = [_room(connection, name) for name in asked]
    return _reply(session, request, sum(room.shown for room in rooms if room is not None), _names(session, asked))


@_of_durable
def list_(connection: IrcConnection, request: Request) -> Result:
    session, rooms = connection.session, connection.hub.rooms
    if request.params and is_room(request.params[0]):
        named = [_room(connection, name) for name in dict.fromkeys(request.params[0].split(","))]
        found = [room for room in named if room is not None and room.shown]
        return _reply(session, request, len(found), _list(session, found))
    return _reply(session, request, len(rooms.ordered), _list(session, rooms.ordered))


@_of_durable
def who(connection: IrcConnection, request: Request) -> Result:
    """Return a room's members, or one person; G (gone) marks people who are away or not connected."""
    session, mask = connection.session, request.params[0]
    room = _room(connection, mask) if is_room(mask) else None
    found: Ordered[User] | list[User] = []
    if room is not None:
        found = room.ordered
    elif not is_room(mask):
        user = _user(connection, mask)
        found = [user] if user is not None and mask not in ("0", "*") else []
    wanted = request.params[1] if len(request.params) > 1 and request.params[1][:1] == "%" else ""
    slices = _who(session, found, "*" if room is None else channel_of(room.name), wanted, mask)
    return _reply(session, request, len(found), slices)


def whois(connection: IrcConnection, request: Request) -> Reply:
    session, asked = connection.session, request.params[-1]
    user = _user(connection, asked)
    end = session.numeric(numerics.RPL_ENDOFWHOIS, word(asked), "End of /WHOIS list")
    if user is None:
        return Reply((session.numeric(numerics.ERR_NOSUCHNICK, word(asked), "No such nick"), end))
    nick = nick_of(user.name)
    lines = [
        session.numeric_cut(numerics.RPL_WHOISUSER, nick, "u", session.hosts.of(user.identity), "*", real_name_of(user))
    ]
    rooms = [channel_of(room.name) for room in connection.hub.rooms.shown_of(user)]
    if rooms:
        lines += session.numeric_list(numerics.RPL_WHOISCHANNELS, (nick,), rooms)
    lines.append(session.numeric(numerics.RPL_WHOISSERVER, nick, session.server, "twisted_chat"))
    if not user.participants:
        lines.append(session.numeric(numerics.RPL_AWAY, nick, "not connected now"))
    elif user.away:
        lines.append(session.numeric_text(numerics.RPL_AWAY, (nick,), user.away))
    if user.is_account:
        lines.append(session.numeric(numerics.RPL_WHOISACCOUNT, nick, nick, "is logged in as"))
    return Reply([*lines, end])


def whowas(connection: IrcConnection, request: Request) -> Reply:
    numeric, asked = connection.session.numeric, word(request.params[0])
    nothing = numeric(numerics.ERR_WASNOSUCHNICK, asked, "There was no such nickname; this server keeps no such list")
    return Reply((nothing, numeric(numerics.RPL_ENDOFWHOWAS, asked, "End of WHOWAS")))


def ison(connection: IrcConnection, request: Request) -> Reply:
    found = [nick_of(user.name) for user in _present(connection, request)]
    return Reply(connection.session.numeric_list(numerics.RPL_ISON, (), found))


def userhost(connection: IrcConnection, request: Request) -> Reply:
    hosts, found = connection.session.hosts, list[str]()
    for user in _present(connection, request):
        found.append(f"{nick_of(user.name)}={'-' if user.away else '+'}u@{hosts.of(user.identity)}")
    return Reply(connection.session.numeric_list(numerics.RPL_USERHOST, (), found))


def mode(connection: IrcConnection, request: Request) -> Reply:
    """Return the modes that clients ask for when they connect; only +i can be changed, and has no effect."""
    session, (target, *rest) = connection.session, request.params
    modes = rest[0] if rest else ""
    if is_room(target):
        channel = channel_of(connection.hub.rooms.find_shown(room_of(target)).name)
        if not modes:
            return reply_line(session.numeric(numerics.RPL_CHANNELMODEIS, channel, "+n"))
        if modes.strip("+") == "b" and len(rest) == 1:
            return reply_line(session.numeric(numerics.RPL_ENDOFBANLIST, channel, "End of channel ban list"))
        return reply_line(session.numeric(numerics.ERR_CHANOPRIVSNEEDED, channel, NO_OPERATORS))
    if _user(connection, target) is not session.user:
        return reply_line(session.numeric(numerics.ERR_USERSDONTMATCH, "Cannot change mode for other users"))
    if not modes:
        return reply_line(session.numeric(numerics.RPL_UMODEIS, "+i"))
    if modes in ("+i", "-i"):
        return reply_line(render("MODE", session.nick, modes, source=session.nick))
    return reply_line(session.numeric(numerics.ERR_UMODEUNKNOWNFLAG, "Unknown MODE flag"))


def motd(connection: IrcConnection, request: Request) -> Reply:
    return Reply(message_of_the_day(connection))


def lusers(connection: IrcConnection, request: Request) -> Reply:
    return Reply(user_counts(connection))


def version(connection: IrcConnection, request: Request) -> Reply:
    session, ours = connection.session, f"twisted_chat-{__version__}"
    return reply_line(session.numeric(numerics.RPL_VERSION, ours, session.server, "IRC beside other protocols"))


def time(connection: IrcConnection, request: Request) -> Reply:
    session, now = connection.session, timestamp(int(time_of_day() * 1000))
    return reply_line(session.numeric(numerics.RPL_TIME, session.server, now))


def user_counts(connection: IrcConnection) -> list[str]:
    """Return the reply to LUSERS: how many people are here and were at most; one with several clients counts once."""
    registry, numeric = connection.hub.registry, connection.session.numeric
    count, most = str(len(registry)), str(registry.most_present)
    return [
        numeric(numerics.RPL_LUSERCLIENT, f"There are {count} users and 0 invisible on 1 servers"),
        numeric(numerics.RPL_LUSEROP, "0", "operator(s) online"),
        numeric(numerics.RPL_LUSERCHANNELS, str(len(connection.hub.rooms.ordered)), "channels formed"),
        numeric(numerics.RPL_LUSERME, f"I have {count} clients and 0 servers"),
        numeric(numerics.RPL_LOCALUSERS, count, most, f"Current local users {count}, max {most}"),
        numeric(numerics.RPL_GLOBALUSERS, count, most, f"Current global users {count}, max {most}"),
    ]


def message_of_the_day(connection: IrcConnection) -> list[str]:
    """Return the message of the day, or that there is none; clients wait for it before they join."""
    session = connection.session
    if not connection.motd:
        return [session.numeric(numerics.ERR_NOMOTD, "There is no message of the day")]
    lines = [session.numeric_text(numerics.RPL_MOTD, (), f"- {line}") for line in connection.motd]
    begin = session.numeric(numerics.RPL_MOTDSTART, f"- {session.server} Message of the day -")
    return [begin, *lines, session.numeric(numerics.RPL_ENDOFMOTD, "End of /MOTD command")]


def _reply(session: IrcSession, request: Request, count: int, slices: Iterator[Sequence[str]]) -> Result:
    """Return the reply to a request for `count` things: its lines, or the coroutine that writes them in slices."""
    if count > MAX_THINGS_AT_ONCE:
        return _sliced_reply(session, request, slices)
    return Reply([line for lines in slices for line in lines])


async def _sliced_reply(session: IrcSession, request: Request, slices: Iterator[Sequence[str]]) -> Reply:
    await session.write_sliced_answer(request.label, slices)
    return Reply(labelled=False)


def _names(session: IrcSession, asked: list[str]) -> Iterator[Sequence[str]]:
    for name in asked:
        try:
            yield from session.names_of(name)
        except ChatError:
            yield (session.numeric(numerics.RPL_ENDOFNAMES, word(name), "End of /NAMES list"),)


def _list(session: IrcSession, rooms: Iterable[Room]) -> Iterator[Sequence[str]]:
    yield (session.numeric(numerics.RPL_LISTSTART, "Channel", "Users  Name"),)
    for some in _groups(rooms):
        start = f":{session.server} {numerics.RPL_LIST} {session.nick} "
        yield [_list_line(session, start, room) for room in some]
    yield (session.numeric(numerics.RPL_LISTEND, "End of /LIST"),)


def _list_line(session: IrcSession, start: str, room: Room) -> str:
    if room.delivered_topic and _is_member(session, room):  # only members may see it
        channels = channel_of(room.name), str(room.shown)
        return session.numeric_text(numerics.RPL_LIST, channels, room.delivered_topic)
    return f"{start}{channel_of(room.name)} {room.shown} : "


def _who(session: IrcSession, found: Iterable[User], channel: str, wanted: str, mask: str) -> Iterator[Sequence[str]]:
    for some in _groups(found):
        yield [
            _whox_line(session, user, channel, wanted) if wanted else _who_line(session, user, channel) for user in some
        ]
    yield (session.numeric(numerics.RPL_ENDOFWHO, word(mask), "End of /WHO list"),)


def _groups(things: Iterable[T]) -> Iterator[list[T]]:
    """Return the things in groups, each for one slice."""
    iterator = iter(things)
    while group := list(islice(iterator, LINES_PER_STEP)):
        yield group


def _room(connection: IrcConnection, name: str) -> Room | None:
    try:
        return connection.hub.rooms.get(room_of(name))
    except ChatError:
        return None


def _user(connection: IrcConnection, name: str) -> User | None:
    try:
        return connection.hub.registry.get(name)
    except ChatError:
        return None


def _is_member(session: IrcSession, room: Room) -> bool:
    user = session.user
    return user is not None and room.key in user.delivered_rooms


def _present(connection: IrcConnection, request: Request) -> list[User]:
    """Return the connected people among the nicks that a request asks for."""
    asked = " ".join(request.params).split()[:MAX_NICKS_ASKED]
    found = (_user(connection, nick) for nick in asked)
    return [user for user in found if user is not None and user.participants]


def _is_gone(user: User) -> bool:
    return user.away is not None or not user.participants


def _who_line(session: IrcSession, user: User, channel: str) -> str:
    nick, flags = nick_of(user.name), "G" if _is_gone(user) else "H"
    host = session.hosts.of(user.identity)
    return session.numeric_cut(
        numerics.RPL_WHOREPLY, channel, "u", host, session.server, nick, flags, f"0 {real_name_of(user)}"
    )


def _whox_line(session: IrcSession, user: User, channel: str, wanted: str) -> str:
    """Return the fields that a client wants (WHOX: % and their letters), in WHOX's order."""
    fields, _, token = wanted[1:].partition(",")
    nick = nick_of(user.name)
    known = {
        "t": token[:3] or "0",
        "c": channel,
        "u": "u",
        "i": "255.255.255.255",
        "h": session.hosts.of(user.identity),
        "s": session.server,
        "n": nick,
        "f": "G" if _is_gone(user) else "H",
        "d": "0",
        "l": "0",
        "a": nick if user.is_account else "0",
        "o": "n/a",
        "r": real_name_of(user),
    }
    params = [value if field == "r" else word(value) for field, value in known.items() if field in fields]
    return session.numeric_cut(numerics.RPL_WHOSPCRPL, *params)
