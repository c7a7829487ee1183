"""What is said: who may say what to whom, what becomes of it, and who is shown it.

A request comes in as a call, becomes an entry of the log, and comes back from the
log through `deliver`: acknowledgement and delivery leave from the same point.
"""

from collections.abc import Sequence
from contextlib import suppress

from twisted_chat.core.errors import BAD_TEXT, NOT_REGISTERED, UNAVAILABLE, ChatError
from twisted_chat.core.interfaces import MessageLog
from twisted_chat.core.messages import JOINED, LEFT, MESSAGE, TOPIC, Conversation, direct
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Entry, Envelope, Participant, Route, User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import Room, Rooms

ROUTES = 64
"""Names that a participant's routes are remembered for."""


class Router:
    """What those who are in the registry say to each other, and in rooms: the part of the Hub that is about that."""

    def __init__(self, log: MessageLog) -> None:
        self.log = log
        self.registry = UserRegistry()
        self.rooms = Rooms()
        self._changes = 0
        self._last: Entry | None = None
        log.subscribe(self.deliver, self.refuse)

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
            route = self._route(participant, to, route)
        if "" in texts:
            raise ChatError(BAD_TEXT, f"there is nothing to say to {to}: the text is empty")
        last = self._last
        if last is None or last.envelope is not route.envelope or last.kind != kind:
            _, envelope, target, copies, _ = route
            asked = label is not None
            self._last = Entry(kind, envelope, target.participants, texts, participant, label, asked, copies)
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

    # behind the log

    def flush(self) -> None:
        """What has been said may now be kept and delivered."""
        self._last = None
        self.log.flush()

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Acknowledge and deliver a batch that the log has, then flush each client once."""
        touched: dict[Participant, None] = {}  # in the order of their entries
        for entry in entries:
            connection, recipients, copies = entry.connection, entry.recipients, entry.copies
            to_room = entry.envelope.conversation.__class__ is str
            entry.connection, entry.recipients, entry.copies = None, (), ()
            assert connection is not None
            for participant in recipients:
                if participant is not connection or not to_room:
                    participant.deliver(entry)
                    touched[participant] = None
            for participant in copies:
                participant.deliver_copy(entry)
                touched[participant] = None
            if to_room and entry.kind in (JOINED, LEFT, TOPIC):  # now, since who falls behind by it was there before it
                self._apply(entry)
            if connection.acknowledge(entry):
                touched[connection] = None
        for participant in touched:
            participant.flush()

    def refuse(self, entries: Sequence[Entry]) -> None:
        """Tell those who said what the log cannot keep. Nobody has seen it, and a join or leave has not been."""
        sentence = "the server cannot keep what is said just now; nothing was sent, so say it again in a while"
        for entry in entries:
            connection, entry.connection, entry.recipients, entry.copies = entry.connection, None, (), ()
            assert connection is not None
            user = self.registry.identified(entry.envelope.author)
            if user is not None:
                self._undo(entry, user)
            if connection.user is not None:
                connection.reject(entry, entry.problem or ChatError(UNAVAILABLE, sentence))
                connection.flush()

    def _apply(self, entry: Entry) -> None:
        """Move a membership, or a topic, as readers of the log know it, past its own record."""
        key, user = entry.envelope.conversation, self.registry.identified(entry.envelope.author)
        assert isinstance(key, str)
        if entry.kind == TOPIC:
            room = self.rooms.get(entry.envelope.to)
            if room is not None:
                room.delivered_topic = entry.texts[-1]
        elif user is not None:
            delivered = {other: joined for other, joined in user.delivered_rooms.items() if other != key}
            if entry.kind == JOINED:
                delivered[key] = entry.first
            user.delivered_rooms = delivered

    def _undo(self, entry: Entry, user: User) -> None:
        if entry.kind == JOINED:
            room = self.rooms.get(entry.envelope.to)
            if room is not None and room.key in user.rooms:
                self.rooms.leave(user, room)
        elif entry.kind == TOPIC:
            room = self.rooms.get(entry.envelope.to)
            if room is not None:
                room.topic = room.delivered_topic
        elif entry.kind == LEFT:
            with suppress(ChatError):  # in as many rooms as may be, meanwhile: then it stays left
                self.rooms.join(user, entry.envelope.to)
        self._changed()

    # what the parts share

    def _user(self, participant: Participant) -> User:
        if participant.user is None:
            raise ChatError(NOT_REGISTERED, "you have no name yet; register,<name> first")
        return participant.user

    def _leave(self, participant: Participant, user: User, room: Room, label: str | None) -> None:
        self.rooms.leave(user, room)
        self._announce(LEFT, participant, user, room, "", label)

    def _announce(
        self, kind: str, participant: Participant, user: User, room: Room, text: str, label: str | None
    ) -> None:
        self._changed()
        envelope = Envelope(user.name, room.name, room.key, user.identity, participant.sender_number)
        recipients = room.participants
        if kind == LEFT:
            recipients += user.participants
        self.log.append(Entry(kind, envelope, recipients, [text], participant, label, True))

    def _route(self, participant: Participant, to: str, stale: Route | None) -> Route:
        user = self._user(participant)
        target: User | Room
        copies: tuple[Participant, ...] = ()
        notice = ""
        if is_room(to):
            target = self.rooms.of(user, to)
            conversation: Conversation = target.key
        else:
            target = self.registry.find(to)
            conversation = direct(user.identity, target.identity)
            if target is not user:
                copies = tuple(other for other in user.participants if other is not participant)
            notice = _notice(target)
            if notice and (stale is None or stale.notice != notice):
                participant.notify("away", notice)
        envelope = Envelope(user.name, target.name, conversation, user.identity, participant.sender_number)
        if len(participant.routes) >= ROUTES:
            participant.routes.clear()
        route = participant.routes[to] = Route(self._changes, envelope, target, copies, notice)
        return route

    def _changed(self) -> None:
        """Somebody came, went or changed: what is said from now on goes where it then should."""
        self._changes += 1
        self._last = None


def _notice(user: User) -> str:
    """What one who speaks to somebody is told."""
    if not user.participants:
        return f"{user.name} is not here now, and will find it later"
    return f"{user.name} is away: {user.away}" if user.away is not None else ""
