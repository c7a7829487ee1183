"""Register an IRC client: CAP, PASS, NICK and USER, and the sign-in when all of them have come."""

from __future__ import annotations

from itertools import chain

from twisted_chat.core import errors
from twisted_chat.core.errors import ChatError
from twisted_chat.doors.irc.dialect import CAPABILITIES, SASL, renamed
from twisted_chat.doors.irc.lines import word
from twisted_chat.doors.irc.problems import SIGN_IN, sentence_for
from twisted_chat.doors.irc.requests import IrcConnection, Reply, Request, Result, reply_line
from twisted_chat.doors.irc.session import IrcSession
from twisted_chat.doors.irc.state import Event, Registration
from twisted_chat.doors.irc.welcome import rejoined_rooms, unread_messages, welcome
from twisted_chat.wire.errors import ParseError
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import render
from twisted_chat.wire.irc.text import plain_text

CAP_VERSION_WITH_VALUES = 302
"""The version of CAP LS from which on capabilities are listed with their values."""


MAX_REAL_NAME_CHARACTERS = 100


def without_control(text: str) -> str:
    """Return a real name without its control characters and formatting."""
    try:
        return plain_text(text)
    except ParseError:
        return ""


def cap(connection: IrcConnection, request: Request) -> Result:
    session, registration = connection.session, connection.registration
    subcommand, *params = request.params
    subcommand = subcommand.upper()
    if subcommand in ("LS", "REQ"):
        registration.go(Event.NEGOTIATE)
    if subcommand == "LS":
        version = params[0] if params else ""
        values = version.isascii() and version.isdigit() and int(version[:9]) >= CAP_VERSION_WITH_VALUES
        offered = [f"{name}=PLAIN" if name == SASL and values else name for name in _offered(connection)]
        return reply_line(_cap(session, "LS", " ".join(offered)))
    if subcommand == "LIST":
        used = [name for name in CAPABILITIES if name in session.capabilities]
        return reply_line(_cap(session, "LIST", " ".join(used)))
    if subcommand == "REQ":
        return _request_capabilities(connection, params[0] if params else "")
    if subcommand == "END":
        registration.go(Event.END)
        return _try_register(connection)
    sentence = "Invalid CAP command; usage: CAP LS, LIST, REQ or END"
    return reply_line(session.numeric(numerics.ERR_INVALIDCAPCMD, word(subcommand), sentence))


def pass_(connection: IrcConnection, request: Request) -> Result:
    if connection.registered:
        return _already_registered(connection.session)
    connection.registration.password = request.params[0]
    return Reply()


def user(connection: IrcConnection, request: Request) -> Result:
    if connection.registered:
        return _already_registered(connection.session)
    registration, session = connection.registration, connection.session
    registration.user, *_, registration.real_name = request.params
    session.real_name = without_control(registration.real_name)[:MAX_REAL_NAME_CHARACTERS].strip()
    return _try_register(connection)


def nick(connection: IrcConnection, request: Request) -> Result:
    session = connection.session
    wanted = request.params[0] if request.params else ""
    if not wanted:
        return reply_line(session.numeric(numerics.ERR_NONICKNAMEGIVEN, "No nickname given; usage: NICK <nick>"))
    if not connection.registered:
        connection.registration.nick = wanted
        return _try_register(connection)
    user = session.user
    assert user is not None
    if wanted == session.nick:
        return Reply()

    def change() -> Reply:
        before = user.name
        connection.hub.rename(session, wanted)
        return (
            reply_line(renamed(before, user.name, session.hosts.of(user.identity))) if user.name != before else Reply()
        )

    return session.pace.run(session, change)


def _offered(connection: IrcConnection) -> list[str]:
    """Return the capabilities: `sasl` only where a password may be sent, so that no client sends it in clear."""
    sasl = connection.hub.accounts is not None and connection.passwords_allowed
    return [name for name in CAPABILITIES if name != SASL or sasl]


def _cap(session: IrcSession, *params: str) -> str:
    return render("CAP", session.nick, *params, source=session.server)


def _request_capabilities(connection: IrcConnection, wanted: str) -> Reply:
    """Add and remove capabilities: all that the client requests, or none."""
    session = connection.session
    offered, capabilities = _offered(connection), set(session.capabilities)
    for name in wanted.split():
        if name.removeprefix("-") not in offered:
            return reply_line(_cap(session, "NAK", wanted))
        if name[0] == "-":
            capabilities.discard(name[1:])
        else:
            capabilities.add(name)
    session.use_capabilities(frozenset(capabilities))
    return reply_line(_cap(session, "ACK", wanted))


def _already_registered(session: IrcSession) -> Reply:
    return reply_line(session.numeric(numerics.ERR_ALREADYREGISTERED, "You may not reregister"))


def _try_register(connection: IrcConnection) -> Result:
    """Register, if the client has sent all that it takes."""
    registration = connection.registration
    if registration.nick and registration.user is not None and registration.go(Event.COMPLETE):
        return _register(connection, registration)
    return Reply()


async def _register(connection: IrcConnection, registration: Registration) -> Reply:
    hub, session = connection.hub, connection.session
    try:
        if session.user is None:
            refusal = await _sign_in(connection, registration)
            if refusal is not None:
                return refusal
        unread = await unread_messages(connection)
        signed_in = registration.signed_in
        if session.user is None or signed_in is None:  # the connection has ended
            return Reply()
        registration.go(Event.SIGNED_IN)
        registration.forget()
        slices = chain((welcome(connection),), rejoined_rooms(hub, session), (unread,))
        await session.write_sliced_answer(None, slices)  # a label is answered behind it
        return Reply(then=signed_in.answered)
    finally:
        registration.go(Event.REFUSED)  # without effect when the client is signed in


async def _sign_in(connection: IrcConnection, registration: Registration) -> Reply | None:
    """Sign in by PASS or as a guest. Returns None, or the reply that says why not."""
    session = connection.session
    name, password = registration.credentials()
    try:
        if password is not None:
            connection.check_password_allowed()
        registration.signed_in = await connection.hub.sign_in(session, name, password)
    except ChatError as problem:
        return _registration_failed(session, registration, problem, name, password)
    return None


def _registration_failed(
    session: IrcSession, registration: Registration, problem: ChatError, name: str, password: str | None
) -> Reply:
    """Return the reason. A guest may try another nick; with a password another nick would be another account."""
    if password is None and problem.code in (errors.BAD_NAME, errors.NAME_TAKEN):
        registration.nick = ""
        return Reply(session.problem("NICK", name, problem))
    lines = session.problem(SIGN_IN, SIGN_IN, problem)  # 263 names the command
    return Reply((*lines, render("ERROR", sentence_for(problem))), last=True)
