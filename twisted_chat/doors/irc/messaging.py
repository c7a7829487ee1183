"""The commands by which an IRC client takes part: speak, join, part, set topics, be away, quit."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from twisted_chat.core.errors import ChatError
from twisted_chat.core.lookalikes import SERVICES
from twisted_chat.core.messages import ACTION, MESSAGE, NOTICE, TOPIC
from twisted_chat.core.names import user_name
from twisted_chat.core.pending import Change
from twisted_chat.doors.irc.channels import room_of
from twisted_chat.doors.irc.dialect import target_of
from twisted_chat.doors.irc.lines import word
from twisted_chat.doors.irc.requests import IrcConnection, Reply, Request, Result, for_each_target, reply_line
from twisted_chat.wire.errors import ParseError
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import render
from twisted_chat.wire.irc.text import ctcp, plain_text

MAX_TARGETS_PER_MESSAGE = 4
"""Targets of one PRIVMSG or NOTICE."""
NO_OPERATORS = "This server has no channel operators"
NO_SERVICES = (
    "This server has no services, and your message reached nobody. To sign in to an account, set SASL PLAIN in your "
    "client, or send PASS <name>:<password> before NICK; a free name with a password becomes an account"
)
"""Clients send passwords to services by themselves: `/msg NickServ IDENTIFY …`."""
NOW_AWAY = "You have been marked as being away"
AWAY_BUT_HERE = f"{NOW_AWAY} here; others see it when your other clients are away, too"


def privmsg(connection: IrcConnection, request: Request) -> Result | None:
    numeric = connection.session.numeric
    if not request.params or not request.params[0]:
        return reply_line(numeric(numerics.ERR_NORECIPIENT, "No recipient given; usage: PRIVMSG #tea :hello"))
    if len(request.params) < 2 or not request.params[1]:
        return reply_line(numeric(numerics.ERR_NOTEXTTOSEND, "No text to send; usage: PRIVMSG #tea :hello"))
    kind, text = MESSAGE, request.params[1]
    asked = ctcp(text)
    if asked is not None:
        command, text = asked
        if command != "ACTION":  # all clients in a room would answer it
            return Reply()
        kind = ACTION
    return _say(connection, request, kind, text)


def notice(connection: IrcConnection, request: Request) -> Result | None:
    """Say a notice, as programs do; the sender gets no error (RFC 2812, section 3.3.2)."""
    if len(request.params) < 2 or ctcp(request.params[1]) is not None:
        return Reply()
    reply = _say(connection, request, NOTICE, request.params[1])
    if reply is None or isinstance(reply, Reply):
        return None if reply is None else reply._replace(lines=())
    return _without_errors(reply)


async def _without_errors(coming: Coroutine[Any, Any, Reply]) -> Reply:
    return (await coming)._replace(lines=())


def tagmsg(connection: IrcConnection, request: Request) -> Reply:
    return Reply()


def _say(connection: IrcConnection, request: Request, kind: str, text: str) -> Result | None:
    session, hub = connection.session, connection.hub
    text = plain_text(text)
    targets = request.params[0].split(",")
    if len(targets) > MAX_TARGETS_PER_MESSAGE:
        sentence = f"Too many targets; at most {MAX_TARGETS_PER_MESSAGE} are allowed"
        return reply_line(session.numeric(numerics.ERR_TOOMANYTARGETS, word(request.params[0]), sentence))

    if any(map(_is_service, targets)):  # nobody else gets the text either: it may hold a password
        return Reply(() if kind == NOTICE else [render("NOTICE", session.nick, NO_SERVICES, source=session.server)])

    def say(to: str, label: str | None) -> bool:
        absence = hub.say(session, to, [text], kind, label)
        if kind != NOTICE:
            session.tell_absence(absence)
        elif absence is not None:  # a notice has no automatic answer, so the next message has it
            session.routes.pop(to, None)
        return True

    several = request.label is not None and session.expects_absence(targets[0])
    return for_each_target(session, hub, request, targets, say, several)


def _is_service(target: str) -> bool:
    """Return True for the name of a service of other networks, also with a server: `NickServ@services.example`."""
    try:
        return user_name(target.partition("@")[0]).key in SERVICES
    except ChatError:
        return False


def services(connection: IrcConnection, request: Request) -> Reply:
    """Answer a service's command, such as NICKSERV, which some clients send instead of a message."""
    session = connection.session
    return reply_line(render("NOTICE", session.nick, NO_SERVICES, source=session.server))


def join(connection: IrcConnection, request: Request) -> Result | None:
    session, hub = connection.session, connection.hub
    if request.params[0] == "0":  # leave all channels
        assert session.user is not None
        names = [room.name for room in hub.rooms.joined_by(session.user)]
        return for_each_target(session, hub, request, names, lambda name, label: hub.leave(session, name, label))
    names = request.params[0].split(",")
    return for_each_target(session, hub, request, names, lambda name, label: hub.join(session, name, label))


def part(connection: IrcConnection, request: Request) -> Result | None:
    session, hub = connection.session, connection.hub
    reason = _reason(request.params[1:])

    def leave(name: str, label: str | None) -> bool:
        if not hub.leave(session, name, label, reason):
            hub.topic(session, name)  # raises the error that says why
        return True

    return for_each_target(session, hub, request, request.params[0].split(","), leave)


def topic(connection: IrcConnection, request: Request) -> Result | None:
    session, hub = connection.session, connection.hub
    name = room_of(request.params[0])
    if len(request.params) == 1:
        pending = hub.pending_change(session, name, TOPIC) or hub.pending_change(session, name)
        return _topic(connection, name) if pending is None else _settled_topic(connection, name, pending)
    text = plain_text(request.params[1])

    def change(name: str, label: str | None) -> bool:
        hub.set_topic(session, name, text, label)
        return True

    return for_each_target(session, hub, request, request.params[:1], change)


def _topic(connection: IrcConnection, name: str) -> Reply:
    session = connection.session
    text, channel = connection.hub.topic(session, name), target_of(name)
    if text:
        return reply_line(session.numeric_text(numerics.RPL_TOPIC, (channel,), text))
    return reply_line(session.numeric(numerics.RPL_NOTOPIC, channel, "No topic is set"))


async def _settled_topic(connection: IrcConnection, name: str, pending: Change) -> Reply:
    """Answer when a topic that is under way is stored or undone."""
    await connection.hub.settled(pending)
    return _topic(connection, name)


def away(connection: IrcConnection, request: Request) -> Result:
    session = connection.session
    text = plain_text(request.params[0]) if request.params else ""

    def change() -> Reply:
        connection.hub.away(session, text or None)
        if text:
            others_here = session.user is not None and session.user.away is None
            return reply_line(session.numeric(numerics.RPL_NOWAWAY, AWAY_BUT_HERE if others_here else NOW_AWAY))
        return reply_line(session.numeric(numerics.RPL_UNAWAY, "You are no longer marked as being away"))

    return session.pace.run(session, change)


def ping(connection: IrcConnection, request: Request) -> Reply:
    session = connection.session
    if not request.params:
        return reply_line(session.numeric(numerics.ERR_NOORIGIN, "No token given; usage: PING <token>"))
    return reply_line(render("PONG", session.server, request.params[0], source=session.server))


def pong(connection: IrcConnection, request: Request) -> Reply:
    connection.session.answered_ping()
    if (device := connection.registration.device) is not None:
        connection.devices.note(device, connection.session)
    return Reply()


def quit_(connection: IrcConnection, request: Request) -> Reply:
    connection.session.quit_reason = _reason(request.params)
    return Reply((render("ERROR", "Closing link: you have quit"),), last=True)


def _reason(params: Sequence[str]) -> str:
    """Return the reason for leaving; "" if it cannot be shown, since the client leaves nevertheless."""
    with suppress(ParseError):
        return plain_text(params[0]).strip() if params else ""
    return ""


def no_operators(connection: IrcConnection, request: Request) -> Reply:
    """Refuse a command that elsewhere only a channel's operators may use."""
    rooms = [param for param in request.params if param[:1] == "#"]
    name = word(rooms[0] if rooms else "*")
    return reply_line(connection.session.numeric(numerics.ERR_CHANOPRIVSNEEDED, name, NO_OPERATORS))


def oper(connection: IrcConnection, request: Request) -> Reply:
    return reply_line(connection.session.numeric(numerics.ERR_PASSWDMISMATCH, "This server has no IRC operators"))
