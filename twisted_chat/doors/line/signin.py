"""The line protocol's verbs for names and passwords: register, login, resume, password."""

from __future__ import annotations

from twisted_chat.core.archive import UNREAD_SHOWN
from twisted_chat.core.credentials import SignedIn
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED
from twisted_chat.core.participants import User
from twisted_chat.doors.line.dialects import PLAIN_FOR_ACCOUNTS, Answer, PlainDialect
from twisted_chat.doors.line.requests import LineConnection
from twisted_chat.wire.errors import BAD_COMMAND, ParseError
from twisted_chat.wire.events import SERVER_MARK


async def register(connection: LineConnection, label: str | None, name: str, password: str | None = None) -> Answer:
    session = connection.session
    if password is not None:
        connection.check_password_allowed()
    signed_in = await connection.hub.sign_in(session, name, password)
    if password is not None:
        connection.note_password()
    return await _signed_in(connection, signed_in)


async def login(connection: LineConnection, label: str | None, name: str, password: str) -> Answer:
    """Sign in to an account that exists: unlike `register`, this makes none of a mistyped name."""
    connection.check_password_allowed()
    signed_in = await connection.hub.sign_in(connection.session, name, password, may_create=False)
    connection.note_password()
    return await _signed_in(connection, signed_in)


async def resume(
    connection: LineConnection, label: str | None, name: str | None = None, ticket: str | None = None
) -> Answer:
    session = connection.session
    connection.check_password_allowed()  # a ticket is as good as a password, for a while
    if name is None:
        ticket, seconds = await connection.hub.ticket(session)
        return Answer(lines=(f"{ticket},{seconds}",), fields=(ticket, str(seconds)))
    if ticket is None:
        raise ParseError(BAD_COMMAND, "usage: resume | resume,<name>,<ticket>")
    return await _signed_in(connection, await connection.hub.resume(session, name, ticket))


async def _signed_in(connection: LineConnection, signed_in: SignedIn) -> Answer:
    session = connection.session
    user = session.user
    assert user is not None
    lines: list[str] = []
    if isinstance(session.dialect, PlainDialect) and user.is_account:
        connection.speak(PLAIN_FOR_ACCOUNTS)
        lines = await _unread(connection, user)
    return Answer(("ack", *lines), (user.name, signed_in.how), then=await session.begin(signed_in))


async def password(connection: LineConnection, label: str | None, first: str, second: str | None = None) -> Answer:
    """Change the password: `old,new`, or only the new one soon after a sign-in with the old one."""
    session = connection.session
    connection.check_password_allowed()
    if second is not None:
        await connection.hub.change_password(session, first, second)
    elif connection.knows_password:
        await connection.hub.change_password(session, None, first)
    else:
        raise ChatError(Reason.OLD_PASSWORD_NEEDED)
    return Answer()


async def _unread(connection: LineConnection, user: User) -> list[str]:
    """Return what a person reads who comes back: the newest messages since, and how many there are."""
    if not user.is_account or len(user.participants) > 1:
        return []
    session = connection.session
    records, count = await connection.hub.archive.unread(user, user.read_up_to, session.catchup.position, UNREAD_SHOWN)
    lines = [line for record in records for line in session.dialect.render_history(record)]
    if count > len(records):
        many = f"more than {MAX_UNREAD_COUNTED}" if count > MAX_UNREAD_COUNTED else str(count)
        shown = f"you have {many} unread messages; the last {len(records)} follow"
        lines.insert(0, f"{SERVER_MARK}{shown}, and history,<name or #room> shows the others")
    return lines
