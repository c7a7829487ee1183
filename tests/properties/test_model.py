"""The hub against a simple model: who is here, who may say what, and who sees what, in which order.

Some take part as recorders, some as programs behind the line door, of whom some read
slowly. The model writes down, when something is said, who is to see it; in the end
everyone must have seen just that, once, in that order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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
"""How many texts, of which kind, and whether they are kept at once (not 0) or with what comes next."""
manners = st.tuples(st.sampled_from([1, 2, 100]), st.sampled_from([MESSAGE, ACTION]), st.integers(0, 3))


@dataclass(eq=False)
class Person:
    """What the model knows of one who takes part."""

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

    def idle_check(self) -> None:
        """Take up what has come."""
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
    """People come, speak, read slowly, and go."""

    people = Bundle[Person]("people")

    @initialize(target=people, ring=st.sampled_from([100_000, 10]))
    def begin(self, ring: int) -> MultipleResults[Person]:
        """Start a server with four clients in a room: two are behind doors, and one reads slowly."""
        self.ring = ring
        self.server = Server(MemoryLog(most=ring, now=lambda: 0.0), outbox=100)
        self.hub = self.server.hub
        self.here: list[Person] = []
        self.rooms: dict[str, Room] = {}
        self.log: list[tuple[object, Seen]] = []
        self.texts = 0
        people = [self.person(door) for door in (True, True, False, False)]
        for who, name in zip(people, ["jane", "zak", "kim", "Zoë"], strict=True):
            self.sign_in(who, name)
            self.join(who, "#tea")
        self.stop_reading(people[0])
        return multiple(*people)

    # the model

    def named(self, name: str) -> Person | None:
        """Who is called so, whatever the case."""
        found = [person for person in self.here if person.name is not None and person.name.lower() == name.lower()]
        return found[0] if found else None

    def happened(self, who: Person, kind: str, room: Room, text: str = "") -> None:
        """Something in a room, which every other member is to see."""
        assert who.name is not None
        seen = (kind, who.name, room.name, text)
        self.log.append((room.name.lower(), seen))
        for member in room.members:
            if member is not who:
                member.expected.append(seen)

    @contextmanager
    def refused(self, code: str | None) -> Iterator[None]:
        """Whether, and how, the hub must refuse."""
        try:
            yield
        except ChatError as error:
            got: str | None = error.code
        else:
            got = None
        assert got == code

    def asked(self, who: Person) -> None:
        """One more request of a person's is to be acknowledged."""
        who.said += 1

    # coming and going

    @rule(target=people, door=st.booleans())
    def come(self, door: bool) -> Person:
        return self.person(door)

    def person(self, door: bool) -> Person:
        """One without a name, behind a door or without one."""
        if not door:
            return Person(Recorder())
        connection = self.server.connect()
        connection.say(b"hello,events\n")
        connection.read()
        connection.transport.window = 100
        return Person(connection.chat.session, connection)

    @rule(who=people, name=st.sampled_from(NAMES))
    def sign_in(self, who: Person, name: str) -> None:
        taken = self.named(name) is not None
        code = ALREADY_REGISTERED if who.name is not None else NAME_TAKEN if taken else None
        result: list[object] = []
        Deferred.fromCoroutine(self.hub.sign_in(who.participant, name)).addBoth(result.append)
        if code is not None:
            assert getattr(result[0], "value", None) is not None
            assert result[0].value.code == code  # type: ignore[attr-defined]
            return
        who.name = name
        self.here.append(who)

    @rule(who=consumes(people))
    def go(self, who: Person) -> None:
        if who.name is not None:
            for key in sorted(who.rooms):
                self.leave_room(who, key)
            self.here.remove(who)
        who.name = None
        if who.connection is not None:
            who.connection.drop()
        else:
            self.hub.sign_out(who.participant)

    def leave_room(self, who: Person, key: str) -> None:
        room = self.rooms[key]
        room.members.remove(who)
        who.rooms.remove(key)
        self.happened(who, LEFT, room)
        if not room.members:
            del self.rooms[key]

    @rule(who=people, name=st.sampled_from(NAMES))
    def rename(self, who: Person, name: str) -> None:
        other = self.named(name)
        code = NOT_REGISTERED if who.name is None else NAME_TAKEN if other not in (None, who) else None
        with self.refused(code):
            self.hub.rename(who.participant, name)
        if code is None:
            who.name = name

    @rule(who=people, text=st.none() | st.just("out"))
    def away(self, who: Person, text: str | None) -> None:
        with self.refused(NOT_REGISTERED if who.name is None else None):
            self.hub.away(who.participant, text)

    # speaking

    @rule(who=people, to=st.sampled_from(NAMES), how=manners)
    def say_to_somebody(self, who: Person, to: str, how: Manner) -> None:
        self.say(who, to, how)

    @rule(who=people, to=st.sampled_from(ROOMS), how=manners)
    def say_in_a_room(self, who: Person, to: str, how: Manner) -> None:
        self.say(who, to, how)

    @rule(who=people, how=manners)
    def say_more_to_the_same(self, who: Person, how: Manner) -> None:
        self.say(who, who.spoke_to, how)

    def say(self, who: Person, to: str, how: Manner) -> None:
        count, kind, more = how
        who.spoke_to = to
        texts = [f"{self.texts + number} {'.' * 40}" for number in range(count)]
        self.texts += count
        room, other = self.rooms.get(to.lower()), self.named(to)
        code = None
        if who.name is None:
            code = NOT_REGISTERED
        elif to.startswith("#"):
            code = NO_SUCH_ROOM if room is None else NOT_A_MEMBER if who not in room.members else None
        elif other is None:
            code = NO_SUCH_USER
        with self.refused(code):
            self.hub.say(who.participant, to, list(texts), kind)
        if code is not None:
            return
        for text in texts:
            self.asked(who)
            if room is not None:
                self.happened(who, kind, room, text)
            else:
                assert who.name is not None
                assert other is not None
                assert other.name is not None
                seen = (kind, who.name, other.name, text)
                self.log.append((frozenset((who, other)), seen))
                other.expected.append(seen)
        if more:
            self.turn()

    @rule(who=people, name=st.sampled_from(ROOMS))
    def join(self, who: Person, name: str) -> None:
        with self.refused(NOT_REGISTERED if who.name is None else None):
            joined = self.hub.join(who.participant, name)
        if who.name is None:
            return
        key = name.lower()
        assert joined == (key not in who.rooms)
        if joined:
            room = self.rooms.setdefault(key, Room(name))
            room.members.append(who)
            who.rooms.add(key)
            self.asked(who)
            self.happened(who, JOINED, room)

    @rule(who=people, name=st.sampled_from(ROOMS))
    def leave(self, who: Person, name: str) -> None:
        with self.refused(NOT_REGISTERED if who.name is None else None):
            left = self.hub.leave(who.participant, name)
        if who.name is None:
            return
        assert left == (name.lower() in who.rooms)
        if left:
            self.asked(who)
            self.leave_room(who, name.lower())

    @rule(who=people, name=st.sampled_from(ROOMS), text=st.sampled_from(["", "Assam", "a\nb"]))
    def topic(self, who: Person, name: str, text: str) -> None:
        room = self.rooms.get(name.lower())
        code = NO_SUCH_ROOM if room is None else NOT_A_MEMBER if who not in room.members else None
        with self.refused(NOT_REGISTERED if who.name is None else code):
            self.hub.set_topic(who.participant, name, text)
        if code is None and room is not None:
            self.asked(who)
            self.happened(who, TOPIC, room, text)
            assert self.hub.topic(who.participant, name) == text

    # reading

    @rule(who=people)
    def stop_reading(self, who: Person) -> None:
        if who.connection is not None:
            who.connection.stop_reading()
            who.reads = False

    @rule(who=people, size=st.integers(1, 2000))
    def read_a_little(self, who: Person, size: int) -> None:
        if who.connection is not None and not who.reads:
            who.connection.take(size)

    @rule(who=people)
    def read_again(self, who: Person) -> None:
        if who.connection is not None and not who.reads:
            who.connection.read_again()
            who.reads = True

    @rule()
    def turn(self) -> None:
        """Everything that was said is kept and delivered."""
        self.hub.flush()
        self.server.turn()

    @precondition(lambda self: self.ring > 1000)
    @rule(who=people, to=st.sampled_from(NAMES + ROOMS), limit=st.integers(1, 100))
    def history(self, who: Person, to: str, limit: int) -> None:
        if who.name is None:
            return
        self.turn()
        result: list[object] = []
        Deferred.fromCoroutine(self.hub.archive.history(who.participant, to, 0, 0, limit)).addBoth(result.append)
        if to.startswith("#") and to.lower() not in who.rooms:
            assert result[0].value.code == NO_SUCH_ROOM  # type: ignore[attr-defined]
            return
        place = to.lower() if to.startswith("#") else frozenset((who, self.named(to)))
        said = [seen for where, seen in self.log if where == place]
        assert isinstance(result[0], list)
        records: list[Record] = result[0]
        assert [(record.kind, record.sender, record.to, record.text) for record in records] == said[-limit:]

    # what must be so

    @invariant()
    def who_is_here_is_who_is_here(self) -> None:
        named = sorted((person.name for person in self.here if person.name is not None), key=str.lower)
        assert self.hub.registry.online_names() == named
        assert self.hub.rooms.names() == [self.rooms[key].name for key in sorted(self.rooms)]
        for room in self.rooms.values():
            names = sorted((member.name or "" for member in room.members), key=str.lower)
            assert self.hub.rooms.find(room.name).names() == names

    @rule()
    def check(self) -> None:
        """Everyone who reads has seen everything that was meant for them."""
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
        person.idle_check()
        assert person.ids == sorted(set(person.ids)), "in order, and once"
        if person.gap:
            assert self.ring == 10
            rest = iter(person.expected)
            assert all(seen in rest for seen in person.got), "nothing but what was meant for them, in order"
        else:
            assert person.got == person.expected


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=100, stateful_step_count=80, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
