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
from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.cred import Cred
from twisted_chat.auth.passwords import Passwords, lower_priority
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Accounts, Authenticator, MessageLog
from twisted_chat.core.shares import Shares
from twisted_chat.doors.front import ALPN_PROTOCOLS, FrontFactory
from twisted_chat.doors.front_connection import AnyDoor
from twisted_chat.doors.irc.protocol import IrcFactory
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.web.factory import WebFactory
from twisted_chat.options import Options, endpoint_of
from twisted_chat.service import CannotStart, ChatService
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.database import Database, Job, Run
from twisted_chat.stores.sqlite.log import SqliteLog
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
    hub, control = _hub(reactor, options)
    loop = event_loop(reactor)
    soon = None if loop is None else loop.call_soon
    outbox = int(options["outbox"])
    line = ChatFactory(hub, reactor, outbox=outbox, soon=soon)
    irc = IrcFactory(hub, reactor, outbox=outbox, soon=soon)
    doors: dict[str, AnyDoor] = {LINE: line, IRC: irc, WEB: WebFactory(line)}
    tls, prepare = _tls(reactor, options)
    front = FrontFactory(
        {name: doors[name] for name in options.doors}, reactor, tls=tls, tls_only=bool(options["tls-only"])
    )
    endpoints = [endpoint_for(reactor, endpoint_of(reactor, text), options["transports"]) for text in options.endpoints]
    return ChatService(
        [line, irc],
        list(zip(options.endpoints, endpoints, strict=True)),
        reactor,
        front=front,
        control=control,
        prepare=prepare,
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


def _hub(reactor: Any, options: Options) -> tuple[Hub, Control | None]:
    """Return the hub with the store that `--store` names, and the control socket beside the store's file."""
    path = options["store"].removeprefix("sqlite:") if options["store"] != "memory" else None
    log: MessageLog = MemoryLog()
    accounts: Accounts = MemoryAccounts()
    if path is not None:
        worker: WorkerThread[Job] = WorkerThread(reactor.callFromThread)
        log, accounts = _sqlite(Database(path, worker, _thread(reactor, "reader")), reactor)
    authenticator, hash = _authenticator(reactor, options, accounts)
    shares = Shares() if path is None else Shares(reactor.seconds)
    hub = Hub(log, accounts, authenticator, guests=not options["no-guests"], shares=shares)
    if path is None:
        return hub, None
    return hub, Control(AccountAdmin(hub, accounts, hash), control_path(path), reactor)


def _authenticator(reactor: Any, options: Options, accounts: Accounts) -> tuple[Authenticator, Hash | None]:
    """Return the authenticator (of `--auth`, or the server's own) and the function that hashes passwords, if any."""
    checkers = options.get("credCheckers", [])
    if checkers:
        return Cred(checkers, reactor), None
    passwords = Passwords(_thread(reactor, "passwords", lower_priority))
    return BuiltIn(accounts, passwords, reactor), passwords.hash


def _sqlite(database: Database, clock: IReactorTime) -> tuple[SqliteLog, SqliteAccounts]:
    return SqliteLog(database, clock), SqliteAccounts(database)


def _thread(reactor: Any, name: str, first: Callable[[], object] | None = None) -> Run:
    """Return a function that runs work on a thread of its own; the thread calls `first` when it starts."""
    pool = ThreadPool(1, 1, name)
    reactor.callWhenRunning(pool.start)
    if first is not None:
        reactor.callWhenRunning(pool.callInThread, first)
    reactor.addSystemEventTrigger("after", "shutdown", pool.stop)
    return partial(deferToThreadPool, reactor, pool)
