"""The control socket: the operator's commands to a running server, through a file that only its owner can open.

One request and one response for each connection, both a JSON object on a line:

    {"do": "create", "name": "jane", "password": "…"}   →   {"done": "created the account jane"}
    {"do": "list", "after": "jane"}                     →   {"accounts": [{"name": "kim", …}, …], "more": false}
    {"do": "people", "after": "0"}                      →   {"people": [{"connection": 1, …}, …], "more": false}
    {"do": "bans"} · {"do": "limits"}                   →   {"bans": [{…}, …]} · {"limits": [{…}, …]}
    {"do": "kick", "target": "jane", "reason": ""}      →   {"done": "jane: 1 connection ended"}
    {"do": "ban", "target": "192.0.2.0/24", "seconds": "3600", "reason": "flood"} · {"do": "unban", "target": "jane"}

A request that is not possible is answered {"error": "what was wrong; what to do"}.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorTime, IReactorUNIX, ITCPTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver

from twisted_chat.admin.accounts import ACCOUNTS_PER_PAGE, AccountAdmin
from twisted_chat.admin.people import PEOPLE_PER_PAGE, PeopleAdmin
from twisted_chat.core.errors import ChatError
from twisted_chat.core.interfaces import StoreError
from twisted_chat.sentences import sentence_of
from twisted_chat.stores.sqlite.locks import follow

_log = Logger()

CONTROL_SUFFIX = ".control"
MAX_DIGITS = 12
MAX_REQUEST_BYTES = 16 * 1024
MAX_RESPONSE_BYTES = 2 * 1024 * 1024
MAX_CONTROL_CONNECTIONS = 16
REQUEST_TIMEOUT_SECONDS = 10.0
"""A connection that has not sent its request by then is closed."""
RESPONSE_TIMEOUT_SECONDS = 60.0
RECEIVE_BYTES = 64 * 1024

Request = dict[str, Any]
Response = dict[str, Any]

CHANGES: dict[str, tuple[Callable[..., Awaitable[str]], tuple[str, ...]]] = {
    "create": (AccountAdmin.create, ("name", "password")),
    "password": (AccountAdmin.set_password, ("name", "password")),
    "disable": (AccountAdmin.disable, ("name",)),
    "enable": (AccountAdmin.enable, ("name",)),
    "delete": (AccountAdmin.delete, ("name",)),
}
"""The method for each kind of request, and the request's fields that are its arguments."""
UNKNOWN_REQUEST: Response = {
    "error": "the server does not know this request; use the twisted-chat that was installed with the server"
}
NO_SERVER: Response = {"error": "no server uses this file now, so there are no connections"}
REQUEST_FAILED: Response = {"error": "the server failed at this request; its log says why"}


def control_path(store_path: str) -> str:
    """Return the path of the control socket that belongs to a store, whatever link leads to the store."""
    with suppress(StoreError, OSError):  # the store says so when it is opened
        store_path = follow(store_path)
    return store_path + CONTROL_SUFFIX


async def handle_request(admin: AccountAdmin, request: Request, people: PeopleAdmin | None = None) -> Response:
    """Carry out a request, and return the response; `people` knows the connections of a running server."""
    if not all(isinstance(value, str) for value in request.values()):
        return UNKNOWN_REQUEST
    kind = request.get("do", "")
    people = people or PeopleAdmin(admin.hub)
    try:
        if kind == "list":
            page = admin.page(request.get("after", ""))
            return {"accounts": [row._asdict() for row in page], "more": len(page) == ACCOUNTS_PER_PAGE}
        if kind in ABOUT_PEOPLE:
            return await ABOUT_PEOPLE[kind](people, request)
        change, fields = CHANGES.get(kind, (None, ()))
        if change is None or not request.keys() >= set(fields):
            return UNKNOWN_REQUEST
        return {"done": await change(admin, *(request[field] for field in fields))}
    except ChatError as error:
        return {"error": sentence_of(error)}


async def _people(people: PeopleAdmin, request: Request) -> Response:
    if people.register is None:
        return NO_SERVER
    after = request.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < MAX_DIGITS):
        return UNKNOWN_REQUEST
    page = people.page(int(after))
    return {"people": [row._asdict() for row in page], "more": len(page) == PEOPLE_PER_PAGE}


async def _bans(people: PeopleAdmin, request: Request) -> Response:
    return {"bans": [ban._asdict() for ban in people.hub.bans.all()]}


async def _limits(people: PeopleAdmin, request: Request) -> Response:
    if people.register is None:
        return NO_SERVER
    return {"limits": [row._asdict() for row in people.hub.limits.rows()]}


async def _kick(people: PeopleAdmin, request: Request) -> Response:
    if people.register is None:
        return NO_SERVER
    return {"done": people.kick(request.get("target", ""), request.get("reason", ""))}


async def _ban(people: PeopleAdmin, request: Request) -> Response:
    seconds = request.get("seconds", "0")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < MAX_DIGITS):
        return UNKNOWN_REQUEST
    return {"done": await people.ban(request.get("target", ""), int(seconds), request.get("reason", ""))}


async def _unban(people: PeopleAdmin, request: Request) -> Response:
    return {"done": await people.unban(request.get("target", ""))}


ABOUT_PEOPLE: dict[str, Callable[[PeopleAdmin, Request], Awaitable[Response]]] = {
    "people": _people,
    "bans": _bans,
    "limits": _limits,
    "kick": _kick,
    "ban": _ban,
    "unban": _unban,
}
"""The function for each kind of request about connections and bans."""


class Control(Factory):
    """Listens at the control socket from `open` to `close`, and hands its requests to `admin` and `people`.

    The newest operator gets in: if there are too many connections, the one that is idle longest, or else the
    oldest, is closed. A request that it has sent is still carried out.
    """

    noisy = False

    def __init__(
        self, admin: AccountAdmin, path: str, reactor: IReactorUNIX, clock: IReactorTime | None = None
    ) -> None:
        self.admin, self.path, self._reactor, self.clock = admin, path, reactor, clock or IReactorTime(reactor)
        self.people = PeopleAdmin(admin.hub)
        self._port: IListeningPort | None = None
        self.connections: dict[ControlProtocol, None] = {}  # the oldest first

    def open(self) -> None:
        """Listen at the socket, which only its owner can open, from the first moment on.

        Call this when the store is open: then no other server runs, and a socket that is there was
        left by a server that has crashed. If the socket cannot be made, the server runs without it.
        """
        mask = os.umask(0o177)
        self.path = control_path(self.path.removesuffix(CONTROL_SUFFIX))  # twistd has changed the folder since
        try:
            with suppress(FileNotFoundError):
                if stat.S_ISSOCK(os.lstat(self.path).st_mode):
                    os.unlink(self.path)
            self._port = self._reactor.listenUNIX(self.path, self, mode=0o600)
        except (OSError, CannotListenError) as problem:
            _log.error(
                "cannot open {path}, so `twisted-chat accounts` does not work while this server runs: {problem}",
                path=self.path,
                problem=problem,
            )
        finally:
            os.umask(mask)

    def close(self) -> Deferred[Any]:
        """Accept no more connections and close the idle ones; a running request is still answered."""
        port, self._port = self._port, None
        for connection in list(self.connections):
            connection.close()
        return maybeDeferred(port.stopListening) if port is not None else maybeDeferred(lambda: None)

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        if len(self.connections) >= MAX_CONTROL_CONNECTIONS:
            oldest = min(self.connections, key=lambda connection: connection.has_request)  # the first of the idle ones
            del self.connections[oldest]
            oldest.abort()
        return ControlProtocol(self)


class ControlProtocol(LineOnlyReceiver):
    """A connection to the control socket."""

    transport: ITCPTransport  # a Unix socket's transport has the same methods
    delimiter = b"\n"
    MAX_LENGTH = MAX_REQUEST_BYTES

    def __init__(self, control: Control) -> None:
        self._control = control
        self.has_request = False

    def connectionMade(self) -> None:
        self._control.connections[self] = None
        self._timeout = self._control.clock.callLater(REQUEST_TIMEOUT_SECONDS, self.close)

    def connectionLost(self, reason: object = None) -> None:
        self._control.connections.pop(self, None)
        if self._timeout.active():
            self._timeout.cancel()

    def close(self) -> None:
        """Close the connection, now or after the response to a running request."""
        if not self.has_request:
            self.transport.loseConnection()

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abortConnection()

    def lineReceived(self, line: bytes) -> None:
        if self.has_request:
            return
        self.has_request = True
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._respond(UNKNOWN_REQUEST)
            return
        response = Deferred.fromCoroutine(handle_request(self._control.admin, request, self._control.people))
        response.addErrback(self._failed).addCallback(self._respond)

    def lineLengthExceeded(self, line: bytes) -> None:
        if not self.has_request:
            self.has_request = True
            self._respond(UNKNOWN_REQUEST)

    def _failed(self, failure: Any) -> Response:
        _log.failure("a request at the control socket failed", failure)
        return REQUEST_FAILED

    def _respond(self, response: Response) -> None:
        self.transport.write(json.dumps(response, ensure_ascii=False).encode() + b"\n")
        self.transport.loseConnection()
