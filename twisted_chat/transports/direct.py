"""Writing straight to an idle TCP connection, where the reactor's transport would wait a turn.

The reactor's `write` waits for the socket to be reported writable: two system calls
and a turn of the reactor for each message. Here a write goes to the socket at once
while nothing waits; only what the socket does not take goes the long way.
"""

from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.internet.tcp import Connection, Server
from zope.interface import implementer

from twisted_chat.transports.interfaces import Writer


def straight(transport: Writer) -> Writer:
    """The writing half of a transport, straight if it is a plain TCP connection that was accepted."""
    return StraightTransport(transport) if type(transport) is Server else transport


@implementer(IPullProducer)
class StraightTransport:
    """The writing half of a transport, in front of a `Connection` of the reactor's.

    The registered push producer is paused from the first byte that the socket
    does not take until it has taken all.
    """

    __slots__ = ("_connection", "_full", "_producer")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._producer: IPushProducer | None = None
        self._full = False

    def write(self, data: bytes) -> None:
        connection = self._connection
        if not self._full and connection.connected:
            sent = connection.writeSomeData(data)
            if sent == len(data):
                return
            if isinstance(sent, int):
                data = data[sent:]
            if self._producer is not None:
                self._producer.pauseProducing()
                connection.registerProducer(self, False)  # which calls resumeProducing at once
                self._full = True
        connection.write(data)

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None
        self._connection.unregisterProducer()

    def loseConnection(self) -> None:
        self._connection.loseConnection()

    def resumeProducing(self) -> None:
        """The connection has sent all that it was given."""
        if self._full:
            self._full = False
            self._connection.unregisterProducer()
            if self._producer is not None:
                self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """The connection is lost."""
        self._producer = None
