"""Check and route what users say, and deliver it when the log has it.

A request comes in as a call, becomes an entry of the log, and comes back from the
log through `deliver`: acknowledgement and delivery leave from the same point.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from twisted_chat.core.changes import ROOM_CHANGES, RoomChanges
from twisted_chat.core.dedup import is_forgotten, is_target
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import MessageLog
from twisted_chat.core.messages import GUESTS, JOINED, LEFT, MESSAGE, direct
from twisted_chat.core.mixed import MixedEntry
from twisted_chat.core.moves import Readers, deliver_moves, follows
from twisted_chat.core.names import is_room
from twisted_chat.core.participants import Absence, Entry, Envelope, Participant, Route, size_of
from twisted_chat.core.routes import MAX_FLUSHED_AT_ONCE, absence_of, are_apart, flush_all, said_by
from twisted_chat.core.shares import Shares

MAX_ROUTES_PER_CONNECTION = 64
"""Names to which a connection's routes are remembered."""
MAX_CHECKED_ROOMS = 1000
"""Rooms that are remembered since a join was refused there."""


class Router(RoomChanges):
    """Routes what is said between users and in rooms; the part of the Hub that handles messages and membership."""

    def __init__(self, log: MessageLog, shares: Shares | None = None) -> None:
        super().__init__(log, shares)
        self.spread: Callable[[Iterable[Participant]], None] = flush_all
        self.after_results: list[Callable[[], None]] = []  # called when the log has kept, or refused, what was said
        self._checked_rooms: dict[str, None] = {}  # where a join was refused: what is under way may name that user
        log.subscribe(self.deliver, self.refuse)

    def say(
        self, participant: Participant, to: str, texts: list[str], kind: str = MESSAGE, label: str | None = None
    ) -> Absence | None:
        """Say one text, or several in a row, to a person or a room; `label` is that of the first.

        Returns the recipient's absence, when the sender has not been told of it yet. Raises ChatError:
        bad-text for an empty text, bad-name, no-such-user, no-such-room, not-a-member.
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
        participant.credit -= size
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
        if are_apart(routes):
            entry = MixedEntry(MESSAGE, [routes[to] for to in targets], texts, participant, labels, size)
            participant.unstored += entry.size
            participant.credit -= entry.size
            self.log.append(entry)
        else:
            self._append_runs(participant, [routes[to] for to in targets], texts, labels)
        return len(texts)

    async def said_before(self, participant: Participant, to: str, text: str, kind: str, label: str) -> int | None:
        """Return the id of a text, join, leave or topic that the same client of an account has sent with this label.

        This answers a request that is sent again, whatever has changed meanwhile; None stands for a new one. Raises
        ChatError(bad-command) if the label was used for something else.
        """
        if participant.sender_number >= GUESTS:
            return None
        if participant.unstored:  # the first one may be on its way; of an earlier connection, the sign-in has waited
            await self._all_stored(said_by(self._user(participant)))
        record = await self.log.find_label(participant.sender_number, label)
        if record is None:
            return None
        if not is_forgotten(record) and ((kind, text) != (record.kind, record.text) or not is_target(to, record)):
            raise ChatError(Reason.LABEL_REUSED, label=label)
        return record.id

    # behind the log

    def flush(self) -> None:
        """Have the log keep and deliver what has been said."""
        self._append_moves()
        self.log.flush()

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Acknowledge and deliver a batch that the log has, then flush each client once."""
        touched: dict[Participant, None] = {}  # in the order of their entries
        answered: dict[Participant, None] = {}
        moves: list[Entry] = []
        self._log_writes = True
        for entry in entries:
            connection, recipients, copies = entry.connection, entry.recipients, entry.copies
            if moves and not follows(entry, moves):
                deliver_moves(moves, self.registry.by_identity, self._applied, touched, answered)
                moves = []
            if recipients.__class__ is Readers:
                moves.append(entry)
                continue
            assert connection is not None
            connection.unstored -= entry.size
            if isinstance(entry, MixedEntry):
                entry.deliver(touched)
            else:
                to_room = entry.envelope.conversation.__class__ is str
                if to_room and self._checked_rooms:
                    recipients = self._members_among(recipients, entry)
                for participant in recipients:
                    if participant is not connection or not to_room:
                        participant.deliver(entry)
                        touched[participant] = None
                for participant in copies:
                    participant.deliver_copy(entry)
                    touched[participant] = None
                if to_room and entry.kind in ROOM_CHANGES:
                    if entry.recipients:
                        self._applied(entry)
                    else:
                        self._undone(entry)
            entry.forget_participants()
            if connection.acknowledge(entry):
                answered[connection] = None
        if moves:
            deliver_moves(moves, self.registry.by_identity, self._applied, touched, answered)
        self._flush_clients(touched, answered)
        self._call_after_results()

    def _call_after_results(self) -> None:
        for call in self.after_results:
            call()

    def _flush_clients(self, touched: dict[Participant, None], answered: dict[Participant, None]) -> None:
        """Flush the readers, then those who have an answer; when the readers are many, these come first."""
        if len(touched) > MAX_FLUSHED_AT_ONCE:
            flush_all(answered)
            self.spread(touched)
        else:
            flush_all(touched)
            flush_all(answered)

    def _members_among(self, recipients: tuple[Participant, ...], entry: Entry) -> tuple[Participant, ...]:
        """Return the recipients without those whose join of the room the log does not have: it was refused."""
        key = entry.envelope.conversation
        if key not in self._checked_rooms:
            return recipients
        return tuple([one for one in recipients if one.user is not None and key in one.user.delivered_rooms])

    def _applied(self, entry: Entry) -> None:
        self._apply(entry)
        self._settle(entry)

    def refuse(self, entries: Sequence[Entry]) -> None:
        """Tell the senders of what the log cannot keep. No recipient has seen it, and a join or leave is undone."""
        for entry in entries:
            connection = entry.connection
            assert connection is not None
            connection.unstored -= entry.size
            if isinstance(entry.recipients, Readers):
                self._move_refused(entry, entry.recipients)
                self._settle(entry)
            elif entry.kind in ROOM_CHANGES:
                self._undone(entry)
            entry.forget_participants()
            if connection.user is not None:
                connection.reject(entry, entry.problem or ChatError(Reason.LOG_CANNOT_WRITE))
                connection.flush()
            elif not connection.unstored:
                connection.all_stored()
        self._call_after_results()

    def _move_refused(self, entry: Entry, readers: Readers) -> None:
        self._log_writes = False
        readers.begin(self.log.last + 1)  # for others who joined it meanwhile
        if entry.kind == LEFT:
            readers.room.left(entry.envelope.author)
            self._keep_unrecorded(entry, readers.room)
        else:
            self._check_room(readers.room.key)

    def _undone(self, entry: Entry) -> None:
        """Undo a change whose label was used before, or a topic that was refused."""
        room = self._change_of(entry).room
        if entry.kind == LEFT:
            room.left(entry.envelope.author)
        elif entry.kind == JOINED:
            self._check_room(room.key)
            if room.first_id is None:
                room.first_id = self.log.last + 1
        self._settle(entry)

    def _check_room(self, key: str) -> None:
        self._checked_rooms[key] = None
        if len(self._checked_rooms) > MAX_CHECKED_ROOMS:
            del self._checked_rooms[next(iter(self._checked_rooms))]

    # shared by the requests

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
        size = entry.size
        participant.unstored += size
        participant.credit -= size
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
        self._append_moves()  # its own, and those of the room, come before what it says
        if self.crowds is not None:
            self.crowds.settle(user)
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
            route = Route(envelope, target, copies, absence_of(target), exclusive)
        known = len(participant.routes)
        if known >= participant.max_routes and (
            known >= MAX_ROUTES_PER_CONNECTION or not self.shares.more_routes(participant)
        ):
            participant.routes.clear()
        participant.routes[envelope.to if to == envelope.to else to] = route  # a name is in memory once
        return route
