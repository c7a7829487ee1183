"""The operator's way into a running server: a socket file that only its owner can open.

One request and one answer for each connection, both a JSON object on a line:

    {"do": "create", "name": "jane", "password": "…"}   →   {"done": "jane has an account now"}
    {"do": "list", "after": "jane"}                     →   {"accounts": [{"name": "kim", …}, …], "more": false}

What cannot be done is answered {"error": "why, and what would be right"}.
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

from twisted_chat.admin.accounts import PAGE, Operator
from twisted_chat.core.errors import ChatError

_log = Logger()

LONGEST = 16 * 1024
"""Bytes of a request."""
LONGEST_ANSWER = 2 * 1024 * 1024
MOST = 16
"""Operators at a time."""
PATIENCE = 60.0
"""Seconds that the server may take for an answer."""

Request = dict[str, Any]
Response = dict[str, Any]

CHANGES: dict[str, tuple[Callable[..., Awaitable[str]], tuple[str, ...]]] = {
    "create": (Operator.create, ("name", "password")),
    "password": (Operator.password, ("name", "password")),
    "disable": (Operator.disable, ("name",)),
    "enable": (Operator.enable, ("name",)),
    "delete": (Operator.delete, ("name",)),
}
"""What is called for a request, with which of its fields."""


def control_of(store: str) -> str:
    """The socket file of a server, by the path of its store."""
    return store + ".control"


async def carry_out(operator: Operator, request: Request) -> Response:
    """What becomes of a request."""
    if not all(isinstance(value, str) for value in request.values()):
        return NO_REQUEST
    verb = request.get("do", "")
    try:
        if verb == "list":
            page = operator.list(request.get("after", ""))
            return {"accounts": [account._asdict() for account in page], "more": len(page) == PAGE}
        change, fields = CHANGES.get(verb, (None, ()))
        if change is None or not request.keys() >= set(fields):
            return NO_REQUEST
        return {"done": await change(operator, *(request[field] for field in fields))}
    except ChatError as problem:
        return {"error": problem.sentence}


NO_REQUEST: Response = {"error": "this is no request that the server knows"}
WENT_WRONG: Response = {"error": "something went wrong in the server; its log says what"}


class Control(Factory):
    """Listens at a socket file from `open` to `close`, and has an Operator do what is asked there."""

    noisy = False

    def __init__(self, operator: Operator, path: str, reactor: IReactorUNIX) -> None:
        self.operator, self.path, self._reactor = operator, path, reactor
        self._port: IListeningPort | None = None
        self.connections: set[ControlProtocol] = set()

    def open(self) -> None:
        """Listen, for nobody else from the first moment on; whoever holds the store may replace a dead server's socket.

        A server without it is better than none, so what goes wrong is only logged.
        """
        mask = os.umask(0o177)
        try:
            with suppress(FileNotFoundError):
                if stat.S_ISSOCK(os.lstat(self.path).st_mode):
                    os.unlink(self.path)
            self._port = self._reactor.listenUNIX(self.path, self, mode=0o600)
        except (OSError, CannotListenError) as problem:
            _log.error("no accounts can be managed while it runs: {problem}", problem=problem)
        finally:
            os.umask(mask)

    def close(self) -> Deferred[Any]:
        """Let no operator in any more; those who are answered just now still are."""
        port, self._port = self._port, None
        for connection in list(self.connections):
            connection.close()
        return maybeDeferred(port.stopListening) if port is not None else maybeDeferred(lambda: None)

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        if len(self.connections) >= MOST:
            return None
        return ControlProtocol(self)


class ControlProtocol(LineOnlyReceiver):
    """One operator's connection."""

    transport: ITCPTransport  # or a Unix socket's, which has the same methods
    delimiter = b"\n"
    MAX_LENGTH = LONGEST

    def __init__(self, control: Control) -> None:
        self._control = control
        self._asked = False

    def connectionMade(self) -> None:
        self._control.connections.add(self)

    def connectionLost(self, reason: object = None) -> None:
        self._control.connections.discard(self)

    def close(self) -> None:
        """End the connection, unless a request is being carried out: then it ends with the answer."""
        if not self._asked:
            self.transport.loseConnection()

    def abort(self) -> None:
        """End the connection, whatever is under way."""
        self.transport.abortConnection()

    def lineReceived(self, line: bytes) -> None:
        if self._asked:
            return
        self._asked = True
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._answer(NO_REQUEST)
            return
        answer = Deferred.fromCoroutine(carry_out(self._control.operator, request))
        answer.addErrback(self._failed).addCallback(self._answer)

    def lineLengthExceeded(self, line: bytes) -> None:
        if not self._asked:
            self._asked = True
            self._answer(NO_REQUEST)

    def _failed(self, failure: Any) -> Response:
        _log.failure("an operator's request went wrong", failure)
        return WENT_WRONG

    def _answer(self, response: Response) -> None:
        self.transport.write(json.dumps(response, ensure_ascii=False).encode() + b"\n")
        self.transport.loseConnection()


class Unreachable(Exception):
    """Nobody listens at the socket file."""


class NoAnswer(Exception):
    """The server could not be asked; the text says why, for the operator."""


def ask(path: str, request: Request) -> Response:
    """Ask the server behind a socket file; raises Unreachable, NoAnswer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(path)
        except PermissionError:
            raise NoAnswer(f"{path} belongs to another user: run this as the one whose server it is") from None
        except OSError as problem:
            raise Unreachable(str(problem)) from None
        answer = b""
        try:
            connection.sendall(json.dumps(request, ensure_ascii=False).encode() + b"\n")
            while not answer.endswith(b"\n") and len(answer) <= LONGEST_ANSWER:
                read = connection.recv(65536)
                if not read:
                    break
                answer += read
        except TimeoutError:
            wait = f"the server has not answered for {PATIENCE:g} s: its disk may have stopped"
            raise NoAnswer(f"{wait}; see with list what has become of it") from None
        except OSError:
            answer = b""
    if not answer.endswith(b"\n"):
        raise NoAnswer("the server ended before it answered; see with list what has become of it")
    response: Response = json.loads(answer)
    return response
