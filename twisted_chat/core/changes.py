"""The changes of rooms: join, leave, topic. They take effect at once, and are undone if the log cannot keep them."""

from collections.abc import Callable, Collection

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Crowds, MessageLog
from twisted_chat.core.messages import JOINED, LEFT, MEMBERSHIP_CHANGES, TOPIC, TOPIC_CHANGES, Conversation
from twisted_chat.core.moves import Moves, Quit, QuitEntry, Readers, move_entry
from twisted_chat.core.names import is_room, room_name
from twisted_chat.core.participants import Entry, Envelope, Participant, User
from twisted_chat.core.pending import TOPIC_IDENTITY, Change, place_of
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import MAX_TOPIC_CHARACTERS, Room, Rooms
from twisted_chat.core.routes import forget_routes, happens_in, said_by
from twisted_chat.core.shares import Shares

CHANGE_BYTES = 1024
"""Bytes that a change of a room is counted as: it also costs others' time, and memory for good."""
MAX_REASON_CHARACTERS = 200
"""Characters of the reason for leaving a room; more are cut off."""
MAX_UNRECORDED_LEAVES = 10_000
"""Leaves of guests that are gone, which the log could not keep and will be given again; the oldest are forgotten."""
MAX_WAITS_FOR_A_CHANGE = 10
"""A user may join and leave without an end: then what waits for the outcome is refused."""
Unrecorded = tuple[Participant, Envelope, Room, Quit | None]
ROOM_CHANGES = (*MEMBERSHIP_CHANGES, *TOPIC_CHANGES)
"""Kinds of records that change a room."""


class RoomChanges:
    """Changes who is in which room, and the topics; a base class of the Hub."""

    def __init__(self, log: MessageLog, shares: Shares | None = None) -> None:
        self.log = log
        self.shares = shares or Shares()
        self.registry = UserRegistry()
        self.rooms = Rooms()
        self._changes: dict[tuple[int, str], Change] = {}  # those under way, see pending.place_of
        self._endings: dict[str, Change] = {}  # the leaves under way, by the room's key
        self._moves = Moves()
        self._unrecorded: list[Unrecorded] = []  # leaves of guests that are gone, see _retry
        self._log_writes = True  # as far as the last results show
        self.crowds: Crowds | None = None
        self._open: Entry | None = None  # what is said to the same target in a row joins it, until it is flushed

    def join(self, participant: Participant, name: str, label: str | None = None) -> bool:
        """Make the user a member of a room; False if it was one already. Raises ChatError: bad-name, not-allowed.

        False also while the log does not have all leaves of an earlier room of this name, which would show it as one
        with the new room: then `pending_change` returns what to wait for.
        """
        user = self._user(participant)
        if self._endings and self.rooms.get(name) is None and room_name(name).key in self._endings:
            return False
        if len(user.rooms) >= participant.max_rooms and not user.is_account and not self.shares.more_rooms(participant):
            raise ChatError(Reason.TOO_MANY_MEMBERSHIPS)
        room = self.rooms.join(user, name, participant.address)
        if room is None:
            return False
        participant.routes.clear()  # its next message comes behind the join
        self._announce(JOINED, participant, user, room, "", label)
        return True

    def leave(self, participant: Participant, name: str, label: str | None = None, reason: str = "") -> bool:
        """End the user's membership, for a reason to be told; False if there was none. Raises ChatError(bad-name)."""
        user = self._user(participant)
        room = self.rooms.get(name)
        if room is None or room.key not in user.rooms:
            return False
        self._leave(participant, user, room, label, reason)
        return True

    def set_topic(self, participant: Participant, name: str, text: str, label: str | None = None) -> None:
        """Change a room's topic. Raises ChatError: bad-name, no-such-room, not-a-member, too-long."""
        user = self._user(participant)
        room = self.rooms.find_joined(user, name)
        if len(text) > MAX_TOPIC_CHARACTERS:
            raise ChatError(Reason.TOPIC_LENGTH, max=MAX_TOPIC_CHARACTERS)
        room.topic = text
        self._announce(TOPIC, participant, user, room, text, label)

    def topic(self, participant: Participant, name: str) -> str:
        """Return a room's topic, for its members. Raises ChatError: bad-name, no-such-room, not-a-member."""
        return self.rooms.find_joined(self._user(participant), name).topic

    def pending_change(self, participant: Participant, name: str, kind: str = JOINED) -> Change | None:
        """Return the change of the user's membership in a room, or of its topic (TOPIC), that is under way, or None.

        That is also the end of the room, as long as the log does not have it. A request that depends on its
        outcome waits for that (see `settled`). Raises ChatError(bad-name).
        """
        user = participant.user
        if not self._changes or user is None or not is_room(name):
            return None
        key = room_name(name).key
        change = self._changes.get((TOPIC_IDENTITY if kind == TOPIC else user.identity, key))
        return self._endings.get(key) if change is None and self.rooms.by_key(key) is None else change

    async def settled(self, change: Change) -> None:
        """Wait until a change that was under way is stored or undone. Raises ChatError(unavailable)."""
        for _ in range(MAX_WAITS_FOR_A_CHANGE):
            if change.is_settled:
                return
            await self._all_stored(happens_in(change.room.key))
        if not change.is_settled:
            raise ChatError(Reason.LOG_CANNOT_WRITE)

    def is_moving(self, participant: Participant) -> bool:
        """Return True while the log does not have all joins and leaves of the participant's user."""
        user = participant.user
        return bool(self._changes) and user is not None and user.rooms != user.delivered_rooms.keys()

    async def moved(self, participant: Participant) -> None:
        """Wait until these joins and leaves are stored or undone, for a request that shows what the log has."""
        for _ in range(MAX_WAITS_FOR_A_CHANGE):
            user = participant.user
            if user is None or not self.is_moving(participant):
                return
            await self._all_stored(said_by(user))

    async def _all_stored(self, matters: Callable[[Entry], bool]) -> None:
        """Wait until the log has, or has refused, the entries so far that matter."""
        self.flush()
        await self.log.wait_durable(matters)

    @property
    def changes_under_way(self) -> int:
        """Return how many memberships and topics have changed, and the log has no result for them yet."""
        return len(self._changes)

    # behind the log

    def flush(self) -> None:
        """Have the log keep what has been changed and said."""
        raise NotImplementedError

    def _apply(self, entry: Entry) -> None:
        """Move a membership, or a topic, as readers of the log know it, past its own record."""
        key, user = entry.envelope.conversation, self.registry.by_identity(entry.envelope.author)
        assert isinstance(key, str)
        if isinstance(entry.recipients, Readers):
            entry.recipients.begin(entry.first)
        if entry.kind == TOPIC:
            room = self.rooms.get(entry.envelope.to)
            if room is not None:
                room.delivered_topic = entry.texts[-1]
        elif user is not None:
            assert isinstance(entry.recipients, Readers)
            was_shown = key in user.delivered_rooms
            delivered = {other: joined for other, joined in user.delivered_rooms.items() if other != key}
            if entry.kind == JOINED:
                delivered[key] = entry.first
            user.delivered_rooms = delivered
            room = entry.recipients.room
            if entry.kind == JOINED and not was_shown:
                self.rooms.show(user, room)
                self._tell_since(entry.envelope.sender, user, room)
            elif entry.kind == LEFT and was_shown:
                self.rooms.hide(user, room)

    def _tell_since(self, name: str, user: User, room: Room) -> None:
        """Tell the readers of a room what has become of a user since it asked to join: they were not told meanwhile."""
        now = user.name if user.participants else None
        if now != name:
            for other in room.shown_members():
                for participant in other.participants if other is not user else ():
                    participant.presence_changed(user.identity, name, now)

    def _settle(self, entry: Entry) -> None:
        """Set a membership or topic to what the log has, once no change of it is under way.

        Changes that were refused are undone so, and those of two connections that came to the log in another order.
        """
        place = place_of(entry)
        if entry.kind == LEFT:
            self._end_settled(place[1])
        change = self._changes[place]
        change.count -= 1
        if change.count:
            return
        del self._changes[place]
        change.is_settled = True
        self._open = None
        room, (user_identity, key) = change.room, place
        if entry.kind == TOPIC:
            room.topic = room.delivered_topic
            return
        user = self.registry.by_identity(user_identity)
        if user is None:
            return
        joined_at = user.delivered_rooms.get(key)
        if joined_at is None and key in user.rooms:
            self.rooms.leave(user, self.rooms.find(room.name))
            forget_routes(user)
        elif joined_at is not None and key not in user.rooms:
            self.rooms.rejoin(user, room)
            forget_routes(user)
        present = self.rooms.get(room.name)
        if present is not None and present is not room and joined_at is not None and joined_at == change.joined_at:
            present.topic = present.delivered_topic = room.delivered_topic  # the room has not ended after all
            present.first_id = room.first_id

    def _change_of(self, entry: Entry) -> Change:
        return self._changes[place_of(entry)]

    def _end_settled(self, key: str) -> None:
        ending = self._endings[key]
        ending.count -= 1
        if not ending.count:
            del self._endings[key]
            ending.is_settled = True

    # shared by the requests

    def _user(self, participant: Participant) -> User:
        if participant.user is None:
            raise ChatError(Reason.NO_NAME)
        return participant.user

    def _leave(
        self,
        participant: Participant,
        user: User,
        room: Room,
        label: str | None,
        reason: str = "",
        quit: Quit | None = None,
    ) -> None:
        self.rooms.leave(user, room)
        forget_routes(user)
        if participant.user is not None or user.is_account:  # a guest that is gone reads nothing
            room.leaves(user)
        self._announce(LEFT, participant, user, room, reason[:MAX_REASON_CHARACTERS], label, quit)
        if not room.members:
            self._append_moves()  # before a room of the same name begins

    def _announce(
        self,
        kind: str,
        participant: Participant,
        user: User,
        room: Room,
        text: str,
        label: str | None,
        quit: Quit | None = None,
    ) -> None:
        self._open = None
        if self.crowds is not None:
            self.crowds.settle(user)
        envelope = Envelope(user.name, room.name, room.key, user.identity, participant.sender_number)
        begins = kind == JOINED and room.first_id is None and len(room.members) == 1
        recipients = room.participants if kind == TOPIC else Readers(room, begins)
        labels = {} if label is None else {0: label}
        entry = move_entry(quit, kind, envelope, recipients, [text], participant, labels, True)
        participant.credit -= entry.size + CHANGE_BYTES
        self._begin(entry, room, user.delivered_rooms.get(room.key))
        if kind == TOPIC:
            self._append_moves()
            self.log.append(entry)
        else:
            self._moves.add(entry, room)

    def _begin(self, entry: Entry, room: Room, joined_at: int | None) -> None:
        """Count a change as under way."""
        assert entry.connection is not None
        entry.connection.unstored += entry.size
        self._changes.setdefault(place_of(entry), Change(room, joined_at)).count += 1
        if entry.kind == LEFT:
            self._endings.setdefault(room.key, Change(room, None)).count += 1

    def _append_moves(self) -> None:
        """Append the joins and leaves of this turn to the log."""
        self._open = None
        entries = self._moves.take() if self._moves else ()
        if self._unrecorded:
            self._retry(None if self._log_writes else {entry.envelope.conversation for entry in entries})
        for entry in entries:
            self.log.append(entry)

    def _keep_unrecorded(self, entry: Entry, room: Room) -> None:
        """Remember the leave of a guest that is gone, which the log could not keep: nobody can undo it."""
        if entry.connection is not None and self.registry.by_identity(entry.envelope.author) is None:
            quit = entry.quit if isinstance(entry, QuitEntry) else None
            self._unrecorded.append((entry.connection, entry.envelope, room, quit))
            del self._unrecorded[:-MAX_UNRECORDED_LEAVES]

    def _retry(self, conversations: Collection[Conversation] | None) -> None:
        """Append the leaves that the log could not keep once more: those of some rooms, or all (None).

        In the log a guest is a member, and a room of guests goes on, until it has them: they come before later joins.
        """
        leaves, self._unrecorded = self._unrecorded, []
        for leave in leaves:
            connection, envelope, room, quit = leave
            if conversations is not None and envelope.conversation not in conversations:
                self._unrecorded.append(leave)
                continue
            entry = move_entry(quit, LEFT, envelope, Readers(room), [""], connection, {}, True)
            self._begin(entry, room, None)
            self.log.append(entry)
