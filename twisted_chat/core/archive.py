"""The history of the log, for users who may see it: pages, search, unread messages and read markers."""

from twisted_chat.core.cursor import Cursor
from twisted_chat.core.errors import ChatError, Notice, Reason
from twisted_chat.core.interfaces import Accounts, MessageLog
from twisted_chat.core.messages import LEFT, Conversation, Record, direct
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Participant, User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import Rooms

CATCH_UP_PAGE_RECORDS = 200
"""Records that one step of catching up reads from the log."""
CATCH_UP_PAGE_CHARACTERS = 64 * 1024
"""Characters of texts after which a step of catching up ends."""
MAX_HISTORY_RECORDS = 500
"""Records in one page of history."""
MAX_HISTORY_CHARACTERS = 256 * 1024
"""Characters of the texts in one page of history."""
UNREAD_SHOWN = 50
"""Unread messages that are shown at a sign-in."""
MAX_PARTNERS_LISTED = 200
"""People in the list of a user's own conversations."""


class Archive:
    """Reads the log for users, and shows each user only what that user may see.

    A conversation that does not exist and one that the user may not see get the same answer: an
    empty page for a person, ChatError(no-such-room) for a room. Every method that takes a participant
    raises ChatError(not-registered) if the participant has no name.
    """

    def __init__(self, log: MessageLog, registry: UserRegistry, rooms: Rooms, accounts: Accounts | None) -> None:
        self._log, self._registry, self._rooms, self._accounts = log, registry, rooms, accounts

    async def history(self, participant: Participant, name: str, before: int, after: int, limit: int) -> list[Record]:
        """Return a page of a room's or a direct conversation's records, oldest first; `before` 0 means no bound."""
        conversation = self._conversation(_user(participant), name)
        return [] if conversation is None else await self._log.history(conversation, before, after, limit)

    async def search(self, participant: Participant, name: str, words: str, limit: int) -> list[Record]:
        """Return the newest texts of a room or a direct conversation that contain all the words, oldest first.

        Raises ChatError(bad-command) if there is no word to search for.
        """
        conversation = self._conversation(_user(participant), name)
        if not any(map(str.isalnum, words)):
            raise ChatError(Reason.NO_SEARCH_WORDS)
        return [] if conversation is None else await self._log.search(conversation, words, limit)

    async def move_read_marker(self, participant: Participant, name: str, id: int) -> None:
        """Move the user's read marker in a conversation forward to `id`, and tell the user's other connections.

        Raises ChatError(bad-command) for an id that the log does not have yet.
        """
        user = _user(participant)
        conversation = self._conversation(user, name)
        self._check_exists(id)
        if conversation is None or not user.is_account or self._accounts is None:
            return
        shown = self._name(user, conversation)
        if not await self._accounts.move_read_marker(user.identity, conversation, id):
            return
        for other in user.participants:
            if other is not participant:
                other.read_marker_moved(shown, id)
                other.flush()

    async def read_markers(self, user: User) -> list[tuple[str, int]]:
        """Return the user's read markers, each with the name of its room or person, if the user still sees that."""
        if self._accounts is None or not user.is_account:
            return []
        markers = await self._accounts.read_markers(user.identity)
        named = [(self._name(user, conversation), id) for conversation, id in markers]
        return sorted((name, id) for name, id in named if name)

    async def own_conversations(self, participant: Participant) -> list[str]:
        """Return the user's rooms, sorted by their keys, then the people whom the user talked with, latest first."""
        user = _user(participant)
        identities = await self._log.partners(user.identity, MAX_PARTNERS_LISTED)
        partners = map(self._registry.by_identity, identities)
        rooms = [room.name for room in self._rooms.joined_by(user)]
        return rooms + [partner.name for partner in partners if partner is not None and not partner.deleted]

    async def unread(self, user: User, after: int, up_to: int, limit: int) -> tuple[list[Record], int]:
        """Return what others said in an account's conversations with after < id <= up_to.

        The result is the newest `limit` records, oldest first, and the number of all such
        records, counted up to MAX_UNREAD_COUNTED + 1.
        """
        return await self._log.unread(user.identity, user.delivered_rooms, after, up_to, limit)

    async def cursor(self, participant: Participant, position: int, epoch: str = "") -> Cursor:
        """Return a cursor that reads the log from `position` on, for an account that knows it from `epoch`.

        Raises ChatError: not-allowed for a guest, gone for another epoch or a position that the log does not have yet.
        """
        user = _user(participant)
        if not user.is_account:
            raise ChatError(Reason.ACCOUNTS_ONLY)
        if epoch and epoch != self._log.epoch:
            raise ChatError(Reason.OTHER_EPOCH)
        if position > self._log.last:
            if epoch:
                self._log.suspect_epoch(position)
            raise ChatError(Reason.POSITION_UNKNOWN, id=position)
        delivered = user.delivered_rooms
        changes = await self._log.first_membership_changes(user.identity, position)
        rooms = {room for room, joined in delivered.items() if joined <= position and room not in changes}
        rooms |= {room for room, kind in changes.items() if kind == LEFT}
        return Cursor(user.identity, rooms, participant.sender_number, position)

    async def read_on(
        self, cursor: Cursor, participant: Participant, limit: int = CATCH_UP_PAGE_RECORDS
    ) -> tuple[list[Record], bool]:
        """Read on at the cursor; return at most `limit` records, and True if the cursor has reached the log's end.

        If the log no longer has the cursor's position, the participant is told of a gap.
        """
        if cursor.position < self._log.first - 1 and participant.user is not None:
            position = self._log.first - 1
            delivered = participant.user.delivered_rooms
            cursor.jump_to(position, (room for room, joined in delivered.items() if joined <= position))
            participant.notify(Notice.GAP)
        limit = min(limit, CATCH_UP_PAGE_RECORDS)
        page = await self._log.read(cursor.identity, cursor.rooms, cursor.position, limit)
        cursor.sender_numbers |= {participant.sender_number}
        return cursor.take(page, CATCH_UP_PAGE_CHARACTERS), cursor.position >= self._log.last

    def _conversation(self, user: User, name: str) -> Conversation | None:
        if is_room(name):
            room = self._rooms.get(name)
            if room is None or room.key not in user.rooms:
                raise ChatError(Reason.ROOM_NOT_VISIBLE, room=name)
            return room.key
        other = self._registry.get(name)
        return None if other is None else direct(user.identity, other.identity)

    def _name(self, user: User, conversation: Conversation) -> str:
        """Return a conversation's name as the user sees it: a room, a person, or "" if it is no longer there."""
        if isinstance(conversation, str):
            room = self._rooms.get(conversation)
            return room.name if room is not None and conversation in user.rooms else ""
        first, second = conversation
        partner = self._registry.by_identity(second if first == user.identity else first)
        return partner.name if partner is not None and not partner.deleted else ""

    def _check_exists(self, id: int) -> None:
        if id > self._log.last:
            raise ChatError(Reason.UNKNOWN_ID, id=id)


def _user(participant: Participant) -> User:
    if participant.user is None:
        raise ChatError(Reason.NO_NAME)
    return participant.user


def fit_page(records: list[Record], oldest_first: bool) -> list[Record]:
    """Return as many of a page's records as fit in MAX_HISTORY_CHARACTERS, from the end where the page begins."""
    size = 0
    for count, record in enumerate(records if oldest_first else reversed(records)):
        size += len(record.text)
        if count and size > MAX_HISTORY_CHARACTERS:
            return records[:count] if oldest_first else records[-count:]
    return records
