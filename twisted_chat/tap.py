"""`twistd chat`: its options, and the one place where everything is built and put together."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.application.service import IService
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import MessageLog
from twisted_chat.doors.factory import ChatFactory
from twisted_chat.service import ChatService
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.sqlite import SqliteLog

BACKLOG = 1024
"""Connections that may wait to be accepted, where an endpoint does not say."""


class Options(UsageOptions):
    """What `twistd chat` can be told."""

    synopsis = "[--port PORT | --listen ENDPOINT ...]"
    longdesc = (
        "A chat server. Type into it with `nc localhost 8000`: register,<name> takes a name, and help shows the rest."
    )
    optParameters = [  # noqa: RUF012 - twisted.python.usage reads it so
        ["store", "s", "memory", "Where what is said is kept: memory, or sqlite:PATH, a file."],
        ["port", "p", None, "The TCP port to listen at, on all addresses. [default: 8000, unless --listen is given]"],
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
        store = self["store"]
        if store != "memory" and not (store.startswith("sqlite:") and store.removeprefix("sqlite:")):
            raise UsageError(f"--store takes memory or sqlite:PATH, as in sqlite:chat.sqlite3, not {store!r}")
        from twisted.internet import reactor

        for endpoint in self.endpoints:
            try:
                _endpoint(reactor, endpoint)
            except (ValueError, TypeError, LookupError, OSError) as problem:
                raise UsageError(
                    f"--listen takes an endpoint such as tcp:8000:interface=127.0.0.1, not {endpoint!r} ({problem})"
                ) from None


def makeService(options: Options) -> IService:
    """The chat server as a service, with nothing opened yet."""
    from twisted.internet import reactor

    factory = ChatFactory(Hub(_log(reactor, options["store"])), reactor)
    return ChatService(factory, [(text, _endpoint(reactor, text)) for text in options.endpoints], reactor)


def _log(reactor: Any, store: str) -> MessageLog:
    """The log that `store` names; a thread for it comes and goes with the reactor."""
    if store == "memory":
        return MemoryLog()
    pool = ThreadPool(1, 1, "store")
    reactor.callWhenRunning(pool.start)
    reactor.addSystemEventTrigger("after", "shutdown", pool.stop)
    return SqliteLog(store.removeprefix("sqlite:"), partial(deferToThreadPool, reactor, pool))


def _endpoint(reactor: object, text: str) -> IStreamServerEndpoint:
    """What serverFromString makes of it, but with room for many who connect at once."""
    if text.startswith(("tcp:", "tcp6:", "unix:")) and ":backlog=" not in text:
        text += f":backlog={BACKLOG}"
    endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    return endpoint
