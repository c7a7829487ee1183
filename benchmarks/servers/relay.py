"""The yardstick: Twisted with no chat in it.

    python relay.py PORT

Each connection is wired to the one that came after it, or before it, and what one of them
sends is written to the other unread. No server on this reactor that does anything with its
lines can cost less by `transport.write`, so the other costs are given as multiples of this one.
"""

import sys

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory


class Relay(Protocol):
    """One end of a pair."""

    other: "Relay"

    def dataReceived(self, data: bytes) -> None:
        """Pass it on."""
        assert self.other.transport is not None
        self.other.transport.write(data)


class Pairs(ServerFactory):
    """Wires connection 0 to 1, 2 to 3, and so on."""

    noisy = False
    alone: Relay | None = None

    def buildProtocol(self, addr: IAddress | None) -> Relay:
        """Wait for a partner, or be the partner of the one who waits."""
        relay = Relay()
        if self.alone is None:
            self.alone = relay
        else:
            relay.other, self.alone.other = self.alone, relay
            self.alone = None
        return relay


def main() -> None:
    """Serve on the default reactor until the process is ended."""
    from twisted.internet import reactor

    reactor.listenTCP(int(sys.argv[1]), Pairs(), backlog=4096, interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main()
