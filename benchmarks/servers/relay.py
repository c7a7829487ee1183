"""The baseline: a relay on Twisted, without any chat.

    python relay.py PORT

Connections are paired in the order in which they arrive, and the bytes of each are written to the other
unparsed. With `transport.write`, no server on this reactor that parses its lines can cost less, so the
other costs are given as multiples of this one.
"""

import sys

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory


class Relay(Protocol):
    """One end of a pair."""

    other: "Relay"

    def dataReceived(self, data: bytes) -> None:
        """Write the bytes to the other end."""
        assert self.other.transport is not None
        self.other.transport.write(data)


class Pairs(ServerFactory):
    """Pairs connection 0 with 1, 2 with 3, and so on."""

    noisy = False
    alone: Relay | None = None

    def buildProtocol(self, addr: IAddress | None) -> Relay:
        """Return a relay that waits for a partner, or is the partner of a waiting one."""
        relay = Relay()
        if self.alone is None:
            self.alone = relay
        else:
            relay.other, self.alone.other = self.alone, relay
            self.alone = None
        return relay


def main() -> None:
    """Serve on the default reactor until the process ends."""
    from twisted.internet import reactor

    reactor.listenTCP(int(sys.argv[1]), Pairs(), backlog=4096, interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main()
