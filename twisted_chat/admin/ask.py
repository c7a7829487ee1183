"""The client's side of the control socket: one request to the running server, and its response."""

from __future__ import annotations

import json
import socket

from twisted_chat.admin.control import MAX_RESPONSE_BYTES, RECEIVE_BYTES, RESPONSE_TIMEOUT_SECONDS, Request, Response


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
