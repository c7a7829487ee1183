"""`twistd chat`: the one place where everything is built and put together."""

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

from twisted_chat.admin.accounts import Hash, Operator
from twisted_chat.admin.control import Control, control_of
from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.cred import Cred
from twisted_chat.auth.passwords import Passwords, step_back
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Accounts, Authenticator, MessageLog
from twisted_chat.doors.front import AnyDoor, FrontFactory
from twisted_chat.doors.irc.protocol import IrcFactory
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.web.site import WebFactory
from twisted_chat.options import Options, endpoint_of
from twisted_chat.service import CannotStart, ChatService
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.database import Database, Job, Run
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.worker import InlineWriter, WriterThread
from twisted_chat.transports.choose import described, served
from twisted_chat.transports.endpoint import event_loop
from twisted_chat.wire.detect import IRC, LINE, WEB

__all__ = ["Options", "alone", "makeService"]

YOUNG = 10_000
"""Objects more than before that have Python look for cycles: what comes and goes with each message makes none."""


def makeService(options: Options) -> IService:
    """The chat server as a service, with nothing opened yet."""
    from twisted.internet import reactor

    reactor.callWhenRunning(_spare)
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
    endpoints = [served(reactor, endpoint_of(reactor, text), options["transports"]) for text in options.endpoints]
    return ChatService(
        [line, irc],
        list(zip(options.endpoints, endpoints, strict=True)),
        reactor,
        front=front,
        control=control,
        prepare=prepare,
        transports=described(reactor, endpoints),
    )


def _spare() -> None:
    """Have the garbage collector leave alone what is there for good, and what the log keeps for a while."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


def alone(path: str) -> Operator:
    """An operator of a file that no server uses: everything is done at once, without a reactor."""
    log, accounts = _sqlite(Database(path, InlineWriter(), maybeDeferred), Clock())
    return Operator(Hub(log, accounts), accounts, Passwords(maybeDeferred).hash)


def _tls(reactor: Any, options: Options) -> tuple[Callable[[Protocol], IProtocol] | None, Callable[[], None] | None]:
    """What puts TLS in front of a protocol, and what is to be called before, if there is a certificate."""
    if options["tls-cert"] is None:
        return None, None
    from twisted_chat.transports.tls import Certificate, CertificateError, with_tls

    certificate = Certificate(options["tls-cert"], options["tls-key"], reactor)

    def prepare() -> None:
        try:
            certificate.open()
        except CertificateError as problem:
            raise CannotStart(str(problem)) from None

    return with_tls(certificate, reactor), prepare


def _hub(reactor: Any, options: Options) -> tuple[Hub, Control | None]:
    """The conversation, kept where `--store` says, and the operator's way in, which is beside its file."""
    path = options["store"].removeprefix("sqlite:") if options["store"] != "memory" else None
    log: MessageLog = MemoryLog()
    accounts: Accounts = MemoryAccounts()
    if path is not None:
        writer: WriterThread[Job] = WriterThread(reactor.callFromThread)
        log, accounts = _sqlite(Database(path, writer, _thread(reactor, "reader")), reactor)
    authenticator, hash = _authenticator(reactor, options, accounts)
    hub = Hub(log, accounts, authenticator, guests=not options["no-guests"])
    if path is None:
        return hub, None
    return hub, Control(Operator(hub, accounts, hash), control_of(path), reactor)


def _authenticator(reactor: Any, options: Options, accounts: Accounts) -> tuple[Authenticator, Hash | None]:
    """Who decides whether a password is right, the checkers that were given or the server; and what makes hashes."""
    checkers = options.get("credCheckers", [])
    if checkers:
        return Cred(checkers, reactor), None
    passwords = Passwords(_thread(reactor, "passwords", step_back))
    return BuiltIn(accounts, passwords, reactor), passwords.hash


def _sqlite(database: Database, clock: IReactorTime) -> tuple[SqliteLog, SqliteAccounts]:
    return SqliteLog(database, clock), SqliteAccounts(database)


def _thread(reactor: Any, name: str, first: Callable[[], object] | None = None) -> Run:
    """A thread of one's own, which comes and goes with the reactor; what it does `first`, if anything."""
    pool = ThreadPool(1, 1, name)
    reactor.callWhenRunning(pool.start)
    if first is not None:
        reactor.callWhenRunning(pool.callInThread, first)
    reactor.addSystemEventTrigger("after", "shutdown", pool.stop)
    return partial(deferToThreadPool, reactor, pool)
