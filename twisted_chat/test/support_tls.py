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

from twisted_chat.doors.front import ALPN_PROTOCOLS, FrontFactory
from twisted_chat.test.support import Connection, MemoryTransport
from twisted_chat.test.support_front import Client, FrontServer, SwitchingTransport
from twisted_chat.transports.tls import ReloadingCertificate

_authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
_trusted = Trusted.loadPEM(_authority.cert_pem.bytes())


class TlsClient:
    """A mixin with the client's side of TLS; the class has a `transport` in memory and a `clock`."""

    clock: Clock
    transport: MemoryTransport

    def begin(self, name: str, alpn: list[bytes] | None = None) -> None:
        """Prepare a client that expects a server of this name and offers the protocols `alpn`."""
        self.plain = Plain()
        creator = optionsForClientTLS(name, _trusted, acceptableProtocols=alpn)
        wrapping = TLSMemoryBIOFactory(creator, True, Factory.forProtocol(lambda: self.plain), self.clock)
        self.tls: TLSMemoryBIOProtocol = wrapping.buildProtocol(None)
        self.wire = StringTransport()
        self.tls.makeConnection(self.wire)
        self.reads = True

    def shake_hands(self, most: int = 100_000) -> None:
        """Carry bytes both ways until there are none; the server gets them in reads of at most `most` bytes."""
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
        """Return the bytes that the server has sent since the last call, decrypted."""
        self.shake_hands()
        heard, self.plain.heard = self.plain.heard, b""
        return heard


class Secure(Client, TlsClient):
    """A client of a front door that speaks TLS to it."""

    def __init__(
        self, factory: FrontFactory, clock: Clock, name: str = "chat.example", alpn: list[bytes] | None = None
    ) -> None:
        super().__init__(factory, clock, SwitchingTransport)
        self.begin(name, alpn)

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
    """Collect the decrypted bytes that a client gets."""

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
        self.certificate = ReloadingCertificate(str(self.chain), str(self.key), self.clock, ALPN_PROTOCOLS)

    def issue(self, name: str) -> None:
        """Write a certificate of that name to the files, issued by an authority below the trusted one."""
        made = _authority.create_child_ca(key_type=trustme.KeyType.ECDSA).issue_cert(name)
        self.write(self.chain, b"".join(pem.bytes() for pem in made.cert_chain_pems))
        self.write(self.key, made.private_key_pem.bytes())

    def write(self, path: Path, data: bytes) -> None:
        """Replace a file atomically, as tools that renew a certificate do."""
        new = path.with_suffix(".new")
        new.write_bytes(data)
        new.chmod(0o600)
        os.replace(new, path)
