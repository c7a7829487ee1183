"""TLS over any transport, with a certificate that is reloaded when its files change and a bounded wait at the close.

Needs pyOpenSSL, which `twisted[tls]` installs. Therefore this module is imported only if TLS is turned on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IDelayedCall, IOpenSSLServerConnectionCreator, IProtocol, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

_log = Logger()

FILE_CHECK_SECONDS = 1.0
"""Seconds for which a certificate's files are assumed to be unchanged."""
CLOSE_TIMEOUT_SECONDS = 10.0
"""Seconds that the peer has to read the last bytes and to close TLS."""

_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class CertificateError(Exception):
    """The certificate cannot be used; the text tells the operator why."""


@implementer(IOpenSSLServerConnectionCreator)
class ReloadingCertificate:
    """A server's certificate chain and key in two PEM files, reloaded when either file changes.

    `clock` says when to check the files. `alpn` are the protocols that a client may name in
    its handshake (RFC 7301); without them Twisted fails the handshake of every client that
    names one. If the new files cannot be used, the error is logged and the previous
    certificate stays in use.
    """

    def __init__(self, chain: str, key: str, clock: IReactorTime, alpn: Sequence[bytes]) -> None:
        self._chain, self._key, self._clock, self._alpn = chain, key, clock, alpn
        self._checked_at = 0.0

    def open(self) -> None:
        """Load the files before the first connection; raise CertificateError if they cannot be used."""
        self._checked_at = self._clock.seconds()
        self._file_state = self._stat()
        self._context = self._load()

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Return a new connection that uses the current certificate."""
        if self._clock.seconds() - self._checked_at >= FILE_CHECK_SECONDS:
            self._reload_if_changed()
        return SSL.Connection(self._context, None)

    def _reload_if_changed(self) -> None:
        self._checked_at = self._clock.seconds()
        file_state = self._stat()
        if file_state == self._file_state:
            return
        self._file_state = file_state
        try:
            self._context = self._load()
        except CertificateError as problem:
            _log.error("{problem}; the previous certificate stays in use", problem=problem)
        else:
            _log.info("reloaded the certificate {chain}; new connections use it", chain=self._chain)

    def _stat(self) -> object:
        """Return a value that differs once a file was changed or replaced."""
        try:
            stats = [os.stat(path) for path in (self._chain, self._key)]
        except OSError as problem:
            return str(problem)
        return [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats]

    def _load(self) -> SSL.Context:
        try:
            with open(self._chain, "rb") as chain, open(self._key, "rb") as key:
                return server_context(chain.read(), key.read(), self._alpn)
        except OSError as problem:
            raise CertificateError(f"cannot read {problem.filename}: {problem.strerror}") from None
        except (ValueError, TypeError, SSL.Error, crypto.Error) as problem:
            raise CertificateError(
                f"{self._chain} and {self._key} are not a certificate and its key ({problem})"
            ) from None


def server_context(chain: bytes, key: bytes, alpn: Sequence[bytes]) -> SSL.Context:
    """Return the OpenSSL context of a server that accepts TLS 1.2 and later, from a PEM chain and a PEM key.

    Raise ValueError, TypeError, SSL.Error or crypto.Error if they cannot be used.
    """
    pems = _PEM_CERTIFICATE.findall(chain)
    if not pems:
        raise ValueError("there is no -----BEGIN CERTIFICATE-----")
    first, *others = [crypto.load_certificate(crypto.FILETYPE_PEM, pem) for pem in pems]
    if b"ENCRYPTED" in key:
        raise ValueError("the key has a passphrase; use a key without one")
    private = crypto.load_privatekey(crypto.FILETYPE_PEM, key)
    options = CertificateOptions(
        privateKey=private, certificate=first, extraCertChain=others, acceptableProtocols=list(alpn)
    )
    context: SSL.Context = options.getContext()
    return context


class Tls(TLSMemoryBIOProtocol):
    """A TLS connection, as the transport of the protocol behind it.

    Aborts the connection CLOSE_TIMEOUT_SECONDS after loseConnection if the peer has not closed
    it by then. Encrypts each write immediately: unlike Twisted's BufferingTLSTransport it does
    not gather small writes, since the protocols behind it gather their own.
    """

    clock: IReactorTime
    _close_timeout: IDelayedCall | None = None

    def loseConnection(self) -> None:
        super().loseConnection()  # type: ignore[no-untyped-call]
        if self.connected and self._close_timeout is None:
            self._close_timeout = self.clock.callLater(CLOSE_TIMEOUT_SECONDS, self.abortConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._close_timeout is not None and self._close_timeout.active():
            self._close_timeout.cancel()
        self._lostTLSConnection = True  # stops a last read, whose exception would keep this connection in a cycle
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self._producer = self._close_timeout = None  # both refer to this connection


def with_tls(certificate: ReloadingCertificate, clock: IReactorTime) -> Callable[[Protocol], IProtocol]:
    """Return a function that puts TLS in front of a protocol."""
    factory = TLSMemoryBIOFactory(certificate, False, Factory(), clock)

    def wrap(protocol: Protocol) -> Tls:
        made = Tls(factory, protocol)  # type: ignore[no-untyped-call]
        made.clock = clock
        return made

    return wrap
