"""`twistd chat`: its options, and the one place where everything is built and put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

from twisted.application.service import IService
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import AuthOptionMixin
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IProtocol, IStreamServerEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.cred import Cred
from twisted_chat.auth.passwords import Passwords, step_back
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Accounts, Authenticator, MessageLog
from twisted_chat.doors.factory import ChatFactory
from twisted_chat.doors.front import FrontFactory
from twisted_chat.doors.outbox import BOUND
from twisted_chat.service import CannotStart, ChatService
from twisted_chat.stores.database import Database, Run
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.stores.sqlite import SqliteLog
from twisted_chat.stores.sqlite_accounts import SqliteAccounts
from twisted_chat.wire.first import LINE

BACKLOG = 1024
"""Connections that may wait to be accepted, where an endpoint does not say."""

DOORS: Sequence[str] = (LINE,)
"""The doors that there are."""


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
        ["doors", None, ",".join(DOORS), "Who is let in, by what they speak: names with commas between them."],
        [
            "tls-cert",
            None,
            None,
            "A PEM file with a certificate and its chain: all doors speak TLS too, at the same port.",
        ],
        ["tls-key", None, None, "The PEM file with its key. Both are read again when they change."],
        ["outbox", None, str(BOUND), "Bytes that may wait for one client that does not read."],
    ]
    optFlags = [  # noqa: RUF012
        ["tls-only", None, "Let nobody in without TLS."],
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
        self._check_doors()
        from twisted.internet import reactor

        for endpoint in self.endpoints:
            try:
                _endpoint(reactor, endpoint)
            except (ValueError, TypeError, LookupError, OSError) as problem:
                raise UsageError(
                    f"--listen takes an endpoint such as tcp:8000:interface=127.0.0.1, not {endpoint!r} ({problem})"
                ) from None

    def _check_doors(self) -> None:
        self.doors = [name.strip() for name in self["doors"].split(",")]
        for name in self.doors:
            if name not in DOORS:
                raise UsageError(
                    f"--doors takes names out of {', '.join(DOORS)} with commas between them, not {name!r}"
                )
        if (self["tls-cert"] is None) is not (self["tls-key"] is None):
            raise UsageError("--tls-cert and --tls-key go together: a certificate with its chain, and its key")
        if self["tls-only"] and self["tls-cert"] is None:
            raise UsageError("--tls-only needs a certificate: --tls-cert FILE --tls-key FILE")
        if self["tls-cert"] is not None and find_spec("OpenSSL") is None:
            raise UsageError("--tls-cert needs pyOpenSSL: pip install 'twisted_chat[tls]'")


def makeService(options: Options) -> IService:
    """The chat server as a service, with nothing opened yet."""
    from twisted.internet import reactor

    factory = ChatFactory(_hub(reactor, options), reactor, outbox=int(options["outbox"]))
    doors = {name: door for name, door in {LINE: factory}.items() if name in options.doors}
    tls, prepare = _tls(reactor, options)
    front = FrontFactory(doors, reactor, tls=tls, tls_only=bool(options["tls-only"]))
    endpoints = [(text, _endpoint(reactor, text)) for text in options.endpoints]
    return ChatService(factory, endpoints, reactor, front, prepare)


def _tls(reactor: Any, options: Options) -> tuple[Callable[[Protocol], IProtocol] | None, Callable[[], None] | None]:
    """What puts TLS in front of a protocol, and what is to be called before, if there is a certificate."""
    if options["tls-cert"] is None:
        return None, None
    from twisted_chat.doors.tls import Certificate, CertificateError, with_tls

    certificate = Certificate(options["tls-cert"], options["tls-key"], reactor)

    def prepare() -> None:
        try:
            certificate.open()
        except CertificateError as problem:
            raise CannotStart(str(problem)) from None

    return with_tls(certificate, reactor), prepare


def _hub(reactor: Any, options: Options) -> Hub:
    """The conversation, kept where `--store` says."""
    store = options["store"]
    log: MessageLog = MemoryLog()
    accounts: Accounts = MemoryAccounts()
    if store != "memory":
        database = Database(store.removeprefix("sqlite:"), _thread(reactor, "writer"), _thread(reactor, "reader"))
        log, accounts = SqliteLog(database, reactor), SqliteAccounts(database)
    return Hub(log, accounts, _authenticator(reactor, options, accounts), guests=not options["no-guests"])


def _authenticator(reactor: Any, options: Options, accounts: Accounts) -> Authenticator:
    """Who decides whether a password is right: the checkers that were given, or the server by itself."""
    checkers = options.get("credCheckers", [])
    if checkers:
        return Cred(checkers, reactor)
    return BuiltIn(accounts, Passwords(_thread(reactor, "passwords", step_back)), reactor)


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
