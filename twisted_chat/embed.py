"""A chat server in a program of your own: a hub with a store, all doors at one port, and a process that serves them."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, NamedTuple

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from twisted_chat.admin.accounts import Hash
from twisted_chat.auth.audit import AuditLog
from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.cred import Cred
from twisted_chat.auth.passwords import HASHING_THREADS, Passwords, at_low_priority
from twisted_chat.auth.tickets import AccountTickets
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Accounts, MessageLog
from twisted_chat.core.shares import PERSON_BYTES_PER_SECOND, Shares
from twisted_chat.doors.connections import ConnectionRegister
from twisted_chat.doors.front import FrontFactory
from twisted_chat.doors.irc.protocol import IrcFactory
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.web.factory import WebFactory
from twisted_chat.doors.web.hosts import own_names
from twisted_chat.options import MEMORY, SQLITE_PREFIX, endpoint_of
from twisted_chat.signals import handle_signals
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.checkpoints import Checkpointer
from twisted_chat.stores.sqlite.database import Database, Job
from twisted_chat.stores.sqlite.locks import LOCK_TIMEOUT_SECONDS
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.stores.sqlite.reads import Run
from twisted_chat.stores.sqlite.reserve import Reserve
from twisted_chat.stores.sqlite.worker import WorkerThread
from twisted_chat.transports.choose import endpoint_for
from twisted_chat.wire.detect import IRC, LINE, WEB
from twisted_chat.wire.terminal import printable_line


class MadeHub(NamedTuple):
    """A hub that is not open yet, what it stands on, the function that hashes passwords, and the path of its file."""

    hub: Hub
    accounts: Accounts
    authenticator: BuiltIn | Cred
    hash: Hash | None
    path: str | None


def make_hub(
    store: str,
    reactor: Any,
    *,
    checkers: Sequence[ICredentialsChecker] = (),
    guests: bool = True,
    reserve: int | None = None,
    writing_rate: int = PERSON_BYTES_PER_SECOND,
) -> MadeHub:
    """Return a hub with a store: `memory`, or `sqlite:` and the path of a file; nothing is opened yet.

    Passwords are checked by the `checkers` of twisted.cred or, without any, by the server's own hashes.
    `reserve` is that of `stores.sqlite.reserve.Reserve`. A person may write `writing_rate` bytes a second for long.
    """
    path = None if store == MEMORY else store.removeprefix(SQLITE_PREFIX)
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
            reserve=Reserve(reserve),
        )
        log = sqlite_log = SqliteLog(database, reactor)
        accounts = SqliteAccounts(database)
    shares, audit = Shares() if path is None else Shares(reactor.seconds, writing_rate), AuditLog()
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
    if path is not None:
        hub.limits.add(sqlite_log.rows)
    return MadeHub(hub, accounts, authenticator, hash, path)


def open_hub(store: str, reactor: Any = None, *, guests: bool = True) -> Hub:
    """Open a hub whose messages and accounts are kept in a file: `sqlite:chat.sqlite3`; or until the end: `memory`.

    It is closed, with everything stored, before the reactor has stopped. Without `guests` there are only accounts.
    Raises StoreError if the file cannot be used; the text says why.
    """
    if store != MEMORY and not store.removeprefix(SQLITE_PREFIX):
        raise ValueError(f"a store is memory or sqlite:PATH, not {store!r}")
    reactor = _reactor(reactor)
    hub = make_hub(store, reactor, guests=guests).hub
    hub.open()
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(hub.close()))
    return hub


def all_doors(
    hub: Hub,
    reactor: Any = None,
    *,
    origins: Collection[str] = (),
    hosts: Collection[str] = (),
    plain_passwords: bool = False,
) -> FrontFactory:
    """Return a factory that serves lines, IRC and the page at the same port.

    `hosts` and `origins` are those of WebFactory; this machine's own name counts, too. `plain_passwords` are those of
    ChatFactory.
    """
    reactor = _reactor(reactor)
    register = ConnectionRegister(reactor.seconds, hub.bans)
    hub.has_room_for_guest = register.has_room_for_guest
    line = ChatFactory(hub, reactor, register=register, plain_passwords=plain_passwords)
    irc = IrcFactory(hub, reactor, register=register, flusher=line.flusher, plain_passwords=plain_passwords)
    web = WebFactory(line, origins, hosts=[*hosts, *own_names()])
    return FrontFactory({LINE: line, IRC: irc, WEB: web}, reactor, register=register, shares=hub.shares)


def run_server(factory: IProtocolFactory, *endpoints: str, reactor: Any = None) -> None:
    """Listen at these endpoints, and run the reactor until the process is told to stop.

    Raises SystemExit with one line, for standard error, if the server cannot listen.
    """
    reactor = _reactor(reactor)
    problems: list[str] = []

    def failed(text: str, failure: Failure) -> None:
        problem = failure.value.socketError if isinstance(failure.value, CannotListenError) else failure.value
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
        problems.append(f"cannot listen at {text}: {reason}")

    for text in endpoints:
        endpoint_for(reactor, endpoint_of(reactor, text), None).listen(factory).addErrback(partial(failed, text))
    if problems:
        sys.exit(printable_line(problems[0]))
    reactor.callWhenRunning(handle_signals, reactor, reload=lambda: None, hurry=lambda: None)
    reactor.run()


def _reactor(given: Any) -> Any:
    if given is not None:
        return given
    from twisted.internet import reactor

    return reactor


def _thread(reactor: Any, name: str, threads: int = 1) -> Run:
    """Return a function that runs work on so many threads of its own."""
    pool = ThreadPool(threads, threads, name)
    reactor.callWhenRunning(pool.start)
    reactor.addSystemEventTrigger("after", "shutdown", pool.stop)
    return partial(deferToThreadPool, reactor, pool)
