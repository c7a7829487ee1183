"""The front door: one port for every protocol and for TLS.

FrontFactory makes a Front (front_connection.py) for each connection, limits their number over all
doors and for each network (connections.py), and runs the idle checks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolNegotiationFactory, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall
from zope.interface import implementer

from twisted_chat.core.shares import Shares
from twisted_chat.doors.any_door import AnyDoor
from twisted_chat.doors.connections import ConnectionRegister, Members
from twisted_chat.doors.front_connection import IDLE_CHECK_SECONDS, Front
from twisted_chat.doors.refusals import NETWORK_FULL, SERVER_FULL

ALPN_PROTOCOLS = [b"http/1.1", b"irc"]
"""Protocols that a client may name in its TLS handshake (RFC 7301); the first bytes decide nevertheless. Without these
Twisted fails the handshake of every client that names a protocol."""


@implementer(IProtocolNegotiationFactory)
class FrontFactory(Factory):
    """Make a Front for each connection; `doors` maps the names of protocols that wire.detect knows to factories.

    `tls` is a function that puts TLS in front of a protocol; None turns TLS off. `tls_only`
    rejects every connection without TLS. `most` limits the number of connections at all
    doors together. `connections` contains those that no door has yet. The doors share the `register` and the `shares`.
    """

    noisy = False

    def __init__(
        self,
        doors: Mapping[str, AnyDoor],
        clock: IReactorTime,
        *,
        tls: Callable[[Protocol], IProtocol] | None = None,
        tls_only: bool = False,
        most: int | None = None,
        register: ConnectionRegister | None = None,
        shares: Shares | None = None,
    ) -> None:
        self.doors, self.tls, self.tls_only, self.clock = doors, tls, tls_only, clock
        self.register = ConnectionRegister(clock.seconds) if register is None else register
        self.input = (Shares() if shares is None else shares).input
        self.register.most = most
        self.register.uncounted = [
            door.connections for door in doors.values() if not isinstance(door.connections, Members)
        ]
        self.connections: Members[Front] = Members(self.register)
        self._idle_checks = LoopingCall(self.idle_check)
        self._idle_checks.clock = clock

    @property
    def most(self) -> int | None:
        """Return the number of connections at all doors together that the server can hold."""
        return self.register.most

    @most.setter
    def most(self, most: int | None) -> None:
        self.register.most = most

    def refusal(self, address: str) -> bytes | None:
        """Return None if a connection from this address is admitted, or the line that tells its client why not."""
        register = self.register
        if register.network_is_full(address):
            return NETWORK_FULL
        if self.most is None or len(register) < register.guest_places or register.make_room(address):
            return None
        return SERVER_FULL if len(register) >= self.most or register.over_share(address) else None

    def startFactory(self) -> None:
        for door in self.doors.values():
            door.doStart()
        self._idle_checks.start(IDLE_CHECK_SECONDS, now=False)

    def stopFactory(self) -> None:
        self._idle_checks.stop()
        for door in self.doors.values():
            door.doStop()

    def buildProtocol(self, addr: IAddress | None) -> Front:  # type: ignore[override]  # Factory allows Any
        front = Front()
        front.factory = self
        return front

    def acceptableProtocols(self) -> list[bytes]:
        """Return the ALPN protocols for the handshake of an `ssl:` endpoint."""
        return ALPN_PROTOCOLS

    def idle_check(self) -> None:
        """Run the idle check of each connection that no door has yet."""
        for front in list(self.connections):
            front.idle_check()

    def shut_down(self) -> None:
        """End each connection that no door has yet."""
        for front in list(self.connections):
            front.shut_down()
