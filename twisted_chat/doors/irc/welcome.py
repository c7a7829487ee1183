"""Write what an IRC client is sent when it has registered: the welcome, its rooms, and its unread messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twisted_chat._version import __version__
from twisted_chat.core.archive import UNREAD_SHOWN
from twisted_chat.core.hub import MAX_AWAY_CHARACTERS, Hub
from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.names import MAX_NAME_CHARACTERS, is_room
from twisted_chat.core.rooms import MAX_ROOMS_PER_USER as MAX_ROOMS
from twisted_chat.core.rooms import MAX_TOPIC_CHARACTERS
from twisted_chat.doors.irc.channels import channel_of
from twisted_chat.doors.irc.chathistory import MAX_CHATHISTORY_RECORDS
from twisted_chat.doors.irc.devices import device_of
from twisted_chat.doors.irc.dialect import BATCH, EXTENDED, HISTORY, TIME, source_of, target_of
from twisted_chat.doors.irc.hosts import real_name_of
from twisted_chat.doors.irc.messaging import MAX_TARGETS_PER_MESSAGE
from twisted_chat.doors.irc.queries import message_of_the_day, user_counts
from twisted_chat.doors.irc.requests import IrcConnection
from twisted_chat.doors.irc.session import IrcSession
from twisted_chat.wire.events import second
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import MAX_BODY_BYTES, render
from twisted_chat.wire.irc.names import CASEMAPPING, UTF8MAPPING

ISUPPORT_TOKENS_A_LINE = 13

_ISUPPORT = (
    f"CASEMAPPING={CASEMAPPING} UTF8MAPPING={UTF8MAPPING} UTF8ONLY NICKLEN={MAX_NAME_CHARACTERS}"
    f" CHANNELLEN={MAX_NAME_CHARACTERS + 1} CHANTYPES=# PREFIX=(ov)@+ CHANMODES=b,,,n CHANLIMIT=#:{MAX_ROOMS}"
    f" TARGMAX=PRIVMSG:{MAX_TARGETS_PER_MESSAGE},NOTICE:{MAX_TARGETS_PER_MESSAGE},JOIN:,PART:,WHOIS:1"
    f" TOPICLEN={MAX_TOPIC_CHARACTERS} AWAYLEN={MAX_AWAY_CHARACTERS} WHOX SAFELIST CLIENTTAGDENY=*"
    f" CHATHISTORY={MAX_CHATHISTORY_RECORDS} MSGREFTYPES=msgid,timestamp"
)  # PREFIX has signs although there are no operators: clients that split it need some


def welcome(connection: IrcConnection) -> list[str]:
    """Return the lines that a client waits for: the welcome, the server's limits, the message of the day."""
    session, network = connection.session, connection.network
    numeric = session.numeric
    tokens = ["NETWORK=" + network.replace(" ", r"\x20"), *_ISUPPORT.split()]
    lines = [
        numeric(numerics.RPL_WELCOME, f"Welcome to {network}, {session.nick}"),
        numeric(numerics.RPL_YOURHOST, f"Your host is {session.server}, running twisted_chat {__version__}"),
        numeric(numerics.RPL_CREATED, f"The oldest message on this server has the id {connection.hub.log.first}"),
        numeric(numerics.RPL_MYINFO, session.server, f"twisted_chat-{__version__}", "i", "n"),
    ]
    supported = "are supported by this server"
    while tokens:
        count = ISUPPORT_TOKENS_A_LINE
        while len(numeric(numerics.RPL_ISUPPORT, *tokens[:count], supported).encode()) > MAX_BODY_BYTES:
            count -= 1
        lines.append(numeric(numerics.RPL_ISUPPORT, *tokens[:count], supported))
        del tokens[:count]
    return lines + user_counts(connection) + message_of_the_day(connection)


def rejoined_rooms(hub: Hub, session: IrcSession) -> Iterator[Sequence[str]]:
    """Return, in slices, the rooms of an account that comes back, as if it joined them now."""
    user = session.user
    assert user is not None
    for room in hub.rooms.shown_of(user):
        extended = (session.nick, real_name_of(user)) if EXTENDED in session.capabilities else ()
        source = source_of(user.name, session.hosts.of(user.identity))
        yield (render("JOIN", channel_of(room.name), *extended, source=source),)
        yield from session.joined(room.name)


async def unread_messages(connection: IrcConnection) -> list[str]:
    """Return what the account's device has missed, unless its client asks for history by itself.

    What the user has read elsewhere, by the read markers, is left out. A PING follows, whose answer tells that
    the client has received it.
    """
    hub, session, registration = connection.hub, connection.session, connection.registration
    user = session.user
    assert user is not None
    if not user.is_account:
        return []
    await connection.devices.load(user.identity)
    if session.user is None:  # the connection has ended meanwhile
        return []
    user_, real_name, capabilities = registration.user or "", registration.real_name, session.capabilities
    device = device_of(user.identity, registration.named_device, user_, real_name, capabilities)
    after = connection.devices.begin(device, session, user.read_at_start)
    registration.device = device
    if HISTORY in capabilities:
        return []
    up_to = session.catchup.position
    records, count = await hub.archive.unread(user, after, up_to, UNREAD_SHOWN)
    markers: dict[Conversation, int] = {}
    if hub.accounts is not None and records:
        markers = await hub.accounts.read_markers_in(user.identity, {record.conversation for record in records})
    unread = [record for record in records if record.id > markers.get(record.conversation, 0)]
    count -= len(records) - len(unread)
    lines: list[str] = []
    if count > len(unread) > 0:
        many = f"more than {MAX_UNREAD_COUNTED}" if count > MAX_UNREAD_COUNTED else str(count)
        sentence = f"you have {many} unread messages; the last {len(unread)} follow"
        lines = [render("NOTICE", session.nick, sentence, source=session.server)]
    lines += _played_back(session, unread)
    return [*lines, session.ping()] if unread else []


def _played_back(session: IrcSession, records: Sequence[Record]) -> Iterator[str]:
    """Return records as a chathistory batch for each conversation, or one after the other without batches."""
    has_times, has_batches = TIME in session.capabilities, BATCH in session.capabilities
    conversations: dict[Conversation | None, list[Record]] = {}
    for record in records:
        conversations.setdefault(record.conversation if has_batches else None, []).append(record)
    for some in conversations.values():
        shown = some if has_times else map(_with_time, some)
        lines = [line for record in shown for line in session.dialect.render_history(record)]
        target = some[-1].to if is_room(some[-1].to) else some[-1].sender
        yield from session.in_batch(lines, ("chathistory", target_of(target)))


def _with_time(record: Record) -> Record:
    """Return a record whose text begins with its time (UTC), for clients without tags."""
    return record._replace(text=f"[{second(record.time).replace('T', ' ')}] {record.text}")
