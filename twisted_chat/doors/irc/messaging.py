"""What IRC clients do in the conversation: speak, join, part, set topics, be away, go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted_chat.core.messages import ACTION, MESSAGE, NOTICE
from twisted_chat.doors.irc.dialect import SERVER
from twisted_chat.doors.irc.requests import Reply, Request, each, one
from twisted_chat.doors.irc.session import word
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import render
from twisted_chat.wire.irc.text import ctcp, plain_text

if TYPE_CHECKING:
    from twisted_chat.doors.irc.protocol import IrcProtocol

MOST_TARGETS = 4
"""To whom one may say the same at once."""


def privmsg(connection: IrcProtocol, request: Request) -> Reply | None:
    numeric = connection.session.numeric
    if not request.params or not request.params[0]:
        return one(numeric(numerics.ERR_NORECIPIENT, "to whom? PRIVMSG #tea :hello"))
    if len(request.params) < 2 or not request.params[1]:
        return one(numeric(numerics.ERR_NOTEXTTOSEND, "there is nothing to say"))
    kind, text = MESSAGE, request.params[1]
    asked = ctcp(text)
    if asked is not None:
        command, text = asked
        if command != "ACTION":  # a room's clients would all answer
            return Reply()
        kind = ACTION
    return _say(connection, request, kind, text)


def notice(connection: IrcProtocol, request: Request) -> Reply | None:
    """Say what programs say; never answered, as RFC 2812 3.3.2 has it."""
    if len(request.params) < 2 or ctcp(request.params[1]) is not None:
        return Reply()
    reply = _say(connection, request, NOTICE, request.params[1])
    return None if reply is None else reply._replace(lines=())


def tagmsg(connection: IrcProtocol, request: Request) -> Reply:
    return Reply()


def _say(connection: IrcProtocol, request: Request, kind: str, text: str) -> Reply | None:
    session, hub = connection.session, connection.hub
    text = plain_text(text)
    targets = request.params[0].split(",")
    if len(targets) > MOST_TARGETS:
        many = f"at most {MOST_TARGETS} at once"
        return one(session.numeric(numerics.ERR_TOOMANYTARGETS, word(request.params[0]), many))

    def say(to: str, label: str | None) -> bool:
        session.speaking_to = to
        hub.say(session, to, [text], kind, label)
        return True

    return each(connection, request, targets, say)


def join(connection: IrcProtocol, request: Request) -> Reply | None:
    session, hub = connection.session, connection.hub
    if request.params[0] == "0":
        assert session.user is not None
        names = [room.name for room in hub.rooms.joined_by(session.user)]
        return each(connection, request, names, lambda name, label: hub.leave(session, name, label))
    names = request.params[0].split(",")
    return each(connection, request, names, lambda name, label: hub.join(session, name, label))


def part(connection: IrcProtocol, request: Request) -> Reply | None:
    session, hub = connection.session, connection.hub

    def leave(name: str, label: str | None) -> bool:
        if not hub.leave(session, name, label):
            hub.topic(session, name)  # which says why not
        return True

    return each(connection, request, request.params[0].split(","), leave)


def topic(connection: IrcProtocol, request: Request) -> Reply | None:
    session, hub = connection.session, connection.hub
    name = request.params[0]
    if len(request.params) == 1:
        text = hub.topic(session, name)
        if text:
            return one(session.described(numerics.RPL_TOPIC, (name,), text))
        return one(session.numeric(numerics.RPL_NOTOPIC, name, "it has no topic"))
    text = plain_text(request.params[1])

    def change(name: str, label: str | None) -> bool:
        hub.set_topic(session, name, text, label)
        return True

    return each(connection, request, [name], change)


def away(connection: IrcProtocol, request: Request) -> Reply:
    text = plain_text(request.params[0]) if request.params else ""
    connection.hub.away(connection.session, text or None)
    number, sentence = (numerics.RPL_NOWAWAY, "away") if text else (numerics.RPL_UNAWAY, "back")
    return one(connection.session.numeric(number, f"you are {sentence}"))


def ping(connection: IrcProtocol, request: Request) -> Reply:
    if not request.params:
        return one(connection.session.numeric(numerics.ERR_NOORIGIN, "PING takes a token"))
    return one(render("PONG", SERVER, request.params[0], source=SERVER))


def pong(connection: IrcProtocol, request: Request) -> Reply:
    return Reply()


def quit_(connection: IrcProtocol, request: Request) -> Reply:
    return Reply((render("ERROR", "goodbye"),), last=True)


def nobody_may(connection: IrcProtocol, request: Request) -> Reply:
    """What operators of rooms do elsewhere."""
    rooms = [param for param in request.params if param[:1] == "#"]
    name = word(rooms[0] if rooms else "*")
    return one(connection.session.numeric(numerics.ERR_CHANOPRIVSNEEDED, name, "nobody is an operator here"))


def oper(connection: IrcProtocol, request: Request) -> Reply:
    return one(connection.session.numeric(numerics.ERR_PASSWDMISMATCH, "nobody is an operator here"))
