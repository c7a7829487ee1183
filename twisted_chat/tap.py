"""`twistd chat`: the one place where all parts of the server are made and connected."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.application.service import IService
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IProtocol, IReactorTime
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from twisted_chat.admin.accounts import AccountAdmin, Hash
from twisted_chat.admin.control import Control, control_path
from twisted_chat.auth.audit import AuditLog
from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.cred import Cred
from twisted_chat.auth.passwords import HASHING_THREADS, Passwords, at_low_priority
from twisted_chat.auth.tickets import AccountTickets
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Accounts, MessageLog
from twisted_chat.core.shares import Shares
from twisted_chat.doors.any_door import AnyDoor
from twisted_chat.doors.connections import ConnectionRegister
from twisted_chat.doors.front import ALPN_PROTOCOLS, FrontFactory
from twisted_chat.doors.irc.protocol import IrcFactory
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.web.factory import WebFactory
from twisted_chat.options import Options, endpoint_of
from twisted_chat.service import CannotStart, ChatService
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.checkpoints import Checkpointer
from twisted_chat.stores.sqlite.database import Database, Job
from twisted_chat.stores.sqlite.locks import LOCK_TIMEOUT_SECONDS
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.reads import Run
from twisted_chat.stores.sqlite.reserve import Reserve
from twisted_chat.stores.sqlite.worker import InlineWorker, WorkerThread
from twisted_chat.transports.choose import describe, endpoint_for
from twisted_chat.transports.endpoint import event_loop
from twisted_chat.transports.monotonic import use_monotonic_time
from twisted_chat.wire.detect import IRC, LINE, WEB

__all__ = ["Options", "makeService", "offline_admin"]

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
    line = ChatFactory(hub, reactor, outbox=outbox, soon=soon, register=register)
    irc = IrcFactory(hub, reactor, outbox=outbox, soon=soon, register=register)
    irc.flusher.pace = line.flusher.pace  # one pace at all doors
    hub.limits.add(line.flusher.pace.rows)
    doors: dict[str, AnyDoor] = {LINE: line, IRC: irc, WEB: WebFactory(line)}
    tls, prepare = _tls(reactor, options)
    front = FrontFactory(
        {name: doors[name] for name in options.doors},
        reactor,
        tls=tls,
        tls_only=bool(options["tls-only"]),
        register=register,
    )
    endpoints = [endpoint_for(reactor, endpoint_of(reactor, text), options["transports"]) for text in options.endpoints]
    return ChatService(
        [line, irc],
        list(zip(options.endpoints, endpoints, strict=True)),
        reactor,
        front=front,
        control=control,
        prepare=partial(_prepare, prepare, check_passwords),
        transports=describe(reactor, endpoints),
    )


def _tune_garbage_collector() -> None:
    """Exclude permanent objects from garbage collection, and collect less often: the log holds many records."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD_OBJECTS)


def offline_admin(path: str) -> AccountAdmin:
    """Return the admin of a store file that no server uses; it works at once, without a reactor."""
    log, accounts = _sqlite(Database(path, InlineWorker(), maybeDeferred), Clock())
    return AccountAdmin(Hub(log, accounts), accounts, Passwords(maybeDeferred).hash)


def _tls(reactor: Any, options: Options) -> tuple[Callable[[Protocol], IProtocol] | None, Callable[[], None] | None]:
    """Return the function that wraps a protocol in TLS and the one that loads the certificate, if there is one."""
    if options["tls-cert"] is None:
        return None, None
    from twisted_chat.transports.tls import CertificateError, ReloadingCertificate, with_tls

    certificate = ReloadingCertificate(options["tls-cert"], options["tls-key"], reactor, ALPN_PROTOCOLS)

    def prepare() -> None:
        try:
            certificate.open()
        except CertificateError as problem:
            raise CannotStart(str(problem)) from None

    return with_tls(certificate, reactor), prepare


Prepare = Callable[[], None] | None


def _prepare(*steps: Prepare) -> None:
    """Do what must be done before the ports are opened. Raises CannotStart."""
    for step in steps:
        if step is not None:
            step()


def _hub(reactor: Any, options: Options) -> tuple[Hub, Control | None, Prepare]:
    """Return the hub with the store that `--store` names, the control socket beside its file, and a check at start."""
    path = options["store"].removeprefix("sqlite:") if options["store"] != "memory" else None
    log: MessageLog = MemoryLog()
    accounts: Accounts = MemoryAccounts()
    if path is not None:
        worker: WorkerThread[Job] = WorkerThread(reactor.callFromThread)
        database = Database(
            path,
            worker,
            _thread(reactor, "reader"),
            clock=reactor,
            lock_timeout=LOCK_TIMEOUT_SECONDS,
            checkpointer=Checkpointer(),
            reserve=Reserve(options.reserve),
        )
        log, accounts = _sqlite(database, reactor)
    checkers, guests, audit = options.get("credCheckers", []), not options["no-guests"], AuditLog()
    shares = Shares() if path is None else Shares(reactor.seconds)
    authenticator: BuiltIn | Cred
    hash: Hash | None = None
    if checkers:  # a password that is changed elsewhere would not end tickets, so there are none
        authenticator = Cred(checkers, reactor, accounts)
        hub = Hub(log, accounts, authenticator, guests=guests, shares=shares, audit=audit)
    else:
        passwords = Passwords(partial(_thread(reactor, "passwords", HASHING_THREADS), at_low_priority))
        tickets = AccountTickets(accounts, reactor)
        authenticator, hash = BuiltIn(accounts, passwords, reactor), passwords.hash
        hub = Hub(log, accounts, authenticator, guests=guests, shares=shares, tickets=tickets, audit=audit)
        hub.limits.add(tickets.rows)
    hub.limits.add(authenticator.rows)
    check = partial(_check_files, authenticator) if isinstance(authenticator, Cred) else None
    control = None if path is None else Control(AccountAdmin(hub, accounts, hash), control_path(path), reactor)
    return hub, control, check


def _check_files(cred: Cred) -> None:
    for problem in cred.unreadable_files():
        raise CannotStart(f"{problem}; name a file that the server can read with --auth file:PATH")


def _sqlite(database: Database, clock: IReactorTime) -> tuple[SqliteLog, SqliteAccounts]:
    return SqliteLog(database, clock), SqliteAccounts(database)


def _thread(reactor: Any, name: str, threads: int = 1) -> Run:
    """Return a function that runs work on so many threads of its own."""
    pool = ThreadPool(threads, threads, name)
    reactor.callWhenRunning(pool.start)
    reactor.addSystemEventTrigger("after", "shutdown", pool.stop)
    return partial(deferToThreadPool, reactor, pool)
