"""DirectWriter: write to an idle TCP socket immediately, without waiting for the reactor.

The reactor's `write` waits until the reactor reports the socket as writable: two more
system calls and one reactor iteration for each message. DirectWriter sends immediately
while nothing is buffered. The reactor's transport buffers only the bytes that the
socket does not accept.
"""

from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.internet.tcp import Connection, Server
from zope.interface import implementer

from twisted_chat.transports.interfaces import Writer


def direct_writer(transport: Writer) -> Writer:
    """Return a DirectWriter for a TCP connection that the reactor accepted; return any other transport unchanged."""
    return DirectWriter(transport) if type(transport) is Server else transport


@implementer(IPullProducer)
class DirectWriter:
    """The write half of a reactor's TCP connection, which sends immediately while nothing is buffered.

    Pauses the registered push producer from the first byte that the socket does not
    accept until the socket has accepted every byte.
    """

    __slots__ = ("_buffering", "_connection", "_producer")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._producer: IPushProducer | None = None
        self._buffering = False  # the connection holds bytes that must leave first

    def write(self, data: bytes) -> None:
        connection = self._connection
        if not self._buffering and connection.connected:
            sent = connection.writeSomeData(data)
            if sent == len(data):
                return
            if isinstance(sent, int):  # and not an error, which the connection's own write will report
                data = data[sent:]
            self._begin_buffering()
        connection.write(data)

    def _begin_buffering(self) -> None:
        if self._producer is not None:
            self._producer.pauseProducing()
        self._connection.registerProducer(self, False)  # it calls resumeProducing at once, which must do nothing yet
        self._buffering = True

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        self._producer = producer
        if self._buffering:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        self._producer = None

    def loseConnection(self) -> None:
        self._connection.loseConnection()

    def resumeProducing(self) -> None:
        """Write directly again: the connection has sent its buffer."""
        if self._buffering:
            self._buffering = False
            self._connection.unregisterProducer()
            if self._producer is not None:
                self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """Forget the producer: the connection is lost."""
        self._producer = None
