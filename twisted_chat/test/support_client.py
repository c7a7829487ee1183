"""Network: a server with accounts, in memory, whose connections a test can cut and which it can restart."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.address import HostnameAddress
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from zope.interface import implementer

from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.passwords import Passwords
from twisted_chat.auth.tickets import AccountTickets
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Accounts, MessageLog
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.simulation.network import MemoryTransport
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.test.support_auth import QUICK, any_password


class CuttableTransport(MemoryTransport):
    """One end of a connection. `wrote` is called with all data first; it returns False for data that is lost."""

    __slots__ = ("wrote",)
    wrote: Callable[[CuttableTransport, bytes], bool]

    def write(self, data: bytes) -> None:
        if not self._lost and not self._closing and self.wrote(self, data):
            super().write(data)

    def cut(self) -> None:
        """End the connection for both ends, and lose what is under way."""
        for end in (self, self.peer):
            assert isinstance(end, CuttableTransport)
            end._inbox.clear()
            end.abortConnection()


@implementer(IStreamClientEndpoint)
class Network:
    """A server with accounts, in memory, whose connections are cut at the `cut_at`th write.

    The data of that write still arrives if `arrives` is true. With `cut_every` another cut follows that many writes
    later, and so on. While the network is `deaf` nothing arrives, and nothing is cut.
    """

    def __init__(self, clock: VirtualClock, log: MessageLog | None = None, accounts: Accounts | None = None) -> None:
        self.clock = clock
        self.log: MessageLog = log or MemoryLog(now=clock.seconds)
        self.accounts: Accounts = accounts or MemoryAccounts()
        self.attempts = self.writes = 0
        self.cut_at = self.cut_every = 0
        self.arrives = self.deaf = False
        self.listening = True
        self.sent: list[str] = []
        self.wires: list[CuttableTransport] = []
        self.start()

    def start(self) -> None:
        """Start a new server on the same log and accounts."""
        accounts = self.accounts
        authenticator = BuiltIn(accounts, Passwords(maybeDeferred, QUICK), self.clock, any_password)
        self.hub = Hub(self.log, accounts, authenticator, tickets=AccountTickets(accounts, self.clock))
        self.hub.open()
        self.factory = ChatFactory(self.hub, self.clock)
        self.listening = True

    def stop(self) -> None:
        """End the server as a crash would."""
        self.listening = False
        self.cut()

    def cut(self) -> None:
        """Cut all connections, and lose what is under way."""
        wires, self.wires = self.wires, []
        for wire in wires:
            wire.cut()

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        self.attempts += 1
        client = protocolFactory.buildProtocol(HostnameAddress(b"memory", 0)) if self.listening else None
        server = self.factory.buildProtocol(None) if self.listening else None
        if client is None or server is None:
            return fail(ConnectionRefusedError())
        here = CuttableTransport(self.clock, HostnameAddress(b"memory", self.attempts))
        there = CuttableTransport(self.clock, HostnameAddress(b"memory", 0))
        here.peer, there.peer = there, here
        here.protocol, there.protocol = client, server
        here.wrote = there.wrote = self._wrote
        self.wires.append(here)
        server.makeConnection(there)
        client.makeConnection(here)
        return succeed(client)

    def _wrote(self, wire: CuttableTransport, data: bytes) -> bool:
        if self.deaf:
            return False
        if wire in self.wires:
            self.sent += data.decode().splitlines()
        self.writes += 1
        if self.writes != self.cut_at:
            return True
        self.cut_at += self.cut_every
        if self.arrives:
            before = b"".join(wire.peer._inbox)
            wire.peer._inbox.clear()
            wire.peer.protocol.dataReceived(before + data)
        wire.cut()
        return False
