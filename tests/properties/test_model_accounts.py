"""Accounts and their devices against a simple model of deliveries: live, behind, reconnected and after a restart.

Every device is a program at the line door. The model notes each record with the users that may see it; in the end every
device must have got exactly its records, once and in order: those since its sign-in, and after a `since` those since
that position.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.internet.defer import Deferred, maybeDeferred

from twisted_chat.core.errors import ChatError
from twisted_chat.core.interfaces import Accounts, MessageLog
from twisted_chat.core.messages import ACTION, JOINED, LEFT, MESSAGE, TOPIC, Record
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.worker import InlineWorker
from twisted_chat.test.support import Connection, Server
from twisted_chat.wire.events import parse_event

ACCOUNTS = ["jane", "kim", "zak"]
GUESTS = ["max", "moe"]
ROOMS = ["#ops", "#tea"]
CLIENTS = ["", "", "desk", "phone"]


@dataclass(eq=False)
class User:
    """An account, or a guest while it is online."""

    name: str
    account: bool
    rooms: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Fact:
    """A record: its id, the fields of its line, the users that may see it, and the client that caused it."""

    id: int
    seen: tuple[str, str, str, str]
    where: object
    audience: frozenset[User]
    by: object


@dataclass(eq=False)
class Device:
    """A connection: the records expected since each position that it asked for, and those that arrived."""

    user: User
    connection: Connection
    client: object
    expected: list[list[Fact]] = field(default_factory=lambda: [[]])
    got: list[list[tuple[int, tuple[str, str, str, str]]]] = field(default_factory=lambda: [[]])
    reads: bool = True
    due: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    rest: bytes = b""

    def collect(self) -> None:
        """Add the records that have arrived to `got`; the last line may be incomplete."""
        *lines, self.rest = (self.rest + self.connection.read()).split(b"\n")
        for line in map(bytes.decode, lines):
            label, _, event = line.partition(" ") if line.startswith("@") else ("", "", line)
            if label.startswith("@s"):
                if int(label[2:]) == len(self.got):
                    self.got.append([])
                assert int(label[2:]) == len(self.got) - 1
            kind, _, rest = event.partition(",")
            if label.startswith("@l"):
                self.answers.append(f"{label} {kind},{rest.partition(',')[0]}")
            elif kind == "server":
                assert rest.startswith(("away,", "replaced,")), event
            elif kind not in ("ok", "info", "renamed", "offline", "online"):
                told = parse_event(event)
                self.got[-1].append((told.id, (told.kind, told.sender, told.to, told.text)))

    def check(self, whole: bool) -> None:
        """Check that the first expected records have arrived; with `whole`, all of them."""
        self.collect()
        expected = [[(fact.id, fact.seen) for fact in facts] for facts in self.expected]
        for number, got in enumerate(self.got):
            assert got == expected[number][: len(got)], (self.user.name, number)
        if whole:
            assert len(self.got) == len(expected)
            assert self.got[-1] == expected[-1]
            assert sorted(self.answers) == sorted(self.due)


class Devices(RuleBasedStateMachine):
    """Accounts with several devices sign in, send, read slowly, leave and reconnect, and the server restarts."""

    @initialize(file=st.booleans())
    def begin(self, file: bool) -> None:
        self.folder = tempfile.TemporaryDirectory() if file else None
        self.memory = MemoryLog(100_000, now=lambda: 0.0), MemoryAccounts()
        self.users = {name: User(name, account=True) for name in ACCOUNTS}
        self.guests: dict[str, User] = {}
        self.devices: list[Device] = []
        self.facts: list[Fact] = []
        self.labels = count()
        self.said: list[tuple[object, User, str, str, str, Fact]] = []
        self.serve()
        for name in ("jane", "jane", "zak"):
            self.come(name, "")
            self.join(0 if name == "jane" else 2, "#tea")
        self.come("kim", "phone")

    def serve(self) -> None:
        """Start a server on the log and accounts of the last one."""
        log: MessageLog
        accounts: Accounts
        log, accounts = self.memory
        if self.folder is not None:
            database = Database(str(Path(self.folder.name, "chat")), InlineWorker(), maybeDeferred, lambda: 0.0)
            self.server = Server(SqliteLog(database, Server().clock), accounts=SqliteAccounts(database), outbox=100)
            database.select_now("PRAGMA synchronous = OFF")
        else:
            self.server = Server(log, accounts=accounts, outbox=100)
        self.hub = self.server.hub

    # the model

    def happened(self, by: Device, kind: str, to: str, text: str = "") -> Fact:
        """Add a record, which every online device of the users that may see it must get."""
        user = by.user
        audience, where = {other for other in self.all_users() if to in other.rooms}, to
        place: object = where
        if not to.startswith("#"):
            audience = {user, self.named(to)}
            place = frozenset(audience)
        if kind == JOINED:
            audience.add(user)
        fact = Fact(len(self.facts) + 1, (kind, user.name, to, text), place, frozenset(audience), by.client)
        self.facts.append(fact)
        for device in self.devices:
            if self.sees(device, fact):
                device.expected[-1].append(fact)
        return fact

    def sees(self, device: Device, fact: Fact) -> bool:
        own = fact.by is device.client or fact.by == device.client
        to_itself = isinstance(fact.where, frozenset) and len(fact.where) == 1
        return device.user in fact.audience and (not own or to_itself)

    def since(self, device: Device, place: int) -> list[Fact]:
        """Return the records after a position that a device may see."""
        return [fact for fact in self.facts[place:] if self.sees(device, fact)]

    def all_users(self) -> list[User]:
        return [*self.users.values(), *self.guests.values()]

    def named(self, name: str) -> User:
        return self.users.get(name) or self.guests[name]

    def device(self, number: int) -> Device:
        return self.devices[number % len(self.devices)]

    # signing in and leaving

    @rule(name=st.sampled_from(ACCOUNTS), client=st.sampled_from(CLIENTS))
    def come(self, name: str, client: str) -> None:
        """Sign in a device of an account; it gets records not stored yet, and ends its client's former connection."""
        former = [one for one in self.devices if client and one.client == (name, client)]
        connection, kept = self.server.connect(), self.hub.log.last
        connection.say(f"hello,events,{client}\nregister,{name},{name}\n".encode())
        device = Device(self.users[name], connection, (name, client) if client else object())
        for one in former:
            self.devices.remove(one)
            one.check(whole=False)
        device.expected[-1] += self.since(device, kept)
        self.devices.append(device)
        self.turn()
        connection.transport.window = 100

    @rule(name=st.sampled_from(GUESTS))
    def visit(self, name: str) -> None:
        """Sign in a guest."""
        if name not in self.guests:
            self.guests[name] = User(name, account=False)
            connection = self.server.program(name)
            connection.transport.window = 100
            self.devices.append(Device(self.guests[name], connection, object()))

    @precondition(lambda self: self.devices)
    @rule(number=st.integers(0, 99))
    def go(self, number: int) -> None:
        device = self.device(number)
        self.devices.remove(device)
        if not device.user.account:
            for room in sorted(device.user.rooms):
                self.happened(device, LEFT, room)
            del self.guests[device.user.name]
        device.connection.drop()
        self.hub.flush()  # the moves of a turn are gathered, and the model numbers them one by one
        device.check(whole=False)

    @rule()
    def start_again(self) -> None:
        """Kill the server, and start another one in its place."""
        self.turn()
        for device in self.devices:
            device.check(whole=device.reads)
        self.devices, self.guests = [], {}
        if self.folder is not None:
            Deferred.fromCoroutine(self.hub.close())
        self.serve()

    # sending

    @precondition(lambda self: self.devices)
    @rule(
        number=st.integers(0, 99),
        to=st.sampled_from(ACCOUNTS + GUESTS + ROOMS),
        kind=st.sampled_from([MESSAGE, ACTION]),
        texts=st.sampled_from([1, 1, 3, 250]),
    )
    def say(self, number: int, to: str, kind: str, texts: int) -> None:
        device = self.device(number)
        if to not in ACCOUNTS and to not in device.user.rooms and to not in self.guests:
            return
        for _ in range(texts):
            label = f"l{next(self.labels)}"
            text = f"{label} {'.' * 30}"
            self.hub.say(device.connection.chat.session, to, [text], kind, label)
            fact = self.happened(device, kind, to, text)
            self.answered(device, label, f"ok,{fact.id}")
        if isinstance(device.client, tuple) and to not in GUESTS:
            self.said.append((device.client, device.user, label, kind, text, fact))

    @precondition(lambda self: self.said)
    @rule(number=st.integers(0, 99), same=st.booleans())
    def say_again(self, number: int, same: bool) -> None:
        """Send a message with a label that its client has used before, perhaps for another text."""
        client, user, label, kind, text, fact = self.said[number % len(self.said)]
        to = fact.seen[2]
        for device in self.devices:
            if device.client == client and (not to.startswith("#") or to in user.rooms):
                self.hub.say(device.connection.chat.session, to, [text if same else "other"], kind, label)
                self.answered(device, label, f"ok,{fact.id}" if same else "error,bad-command")

    def answered(self, device: Device, label: str, answer: str) -> None:
        device.due.append(f"@{label} {answer}")

    @precondition(lambda self: self.devices)
    @rule(number=st.integers(0, 99), room=st.sampled_from(ROOMS))
    def join(self, number: int, room: str) -> None:
        device = self.device(number)
        if self.hub.join(device.connection.chat.session, room):
            assert room not in device.user.rooms
            device.user.rooms.add(room)
            self.happened(device, JOINED, room)
            self.hub.flush()

    @precondition(lambda self: self.devices)
    @rule(number=st.integers(0, 99), room=st.sampled_from(ROOMS))
    def leave(self, number: int, room: str) -> None:
        device = self.device(number)
        if self.hub.leave(device.connection.chat.session, room):
            self.happened(device, LEFT, room)
            device.user.rooms.remove(room)
            self.hub.flush()

    @precondition(lambda self: self.devices)
    @rule(number=st.integers(0, 99), room=st.sampled_from(ROOMS))
    def set_topic(self, number: int, room: str) -> None:
        device = self.device(number)
        if room in device.user.rooms:
            self.hub.set_topic(device.connection.chat.session, room, "Assam")
            self.happened(device, TOPIC, room, "Assam")

    # reading

    @rule()
    def turn(self) -> None:
        """Store and deliver all messages."""
        self.hub.flush()
        self.server.turn()

    @precondition(lambda self: self.devices)
    @rule(number=st.integers(0, 99), back=st.integers(0, 600), slowly=st.booleans())
    def ask_since(self, number: int, back: int, slowly: bool) -> None:
        """Have a device ask for all records since a position, and perhaps read them slowly."""
        device = self.device(number)
        self.turn()
        if not (device.user.account and device.reads):
            return
        place = max(0, len(self.facts) - back)
        device.collect()
        if slowly:
            self.stop_reading(self.devices.index(device))
        device.connection.say(f"@s{len(device.expected)} since,{place}\n".encode())
        device.expected.append(self.since(device, place))
        self.server.turn()

    @precondition(lambda self: self.devices)
    @rule(number=st.integers(0, 99))
    def stop_reading(self, number: int) -> None:
        self.device(number).connection.stop_reading()
        self.device(number).reads = False

    @precondition(lambda self: self.devices)
    @rule(number=st.integers(0, 99), size=st.integers(1, 2000))
    def read_a_little(self, number: int, size: int) -> None:
        if not self.device(number).reads:
            self.device(number).connection.take(size)
            self.device(number).collect()

    @precondition(lambda self: self.devices)
    @rule(number=st.integers(0, 99))
    def read_again(self, number: int) -> None:
        if not self.device(number).reads:
            self.device(number).connection.read_again()
            self.device(number).reads = True

    @precondition(lambda self: self.devices)
    @rule(number=st.integers(0, 99), to=st.sampled_from(ACCOUNTS + ROOMS), limit=st.integers(1, 100))
    def history(self, number: int, to: str, limit: int) -> None:
        device = self.device(number)
        self.turn()
        result: list[object] = []
        session = device.connection.chat.session
        Deferred.fromCoroutine(self.hub.archive.history(session, to, 0, 0, limit)).addBoth(result.append)
        if to.startswith("#") and to not in device.user.rooms:
            assert isinstance(getattr(result[0], "value", None), ChatError)
            return
        where = to if to.startswith("#") else frozenset((device.user, self.named(to)))
        assert isinstance(result[0], list)
        records: list[Record] = result[0]
        present = [fact for fact in self.facts if fact.where == where]
        begins = max((fact.id for fact in present if fact.seen[0] == JOINED and len(fact.audience) == 1), default=0)
        said = [
            fact.id for fact in present if fact.id >= begins
        ]  # a new room of the same name does not show the history of the ended one
        assert [record.id for record in records] == said[-limit:]

    # invariants

    @invariant()
    def users_and_rooms_are_those_of_the_model(self) -> None:
        assert self.hub.registry.online_names() == sorted({device.user.name for device in self.devices})
        rooms = {room: sorted(user.name for user in self.all_users() if room in user.rooms) for room in ROOMS}
        assert self.hub.rooms.names() == [room for room in ROOMS if rooms[room]]
        for room in self.hub.rooms.names():
            assert self.hub.rooms.find(room).names() == rooms[room]

    @rule()
    def check(self) -> None:
        """Check that every device has got the expected records, or, if it reads slowly, the first of them."""
        self.turn()
        for device in self.devices:
            device.check(whole=device.reads)

    def teardown(self) -> None:
        self.turn()
        for device in self.devices:
            device.connection.read_again()
            device.reads = True
        self.check()
        for device in self.devices:
            assert device.connection.chat.session.unstored == 0
        if self.folder is not None:
            Deferred.fromCoroutine(self.hub.close())
            self.folder.cleanup()


TestDevices = Devices.TestCase
TestDevices.settings = settings(
    max_examples=250, stateful_step_count=80, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
