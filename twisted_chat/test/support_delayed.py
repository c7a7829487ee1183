"""For tests of what happens while the log has not stored a request yet, or refuses it."""

from __future__ import annotations

from twisted_chat.test.support import Connection, DelayedLog, Server


class DelayedFixture:
    """A `server` whose `log` stores or refuses what waits when the test says so."""

    log: DelayedLog
    server: Server

    def keep(self) -> None:
        """Store everything, also what its delivery causes."""
        self.server.turn()
        while self.log.waiting:
            self.log.keep()
            self.server.turn()

    def refuse(self, entries: int | None = None) -> None:
        """Fail to store the first entries that wait; by default all of them."""
        self.server.turn()
        rest = self.log._flushed[entries:] if entries is not None else []
        del self.log._flushed[len(self.log._flushed) - len(rest) :]
        self.log.fail()
        self.log._flushed = rest + self.log._flushed
        self.server.turn()

    def drain(self, *clients: Connection) -> None:
        """Forget what the clients have received."""
        for client in clients:
            client.read()
