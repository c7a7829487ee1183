"""`twistd chat`: the one place where all parts of the server are made and connected."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NamedTuple

from twisted.application.service import IService
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.logger import Logger

from twisted_chat.admin.accounts import AccountAdmin
from twisted_chat.admin.control import Control, control_path
from twisted_chat.auth.cred import Cred
from twisted_chat.auth.passwords import Passwords
from twisted_chat.core.hub import Hub
from twisted_chat.doors.any_door import AnyDoor
from twisted_chat.doors.connections import ConnectionRegister
from twisted_chat.doors.front import ALPN_PROTOCOLS, FrontFactory
from twisted_chat.doors.irc.protocol import IrcFactory
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.web.factory import WebFactory
from twisted_chat.doors.web.hosts import own_names
from twisted_chat.doors.web.site import Https
from twisted_chat.embed import make_hub
from twisted_chat.options import Options, endpoint_of
from twisted_chat.service import CannotStart, ChatService
from twisted_chat.signals import handle_signals
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.worker import InlineWorker
from twisted_chat.transports.choose import describe, endpoint_for
from twisted_chat.transports.endpoint import event_loop
from twisted_chat.transports.listening import PORT_TIMEOUT_SECONDS
from twisted_chat.transports.monotonic import use_monotonic_time
from twisted_chat.wire.detect import IRC, LINE, WEB

__all__ = ["Options", "makeService", "offline_admin"]

_log = Logger()

GC_THRESHOLD_OBJECTS = 10_000
"""New objects after which Python looks for reference cycles. A message makes none, so it may look less often."""


def makeService(options: Options) -> IService:
    """Return the chat server as a service that has not opened anything yet."""
    from twisted.internet import reactor

    use_monotonic_time(reactor)
    reactor.callWhenRunning(_tune_garbage_collector)
    hub, control, check_passwords = _hub(reactor, options)
    register = ConnectionRegister(reactor.seconds, hub.bans, int(options["per-address"]))
    hub.has_room_for_guest = register.has_room_for_guest
    hub.limits.add(register.rows)
    if control is not None:
        control.people.register = register
    loop = event_loop(reactor)
    soon = None if loop is None else loop.call_soon
    outbox = int(options["outbox"])
    plain = bool(options["allow-plain-passwords"])
    line = ChatFactory(hub, reactor, outbox=outbox, soon=soon, register=register, plain_passwords=plain)
    irc = IrcFactory(
        hub, reactor, outbox=outbox, soon=soon, register=register, flusher=line.flusher, plain_passwords=plain
    )
    irc.network, irc.motd, irc.server_name = options["network"], options.motd, options["server-name"]
    hub.limits.add(line.flusher.pace.rows)
    certificate = _certificate(reactor, options, register)
    web = WebFactory(
        line,
        options.urls,
        hosts=[*options.hosts, *own_names()],
        certified=lambda: () if certificate is None else certificate.names,
        https=_https(options),
    )
    doors: dict[str, AnyDoor] = {LINE: line, IRC: irc, WEB: web}
    front = FrontFactory(
        {name: doors[name] for name in options.doors},
        reactor,
        tls=None if certificate is None else certificate.wrap,
        tls_only=bool(options["tls-only"]),
        register=register,
        shares=hub.shares,
    )
    endpoints = [endpoint_for(reactor, endpoint_of(reactor, text), options["transports"]) for text in options.endpoints]
    service = ChatService(
        [line, irc],
        list(zip(options.endpoints, endpoints, strict=True)),
        reactor,
        front=front,
        control=control,
        prepare=partial(_prepare, certificate and certificate.open, check_passwords),
        transports=describe(reactor, endpoints),
        port_timeout=PORT_TIMEOUT_SECONDS,
    )
    reload = _nothing_to_reload if certificate is None else certificate.reload
    reactor.callWhenRunning(handle_signals, reactor, reload=reload, hurry=service.hurry)
    return service


def _tune_garbage_collector() -> None:
    """Exclude permanent objects from garbage collection, and collect less often: the log holds many records."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD_OBJECTS)


def _https(options: Options) -> Https:
    if options["tls-cert"] is None:
        return Https.NONE
    return Https.REQUIRED if options["tls-only"] else Https.OFFERED


def _certificate(reactor: Any, options: Options, register: ConnectionRegister) -> ServerCertificate | None:
    """Return the certificate that the options name."""
    if options["tls-cert"] is None:
        return None
    from twisted_chat.transports.tls import CertificateError, ReloadingCertificate, with_tls

    certificate = ReloadingCertificate(options["tls-cert"], options["tls-key"], reactor, ALPN_PROTOCOLS)

    def prepare() -> None:
        try:
            certificate.open()
        except CertificateError as problem:
            raise CannotStart(str(problem)) from None

    return ServerCertificate(certificate, prepare, with_tls(certificate, reactor, register.tls))


class ServerCertificate(NamedTuple):
    """A certificate that reloads, its loading at the start, and the function that puts TLS in front of a protocol."""

    certificate: Any  # of a module that is imported only with TLS
    open: Callable[[], None]
    wrap: Callable[[Protocol], IProtocol]

    @property
    def names(self) -> Collection[str]:
        names: Collection[str] = self.certificate.names
        return names

    def reload(self) -> None:
        """Read the files again if they have changed."""
        _log.info("SIGHUP: looking at the certificate's files")
        self.certificate.reload_if_changed()


def _nothing_to_reload() -> None:
    _log.info("SIGHUP has no effect: this server has no certificate to read again")


Prepare = Callable[[], None] | None


def _prepare(*steps: Prepare) -> None:
    """Do what must be done before the ports are opened. Raises CannotStart."""
    for step in steps:
        if step is not None:
            step()


def _hub(reactor: Any, options: Options) -> tuple[Hub, Control | None, Prepare]:
    """Return the hub with the store that `--store` names, the control socket beside its file, and a check at start."""
    checkers, guests = options.get("credCheckers", []), not options["no-guests"]
    made = make_hub(
        options["store"],
        reactor,
        checkers=checkers,
        guests=guests,
        reserve=options.reserve,
        writing_rate=options.writing_rate,
    )
    check = partial(_check_files, made.authenticator) if isinstance(made.authenticator, Cred) else None
    if made.path is None:
        return made.hub, None, check
    control = Control(AccountAdmin(made.hub, made.accounts, made.hash), control_path(made.path), reactor)
    return made.hub, control, check


def _check_files(cred: Cred) -> None:
    for problem in cred.unreadable_files():
        raise CannotStart(f"{problem}; name a file that the server can read with --auth file:PATH")


def offline_admin(path: str) -> AccountAdmin:
    """Return the admin of a store file that no server uses; it works at once, without a reactor."""
    database = Database(path, InlineWorker(), maybeDeferred)
    log, accounts = SqliteLog(database, Clock()), SqliteAccounts(database)
    return AccountAdmin(Hub(log, accounts), accounts, Passwords(maybeDeferred).hash)
