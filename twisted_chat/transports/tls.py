"""TLS for all doors: a certificate that may be renewed while the server runs, and connections that come to an end.

Needs pyOpenSSL, which `twisted[tls]` brings; nothing else here imports this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IDelayedCall, IOpenSSLServerConnectionCreator, IProtocol, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.doors.front import ALPN

_log = Logger()

LOOK_EVERY = 1.0
"""Seconds for which the files of a certificate are taken to be what they were."""
CLOSING = 10.0
"""Seconds that a peer has to read the last words and to close."""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class CertificateError(Exception):
    """A certificate cannot be used; its text is for the operator."""


@implementer(IOpenSSLServerConnectionCreator)
class Certificate:
    """A server's certificate with its chain, and its key, in two PEM files that are read again when they change.

    `clock` says when to look at them. What cannot be used is logged, and then the
    last that could be is used on.
    """

    def __init__(self, chain: str, key: str, clock: IReactorTime) -> None:
        self._chain, self._key, self._clock = chain, key, clock
        self._looked = 0.0

    def open(self) -> None:
        """Read the files, before the first connection; raises CertificateError."""
        self._looked = self._clock.seconds()
        self._seen = self._look()
        self._context = self._read()

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """A new connection, with the certificate as it is now."""
        if self._clock.seconds() - self._looked >= LOOK_EVERY:
            self._renew()
        return SSL.Connection(self._context, None)

    def _renew(self) -> None:
        self._looked = self._clock.seconds()
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._context = self._read()
        except CertificateError as problem:
            _log.error("{problem}; the certificate from before is used on", problem=problem)
        else:
            _log.info("{chain} has changed: new connections get the new certificate", chain=self._chain)

    def _look(self) -> object:
        """What changes when a file does."""
        try:
            stats = [os.stat(path) for path in (self._chain, self._key)]
        except OSError as problem:
            return str(problem)
        return [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats]

    def _read(self) -> SSL.Context:
        try:
            with open(self._chain, "rb") as chain, open(self._key, "rb") as key:
                return context(chain.read(), key.read())
        except OSError as problem:
            raise CertificateError(f"cannot read {problem.filename}: {problem.strerror}") from None
        except (ValueError, TypeError, SSL.Error, crypto.Error) as problem:
            raise CertificateError(f"{self._chain} and {self._key} are no certificate and key ({problem})") from None


def context(chain: bytes, key: bytes) -> SSL.Context:
    """What a TLS server needs, for TLS 1.2 and up, of a certificate with its chain and a key, in PEM.

    Raises ValueError, TypeError, SSL.Error or crypto.Error for what cannot be used.
    """
    pems = _PEM.findall(chain)
    if not pems:
        raise ValueError("there is no -----BEGIN CERTIFICATE-----")
    first, *others = [crypto.load_certificate(crypto.FILETYPE_PEM, pem) for pem in pems]
    if b"ENCRYPTED" in key:
        raise ValueError("the key has a passphrase; a server needs one without")
    private = crypto.load_privatekey(crypto.FILETYPE_PEM, key)
    options = CertificateOptions(privateKey=private, certificate=first, extraCertChain=others, acceptableProtocols=ALPN)
    made: SSL.Context = options.getContext()
    return made


class Tls(TLSMemoryBIOProtocol):
    """A connection with TLS, as the transport of the protocol behind it.

    Ends for good some time after loseConnection, whether the peer closes or not.
    What is written leaves at once: doors gather it themselves.
    """

    clock: IReactorTime
    _closing: IDelayedCall | None = None

    def loseConnection(self) -> None:
        super().loseConnection()  # type: ignore[no-untyped-call]
        if self.connected and self._closing is None:
            self._closing = self.clock.callLater(CLOSING, self.abortConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        self._lostTLSConnection = True  # all was read; a second look would keep this connection in a traceback's cycle
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self._producer = self._closing = None  # which refer to this connection


def with_tls(certificate: Certificate, clock: IReactorTime) -> Callable[[Protocol], IProtocol]:
    """Puts TLS in front of a protocol."""
    factory = TLSMemoryBIOFactory(certificate, False, Factory(), clock)

    def wrap(protocol: Protocol) -> Tls:
        made = Tls(factory, protocol)  # type: ignore[no-untyped-call]
        made.clock = clock
        return made

    return wrap
