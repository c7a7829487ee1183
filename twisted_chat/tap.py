"""`twistd chat`: its options, and the one place where everything is built and put together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.application.service import IService
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import AuthOptionMixin
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IReactorTime, IStreamServerEndpoint
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from twisted_chat.admin.control import Control, control_of
from twisted_chat.admin.operator import Hash, Operator
from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.cred import Cred
from twisted_chat.auth.passwords import Passwords, step_back
from twisted_chat.choice import CHOICES, REACTOR, CannotChoose, choose, described, served
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Accounts, Authenticator, MessageLog
from twisted_chat.doors.factory import ChatFactory
from twisted_chat.doors.outbox import BOUND
from twisted_chat.service import ChatService
from twisted_chat.stores.database import Database, Job, Run
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.stores.sqlite import SqliteLog
from twisted_chat.stores.sqlite_accounts import SqliteAccounts
from twisted_chat.stores.writer import InlineWriter, WriterThread

BACKLOG = 1024
"""Connections that may wait to be accepted, where an endpoint does not say."""


class Options(UsageOptions, AuthOptionMixin):
    """What `twistd chat` can be told."""

    supportedInterfaces = (IUsernamePassword,)

    synopsis = "[--port PORT | --listen ENDPOINT ...]"
    longdesc = (
        "A chat server. Type into it with `nc localhost 8000`: register,<name> takes a name, and help shows the rest."
    )
    optParameters = [  # noqa: RUF012 - twisted.python.usage reads it so
        ["store", "s", "sqlite:chat.sqlite3", "Where what is said is kept: sqlite:PATH, a file, or memory."],
        ["port", "p", None, "The TCP port to listen at, on all addresses. [default: 8000, unless --listen is given]"],
        [
            "transports",
            None,
            None,
            "Whose: reactor or loop. [default: uvloop's where it is, and no --reactor is given]",
        ],
        ["outbox", None, str(BOUND), "Bytes that may wait for one client that does not read."],
    ]
    optFlags = [  # noqa: RUF012
        ["no-guests", None, "Let in accounts only, not whoever takes a free name."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.endpoints: list[str] = []

    def opt_listen(self, endpoint: str) -> None:
        """A Twisted endpoint to listen at, as in tcp:8000:interface=127.0.0.1 or unix:chat.sock; repeatable."""
        self.endpoints.append(endpoint)

    opt_l = opt_listen

    def postOptions(self) -> None:
        """Check what was given; raises UsageError with what would be right."""
        port = self["port"]
        if port is None and not self.endpoints:
            port = "8000"
        if port is not None:
            if not (port.isascii() and port.isdigit() and int(port) < 65536):
                raise UsageError(f"--port takes a number from 0 to 65535, not {port!r}")
            self.endpoints.insert(0, f"tcp:{port}")
        outbox = self["outbox"]
        if not (outbox.isascii() and outbox.isdigit() and 1024 <= int(outbox) <= 2**30):
            raise UsageError(f"--outbox takes a number of bytes from 1024 to {2**30}, not {outbox!r}")
        store = self["store"]
        if store != "memory" and not (store.startswith("sqlite:") and store.removeprefix("sqlite:")):
            raise UsageError(f"--store takes memory or sqlite:PATH, as in sqlite:chat.sqlite3, not {store!r}")
        self._choose_transports()
        from twisted.internet import reactor

        for endpoint in self.endpoints:
            try:
                _endpoint(reactor, endpoint)
            except (ValueError, TypeError, LookupError, OSError) as problem:
                raise UsageError(
                    f"--listen takes an endpoint such as tcp:8000:interface=127.0.0.1, not {endpoint!r} ({problem})"
                ) from None

    def _choose_transports(self) -> None:
        asked = self["transports"]
        if asked not in (None, *CHOICES):
            raise UsageError(f"--transports takes {' or '.join(CHOICES)}, not {asked!r}")
        if asked is None and self.parent is not None and self.parent.get("reactor"):
            self["transports"] = REACTOR
        try:
            choose(self["transports"])
        except CannotChoose as problem:
            raise UsageError(str(problem)) from None


def makeService(options: Options) -> IService:
    """The chat server as a service, with nothing opened yet."""
    from twisted.internet import reactor

    hub, control = _hub(reactor, options)
    factory = ChatFactory(hub, reactor, outbox=int(options["outbox"]))
    endpoints = [served(reactor, _endpoint(reactor, text), options["transports"]) for text in options.endpoints]
    where = list(zip(options.endpoints, endpoints, strict=True))
    return ChatService(factory, where, reactor, control, described(reactor, endpoints))


def alone(path: str) -> Operator:
    """An operator of a file that no server uses: everything is done at once, without a reactor."""
    log, accounts = _sqlite(Database(path, InlineWriter(), maybeDeferred), Clock())
    return Operator(Hub(log, accounts), accounts, Passwords(maybeDeferred).hash)


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


def _endpoint(reactor: object, text: str) -> IStreamServerEndpoint:
    """What serverFromString makes of it, but with room for many who connect at once."""
    if text.startswith(("tcp:", "tcp6:", "unix:")) and ":backlog=" not in text:
        text += f":backlog={BACKLOG}"
    endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    return endpoint
