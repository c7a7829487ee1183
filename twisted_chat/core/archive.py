"""What was said, and who may see it: history, search, what one missed, and read markers."""

from twisted_chat.core.cursor import Cursor
from twisted_chat.core.errors import BAD_COMMAND, NO_SUCH_ROOM, NOT_ALLOWED, NOT_REGISTERED, ChatError
from twisted_chat.core.interfaces import Accounts, MessageLog
from twisted_chat.core.messages import LEFT, Conversation, Record, direct
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Participant, User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import Rooms

PAGE = 200
PAGE_SIZE = 64 * 1024
"""Records of the log, and characters of their texts, that one step of catching up takes."""
PARTNERS = 200
"""People with whom one has talked, of whom one is told."""


class Archive:
    """What the log has, for those who may see it.

    What does not exist and what one may not see get the same answer: nothing for a person
    with whom there is no conversation, ChatError(no-such-room) for a room that one is not in.
    Everything raises ChatError(not-registered) for one without a name.
    """

    def __init__(self, log: MessageLog, registry: UserRegistry, rooms: Rooms, accounts: Accounts | None) -> None:
        self._log, self._registry, self._rooms, self._accounts = log, registry, rooms, accounts

    async def history(self, participant: Participant, name: str, before: int, after: int, limit: int) -> list[Record]:
        """A page of a room's or a direct conversation's records, oldest first; `before` 0 means up to now."""
        conversation = self._conversation(_user(participant), name)
        return [] if conversation is None else await self._log.history(conversation, before, after, limit)

    async def search(self, participant: Participant, name: str, words: str, limit: int) -> list[Record]:
        """The newest texts of a room or a direct conversation with all these words, oldest first.

        Raises ChatError(bad-command) where there is no word.
        """
        conversation = self._conversation(_user(participant), name)
        if not any(map(str.isalnum, words)):
            raise ChatError(BAD_COMMAND, "a search looks for words, of letters and digits: search,#tea,assam")
        return [] if conversation is None else await self._log.search(conversation, words, limit)

    async def mark(self, participant: Participant, name: str, id: int) -> None:
        """Move the user's read marker of a conversation, and tell its other connections.

        Raises ChatError(bad-command) for an id that is not there yet.
        """
        user = _user(participant)
        conversation = self._conversation(user, name)
        self._check_place(id)
        if conversation is None or not user.is_account or self._accounts is None:
            return
        shown = self._name(user, conversation)
        if not await self._accounts.mark(user.identity, conversation, id):
            return
        for other in user.participants:
            if other is not participant:
                other.read_marker_moved(shown, id)
                other.flush()

    async def markers(self, user: User) -> list[tuple[str, int]]:
        """A user's read markers, each with the name of its room or person, where that is still there."""
        if self._accounts is None or not user.is_account:
            return []
        named = [(self._name(user, place), id) for place, id in await self._accounts.markers(user.identity)]
        return sorted((name, id) for name, id in named if name)

    async def mine(self, participant: Participant) -> list[str]:
        """The rooms that the user is in, in the order of their keys, and with whom one has talked, the latest first."""
        user = _user(participant)
        partners = map(self._registry.identified, await self._log.partners(user.identity, PARTNERS))
        rooms = [room.name for room in self._rooms.joined_by(user)]
        return rooms + [friend.name for friend in partners if friend is not None and not friend.deleted]

    async def unread(self, user: User, after: int, up_to: int, limit: int) -> tuple[list[Record], int]:
        """What others said in an account's conversations with after < id <= up_to.

        The newest `limit` records, oldest first, and how many there are, counted up to MAX_UNREAD_COUNTED + 1.
        """
        return await self._log.unread(user.identity, user.delivered_rooms, after, up_to, limit)

    async def cursor(self, participant: Participant, place: int) -> Cursor:
        """The log from a place on, for an account.

        Raises ChatError: not-allowed for a guest, bad-command for a place that is not there yet.
        """
        user = _user(participant)
        if not user.is_account:
            raise ChatError(NOT_ALLOWED, "what was said is kept for accounts: register,<name>,<password> makes one")
        self._check_place(place)
        delivered = user.delivered_rooms
        changes = await self._log.first_membership_changes(user.identity, place)
        rooms = {room for room, joined in delivered.items() if joined <= place and room not in changes}
        rooms |= {room for room, kind in changes.items() if kind == LEFT}
        return Cursor(user.identity, rooms, participant.sender_number, place)

    async def read_on(self, cursor: Cursor, participant: Participant, most: int = PAGE) -> tuple[list[Record], bool]:
        """The next of the log for one who is behind, at most so many records, and whether that is all there is.

        Tells the participant of a gap when the log no longer holds its place.
        """
        if cursor.position < self._log.first - 1 and participant.user is not None:
            place = self._log.first - 1
            cursor.jump_to(
                place, (room for room, joined in participant.user.delivered_rooms.items() if joined <= place)
            )
            participant.notify("gap", "you read too slowly: some messages are no longer kept here")
        page = await self._log.read(cursor.identity, cursor.rooms, cursor.position, min(most, PAGE))
        cursor.numbers |= {participant.sender_number}
        return cursor.take(page, PAGE_SIZE), cursor.position >= self._log.last

    def _conversation(self, user: User, name: str) -> Conversation | None:
        if is_room(name):
            room = self._rooms.get(name)
            if room is None or room.key not in user.rooms:
                raise ChatError(NO_SUCH_ROOM, f"you are in no room {name}; join,{name} first")
            return room.key
        other = self._registry.get(name)
        return None if other is None else direct(user.identity, other.identity)

    def _name(self, user: User, conversation: Conversation) -> str:
        if isinstance(conversation, str):
            room = self._rooms.get(conversation)
            return room.name if room is not None and conversation in user.rooms else ""
        one, other = conversation
        friend = self._registry.identified(other if one == user.identity else one)
        return friend.name if friend is not None and not friend.deleted else ""

    def _check_place(self, id: int) -> None:
        if id > self._log.last:
            raise ChatError(BAD_COMMAND, f"nothing has the id {id} yet")


def _user(participant: Participant) -> User:
    if participant.user is None:
        raise ChatError(NOT_REGISTERED, "you have no name yet; register,<name> first")
    return participant.user
