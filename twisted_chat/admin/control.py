"""The control socket: the operator's commands to a running server, through a file that only its owner can open.

One request and one response for each connection, both a JSON object on a line:

    {"do": "create", "name": "jane", "password": "…"}   →   {"done": "created the account jane"}
    {"do": "list", "after": "jane"}                     →   {"accounts": [{"name": "kim", …}, …], "more": false}

A request that is not possible is answered {"error": "what was wrong; what to do"}.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorUNIX, ITCPTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver

from twisted_chat.admin.accounts import ACCOUNTS_PER_PAGE, AccountAdmin
from twisted_chat.core.errors import ChatError
from twisted_chat.core.interfaces import StoreError
from twisted_chat.sentences import sentence_of
from twisted_chat.stores.sqlite.locks import follow

_log = Logger()

CONTROL_SUFFIX = ".control"
MAX_REQUEST_BYTES = 16 * 1024
MAX_RESPONSE_BYTES = 2 * 1024 * 1024
MAX_CONTROL_CONNECTIONS = 16
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
REQUEST_FAILED: Response = {"error": "the server failed at this request; its log says why"}


def control_path(store_path: str) -> str:
    """Return the path of the control socket that belongs to a store, whatever link leads to the store."""
    with suppress(StoreError, OSError):  # the store says so when it is opened
        store_path = follow(store_path)
    return store_path + CONTROL_SUFFIX


async def handle_request(admin: AccountAdmin, request: Request) -> Response:
    """Carry out a request, and return the response."""
    if not all(isinstance(value, str) for value in request.values()):
        return UNKNOWN_REQUEST
    kind = request.get("do", "")
    try:
        if kind == "list":
            page = admin.page(request.get("after", ""))
            return {"accounts": [row._asdict() for row in page], "more": len(page) == ACCOUNTS_PER_PAGE}
        change, fields = CHANGES.get(kind, (None, ()))
        if change is None or not request.keys() >= set(fields):
            return UNKNOWN_REQUEST
        return {"done": await change(admin, *(request[field] for field in fields))}
    except ChatError as error:
        return {"error": sentence_of(error)}


class Control(Factory):
    """Listens at the control socket from `open` to `close`, and hands its requests to `admin`."""

    noisy = False

    def __init__(self, admin: AccountAdmin, path: str, reactor: IReactorUNIX) -> None:
        self.admin, self.path, self._reactor = admin, path, reactor
        self._port: IListeningPort | None = None
        self.connections: set[ControlProtocol] = set()

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
            return None
        return ControlProtocol(self)


class ControlProtocol(LineOnlyReceiver):
    """A connection to the control socket."""

    transport: ITCPTransport  # a Unix socket's transport has the same methods
    delimiter = b"\n"
    MAX_LENGTH = MAX_REQUEST_BYTES

    def __init__(self, control: Control) -> None:
        self._control = control
        self._has_request = False

    def connectionMade(self) -> None:
        self._control.connections.add(self)

    def connectionLost(self, reason: object = None) -> None:
        self._control.connections.discard(self)

    def close(self) -> None:
        """Close the connection, now or after the response to a running request."""
        if not self._has_request:
            self.transport.loseConnection()

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abortConnection()

    def lineReceived(self, line: bytes) -> None:
        if self._has_request:
            return
        self._has_request = True
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._respond(UNKNOWN_REQUEST)
            return
        response = Deferred.fromCoroutine(handle_request(self._control.admin, request))
        response.addErrback(self._failed).addCallback(self._respond)

    def lineLengthExceeded(self, line: bytes) -> None:
        if not self._has_request:
            self._has_request = True
            self._respond(UNKNOWN_REQUEST)

    def _failed(self, failure: Any) -> Response:
        _log.failure("a request at the control socket failed", failure)
        return REQUEST_FAILED

    def _respond(self, response: Response) -> None:
        self.transport.write(json.dumps(response, ensure_ascii=False).encode() + b"\n")
        self.transport.loseConnection()


class NotListening(Exception):
    """No server listens at the control socket."""


class NoResponse(Exception):
    """The server did not respond; the text tells the operator why, and what to do."""


def ask(path: str, request: Request) -> Response:
    """Send a request to the server behind a control socket; return its response. Raises NotListening, NoResponse."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(RESPONSE_TIMEOUT_SECONDS)
        try:
            connection.connect(path)
        except PermissionError:
            raise NoResponse(
                f"cannot open {path}: permission denied; run this command as the user that the server runs as"
            ) from None
        except OSError as problem:
            raise NotListening(str(problem)) from None
        response = b""
        try:
            connection.sendall(json.dumps(request, ensure_ascii=False).encode() + b"\n")
            while not response.endswith(b"\n") and len(response) <= MAX_RESPONSE_BYTES:
                received = connection.recv(RECEIVE_BYTES)
                if not received:
                    break
                response += received
        except TimeoutError:
            raise NoResponse(
                f"the server has not answered for {RESPONSE_TIMEOUT_SECONDS:g} seconds; its disk may be stuck."
                " Check the result with `twisted-chat accounts list`"
            ) from None
        except OSError:
            response = b""
    if not response.endswith(b"\n"):
        raise NoResponse("the server stopped before it answered; check the result with `twisted-chat accounts list`")
    result: Response = json.loads(response)
    return result
