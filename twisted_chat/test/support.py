"""The tests' shared fakes: a server on a virtual clock, clients in memory, and logs that answer on request.

Nothing here opens a socket, sleeps or reads the real time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import count

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.passwords import Passwords, Run
from twisted_chat.auth.tickets import AccountTickets
from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Accounts, MessageLog, Page
from twisted_chat.core.messages import GUESTS, MESSAGE, Conversation, Record
from twisted_chat.core.participants import Entry, Envelope, Participant, Route, User
from twisted_chat.core.shares import FREE_ROOMS, FREE_ROUTES
from twisted_chat.doors.irc.hosts import NO_HOSTS, use_hosts
from twisted_chat.doors.irc.protocol import IrcFactory, IrcProtocol
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.line.protocol import ChatProtocol
from twisted_chat.doors.outbox import MAX_OUTBOX_BYTES
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.test.support_auth import QUICK, any_password
from twisted_chat.transports.faults import FAULTS

WINDOW = 64 * 1024
"""Bytes that a transport takes for a client that does not read, before it pauses its producer."""


class MemoryTransport(StringTransport):
    """The server's end of a connection in memory, which pauses, closes and disconnects as a TCP transport does.

    `writes` holds the writes that the client has read, each as one bytes object.
    """

    def __init__(self, clock: Clock, protocol: Protocol) -> None:
        super().__init__()
        self._clock = clock
        self._protocol: Protocol | None = protocol
        self._incoming: list[bytes | None] = []
        self._unread: list[bytes] = []
        self._producer_paused = False
        self.window = WINDOW
        self.client_reads = True
        self.writes: list[bytes] = []

    @property
    def lost(self) -> bool:
        """Return True if the connection is lost."""
        return self._protocol is None

    @property
    def unread(self) -> int:
        """Return the number of bytes that the client has not read yet."""
        return sum(map(len, self._unread))

    # the client's side

    def incoming(self, data: bytes | None) -> None:
        """Give the protocol these bytes, or its end of input (None), as soon as the protocol reads."""
        self._incoming.append(data)
        self._give()

    def client_takes(self, size: int) -> None:
        """Have the client read up to `size` of the unread bytes."""
        while self._unread and size > 0:
            data = self._unread.pop(0)
            if len(data) > size:
                self._unread.insert(0, data[size:])
            self.writes.append(data[:size])
            size -= len(data)
        if not self._unread:
            if self.disconnecting:
                self._clock.callLater(0, self.end, ConnectionDone())
            elif self._producer_paused and self.producer is not None:
                self._producer_paused = False
                self.producer.resumeProducing()

    def end(self, reason: BaseException) -> None:
        """Lose the connection; a second call does nothing."""
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            self.disconnected = True
            if self.producer is not None:
                self.producer.stopProducing()
                self.producer = None
            protocol.connectionLost(Failure(reason))

    # the protocol's side

    def write(self, data: bytes) -> None:
        if self.lost or self.disconnecting:
            return
        if self.client_reads:
            self.writes.append(data)
            return
        self._unread.append(data)
        if self.unread > self.window and self.producer is not None and not self._producer_paused:
            self._producer_paused = True
            self.producer.pauseProducing()

    def loseConnection(self) -> None:
        super().loseConnection()
        if not self._unread:
            self._clock.callLater(0, self.end, ConnectionDone())

    def abortConnection(self) -> None:
        super().abortConnection()
        self._clock.callLater(0, self.end, ConnectionAborted())

    def resumeProducing(self) -> None:
        super().resumeProducing()
        self._clock.callLater(0, self._give)

    def _give(self) -> None:
        while self._incoming and self._protocol is not None and self.producerState == "producing":
            data = self._incoming.pop(0)
            if data is not None:
                self._protocol.dataReceived(data)
            elif IHalfCloseableProtocol.providedBy(self._protocol):
                self._protocol.readConnectionLost()


class Connection:
    """A client of a server in memory: sends bytes, and reads the answers."""

    def __init__(
        self, server: Server, factory: Factory | None = None, transport: type[MemoryTransport] = MemoryTransport
    ) -> None:
        protocol = (factory or server.factory).buildProtocol(None)
        assert isinstance(protocol, Protocol)
        self.protocol = protocol
        self.clock = server.clock
        self.transport = transport(server.clock, protocol)
        protocol.makeConnection(self.transport)

    @property
    def chat(self) -> ChatProtocol:
        """Return the server's protocol, which must be that of the line door."""
        assert isinstance(self.protocol, ChatProtocol)
        return self.protocol

    @property
    def irc(self) -> IrcProtocol:
        """Return the server's protocol, which must be that of the IRC door."""
        assert isinstance(self.protocol, IrcProtocol)
        return self.protocol

    @property
    def closed(self) -> bool:
        """Return True if the server has closed the connection, or the client has dropped it."""
        self.clock.advance(0)
        return self.transport.lost

    @property
    def paused(self) -> bool:
        """Return True if the server does not read from this client."""
        return self.transport.producerState == "paused"

    def say(self, data: bytes) -> None:
        """Send these bytes, which the server gets in one read."""
        self.transport.incoming(data)

    def writes(self) -> list[bytes]:
        """Return the server's writes since the last call, up to the end of this reactor turn."""
        self.clock.advance(0)
        got, self.transport.writes = self.transport.writes, []
        return got

    def read(self) -> bytes:
        """Return the bytes that have arrived since the last call."""
        return b"".join(self.writes())

    def lines(self) -> list[str]:
        """Return the lines that have arrived since the last call; each must have its ending and be UTF-8."""
        text = self.read().decode()
        assert not text or text.endswith("\n"), f"not ended: {text!r}"
        return text.replace("\r\n", "\n").split("\n")[:-1]

    def ask(self, line: str) -> list[str]:
        """Send one line, and return its answer's lines, after any lines that were not read before."""
        self.say(line.encode() + b"\n")
        return self.lines()

    def end_input(self) -> None:
        """Send nothing more, but go on reading (half-close)."""
        self.transport.incoming(None)

    def drop(self) -> None:
        """Lose the connection without a quit."""
        self.transport.end(ConnectionLost())

    def stop_reading(self) -> None:
        """Read nothing from now on."""
        self.transport.client_reads = False

    def take(self, size: int) -> None:
        """Read a little, and leave later bytes unread."""
        self.transport.client_takes(size)

    def read_again(self) -> None:
        """Read all unread bytes, and read at once from now on."""
        self.transport.client_reads = True
        self.transport.client_takes(self.transport.unread)
        self.clock.advance(0)


class Server:
    """A hub with a log, its line and IRC doors, and a clock that only tests move.

    It accepts passwords from everywhere: tests give clients addresses of all kinds. Without `cloaks` all guests
    have the host `guest` at the IRC door.
    """

    def __init__(
        self,
        log: MessageLog | None = None,
        hub: Hub | None = None,
        clock: Clock | None = None,
        *,
        most: int | None = None,
        outbox: int = MAX_OUTBOX_BYTES,
        accounts: Accounts | None = None,
        run: Run = maybeDeferred,
        cloaks: bool = False,
    ) -> None:
        FAULTS.clear()  # those of another server
        self.clock = Clock() if clock is None else clock
        self.log = MemoryLog(now=self.clock.seconds) if log is None else log
        self.accounts = MemoryAccounts() if accounts is None else accounts
        self._run = run
        self.hub = self.make_hub() if hub is None else hub
        if not cloaks:
            use_hosts(self.hub, NO_HOSTS)
        self.factory = ChatFactory(self.hub, self.clock, most=most, outbox=outbox, plain_passwords=True)
        self.irc_factory = IrcFactory(
            self.hub, self.clock, most=most, outbox=outbox, flusher=self.factory.flusher, plain_passwords=True
        )

    def make_hub(self) -> Hub:
        """Return a hub with accounts, whose passwords are hashed at once, or by `run`."""
        authenticator = BuiltIn(self.accounts, Passwords(self._run, QUICK), self.clock, any_password)
        hub = Hub(self.log, self.accounts, authenticator, tickets=AccountTickets(self.accounts, self.clock))
        hub.open()
        return hub

    def restarted(self) -> Server:
        """Return a new server with the same log and accounts; this server ends like a killed process."""
        return Server(self.log, clock=self.clock, accounts=self.accounts, run=self._run)

    def account(self, name: str, *rooms: str, client: str = "") -> Connection:
        """Return a program signed in to an account, whose password is its name, and in these rooms."""
        program = self.connect()
        program.say(f"hello,events,{client}\n".encode() + f"register,{name},{name}\n".encode())
        program.say(b"".join(f"join,{room}\n".encode() for room in rooms))
        program.read()
        return program

    def connect(self) -> Connection:
        """Return a new client that has not registered."""
        return Connection(self)

    def plain(self, name: str, *rooms: str) -> Connection:
        """Return a guest in the plain dialect that has joined these rooms and read everything so far."""
        person = self.connect()
        person.say(f"register,{name}\n".encode() + b"".join(f"join,{room}\n".encode() for room in rooms))
        person.read()
        return person

    def program(self, name: str, *rooms: str) -> Connection:
        """Return the same kind of client in the events dialect."""
        program = self.connect()
        program.say(b"hello,events\n" + f"register,{name}\n".encode())
        program.say(b"".join(f"join,{room}\n".encode() for room in rooms))
        program.read()
        return program

    def irc_stranger(self) -> Connection:
        """Return a new client at the IRC door that has not registered."""
        return Connection(self, self.irc_factory)

    def irc(self, name: str, *rooms: str, capabilities: str = "", password: str = "") -> Connection:
        """Return an IRC client with these capabilities that has joined these rooms and read everything so far."""
        client = self.irc_stranger()
        said = [f"CAP REQ :{capabilities}"] if capabilities else []
        said += [f"PASS :{password}"] if password else []
        said += [f"NICK {name}", f"USER {name} 0 * :{name}", *(["CAP END"] if capabilities else [])]
        said += [f"JOIN {room}" for room in rooms]
        client.say("".join(f"{line}\r\n" for line in said).encode())
        client.read()
        return client

    def lesson(self, name: str) -> Connection:
        """Return a lesson client (the textbook's) whose registration was just acknowledged."""
        client = self.connect()
        client.say(f"register,{name}".encode())
        self.clock.advance(0.05)
        assert client.read() == b"ack"
        return client

    def names(self) -> list[str]:
        """Return the names of the online users."""
        return self.hub.registry.online_names()

    def turn(self) -> None:
        """Run everything that is due now, without advancing the clock."""
        self.clock.advance(0)


class DelayedLog(MemoryLog):
    """A log that stores flushed entries only on a call of `keep`. Reads wait while `slow`, and fail while `broken`."""

    def __init__(self, most: int = 100_000) -> None:
        super().__init__(most, now=lambda: 0.0)
        self.slow = self.broken = False
        self._appended: list[Entry] = []
        self._flushed: list[Entry] = []
        self._reads: list[Deferred[None]] = []
        self._unsettled: list[Deferred[None]] = []

    @property
    def waiting(self) -> int:
        """Return the number of flushed entries that are not stored yet."""
        return len(self._flushed)

    def append(self, entry: Entry) -> None:
        self._appended.append(entry)

    def flush(self) -> None:
        self._flushed += self._appended
        self._appended.clear()

    def keep(self, entries: int | None = None) -> None:
        """Store and deliver the oldest `entries` of those that wait; by default all of them."""
        batch = self._flushed[:entries]
        del self._flushed[: len(batch)]
        for entry in batch:
            super().append(entry)
        super().flush()
        self._settle()

    def fail(self) -> None:
        """Fail to store the entries that wait."""
        batch, self._flushed = self._flushed, []
        self._refuse(batch)
        self._settle()

    def read_now(self) -> None:
        """Answer the reads that wait."""
        reads, self._reads = self._reads, []
        for read in reads:
            read.callback(None)

    def read_last_first(self) -> None:
        """Answer the reads that wait, the last one first."""
        self._reads.reverse()
        self.read_now()

    async def history(self, conversation: Conversation, before: int, after: int, limit: int) -> list[Record]:
        await self._patience()
        return await super().history(conversation, before, after, limit)

    async def first_membership_changes(self, identity: int, after: int) -> dict[str, str]:
        moves = await super().first_membership_changes(identity, after)
        await self._patience()
        return moves

    async def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Page:
        await self._patience()
        if self.broken:
            raise OSError("disk on fire")
        return await super().read(identity, rooms, after, limit)

    async def wait_durable(self, matters: Callable[[Entry], bool] | None = None) -> None:
        while self._flushed:
            self._unsettled.append(Deferred())
            await self._unsettled[-1]

    def _settle(self) -> None:
        unsettled, self._unsettled = self._unsettled, []
        for waiting in unsettled:
            waiting.callback(None)

    async def _patience(self) -> None:
        if self.slow:
            self._reads.append(Deferred())
            await self._reads[-1]


class SlowAccounts(MemoryAccounts):
    """Accounts that, while `slow`, answer only on a call of `go_on`."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = False
        self._waiting: list[Deferred[None]] = []

    def go_on(self) -> None:
        """Answer the calls that wait."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    async def _patience(self) -> None:
        if self.slow:
            self._waiting.append(Deferred())
            await self._waiting[-1]

    async def secret(self, identity: int) -> str | None:
        await self._patience()
        return await super().secret(identity)

    async def client_number(self, identity: int, client_id: str, in_use: Collection[int] = ()) -> int:
        await self._patience()
        return await super().client_number(identity, client_id, in_use)

    async def read_markers(self, identity: int) -> list[tuple[Conversation, int]]:
        await self._patience()
        return await super().read_markers(identity)

    async def device_positions(self, identity: int) -> dict[bytes, int]:
        await self._patience()
        return await super().device_positions(identity)


class Recorder:
    """A participant without a door, which records every call of the hub (see Participant)."""

    _numbers = count(GUESTS + 1_000_000)

    def __init__(self) -> None:
        self.sender_number = next(self._numbers)
        self.client_id, self.address, self.door, self.read_up_to = "", "", "", 0
        self.user: User | None = None
        self.routes: dict[str, Route] = {}
        self.unstored = self.credit = 0
        self.max_rooms, self.max_routes = FREE_ROOMS, FREE_ROUTES
        self.seen: list[Record] = []
        self.acknowledged: list[tuple[str | None, int]] = []
        self.copies: list[Record] = []
        self.marks: list[tuple[str, int]] = []
        self.held = False
        self.news: list[tuple[str | None, str | None]] = []
        self.words: list[str] = []
        self.refusals: list[str] = []
        self.flushes = 0

    @property
    def texts(self) -> list[str]:
        """Return the texts that were delivered."""
        return [record.text for record in self.seen]

    def deliver(self, entry: Entry) -> None:
        self.seen += entry.records()

    def reject(self, entry: Entry, problem: ChatError) -> None:
        self.refusals += [problem.code] * len(entry.texts)

    def acknowledge(self, entry: Entry) -> bool:
        self.acknowledged += [(entry.labels.get(index), entry.first + index) for index in range(len(entry.texts))]
        return True

    def all_stored(self) -> None: ...

    def presence_changed(self, who: int, before: str | None, now: str | None) -> None:
        self.news.append((before, now))

    def crowd_changed(self, news: object) -> None:
        pass

    def notify(self, notice: Notice, detail: str = "") -> None:
        self.words.append(notice.value)

    def deliver_copy(self, entry: Entry) -> None:
        self.copies += entry.records()

    def read_marker_moved(self, name: str, id: int) -> None:
        self.marks.append((name, id))

    def hold(self) -> None:
        self.held = True

    def release(self) -> None:
        self.held = False

    def disconnect(self, notice: Notice, detail: str = "") -> None:
        self.words.append(notice.value)

    def flush(self) -> None:
        self.flushes += 1


def entry(
    *texts: str,
    conversation: Conversation = "#tea",
    sender: str = "jane",
    to: str = "#tea",
    kind: str = MESSAGE,
    labels: Sequence[str | None] = (),
    connection: Participant | None = None,
    recipients: tuple[Participant, ...] = (),
    author: int = 1,
) -> Entry:
    """Return an entry as the hub makes it; `labels` may be shorter than `texts`."""
    connection = connection or Recorder()
    envelope = Envelope(sender, to, conversation, author, connection.sender_number)
    labelled = {index: label for index, label in enumerate(labels) if label is not None}
    return Entry(kind, envelope, recipients, list(texts), connection, labelled, bool(labelled))


def kept(first: int, time: int, made: Entry) -> Entry:
    """Return the entry as a log gives it back, with its first id and its time."""
    made.first, made.time = first, time
    return made
