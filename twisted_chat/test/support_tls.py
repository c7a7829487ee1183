"""TLS in memory: a certificate in files, and clients that trust it. Needs pyOpenSSL and trustme."""

from __future__ import annotations

import os
from pathlib import Path

import trustme
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate as Trusted
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.front import FrontFactory
from twisted_chat.test.support import Connection, MemoryTransport
from twisted_chat.test.support_front import Client, FrontServer, SwitchingTransport
from twisted_chat.transports.tls import Certificate

_authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
_trusted = Trusted.loadPEM(_authority.cert_pem.bytes())


class TlsClient:
    """The client's side of TLS over a transport in memory, for those who have such a `transport` and a `clock`."""

    clock: Clock
    transport: MemoryTransport

    def begin(self, name: str) -> None:
        """Be one that trusts a server of this name."""
        self.plain = Plain()
        creator = optionsForClientTLS(name, _trusted)
        wrapping = TLSMemoryBIOFactory(creator, True, Factory.forProtocol(lambda: self.plain), self.clock)
        self.tls: TLSMemoryBIOProtocol = wrapping.buildProtocol(None)
        self.wire = StringTransport()
        self.tls.makeConnection(self.wire)
        self.reads = True

    def shake_hands(self, most: int = 100_000) -> None:
        """Carry bytes to and fro, those to the server in reads of at most `most`, until there are none."""
        for _ in range(10):
            self.clock.advance(0)
            sent = self.wire.value()
            self.wire.clear()
            for start in range(0, len(sent), most):
                self.transport.incoming(sent[start : start + most])
            self.clock.advance(0)
            if self.reads and self.transport.writes:
                writes, self.transport.writes = self.transport.writes, []
                self.tls.dataReceived(b"".join(writes))

    def decrypted(self) -> bytes:
        """What the server has sent since the last look."""
        self.shake_hands()
        heard, self.plain.heard = self.plain.heard, b""
        return heard


class Secure(Client, TlsClient):
    """A client of a front door that speaks TLS to it."""

    def __init__(self, factory: FrontFactory, clock: Clock, name: str = "chat.example") -> None:
        super().__init__(factory, clock, SwitchingTransport)
        self.begin(name)

    def says(self, *reads: bytes) -> None:
        for data in reads:
            self.tls.write(data)
            self.shake_hands()

    def heard(self) -> bytes:
        return self.decrypted()


class SecureConnection(Connection, TlsClient):
    """A client of a whole server that speaks TLS to it."""

    def __init__(self, server: FrontServer) -> None:
        super().__init__(server, server.front, SwitchingTransport)
        self.begin("chat.example")
        self.shake_hands()

    def say(self, data: bytes) -> None:
        self.tls.write(data)
        self.shake_hands()

    def writes(self) -> list[bytes]:
        return [self.decrypted()]


class Plain(Protocol):
    """What a client of TLS hears."""

    heard = b""

    def dataReceived(self, data: bytes) -> None:
        self.heard += data


class TlsTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        folder = Path(self.mktemp())
        folder.mkdir()
        self.chain, self.key = folder / "chain.pem", folder / "key.pem"
        self.issue("chat.example")
        self.certificate = Certificate(str(self.chain), str(self.key), self.clock)

    def issue(self, name: str) -> None:
        """Put a certificate of that name into the files, by an authority below the one that is trusted."""
        made = _authority.create_child_ca(key_type=trustme.KeyType.ECDSA).issue_cert(name)
        self.write(self.chain, b"".join(pem.bytes() for pem in made.cert_chain_pems))
        self.write(self.key, made.private_key_pem.bytes())

    def write(self, path: Path, data: bytes) -> None:
        """Put a new file in the place of another, as whoever renews a certificate does."""
        new = path.with_suffix(".new")
        new.write_bytes(data)
        os.replace(new, path)
