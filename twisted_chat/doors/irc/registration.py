"""How an IRC client comes in: capabilities, a nick, perhaps a password, and what it is told first."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from typing import TYPE_CHECKING

from twisted_chat import __version__
from twisted_chat.core import errors
from twisted_chat.core.errors import ChatError
from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED
from twisted_chat.core.messages import Record
from twisted_chat.core.names import LONGEST as LONGEST_NAME
from twisted_chat.core.participants import User
from twisted_chat.core.rooms import MOST as MOST_ROOMS
from twisted_chat.doors.irc.chathistory import MOST_HISTORY
from twisted_chat.doors.irc.dialect import CAPABILITIES, EXTENDED, HISTORY, SASL, SERVER, TIME, renamed, source_of
from twisted_chat.doors.irc.messaging import MOST_TARGETS
from twisted_chat.doors.irc.queries import message_of_the_day, users
from twisted_chat.doors.irc.requests import Reply, Request, Result, one
from twisted_chat.doors.irc.session import word
from twisted_chat.doors.line.commands import UNREAD_SHOWN
from twisted_chat.wire.events import second
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import render
from twisted_chat.wire.irc.names import CASEMAPPING, UTF8MAPPING

if TYPE_CHECKING:
    from twisted_chat.doors.irc.protocol import IrcProtocol

CHUNK, LONGEST_SASL = 400, 3200
"""Characters of one AUTHENTICATE, and of all that belong together."""
TOKENS = 13
"""What is supported, in one line."""

_SUPPORTED = (
    f"CASEMAPPING={CASEMAPPING} UTF8MAPPING={UTF8MAPPING} UTF8ONLY NICKLEN={LONGEST_NAME}"
    f" CHANNELLEN={LONGEST_NAME + 1} CHANTYPES=# PREFIX=(ov)@+ CHANMODES=b,k,l,n CHANLIMIT=#:{MOST_ROOMS}"
    f" TARGMAX=PRIVMSG:{MOST_TARGETS},NOTICE:{MOST_TARGETS},JOIN:,PART:,WHOIS:1 TOPICLEN=300 AWAYLEN=200 MODES=1"
    f" WHOX SAFELIST CLIENTTAGDENY=* CHATHISTORY={MOST_HISTORY} MSGREFTYPES=msgid,timestamp"
)  # PREFIX has signs although nobody is an operator: clients that split it need some


class Registration:
    """What a client has said of itself before it is in."""

    def __init__(self) -> None:
        self.nick = self.password = ""
        self.introduced = False
        """Whether USER has come."""
        self.negotiating = False
        """Whether CAP END is to come."""
        self.sasl: str | None = None
        """What has come of a SASL exchange, while one is under way."""

    def credentials(self) -> tuple[str, str | None]:
        """The name and password to sign in with: PASS is a password, or a name, a colon and a password."""
        name, colon, password = self.password.partition(":")
        if colon:
            return name, password
        return self.nick, self.password or None


def cap(connection: IrcProtocol, request: Request) -> Result:
    session, registration = connection.session, connection.registration
    what, *rest = request.params
    what = what.upper()
    if registration is not None and what in ("LS", "REQ"):
        registration.negotiating = True
    if what == "LS":
        values = bool(rest) and rest[0].isascii() and rest[0].isdigit() and int(rest[0][:9]) >= 302
        known = [f"{name}=PLAIN" if name == SASL and values else name for name in _offered(connection)]
        return one(_cap(connection, "LS", " ".join(known)))
    if what == "LIST":
        return one(_cap(connection, "LIST", " ".join(name for name in CAPABILITIES if name in session.capabilities)))
    if what == "REQ":
        return _require(connection, rest[0] if rest else "")
    if what == "END":
        if registration is not None:
            registration.negotiating = False
        return _come_in(connection)
    return one(session.numeric(numerics.ERR_INVALIDCAPCMD, word(what), "CAP takes LS, LIST, REQ or END"))


def pass_(connection: IrcProtocol, request: Request) -> Result:
    if connection.registration is None:
        return _again(connection)
    connection.registration.password = request.params[0]
    return Reply()


def user(connection: IrcProtocol, request: Request) -> Result:
    if connection.registration is None:
        return _again(connection)
    connection.registration.introduced = True
    return _come_in(connection)


def nick(connection: IrcProtocol, request: Request) -> Result:
    session, registration = connection.session, connection.registration
    if not request.params or not request.params[0]:
        return one(session.numeric(numerics.ERR_NONICKNAMEGIVEN, "a nick is needed: NICK jane"))
    if registration is not None:
        registration.nick = request.params[0]
        return _come_in(connection)
    user, wanted = session.user, request.params[0]
    assert user is not None
    before = user.name
    if wanted == session.nick:
        return Reply()
    if user.is_account:
        locked = f"{session.nick} is the name of an account, which it keeps"
        return one(session.numeric(numerics.ERR_ERRONEUSNICKNAME, word(wanted), locked))
    connection.hub.rename(session, wanted)
    return one(renamed(before, user.name)) if user.name != before else Reply()


def authenticate(connection: IrcProtocol, request: Request) -> Result:
    session, registration = connection.session, connection.registration
    said = request.params[0]
    if registration is None or session.user is not None:
        return one(session.numeric(numerics.ERR_SASLALREADY, "you have signed in already"))
    if said == "*":
        registration.sasl = None
        return one(session.numeric(numerics.ERR_SASLABORTED, "the exchange is given up"))
    if registration.sasl is None:
        if SASL not in session.capabilities:
            return one(session.numeric(numerics.ERR_SASLFAIL, "CAP REQ sasl first"))
        if said.upper() != "PLAIN":
            fail = session.numeric(numerics.ERR_SASLFAIL, "there is no such mechanism here")
            return Reply((session.numeric(numerics.RPL_SASLMECHS, "PLAIN", "are the mechanisms"), fail))
        registration.sasl = ""
        return one(render("AUTHENTICATE", "+"))
    if len(said) > CHUNK or len(registration.sasl) + len(said) > LONGEST_SASL:
        registration.sasl = None
        return one(session.numeric(numerics.ERR_SASLTOOLONG, f"at most {CHUNK} characters are said at a time"))
    registration.sasl += "" if said == "+" else said
    if len(said) == CHUNK:
        return Reply()
    response, registration.sasl = registration.sasl, None
    return _authenticate(connection, response)


async def _authenticate(connection: IrcProtocol, response: str) -> Reply:
    """Sign in at once: until the client is in it is held, and sees nothing."""
    session = connection.session
    try:
        name, password = _plain(response)
        await connection.hub.sign_in(session, name, password)
    except ChatError as problem:
        return one(session.numeric(numerics.ERR_SASLFAIL, _sentence(connection, problem, True)))
    assert session.user is not None
    account = session.nick
    source = source_of(session.user.name, True)
    logged_in = session.numeric(numerics.RPL_LOGGEDIN, source, account, f"you are signed in as {account}")
    return Reply((logged_in, session.numeric(numerics.RPL_SASLSUCCESS, "that is the password")))


def _plain(response: str) -> tuple[str, str]:
    """The name and password in a response of SASL PLAIN (RFC 4616)."""
    try:
        authority, name, password = b64decode(response, validate=True).decode().split("\0")
    except (Error, ValueError):
        raise ChatError(errors.WRONG_PASSWORD, "this is no PLAIN response: base64 of NUL name NUL password") from None
    if authority not in ("", name) or not password:
        raise ChatError(errors.WRONG_PASSWORD, "one signs in as oneself, with a password")
    return name, password


def _offered(connection: IrcProtocol) -> list[str]:
    """The capabilities. Without TLS too there is `sasl`: clients that miss it send the same password by PASS."""
    return [name for name in CAPABILITIES if name != SASL or connection.hub.accounts is not None]


def _cap(connection: IrcProtocol, *params: str) -> str:
    return render("CAP", connection.session.nick, *params, source=SERVER)


def _require(connection: IrcProtocol, wanted: str) -> Reply:
    """Take and leave capabilities: all that is asked, or nothing."""
    known, capabilities = _offered(connection), set(connection.session.capabilities)
    for name in wanted.split():
        if name.removeprefix("-") not in known:
            return one(_cap(connection, "NAK", wanted))
        if name[0] == "-":
            capabilities.discard(name[1:])
        else:
            capabilities.add(name)
    connection.session.use(frozenset(capabilities))
    return one(_cap(connection, "ACK", wanted))


def _again(connection: IrcProtocol) -> Reply:
    return one(connection.session.numeric(numerics.ERR_ALREADYREGISTERED, "you have registered already"))


def _come_in(connection: IrcProtocol) -> Result:
    """Register, if everything has been said that it takes."""
    registration = connection.registration
    if registration is None or registration.negotiating or not (registration.nick and registration.introduced):
        return Reply()
    return _register(connection, registration)


async def _register(connection: IrcProtocol, registration: Registration) -> Reply:
    session = connection.session
    name, password = registration.credentials()
    if session.user is None:
        try:
            await connection.hub.sign_in(session, name, password)
        except ChatError as problem:
            return _not_in(connection, registration, problem, name, password)
    user = session.user
    assert user is not None
    missed = await _missed(connection, user)
    if session.user is None:  # the connection has ended
        return Reply()
    connection.registration = None
    if user.is_account:
        connection.factory.clock.callLater(0, session.begin, ())
    return Reply([*_welcome(connection), *_rooms(connection, user), *missed])


def _not_in(
    connection: IrcProtocol, registration: Registration, problem: ChatError, name: str, password: str | None
) -> Reply:
    """Why one is not let in. A guest may try another nick; with a password another nick would be another account."""
    session, code = connection.session, problem.code
    if password is None and code in (errors.BAD_NAME, errors.NAME_TAKEN):
        registration.nick = ""
        return Reply(session.problem("NICK", name, problem))
    sentence = _sentence(connection, problem, password is not None)
    number = {errors.SLOW_DOWN: numerics.RPL_TRYAGAIN, errors.NOT_ALLOWED: numerics.ERR_YOUREBANNEDCREEP}.get(code)
    params = ("PASS",) if number == numerics.RPL_TRYAGAIN else ()
    said = session.numeric(number or numerics.ERR_PASSWDMISMATCH, *params, sentence)
    return Reply((said, render("ERROR", sentence)), last=True)


def _sentence(connection: IrcProtocol, problem: ChatError, with_password: bool) -> str:
    """The hub's reason, for those who do not speak the line protocol."""
    if problem.code == errors.NAME_TAKEN:
        return "a guest has this name just now, so it cannot be made an account; choose another"
    if problem.code == errors.UNAVAILABLE and connection.hub.accounts is None:
        return "there are no accounts here: come without a password"
    if problem.code == errors.NOT_ALLOWED and not with_password:
        return "there are no guests here: sign in with a password (PASS or SASL)"
    return problem.sentence


def _welcome(connection: IrcProtocol) -> list[str]:
    session, network = connection.session, connection.network
    say = session.numeric
    supported = f"NETWORK={network} {_SUPPORTED}".split()
    lines = [
        say(numerics.RPL_WELCOME, f"welcome to {network}, {session.nick}"),
        say(numerics.RPL_YOURHOST, f"this is {SERVER}, twisted_chat {__version__}"),
        say(numerics.RPL_CREATED, f"what is kept here begins with the record {connection.hub.log.first}"),
        say(numerics.RPL_MYINFO, SERVER, f"twisted_chat-{__version__}", "i", "n"),
    ]
    for start in range(0, len(supported), TOKENS):
        lines.append(say(numerics.RPL_ISUPPORT, *supported[start : start + TOKENS], "are supported here"))
    return lines + users(connection) + message_of_the_day(connection)


def _rooms(connection: IrcProtocol, user: User) -> list[str]:
    """The rooms that an account is in from before, as if it joined them now."""
    lines, session = [], connection.session
    for room in connection.hub.rooms.joined_by(user):
        extended = (session.nick, session.nick) if EXTENDED in session.capabilities else ()
        lines.append(render("JOIN", room.name, *extended, source=source_of(user.name, True)))
        lines += session.entered(room.name)
    return lines


async def _missed(connection: IrcProtocol, user: User) -> list[str]:
    """What an account is shown that comes back, if its client does not ask for history by itself."""
    session = connection.session
    if not user.is_account or len(user.participants) > 1 or HISTORY in session.capabilities:
        return []
    records, count = await connection.hub.archive.unread(user, user.read_up_to, session.sent_up_to, UNREAD_SHOWN)
    timed = TIME in session.capabilities
    lines = [line for record in records for line in session.dialect.past(record if timed else _dated(record))]
    if count > len(records):
        many = f"more than {MAX_UNREAD_COUNTED}" if count > MAX_UNREAD_COUNTED else str(count)
        sentence = f"you missed {many} messages; here are the last {len(records)}"
        lines.insert(0, render("NOTICE", session.nick, sentence, source=SERVER))
    return lines


def _dated(record: Record) -> Record:
    """A record whose text begins with its time (UTC), for clients that know no tags."""
    return record._replace(text=f"[{second(record.time).replace('T', ' ')}] {record.text}")
