"""The hub against a simple model of its users, rooms, permissions and deliveries.

Some users are recorders, some are programs at the line door, and some of these read slowly. For each message the model
notes the users that must get it; in the end each user must have got exactly its messages, once and in order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from twisted.internet.defer import Deferred

from twisted_chat.core.errors import (
    ALREADY_REGISTERED,
    NAME_TAKEN,
    NO_SUCH_ROOM,
    NO_SUCH_USER,
    NOT_A_MEMBER,
    NOT_REGISTERED,
    ChatError,
)
from twisted_chat.core.messages import ACTION, JOINED, LEFT, MESSAGE, TOPIC, Record
from twisted_chat.doors.session import Session
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, Recorder, Server
from twisted_chat.wire.events import parse_event

NAMES = ["jane", "Jane", "zak", "ZAK", "kim", "Zoë"]
ROOMS = ["#tea", "#Tea", "#ops"]

Seen = tuple[str, str, str, str]
"""Kind, sender, to, text."""


Manner = tuple[int, str, int]
"""The number of texts, their kind, and 1 if they are stored at once (0: with the next ones)."""
manners = st.tuples(st.sampled_from([1, 2, 100]), st.sampled_from([MESSAGE, ACTION]), st.integers(0, 3))


@dataclass(eq=False)
class Person:
    """The model's knowledge of one user."""

    participant: Recorder | Session
    connection: Connection | None = None
    name: str | None = None
    spoke_to: str = "#tea"
    rooms: set[str] = field(default_factory=set)
    reads: bool = True
    said: int = 0
    expected: list[Seen] = field(default_factory=list)
    got: list[Seen] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    acknowledged: int = 0
    gap: bool = False

    def collect(self) -> None:
        """Add the records that have arrived to `got` and `ids`."""
        if isinstance(self.participant, Recorder):
            for record in self.participant.seen:
                self.got.append((record.kind, record.sender, record.to, record.text))
                self.ids.append(record.id)
            self.participant.seen = []
            self.acknowledged = len(self.participant.acknowledged)
            return
        assert self.connection is not None
        for line in self.connection.lines():
            kind = line.partition(",")[0]
            if kind == "ok":
                self.acknowledged += 1
            elif kind == "server":
                self.gap = self.gap or line.startswith("server,gap,")
            elif kind not in ("renamed", "offline", "online"):
                event = parse_event(line)
                self.got.append((event.kind, event.sender, event.to, event.text))
                self.ids.append(event.id)


@dataclass
class Room:
    """A room's name as it is shown, and its members."""

    name: str
    members: list[Person] = field(default_factory=list)


class Conversation(RuleBasedStateMachine):
    """Users sign in, send messages, read slowly, and leave."""

    people = Bundle[Person]("people")

    @initialize(target=people, ring=st.sampled_from([100_000, 10]))
    def begin(self, ring: int) -> MultipleResults[Person]:
        """Start a server with four users in a room, of which two use a door and one reads slowly."""
        self.ring = ring
        self.server = Server(MemoryLog(most=ring, now=lambda: 0.0), outbox=100)
        self.hub = self.server.hub
        self.here: list[Person] = []
        self.rooms: dict[str, Room] = {}
        self.log: list[tuple[object, Seen]] = []
        self.texts = 0
        people = [self.person(door) for door in (True, True, False, False)]
        for user, name in zip(people, ["jane", "zak", "kim", "Zoë"], strict=True):
            self.sign_in(user, name)
            self.join(user, "#tea")
        self.stop_reading(people[0])
        return multiple(*people)

    # the model

    def named(self, name: str) -> Person | None:
        """Return the user of this name, in any case; None if there is none."""
        found = [person for person in self.here if person.name is not None and person.name.lower() == name.lower()]
        return found[0] if found else None

    def happened(self, user: Person, kind: str, room: Room, text: str = "") -> None:
        """Record an event in a room, which every other member must get."""
        assert user.name is not None
        seen = (kind, user.name, room.name, text)
        self.log.append((room.name.lower(), seen))
        for member in room.members:
            if member is not user:
                member.expected.append(seen)

    @contextmanager
    def refused(self, code: str | None) -> Iterator[None]:
        """Check that the hub raises an error of this code, or none."""
        try:
            yield
        except ChatError as error:
            got: str | None = error.code
        else:
            got = None
        assert got == code

    def asked(self, user: Person) -> None:
        """Expect one more acknowledgement."""
        user.said += 1

    # signing in and leaving

    @rule(target=people, door=st.booleans())
    def come(self, door: bool) -> Person:
        return self.person(door)

    def person(self, door: bool) -> Person:
        """Return a user without a name, at a door or without one."""
        if not door:
            return Person(Recorder())
        connection = self.server.connect()
        connection.say(b"hello,events\n")
        connection.read()
        connection.transport.window = 100
        return Person(connection.chat.session, connection)

    @rule(user=people, name=st.sampled_from(NAMES))
    def sign_in(self, user: Person, name: str) -> None:
        taken = self.named(name) is not None
        code = ALREADY_REGISTERED if user.name is not None else NAME_TAKEN if taken else None
        result: list[object] = []
        Deferred.fromCoroutine(self.hub.sign_in(user.participant, name)).addBoth(result.append)
        if code is not None:
            assert getattr(result[0], "value", None) is not None
            assert result[0].value.code == code  # type: ignore[attr-defined]
            return
        user.name = name
        self.here.append(user)

    @rule(user=consumes(people))
    def go(self, user: Person) -> None:
        if user.name is not None:
            for key in sorted(user.rooms):
                self.leave_room(user, key)
            self.here.remove(user)
        user.name = None
        if user.connection is not None:
            user.connection.drop()
        else:
            self.hub.sign_out(user.participant)
        self.hub.flush()  # the moves of a turn are gathered, and the model orders them one by one

    def leave_room(self, user: Person, key: str) -> None:
        room = self.rooms[key]
        room.members.remove(user)
        user.rooms.remove(key)
        self.happened(user, LEFT, room)
        if not room.members:
            del self.rooms[key]
            self.log = [(where, seen) for where, seen in self.log if where != key]  # a later room has its own history

    @rule(user=people, name=st.sampled_from(NAMES))
    def rename(self, user: Person, name: str) -> None:
        other = self.named(name)
        code = NOT_REGISTERED if user.name is None else NAME_TAKEN if other not in (None, user) else None
        with self.refused(code):
            self.hub.rename(user.participant, name)
        if code is None:
            user.name = name

    @rule(user=people, text=st.none() | st.just("out"))
    def away(self, user: Person, text: str | None) -> None:
        with self.refused(NOT_REGISTERED if user.name is None else None):
            self.hub.away(user.participant, text)

    # sending

    @rule(user=people, to=st.sampled_from(NAMES), how=manners)
    def say_to_a_name(self, user: Person, to: str, how: Manner) -> None:
        self.say(user, to, how)

    @rule(user=people, to=st.sampled_from(ROOMS), how=manners)
    def say_in_a_room(self, user: Person, to: str, how: Manner) -> None:
        self.say(user, to, how)

    @rule(user=people, how=manners)
    def say_to_the_last_target(self, user: Person, how: Manner) -> None:
        self.say(user, user.spoke_to, how)

    def say(self, user: Person, to: str, how: Manner) -> None:
        count, kind, more = how
        user.spoke_to = to
        texts = [f"{self.texts + number} {'.' * 40}" for number in range(count)]
        self.texts += count
        room, other = self.rooms.get(to.lower()), self.named(to)
        code = None
        if user.name is None:
            code = NOT_REGISTERED
        elif to.startswith("#"):
            code = NO_SUCH_ROOM if room is None else NOT_A_MEMBER if user not in room.members else None
        elif other is None:
            code = NO_SUCH_USER
        with self.refused(code):
            self.hub.say(user.participant, to, list(texts), kind)
        if code is not None:
            return
        for text in texts:
            self.asked(user)
            if room is not None:
                self.happened(user, kind, room, text)
            else:
                assert user.name is not None
                assert other is not None
                assert other.name is not None
                seen = (kind, user.name, other.name, text)
                self.log.append((frozenset((user, other)), seen))
                other.expected.append(seen)
        if more:
            self.turn()

    @rule(user=people, name=st.sampled_from(ROOMS))
    def join(self, user: Person, name: str) -> None:
        with self.refused(NOT_REGISTERED if user.name is None else None):
            joined = self.hub.join(user.participant, name)
            self.hub.flush()
        if user.name is None:
            return
        key = name.lower()
        assert joined == (key not in user.rooms)
        if joined:
            room = self.rooms.setdefault(key, Room(name))
            room.members.append(user)
            user.rooms.add(key)
            self.asked(user)
            self.happened(user, JOINED, room)

    @rule(user=people, name=st.sampled_from(ROOMS))
    def leave(self, user: Person, name: str) -> None:
        with self.refused(NOT_REGISTERED if user.name is None else None):
            left = self.hub.leave(user.participant, name)
            self.hub.flush()
        if user.name is None:
            return
        assert left == (name.lower() in user.rooms)
        if left:
            self.asked(user)
            self.leave_room(user, name.lower())

    @rule(user=people, name=st.sampled_from(ROOMS), text=st.sampled_from(["", "Assam", "a\nb"]))
    def topic(self, user: Person, name: str, text: str) -> None:
        room = self.rooms.get(name.lower())
        code = NO_SUCH_ROOM if room is None else NOT_A_MEMBER if user not in room.members else None
        with self.refused(NOT_REGISTERED if user.name is None else code):
            self.hub.set_topic(user.participant, name, text)
        if code is None and room is not None:
            self.asked(user)
            self.happened(user, TOPIC, room, text)
            assert self.hub.topic(user.participant, name) == text

    # reading

    @rule(user=people)
    def stop_reading(self, user: Person) -> None:
        if user.connection is not None:
            user.connection.stop_reading()
            user.reads = False

    @rule(user=people, size=st.integers(1, 2000))
    def read_a_little(self, user: Person, size: int) -> None:
        if user.connection is not None and not user.reads:
            user.connection.take(size)

    @rule(user=people)
    def read_again(self, user: Person) -> None:
        if user.connection is not None and not user.reads:
            user.connection.read_again()
            user.reads = True

    @rule()
    def turn(self) -> None:
        """Store and deliver all messages."""
        self.hub.flush()
        self.server.turn()

    @precondition(lambda self: self.ring > 1000)
    @rule(user=people, to=st.sampled_from(NAMES + ROOMS), limit=st.integers(1, 100))
    def history(self, user: Person, to: str, limit: int) -> None:
        if user.name is None:
            return
        self.turn()
        result: list[object] = []
        Deferred.fromCoroutine(self.hub.archive.history(user.participant, to, 0, 0, limit)).addBoth(result.append)
        if to.startswith("#") and to.lower() not in user.rooms:
            assert result[0].value.code == NO_SUCH_ROOM  # type: ignore[attr-defined]
            return
        place = to.lower() if to.startswith("#") else frozenset((user, self.named(to)))
        said = [seen for where, seen in self.log if where == place]
        assert isinstance(result[0], list)
        records: list[Record] = result[0]
        shown = [(record.kind, record.sender, record.to, record.text) for record in records]
        assert len(shown) == len(said[-limit:])
        if limit >= len(said):
            assert settled(shown) == settled(said)

    # invariants

    @invariant()
    def users_and_rooms_are_those_of_the_model(self) -> None:
        named = sorted((person.name for person in self.here if person.name is not None), key=str.lower)
        assert self.hub.registry.online_names() == named
        assert self.hub.rooms.names() == [self.rooms[key].name for key in sorted(self.rooms)]
        for room in self.rooms.values():
            names = sorted((member.name or "" for member in room.members), key=str.lower)
            assert self.hub.rooms.find(room.name).names() == names

    @rule()
    def check(self) -> None:
        """Check that every user that reads has received all of its messages."""
        self.turn()
        for person in self.here:
            if person.reads:
                self.check_person(person)

    def teardown(self) -> None:
        self.turn()
        for person in self.here:
            self.read_again(person)
        self.turn()
        for person in self.here:
            self.check_person(person)
            assert person.acknowledged == person.said
            if person.connection is not None:
                assert person.connection.chat.session.unstored == 0

    def check_person(self, person: Person) -> None:
        person.collect()
        assert person.ids == sorted(set(person.ids)), "a message arrived twice or out of order"
        got, expected = by_conversation(person.got), by_conversation(person.expected)
        if person.gap:
            assert self.ring == 10
            for conversation, records in got.items():
                rest = iter([seen for seen in expected[conversation] if seen[0] not in (JOINED, LEFT)])
                spoken = [seen for seen in records if seen[0] not in (JOINED, LEFT)]
                assert all(seen in rest for seen in spoken), "a message arrived at another user or out of order"
        else:
            assert got == expected


def by_conversation(records: list[Seen]) -> dict[object, list[Seen]]:
    """Return the records of each conversation, as the hub promises to order them: see `settled`."""
    found: defaultdict[object, list[Seen]] = defaultdict(list)
    for record in records:
        _, sender, to, _ = record
        found[to.lower() if to.startswith("#") else frozenset((sender.lower(), to.lower()))].append(record)
    return {conversation: settled(some) for conversation, some in found.items()}


def settled(records: list[Seen]) -> list[Seen]:
    """Sort the joins and leaves between two other records of a room by users: only those of one user are in order.

    The hub gathers the joins and leaves of a turn to long blocks.
    """
    runs = groupby(records, lambda record: record[0] in (JOINED, LEFT))
    return [record for moves, run in runs for record in (sorted(run, key=itemgetter(1)) if moves else run)]


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=100, stateful_step_count=80, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
