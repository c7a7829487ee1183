"""The commands by which an IRC client asks about people, rooms and the server."""

from __future__ import annotations

from time import time as time_of_day

from twisted_chat._version import __version__
from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import User
from twisted_chat.core.rooms import Room
from twisted_chat.doors.irc.dialect import SERVER
from twisted_chat.doors.irc.messaging import NO_OPERATORS
from twisted_chat.doors.irc.requests import IrcConnection, Reply, Request, reply_line
from twisted_chat.doors.irc.session import IrcSession, word
from twisted_chat.wire.events import timestamp
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import render
from twisted_chat.wire.irc.names import nick_of

MAX_NICKS_ASKED = 30
"""Nicks of one ISON or USERHOST; further ones are left out."""


def names(connection: IrcConnection, request: Request) -> Reply:
    session = connection.session
    if not request.params:
        return reply_line(session.numeric(numerics.RPL_ENDOFNAMES, "*", "End of /NAMES list; usage: NAMES #tea"))
    lines = []
    for name in request.params[0].split(","):
        try:
            lines += session.names_of(name)
        except ChatError:
            lines.append(session.numeric(numerics.RPL_ENDOFNAMES, word(name), "End of /NAMES list"))
    return Reply(lines)


def list_(connection: IrcConnection, request: Request) -> Reply:
    session, rooms = connection.session, connection.hub.rooms
    asked = request.params[0].split(",") if request.params and is_room(request.params[0]) else rooms.names()
    lines = [session.numeric(numerics.RPL_LISTSTART, "Channel", "Users  Name")]
    for name in asked:
        room = _room(connection, name)
        if room is not None:
            count = str(len(room.members))
            topic = room.topic if _is_member(session, room) else ""  # only members may see it
            lines.append(session.numeric_text(numerics.RPL_LIST, (room.name, count), topic or " "))
    return Reply([*lines, session.numeric(numerics.RPL_LISTEND, "End of /LIST")])


def who(connection: IrcConnection, request: Request) -> Reply:
    """Return a room's members, or one person; G (gone) marks people who are away or not connected."""
    session, mask = connection.session, request.params[0]
    room = _room(connection, mask) if is_room(mask) else None
    if is_room(mask):
        found = sorted(room.members.values(), key=lambda user: user.key) if room is not None else []
    else:
        user = _user(connection, mask)
        found = [user] if user is not None and mask not in ("0", "*") else []
    channel = room.name if room is not None else "*"
    wanted = request.params[1] if len(request.params) > 1 and request.params[1][:1] == "%" else ""
    lines = [
        _whox_line(session, user, channel, wanted) if wanted else _who_line(session, user, channel) for user in found
    ]
    return Reply([*lines, session.numeric(numerics.RPL_ENDOFWHO, word(mask), "End of /WHO list")])


def whois(connection: IrcConnection, request: Request) -> Reply:
    session, asked = connection.session, request.params[-1]
    user = _user(connection, asked)
    end = session.numeric(numerics.RPL_ENDOFWHOIS, word(asked), "End of /WHOIS list")
    if user is None:
        return Reply((session.numeric(numerics.ERR_NOSUCHNICK, word(asked), "No such nick"), end))
    nick = nick_of(user.name)
    lines = [session.numeric(numerics.RPL_WHOISUSER, nick, "u", _host(user), "*", nick)]
    rooms = [room.name for room in connection.hub.rooms.joined_by(user)]
    if rooms:
        lines += session.numeric_list(numerics.RPL_WHOISCHANNELS, (nick,), rooms)
    lines.append(session.numeric(numerics.RPL_WHOISSERVER, nick, SERVER, "twisted_chat"))
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
    found = [
        f"{nick_of(user.name)}={'-' if user.away else '+'}u@{_host(user)}" for user in _present(connection, request)
    ]
    return Reply(connection.session.numeric_list(numerics.RPL_USERHOST, (), found))


def mode(connection: IrcConnection, request: Request) -> Reply:
    """Return the modes that clients ask for when they connect; only +i can be changed, and has no effect."""
    session, (target, *rest) = connection.session, request.params
    modes = rest[0] if rest else ""
    if is_room(target):
        room = connection.hub.rooms.find(target)
        if not modes:
            return reply_line(session.numeric(numerics.RPL_CHANNELMODEIS, room.name, "+n"))
        if modes.strip("+") == "b":
            return reply_line(session.numeric(numerics.RPL_ENDOFBANLIST, room.name, "End of channel ban list"))
        return reply_line(session.numeric(numerics.ERR_CHANOPRIVSNEEDED, room.name, NO_OPERATORS))
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
    return reply_line(
        connection.session.numeric(
            numerics.RPL_VERSION, f"twisted_chat-{__version__}", SERVER, "IRC beside other protocols"
        )
    )


def time(connection: IrcConnection, request: Request) -> Reply:
    now = timestamp(int(time_of_day() * 1000))
    return reply_line(connection.session.numeric(numerics.RPL_TIME, SERVER, now))


def user_counts(connection: IrcConnection) -> list[str]:
    """Return the reply to LUSERS: how many people and connections there are."""
    count = len(connection.hub.registry)
    numeric = connection.session.numeric
    return [
        numeric(numerics.RPL_LUSERCLIENT, f"There are {count} users on 1 server"),
        numeric(numerics.RPL_LUSERME, f"I have {len(connection.factory.connections)} clients"),
    ]


def message_of_the_day(connection: IrcConnection) -> list[str]:
    """Return the message of the day, or that there is none; clients wait for it before they join."""
    numeric = connection.session.numeric
    if not connection.motd:
        return [numeric(numerics.ERR_NOMOTD, "There is no message of the day")]
    lines = [numeric(numerics.RPL_MOTD, f"- {line}") for line in connection.motd]
    begin = numeric(numerics.RPL_MOTDSTART, f"- {SERVER} Message of the day -")
    return [begin, *lines, numeric(numerics.RPL_ENDOFMOTD, "End of /MOTD command")]


def _room(connection: IrcConnection, name: str) -> Room | None:
    try:
        return connection.hub.rooms.get(name)
    except ChatError:
        return None


def _user(connection: IrcConnection, name: str) -> User | None:
    try:
        return connection.hub.registry.get(name)
    except ChatError:
        return None


def _is_member(session: IrcSession, room: Room) -> bool:
    user = session.user
    return user is not None and room.key in user.rooms


def _present(connection: IrcConnection, request: Request) -> list[User]:
    """Return the connected people among the nicks that a request asks for."""
    asked = " ".join(request.params).split()[:MAX_NICKS_ASKED]
    found = (_user(connection, nick) for nick in asked)
    return [user for user in found if user is not None and user.participants]


def _host(user: User) -> str:
    return "account" if user.is_account else "guest"


def _is_greply_line(user: User) -> bool:
    return user.away is not None or not user.participants


def _is_gone(user: User) -> bool:
    return user.away is not None or not user.participants


def _who_line(session: IrcSession, user: User, channel: str) -> str:
    nick, flags = nick_of(user.name), "G" if _is_gone(user) else "H"
    return session.numeric(numerics.RPL_WHOREPLY, channel, "u", _host(user), SERVER, nick, flags, f"0 {nick}")


def _whox_line(session: IrcSession, user: User, channel: str, wanted: str) -> str:
    """Return the fields that a client wants (WHOX: % and their letters), in WHOX's order."""
    fields, _, token = wanted[1:].partition(",")
    nick = nick_of(user.name)
    known = {
        "t": token[:3] or "0",
        "c": channel,
        "u": "u",
        "i": "255.255.255.255",
        "h": _host(user),
        "s": SERVER,
        "n": nick,
        "f": "G" if _is_gone(user) else "H",
        "d": "0",
        "l": "0",
        "a": nick if user.is_account else "0",
        "o": "n/a",
        "r": nick,
    }
    params = [word(value) for field, value in known.items() if field in fields]
    return session.numeric(numerics.RPL_WHOSPCRPL, *params)
