"""Person: a simulated user, whose visit is entered in the ledger."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import Disconnected
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.network import MemoryEndpoint, memory_server
from twisted_chat.simulation.person import Person


class FullServer(Protocol):
    """A server that refuses each connection."""

    transport: ITransport

    def connectionMade(self) -> None:
        self.transport.write(b"error,unavailable,the server is full\n")
        self.transport.loseConnection()


class PeopleTests(SynchronousTestCase):
    """The number of people who are connected."""

    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.ledger = Ledger(self.clock.seconds)
        self.lost: list[Disconnected] = []
        self.person = Person(self.ledger, self.clock.seconds, on_lost=self.lost.append)

    def connect(self, endpoint: MemoryEndpoint) -> None:
        self.clock.run(Deferred.fromCoroutine(self.person.connect(endpoint)))

    def test_a_person_counts_until_its_connection_ends(self) -> None:
        endpoint = memory_server(self.clock)
        self.connect(endpoint)
        self.assertEqual((self.ledger.people, self.ledger.arrivals), (1, 1))
        endpoint.kill()
        self.clock.advance(0)
        self.assertEqual((self.ledger.people, self.ledger.arrivals, len(self.lost)), (0, 1, 1))

    def test_a_person_that_the_server_refuses_never_counts(self) -> None:
        factory = Factory()
        factory.protocol = FullServer
        factory.noisy = False
        self.assertRaises(Disconnected, self.connect, MemoryEndpoint(self.clock, factory))
        self.clock.advance(0)
        self.assertEqual((self.ledger.people, self.ledger.arrivals), (0, 0))
