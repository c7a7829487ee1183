"""Sentences for what went wrong: the server's own for a refused request, and what the user can do here.

The server's sentence says what was wrong. What to do depends on where the reader is: at a terminal it is a command such
as /join, for a script an option such as --join.
"""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError, ConnectionRefusedError, DNSLookupError

from twisted_chat.client import ChatFailed, Disconnected


class TalkError(Exception):
    """Something that the user wants cannot be done; the text is one line for the user."""


class WayOut(NamedTuple):
    """The way out after a refusal: in `talk`, and with `send`. Empty where the server's sentence says it all."""

    talk: str = ""
    send: str = ""


WAYS_OUT = {
    "not-a-member": WayOut("type /join {to} first", "add --join to enter the room first"),
    "no-such-room": WayOut("type /join {to} to enter or create it", "add --join to enter or create the room"),
    "no-such-user": WayOut("press Tab to complete a name"),
    "wrong-password": WayOut(send="--password-file sets the password"),
    "name-taken": WayOut(send="--as sets the name, --password-file the password"),
}
"""For codes of refused requests; `{to}` is the user or the room of the request."""


def refusal_in_talk(problem: ChatFailed, to: str) -> str:
    """Return the server's sentence, and what to type now."""
    return _with_way_out(problem, WAYS_OUT.get(problem.code, WayOut()).talk.format(to=to))


def refusal_in_send(problem: ChatFailed) -> str:
    """Return the server's sentence, and which option to use."""
    return _with_way_out(problem, WAYS_OUT.get(problem.code, WayOut()).send)


def _with_way_out(problem: ChatFailed, way_out: str) -> str:
    return f"{problem.sentence}; {way_out}" if way_out else problem.sentence


def explain(problem: BaseException | None, server: str, host: str) -> str | None:
    """Return a sentence for what went wrong with a server, or None for an error in this program."""
    if isinstance(problem, ChatFailed):
        return problem.sentence
    if isinstance(problem, Disconnected):
        return _explain_tls(str(problem), server, host) or str(problem)
    if isinstance(problem, DeferredTimeout):
        return f"{server} did not answer in time; check the host and the port, or try again later"
    if isinstance(problem, ConnectionRefusedError):
        return f"cannot connect to {server}: no server listens there; check the host and the port"
    if isinstance(problem, (ConnectError, DNSLookupError)):
        return f"cannot connect to {server}: {str(problem).rstrip('.')}"
    return str(problem) if isinstance(problem, TalkError) else None


def _explain_tls(reason: str, server: str, host: str) -> str:
    """Return a sentence for a failed TLS handshake, which OpenSSL and service_identity describe by `reason`."""
    if "certificate verify failed" in reason:
        return f"the certificate of {server} is not signed by a trusted authority; give the authority's with --ca FILE"
    if "Mismatch" in reason:
        return f"the certificate of {server} is not valid for {host}; use a host name that the certificate contains"
    if "SSL" in reason:
        return f"the TLS handshake with {server} failed; if the server has no TLS, leave out --tls and --ca"
    return ""
