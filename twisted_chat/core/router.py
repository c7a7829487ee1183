"""Check and route what users say, and deliver it when the log has it.

A request comes in as a call, becomes an entry of the log, and comes back from the
log through `deliver`: acknowledgement and delivery leave from the same point.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import MessageLog
from twisted_chat.core.messages import JOINED, LEFT, MEMBERSHIP_CHANGES, MESSAGE, TOPIC, TOPIC_CHANGES, direct
from twisted_chat.core.mixed import MixedEntry
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Absence, Entry, Envelope, Participant, Route, User, size_of
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import Room, Rooms
from twisted_chat.core.shares import Shares

MAX_ROUTES_PER_CONNECTION = 64
"""Names to which a connection's routes are remembered."""
RECORD_BYTES = 100
"""Bytes of the file that a record takes, beside its text."""
CHANGE_BYTES = 1024
"""Bytes that a change of a room is counted as: it also costs others' time, and memory for good."""
ROOM_CHANGES = (*MEMBERSHIP_CHANGES, *TOPIC_CHANGES)
"""Kinds of records that change a room."""


class Router:
    """Routes what is said between users and in rooms; the part of the Hub that handles messages and membership."""

    def __init__(self, log: MessageLog, shares: Shares | None = None) -> None:
        self.log = log
        self.shares = shares or Shares()
        self.registry = UserRegistry()
        self.rooms = Rooms()
        self._open: Entry | None = None  # what is said to the same target in a row joins it, until it is flushed
        log.subscribe(self.deliver, self.refuse)

    def say(
        self, participant: Participant, to: str, texts: list[str], kind: str = MESSAGE, label: str | None = None
    ) -> Absence | None:
        """Say one text, or several in a row, to a person or a room; `label` is that of the first.

        Returns the recipient's absence, when the sender has not been told of it yet.
        Raises ChatError: bad-text for an empty text, bad-name, no-such-user,
        no-such-room, not-a-member.
        """
        absence = None
        route = participant.routes.get(to)
        if route is None or route.version != route.target.version:
            known = route.absence if route is not None else None
            route = self._find_route(participant, to)
            absence = route.absence if route.absence != known else None
        if "" in texts:
            raise ChatError(Reason.EMPTY_TEXT, to=to)
        entry = self._open
        if entry is None or entry.envelope is not route.envelope or entry.kind != kind:
            self._open = self._append(participant, route, texts, {} if label is None else {0: label}, kind)
            return absence
        size = size_of(texts)
        entry.size += size
        participant.unstored += size
        participant.credit -= size + RECORD_BYTES * len(texts)
        if label is not None:
            entry.labels[len(entry.texts)] = label
            entry.asked = True
        entry.texts += texts
        return absence

    def say_all(
        self,
        participant: Participant,
        targets: Sequence[str],
        texts: list[str],
        labels: dict[int, str],
        size: int | None = None,
    ) -> int:
        """Say the messages that one read brought, none of them empty; `labels` by the message's index.

        `size` is that of the texts together, if the caller knows it: at least what they take in memory.
        Returns how many were said: those in front of the first one whose route must be found
        anew, which is for `say`.
        """
        first = targets[0]
        route = participant.routes.get(first)
        if route is None or route.version != route.target.version:
            return 0
        self._open = None
        if len(texts) == 1 or targets.count(first) == len(texts):
            self._append(participant, route, texts, labels, MESSAGE, size)
            return len(texts)
        routes: dict[str, Route] = {first: route}
        for index, to in enumerate(targets):
            if to not in routes:
                route = participant.routes.get(to)
                if route is None or route.version != route.target.version:
                    targets, texts, size = targets[:index], texts[:index], None
                    labels = {other: label for other, label in labels.items() if other < index}
                    break
                routes[to] = route
        if _are_apart(routes):
            entry = MixedEntry(MESSAGE, [routes[to] for to in targets], texts, participant, labels, size)
            participant.unstored += entry.size
            participant.credit -= entry.size + RECORD_BYTES * len(texts)
            self.log.append(entry)
        else:
            self._append_runs(participant, [routes[to] for to in targets], texts, labels)
        return len(texts)

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
        room = self.rooms.find_joined(user, name)
        room.topic = text
        self._announce(TOPIC, participant, user, room, text, label)

    def topic(self, participant: Participant, name: str) -> str:
        """A room's topic, for its members; raises ChatError: bad-name, no-such-room, not-a-member."""
        return self.rooms.find_joined(self._user(participant), name).topic

    # behind the log

    def flush(self) -> None:
        """Have the log keep and deliver what has been said."""
        self._open = None
        self.log.flush()

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Acknowledge and deliver a batch that the log has, then flush each client once."""
        touched: dict[Participant, None] = {}  # in the order of their entries
        for entry in entries:
            connection, recipients, copies = entry.connection, entry.recipients, entry.copies
            assert connection is not None
            connection.unstored -= entry.size
            if entry.__class__ is MixedEntry:
                for delivery, recipients in entry.deliveries():
                    for participant in recipients:
                        participant.deliver(delivery)
                        touched[participant] = None
            else:
                to_room = entry.envelope.conversation.__class__ is str
                for participant in recipients:
                    if participant is not connection or not to_room:
                        participant.deliver(entry)
                        touched[participant] = None
                for participant in copies:
                    participant.deliver_copy(entry)
                    touched[participant] = None
                if to_room and entry.kind in ROOM_CHANGES:  # now: a reader that falls behind by it had it
                    self._apply(entry)
            entry.forget_participants()
            if connection.acknowledge(entry):
                touched[connection] = None
        for participant in touched:
            participant.flush()

    def refuse(self, entries: Sequence[Entry]) -> None:
        """Tell the senders of what the log cannot keep. No recipient has seen it, and a join or leave is undone."""
        for entry in entries:
            connection = entry.connection
            assert connection is not None
            connection.unstored -= entry.size
            entry.forget_participants()
            user = self.registry.by_identity(entry.envelope.author)
            if user is not None:
                self._undo(entry, user)
            connection.reject(entry, entry.problem or ChatError(Reason.LOG_CANNOT_WRITE))
            connection.flush()

    def _apply(self, entry: Entry) -> None:
        """Move a membership, or a topic, as readers of the log know it, past its own record."""
        key, user = entry.envelope.conversation, self.registry.by_identity(entry.envelope.author)
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
                forget_routes(user)
        elif entry.kind == TOPIC:
            room = self.rooms.get(entry.envelope.to)
            if room is not None:
                room.topic = room.delivered_topic
        elif entry.kind == LEFT:
            with suppress(ChatError):  # the user is in as many rooms as allowed meanwhile: then it stays left
                self.rooms.join(user, entry.envelope.to)
        self._open = None

    # shared by the requests

    def _user(self, participant: Participant) -> User:
        if participant.user is None:
            raise ChatError(Reason.NO_NAME)
        return participant.user

    def _leave(self, participant: Participant, user: User, room: Room, label: str | None) -> None:
        self.rooms.leave(user, room)
        forget_routes(user)
        self._announce(LEFT, participant, user, room, "", label)

    def _announce(
        self, kind: str, participant: Participant, user: User, room: Room, text: str, label: str | None
    ) -> None:
        self._open = None
        envelope = Envelope(user.name, room.name, room.key, user.identity, participant.sender_number)
        recipients = room.participants
        if kind == LEFT:
            recipients += user.participants
        labels = {} if label is None else {0: label}
        entry = Entry(kind, envelope, recipients, [text], participant, labels, True)
        participant.unstored += entry.size
        participant.credit -= entry.size + CHANGE_BYTES
        self.log.append(entry)

    def _append(
        self,
        participant: Participant,
        route: Route,
        texts: list[str],
        labels: dict[int, str],
        kind: str = MESSAGE,
        size: int | None = None,
    ) -> Entry:
        """Append an entry to the log for those whom the route reaches now, and return it."""
        recipients, asked = route.target.participants, bool(labels)
        entry = Entry(kind, route.envelope, recipients, texts, participant, labels, asked, route.copies, size)
        participant.unstored += entry.size
        participant.credit -= entry.size + RECORD_BYTES * len(texts)
        self.log.append(entry)
        return entry

    def _append_runs(
        self, participant: Participant, routes: Sequence[Route], texts: list[str], labels: dict[int, str]
    ) -> None:
        """Append an entry for each run of texts to the same target, since a recipient may get several runs."""
        for route, run in groupby(range(len(texts)), routes.__getitem__):
            indexes = list(run)
            said = [texts[index] for index in indexes]
            labelled = {new: labels[old] for new, old in enumerate(indexes) if old in labels}
            self._append(participant, route, said, labelled)

    def _find_route(self, participant: Participant, to: str) -> Route:
        user = self._user(participant)
        if is_room(to):
            room = self.rooms.find_joined(user, to)
            envelope = Envelope(user.name, room.name, room.key, user.identity, participant.sender_number)
            route = Route(envelope, room)
        else:
            target = self.registry.find(to)
            conversation = direct(user.identity, target.identity)
            envelope = Envelope(user.name, target.name, conversation, user.identity, participant.sender_number)
            copies: tuple[Participant, ...] = ()
            if target is not user:
                copies = tuple(other for other in user.participants if other is not participant)
            exclusive = target is not user and not copies
            route = Route(envelope, target, copies, _absence(target), exclusive)
        if len(participant.routes) >= MAX_ROUTES_PER_CONNECTION:
            participant.routes.clear()
        participant.routes[to] = route
        return route


def forget_routes(user: User) -> None:
    """Have each connection of a user find its routes anew: its name, rooms or connections have changed."""
    for participant in user.participants:
        participant.routes.clear()


def _are_apart(routes: dict[str, Route]) -> bool:
    """Return True when no recipient is reached by two of these routes."""
    if not all(route.exclusive for route in routes.values()):
        return False
    return len({id(route.target) for route in routes.values()}) == len(routes)


def _absence(user: User) -> Absence | None:
    if not user.participants:
        return Absence(user.name, None)
    return Absence(user.name, user.away) if user.away is not None else None
