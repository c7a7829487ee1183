"""TLS over any transport, with a certificate that is reloaded when its files change and a bounded wait at the close.

Needs pyOpenSSL, which `twisted[tls]` installs. Therefore this module is imported only if TLS is turned on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from stat import S_IROTH, S_ISREG, S_IWGRP, S_IWOTH
from time import time
from typing import Any

from cryptography import x509
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IDelayedCall, IOpenSSLServerConnectionCreator, IProtocol, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.transports.interfaces import peer_host
from twisted_chat.transports.tls_memory import TLS_CONNECTION_BYTES, TLS_HANDSHAKE_BYTES, Memory

_log = Logger()

DATE_CHECK_SECONDS = 24 * 3600.0
FILE_CHECK_SECONDS = 1.0
"""Seconds for which a certificate's files are assumed to be unchanged."""
CLOSE_TIMEOUT_SECONDS = 10.0
"""Seconds that the peer has to read the last bytes and to close TLS."""

TLS_1_2_CIPHERS = AcceptableCiphers.fromOpenSSLCipherString(
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
"""Mozilla's "intermediate" (Server Side TLS 5.7), without the suites that need parameters for DHE; for TLS 1.2."""

_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class CertificateError(Exception):
    """The certificate cannot be used; the text tells the operator why."""


@implementer(IOpenSSLServerConnectionCreator)
class ReloadingCertificate:
    """A server's certificate chain and key in two PEM files, reloaded when either file changes.

    `clock` says when to check the files. `alpn` are the protocols that a client may name in its handshake (RFC 7301);
    the handshake of a client that names others only fails. If the new files cannot be used, the error is logged and the
    previous certificate stays in use. `now` returns the seconds since the epoch, for the dates in a certificate, which
    are looked at when it is loaded and daily. `names` are the DNS names that it has.
    """

    def __init__(
        self, chain: str, key: str, clock: IReactorTime, alpn: Sequence[bytes], now: Callable[[], float] = time
    ) -> None:
        self._chain, self._key, self._clock, self._alpn, self._now = chain, key, clock, alpn, now
        self._checked_at = 0.0
        self.names: frozenset[str] = frozenset()
        self._daily = LoopingCall(self._warn_about_dates)
        self._daily.clock = clock

    def open(self) -> None:
        """Load the files before the first connection; raise CertificateError if they cannot be used."""
        self._checked_at = self._clock.seconds()
        self._file_state = self._stat()
        self._load()
        if not self._daily.running:
            self._daily.start(DATE_CHECK_SECONDS, now=False)

    def close(self) -> None:
        """Look at the dates no more."""
        if self._daily.running:
            self._daily.stop()

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Return a new connection that uses the current certificate."""
        if self._clock.seconds() - self._checked_at >= FILE_CHECK_SECONDS:
            self.reload_if_changed()
        return SSL.Connection(self._context, None)

    def reload_if_changed(self) -> None:
        """Look at the files, and load them if either has changed."""
        self._checked_at = self._clock.seconds()
        file_state = self._stat()
        if file_state == self._file_state:
            return
        self._file_state = file_state
        try:
            self._load()
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
        return [(stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_mode, stat.st_uid) for stat in stats]

    def _load(self) -> None:
        try:
            with open(self._chain, "rb") as chain, open(self._key, "rb") as key:
                check_private(self._key, key.fileno())
                pem = chain.read()
                self._context = server_context(pem, key.read(), self._alpn)
        except OSError as problem:
            raise CertificateError(f"cannot read {problem.filename}: {problem.strerror}") from None
        except (ValueError, TypeError, SSL.Error, crypto.Error) as problem:
            raise CertificateError(
                f"{self._chain} and {self._key} are not a certificate and its key ({problem})"
            ) from None
        self._certificate = x509.load_pem_x509_certificate(pem)
        self.names = _dns_names(self._certificate)
        self._warn_about_dates()

    def _warn_about_dates(self) -> None:
        """Log a warning if clients reject the certificate because of its dates."""
        now = datetime.fromtimestamp(self._now(), timezone.utc)
        begins, ends = self._certificate.not_valid_before_utc, self._certificate.not_valid_after_utc
        if now >= ends:
            sentence = "the certificate {chain} has expired at {when}, and clients reject it; renew it"
            _log.warn(sentence, chain=self._chain, when=ends.isoformat())
        elif now < begins:
            sentence = "the certificate {chain} is not valid before {when}, and clients reject it; check the clock"
            _log.warn(sentence, chain=self._chain, when=begins.isoformat())


def check_private(path: str, descriptor: int | None = None) -> None:
    """Raise CertificateError if everybody on this machine may read the key, or others than its owner may change it."""
    mode = os.stat(path if descriptor is None else descriptor).st_mode
    if S_ISREG(mode) and mode & (S_IROTH | S_IWOTH | S_IWGRP):
        what = "every user of this machine can read" if mode & S_IROTH else "other users can change"
        raise CertificateError(f"{what} the key {path}; make it private: chmod 640 {path}")


def _dns_names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    return frozenset(name.lower() for name in found.value.get_values_for_type(x509.DNSName))


class _NoCommonProtocol(SSL.Error):
    """The client names no protocol that the server speaks; OpenSSL then sends the alert no_application_protocol."""


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
        privateKey=private, certificate=first, extraCertChain=others, acceptableCiphers=TLS_1_2_CIPHERS
    )
    context: SSL.Context = options.getContext()

    def choose_protocol(connection: SSL.Connection, offered: list[bytes]) -> bytes:
        for protocol in alpn:
            if protocol in offered:
                return protocol
        raise _NoCommonProtocol([("", "", "the client and the server have no protocol in common")])

    context.set_alpn_select_callback(choose_protocol)
    return context


class Tls(TLSMemoryBIOProtocol):
    """A TLS connection, as the transport of the protocol behind it.

    Aborts the connection CLOSE_TIMEOUT_SECONDS after loseConnection if the peer has not closed
    it by then. Encrypts each write immediately: unlike Twisted's BufferingTLSTransport it does
    not gather small writes, since the protocols behind it gather their own. Takes bytes of the
    network's share of `memory` while it lives, more of them until the handshake is done.
    """

    clock: IReactorTime
    memory: Memory | None = None
    _paid = 0
    _close_timeout: IDelayedCall | None = None

    def makeConnection(self, transport: Any) -> None:
        self._address = peer_host(transport)
        if self.memory is not None:
            self.memory.take(self._address, TLS_HANDSHAKE_BYTES)  # the caller has seen that there are so many
            self._paid = TLS_HANDSHAKE_BYTES
        super().makeConnection(transport)  # type: ignore[no-untyped-call]

    def _checkHandshakeStatus(self) -> None:  # noqa: N802 - Twisted calls it until the handshake is done
        super()._checkHandshakeStatus()  # type: ignore[no-untyped-call]
        if self._handshakeDone and self._paid > TLS_CONNECTION_BYTES:
            self._pay(TLS_CONNECTION_BYTES)

    def _pay(self, size: int) -> None:
        if self.memory is not None:
            self.memory.give_back(self._address, self._paid - size)
            self._paid = size

    def loseConnection(self) -> None:
        super().loseConnection()  # type: ignore[no-untyped-call]
        if self.connected and self._close_timeout is None:
            self._close_timeout = self.clock.callLater(CLOSE_TIMEOUT_SECONDS, self.abortConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._close_timeout is not None and self._close_timeout.active():
            self._close_timeout.cancel()
        self._pay(0)
        self._lostTLSConnection = True  # stops a last read, whose exception would keep this connection in a cycle
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self._producer = self._close_timeout = None  # both refer to this connection


def with_tls(
    certificate: ReloadingCertificate, clock: IReactorTime, memory: Memory | None = None
) -> Callable[[Protocol], IProtocol]:
    """Return a function that puts TLS in front of a protocol; its connections take bytes of `memory`."""
    factory = TLSMemoryBIOFactory(certificate, False, Factory(), clock)

    def wrap(protocol: Protocol) -> Tls:
        made = Tls(factory, protocol)  # type: ignore[no-untyped-call]
        made.clock, made.memory = clock, memory
        return made

    return wrap
