"""What IRC clients ask: who is where, what rooms there are, what kind of server this is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted_chat import __version__
from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import User
from twisted_chat.core.rooms import Room
from twisted_chat.doors.irc.dialect import SERVER, target_of
from twisted_chat.doors.irc.requests import Reply, Request, one
from twisted_chat.doors.irc.session import word
from twisted_chat.wire.events import timestamp
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import render
from twisted_chat.wire.irc.names import nick_of

if TYPE_CHECKING:
    from twisted_chat.doors.irc.protocol import IrcProtocol

MOST_ASKED = 30
"""Nicks that ISON and USERHOST look at."""


def names(connection: IrcProtocol, request: Request) -> Reply:
    session = connection.session
    if not request.params:
        return one(session.numeric(numerics.RPL_ENDOFNAMES, "*", "of which channel? NAMES #tea"))
    lines = []
    for name in request.params[0].split(","):
        try:
            lines += session.names(name)
        except ChatError:
            lines.append(session.numeric(numerics.RPL_ENDOFNAMES, word(name), "these are all"))
    return Reply(lines)


def list_(connection: IrcProtocol, request: Request) -> Reply:
    session, rooms = connection.session, connection.hub.rooms
    asked = request.params[0].split(",") if request.params and is_room(request.params[0]) else rooms.names()
    lines = [session.numeric(numerics.RPL_LISTSTART, "Channel", "Users  Name")]
    for name in asked:
        room = _room(connection, name)
        if room is not None:
            count = str(len(room.members))
            topic = room.topic if _is_member(connection, room) else ""  # which is for its members
            lines.append(session.described(numerics.RPL_LIST, (room.name, count), topic or " "))
    return Reply([*lines, session.numeric(numerics.RPL_LISTEND, "these are all")])


def who(connection: IrcProtocol, request: Request) -> Reply:
    """A room's members, or one person; G (gone) marks those who are away or not connected."""
    session, mask = connection.session, request.params[0]
    room = _room(connection, mask) if is_room(mask) else None
    if is_room(mask):
        found = sorted(room.members.values(), key=lambda user: user.key) if room is not None else []
    else:
        user = _user(connection, mask)
        found = [user] if user is not None and mask not in ("0", "*") else []
    place = room.name if room is not None else "*"
    wanted = request.params[1] if len(request.params) > 1 and request.params[1][:1] == "%" else ""
    lines = [
        _who_fields(connection, user, place, wanted) if wanted else _who_line(connection, user, place) for user in found
    ]
    return Reply([*lines, session.numeric(numerics.RPL_ENDOFWHO, word(mask), "these are all")])


def whois(connection: IrcProtocol, request: Request) -> Reply:
    session, asked = connection.session, request.params[-1]
    user = _user(connection, asked)
    end = session.numeric(numerics.RPL_ENDOFWHOIS, word(asked), "that is all")
    if user is None:
        missing = session.numeric(numerics.ERR_NOSUCHNICK, word(asked), "there is nobody of this nick, here or away")
        return Reply((missing, end))
    nick = nick_of(user.name)
    lines = [session.numeric(numerics.RPL_WHOISUSER, nick, "u", _host(user), "*", nick)]
    rooms = [room.name for room in connection.hub.rooms.joined_by(user)]
    if rooms:
        lines += session.listed(numerics.RPL_WHOISCHANNELS, (nick,), rooms)
    lines.append(session.numeric(numerics.RPL_WHOISSERVER, nick, SERVER, "twisted_chat"))
    if not user.participants:
        lines.append(session.numeric(numerics.RPL_AWAY, nick, "is not here now"))
    elif user.away:
        lines.append(session.described(numerics.RPL_AWAY, (nick,), user.away))
    if user.is_account:
        lines.append(session.numeric(numerics.RPL_WHOISACCOUNT, nick, nick, "is the account"))
    return Reply([*lines, end])


def whowas(connection: IrcProtocol, request: Request) -> Reply:
    numeric, asked = connection.session.numeric, word(request.params[0])
    nothing = numeric(numerics.ERR_WASNOSUCHNICK, asked, "nobody who has gone is remembered here")
    return Reply((nothing, numeric(numerics.RPL_ENDOFWHOWAS, asked, "that is all")))


def ison(connection: IrcProtocol, request: Request) -> Reply:
    found = [nick_of(user.name) for user in _present(connection, request)]
    return Reply(connection.session.listed(numerics.RPL_ISON, (), found))


def userhost(connection: IrcProtocol, request: Request) -> Reply:
    found = [
        f"{nick_of(user.name)}={'-' if user.away else '+'}u@{_host(user)}" for user in _present(connection, request)
    ]
    return Reply(connection.session.listed(numerics.RPL_USERHOST, (), found))


def mode(connection: IrcProtocol, request: Request) -> Reply:
    """The modes that clients ask for when they come; none can be changed but +i, which means nothing."""
    session, (target, *rest) = connection.session, request.params
    modes = rest[0] if rest else ""
    if is_room(target):
        room = connection.hub.rooms.find(target)
        if not modes:
            return one(session.numeric(numerics.RPL_CHANNELMODEIS, room.name, "+n"))
        if modes.strip("+") == "b":
            return one(session.numeric(numerics.RPL_ENDOFBANLIST, room.name, "nobody is banned"))
        return one(session.numeric(numerics.ERR_CHANOPRIVSNEEDED, room.name, "nobody is an operator here"))
    if _user(connection, target) is not session.user:
        return one(session.numeric(numerics.ERR_USERSDONTMATCH, "one's modes are one's own"))
    if not modes:
        return one(session.numeric(numerics.RPL_UMODEIS, "+i"))
    if modes in ("+i", "-i"):
        return one(render("MODE", session.nick, modes, source=session.nick))
    return one(session.numeric(numerics.ERR_UMODEUNKNOWNFLAG, "there is no such mode"))


def motd(connection: IrcProtocol, request: Request) -> Reply:
    return Reply(message_of_the_day(connection))


def lusers(connection: IrcProtocol, request: Request) -> Reply:
    return Reply(users(connection))


def version(connection: IrcProtocol, request: Request) -> Reply:
    return one(connection.session.numeric(numerics.RPL_VERSION, f"twisted_chat-{__version__}", SERVER, "IRC and more"))


def time(connection: IrcProtocol, request: Request) -> Reply:
    now = timestamp(int(connection.factory.clock.seconds() * 1000))
    return one(connection.session.numeric(numerics.RPL_TIME, SERVER, now))


def users(connection: IrcProtocol) -> list[str]:
    """How many are here."""
    count = len(connection.hub.registry)
    numeric = connection.session.numeric
    return [
        numeric(numerics.RPL_LUSERCLIENT, f"there are {count} people here"),
        numeric(numerics.RPL_LUSERME, f"the server has {len(connection.factory.connections)} connections"),
    ]


def message_of_the_day(connection: IrcProtocol) -> list[str]:
    """The message of the day, or that there is none: what clients wait for before they join."""
    numeric = connection.session.numeric
    if not connection.motd:
        return [numeric(numerics.ERR_NOMOTD, "there is no message of the day")]
    lines = [numeric(numerics.RPL_MOTD, f"- {line}") for line in connection.motd]
    begin = numeric(numerics.RPL_MOTDSTART, f"- {SERVER}, the message of the day -")
    return [begin, *lines, numeric(numerics.RPL_ENDOFMOTD, "that is all")]


def _room(connection: IrcProtocol, name: str) -> Room | None:
    try:
        return connection.hub.rooms.get(name)
    except ChatError:
        return None


def _user(connection: IrcProtocol, name: str) -> User | None:
    try:
        return connection.hub.registry.get(name)
    except ChatError:
        return None


def _is_member(connection: IrcProtocol, room: Room) -> bool:
    user = connection.session.user
    return user is not None and room.key in user.rooms


def _present(connection: IrcProtocol, request: Request) -> list[User]:
    """Those of the nicks asked for who are here."""
    asked = " ".join(request.params).split()[:MOST_ASKED]
    found = (_user(connection, nick) for nick in asked)
    return [user for user in found if user is not None and user.participants]


def _host(user: User) -> str:
    return "account" if user.is_account else "guest"


def _is_gone(user: User) -> bool:
    return user.away is not None or not user.participants


def _who_line(connection: IrcProtocol, user: User, place: str) -> str:
    nick, flags = nick_of(user.name), "G" if _is_gone(user) else "H"
    params = (target_of(place), "u", _host(user), SERVER, nick, flags, f"0 {nick}")
    return connection.session.numeric(numerics.RPL_WHOREPLY, *params)


def _who_fields(connection: IrcProtocol, user: User, place: str, wanted: str) -> str:
    """Those fields that a client wants, in the order that WHOX has them in."""
    fields, _, token = wanted[1:].partition(",")
    nick = nick_of(user.name)
    known = {
        "t": token[:3] or "0",
        "c": place,
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
    return connection.session.numeric(numerics.RPL_WHOSPCRPL, *params)
