"""The conversation: the one place where it is decided who may say what to whom.

A request comes in as a call, becomes an entry of the log, and comes back from the
log through `deliver`: acknowledgement and delivery leave from the same point.
"""

from collections.abc import Sequence
from contextlib import suppress

from twisted_chat.core.errors import (
    ALREADY_REGISTERED,
    BAD_TEXT,
    NO_SUCH_ROOM,
    NOT_REGISTERED,
    UNAVAILABLE,
    ChatError,
)
from twisted_chat.core.interfaces import Entry, Envelope, MessageLog, Participant, Route
from twisted_chat.core.messages import JOINED, LEFT, MESSAGE, TOPIC, Conversation, Record, direct
from twisted_chat.core.names import is_room, user_name
from twisted_chat.core.registry import User, UserRegistry
from twisted_chat.core.rooms import Room, Rooms
from twisted_chat.core.view import View

ROUTES = 64
"""Names that a participant's routes are remembered for."""
PAGE = 200
PAGE_SIZE = 64 * 1024
"""Records of the log, and characters of their texts, that one step of catching up takes."""


class Hub:
    """Everything that can be done in a conversation, for every door alike.

    All of it raises ChatError for what may not be done, and then nothing has
    changed. What is said takes effect in the order of the calls.
    """

    def __init__(self, log: MessageLog) -> None:
        self.log = log
        self.registry = UserRegistry()
        self.rooms = Rooms()
        self._changes = 0
        self._last: Entry | None = None
        log.subscribe(self.deliver, self.refuse)

    # who is here

    async def sign_in(self, participant: Participant, name: str, password: str | None = None) -> User:
        """Give a free name to a participant, as a guest.

        Raises ChatError: already-registered, bad-name, name-taken, or unavailable
        for a password, since no accounts are kept here.
        """
        if participant.user is not None:
            name = participant.user.name
            raise ChatError(ALREADY_REGISTERED, f"you are {name} already; rename,<name> changes a guest's name")
        checked = user_name(name)
        if password is not None:
            raise ChatError(UNAVAILABLE, "no accounts are kept here; register,<name> without a password makes a guest")
        user = participant.user = self.registry.add(checked, self.log.new_identity(), participant)
        return user

    def sign_out(self, participant: Participant) -> None:
        """End a participant's part in everything; the second time it does nothing."""
        user, participant.user = participant.user, None
        participant.routes.clear()
        if user is None:
            return
        neighbours = self.rooms.neighbours(user)
        for room in self.rooms.joined_by(user):
            self._leave(participant, user, room, None)
        self.registry.remove(user)
        user.participants = ()
        self._changed()
        _tell(neighbours, user, user.name, None)

    def rename(self, participant: Participant, name: str) -> None:
        """Change a guest's name; raises ChatError: bad-name, name-taken."""
        user = self._user(participant)
        old = user.name
        self.registry.rename(user, user_name(name))
        self._changed()
        if user.name != old:
            _tell(self.rooms.neighbours(user), user, old, user.name)

    def away(self, participant: Participant, text: str | None) -> None:
        """Say that one is away, and why; None for being back."""
        self._user(participant).away = text
        self._changed()

    # what is said

    def say(
        self, participant: Participant, to: str, texts: list[str], kind: str = MESSAGE, label: str | None = None
    ) -> None:
        """Say one text, or several in a row, to a person or a room; `label` is the first one's.

        What is said to the same in a row, until it is flushed, becomes one entry.
        Raises ChatError: bad-text for an empty text, bad-name, no-such-user,
        no-such-room, not-a-member.
        """
        route = participant.routes.get(to)
        if route is None or route.changes != self._changes:
            route = self._route(participant, to)
        if "" in texts:
            raise ChatError(BAD_TEXT, f"there is nothing to say to {to}: the text is empty")
        last = self._last
        if last is None or last.envelope is not route.envelope or last.kind != kind:
            recipients = route.target.participants
            self._last = Entry(kind, route.envelope, recipients, texts, participant, label, label is not None)
            self.log.append(self._last)
            return
        if label is not None:
            last.labels[len(last.texts)] = label
            last.asked = True
        last.texts += texts

    def join(self, participant: Participant, name: str, label: str | None = None) -> bool:
        """Make the user a member of a room; False if it was one already. Raises ChatError: bad-name, not-allowed."""
        user = self._user(participant)
        room = self.rooms.join(user, name)
        if room is None:
            return False
        self._announce(JOINED, participant, user, room, "", label)
        return True

    def leave(self, participant: Participant, name: str, label: str | None = None) -> bool:
        """End the user's membership; False if there was none. Raises ChatError(bad-name)."""
        user = self._user(participant)
        room = self.rooms.get(name)
        if room is None or room.key not in user.rooms:
            return False
        self._leave(participant, user, room, label)
        return True

    def set_topic(self, participant: Participant, name: str, text: str, label: str | None = None) -> None:
        """Change a room's topic, by a member; raises ChatError: bad-name, no-such-room, not-a-member."""
        user = self._user(participant)
        room = self.rooms.of(user, name)
        room.topic = text
        self._announce(TOPIC, participant, user, room, text, label)

    def topic(self, participant: Participant, name: str) -> str:
        """A room's topic, for its members; raises ChatError: bad-name, no-such-room, not-a-member."""
        return self.rooms.of(self._user(participant), name).topic

    # what was said

    async def history(self, participant: Participant, name: str, before: int, after: int, limit: int) -> list[Record]:
        """A page of a room's or a direct conversation's records, oldest first; `before` 0 means up to now.

        Nothing for a person with whom there is no conversation. Raises ChatError:
        bad-name, and no-such-room alike for a room that is not and one that the user is not in.
        """
        user = self._user(participant)
        if is_room(name):
            room = self.rooms.get(name)
            if room is None or room.key not in user.rooms:
                raise ChatError(NO_SUCH_ROOM, f"you are in no room {name}; join,{name} first")
            return await self.log.history(room.key, before, after, limit)
        other = self.registry.get(name)
        if other is None:
            return []
        return await self.log.history(direct(user.identity, other.identity), before, after, limit)

    async def read_on(self, view: View, participant: Participant) -> tuple[list[Record], bool]:
        """The next of the log for one who is behind, and whether that is all there is.

        Tells the participant of a gap when the log no longer holds its place.
        """
        if view.place < self.log.first - 1 and participant.user is not None:
            view.skip(self.log.first - 1, participant.user)
            participant.told("gap", "you read too slowly: some messages are no longer kept here")
        records = view.pick(await self.log.read(view.place, PAGE), PAGE_SIZE)
        return records, view.place >= self.log.last

    # behind the log

    def flush(self) -> None:
        """What has been said may now be kept and delivered."""
        self._last = None
        self.log.flush()

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Acknowledge and deliver a batch that the log has, then flush each client once."""
        touched: dict[Participant, None] = {}  # in the order of their entries
        for entry in entries:
            origin, recipients = entry.origin, entry.recipients
            to_room = entry.envelope.conversation.__class__ is str
            entry.origin, entry.recipients = None, ()
            assert origin is not None
            if to_room and entry.kind in (JOINED, LEFT):
                _settle(entry, origin.user)
            for participant in recipients:
                if participant is not origin or not to_room:
                    participant.deliver(entry)
                    touched[participant] = None
            if origin.stored(entry):
                touched[origin] = None
        for participant in touched:
            participant.flush()

    def refuse(self, entries: Sequence[Entry]) -> None:
        """Tell those who said what the log cannot keep. Nobody has seen it, and a join or leave has not been."""
        sentence = "the server cannot keep what is said just now; nothing was sent, so say it again in a while"
        for entry in entries:
            origin, entry.origin, entry.recipients = entry.origin, None, ()
            assert origin is not None
            if origin.user is not None:
                self._undo(entry, origin.user)
                origin.refused(entry, ChatError(UNAVAILABLE, sentence))
                origin.flush()

    def _undo(self, entry: Entry, user: User) -> None:
        if entry.kind == JOINED:
            room = self.rooms.get(entry.envelope.to)
            if room is not None and room.key in user.rooms:
                self.rooms.leave(user, room)
        elif entry.kind == LEFT:
            with suppress(ChatError):  # in as many rooms as may be, meanwhile: then it stays left
                self.rooms.join(user, entry.envelope.to)
        self._changed()

    def _user(self, participant: Participant) -> User:
        if participant.user is None:
            raise _nameless()
        return participant.user

    def _leave(self, participant: Participant, user: User, room: Room, label: str | None) -> None:
        self.rooms.leave(user, room)
        self._announce(LEFT, participant, user, room, "", label)

    def _announce(
        self, kind: str, participant: Participant, user: User, room: Room, text: str, label: str | None
    ) -> None:
        self._changed()
        envelope = Envelope(user.name, room.name, room.key, user.identity, participant.number)
        self.log.append(Entry(kind, envelope, room.participants, [text], participant, label, True))

    def _route(self, participant: Participant, to: str) -> Route:
        user = self._user(participant)
        target: User | Room
        if is_room(to):
            target = self.rooms.of(user, to)
            conversation: Conversation = target.key
        else:
            target = self.registry.find(to)
            conversation = direct(user.identity, target.identity)
            if target.away is not None:
                participant.told("away", f"{target.name} is away: {target.away}")
        envelope = Envelope(user.name, target.name, conversation, user.identity, participant.number)
        if len(participant.routes) >= ROUTES:
            participant.routes.clear()
        route = participant.routes[to] = Route(self._changes, envelope, target)
        return route

    def _changed(self) -> None:
        """Somebody came, went or changed: what is said from now on goes where it then should."""
        self._changes += 1
        self._last = None


def _tell(users: Sequence[User], who: User, before: str | None, now: str | None) -> None:
    for user in users:
        for participant in user.participants:
            participant.presence(who.identity, before, now)


def _nameless() -> ChatError:
    return ChatError(NOT_REGISTERED, "you have no name yet; register,<name> first")


def _settle(entry: Entry, user: User | None) -> None:
    """Move the user's membership, as readers of the log know it, past its own join or leave."""
    room = entry.envelope.conversation
    if user is not None and isinstance(room, str):
        user.settled = {key: joined for key, joined in user.settled.items() if key != room}
        if entry.kind == JOINED:
            user.settled[room] = entry.first
