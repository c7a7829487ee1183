"""AUTHENTICATE: SASL PLAIN, by which an IRC client signs in to an account or makes one (IRCv3 sasl)."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error

from twisted_chat.core import errors
from twisted_chat.core.errors import ChatError
from twisted_chat.doors.irc.dialect import SASL, source_of
from twisted_chat.doors.irc.problems import sentence_for
from twisted_chat.doors.irc.requests import IrcConnection, Reply, Request, Result, reply_line
from twisted_chat.doors.irc.session import IrcSession
from twisted_chat.doors.irc.state import Registration
from twisted_chat.wire.errors import ParseError
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import render

SASL_CHUNK_CHARACTERS = 400
"""Characters of one AUTHENTICATE; a shorter one ends the response."""
MAX_SASL_CHARACTERS = 3200
"""Characters of a whole response."""


def authenticate(connection: IrcConnection, request: Request) -> Result:
    session, registration = connection.session, connection.registration
    chunk = request.params[0]
    if session.user is not None and session.user.is_account:
        return reply_line(session.numeric(numerics.ERR_SASLALREADY, "You have already authenticated"))
    if connection.registered:
        sentence = "You may not reregister; to sign in, reconnect and send AUTHENTICATE before CAP END"
        return reply_line(session.numeric(numerics.ERR_ALREADYREGISTERED, sentence))
    if chunk == "*":
        registration.sasl = None
        return reply_line(session.numeric(numerics.ERR_SASLABORTED, "SASL authentication aborted"))
    if registration.sasl is None:
        return _begin(session, registration, chunk)
    if len(chunk) > SASL_CHUNK_CHARACTERS:
        registration.sasl = None
        return reply_line(session.numeric(numerics.ERR_SASLTOOLONG, "SASL message too long"))
    if len(registration.sasl) + len(chunk) > MAX_SASL_CHARACTERS:
        registration.sasl = None
        sentence = f"SASL authentication failed; the response is longer than {MAX_SASL_CHARACTERS} characters"
        return reply_line(session.numeric(numerics.ERR_SASLFAIL, sentence))
    registration.sasl += "" if chunk == "+" else chunk
    if len(chunk) == SASL_CHUNK_CHARACTERS:
        return Reply()
    response, registration.sasl = registration.sasl, None
    return _sign_in(connection, registration, response)


def _begin(session: IrcSession, registration: Registration, mechanism: str) -> Reply:
    if SASL not in session.capabilities:
        return reply_line(
            session.numeric(numerics.ERR_SASLFAIL, "SASL authentication failed; send CAP REQ sasl before AUTHENTICATE")
        )
    if mechanism.upper() != "PLAIN":
        mechanisms = session.numeric(numerics.RPL_SASLMECHS, "PLAIN", "are available SASL mechanisms")
        sentence = "SASL authentication failed; the mechanism is not available"
        return Reply((mechanisms, session.numeric(numerics.ERR_SASLFAIL, sentence)))
    registration.sasl = ""
    return reply_line(render("AUTHENTICATE", "+"))


async def _sign_in(connection: IrcConnection, registration: Registration, response: str) -> Reply:
    """Sign in at once; the session is held, and shown nothing, until the client has registered."""
    session = connection.session
    try:
        connection.check_password_allowed()
        name, password = _decode_sasl_plain(response)
        account = registration.without_device(name)
        registration.signed_in = await connection.hub.sign_in(session, account, password)
    except (ChatError, ParseError) as problem:
        sentence = f"SASL authentication failed: {sentence_for(problem)}"
        return reply_line(session.numeric(numerics.ERR_SASLFAIL, sentence))
    assert session.user is not None
    source, account = source_of(session.user.name, session.hosts.of(session.user.identity)), session.nick
    logged_in = session.numeric(numerics.RPL_LOGGEDIN, source, account, f"You are now logged in as {account}")
    return Reply((logged_in, session.numeric(numerics.RPL_SASLSUCCESS, "SASL authentication successful")))


def _decode_sasl_plain(response: str) -> tuple[str, str]:
    """Return the name and password in a response of SASL PLAIN (RFC 4616). Raises ParseError."""
    try:
        authority, name, password = b64decode(response, validate=True).decode().split("\0")
    except (Error, ValueError):
        sentence = "the response is not SASL PLAIN; send base64 of NUL, name, NUL, password"
        raise ParseError(errors.WRONG_PASSWORD, sentence) from None
    if authority not in ("", name):
        raise ParseError(errors.WRONG_PASSWORD, "the authorization name must be empty or the account's name")
    if not password:
        raise ParseError(errors.WRONG_PASSWORD, "the password is empty; enter a password")
    return name, password
