"""Which server a client goes to, by which name, and the way there."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionRefusedError, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import is_room, room_name, user_name

HOST, PORT = "localhost", 8000
SERVER, PASSWORD = "TWISTED_CHAT", "TWISTED_CHAT_PASSWORD"
"""Variables of the environment: [name@]host[:port], and an account's password."""

_PLACE = re.compile(r"(?:(?P<name>[^@]*)@)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:@\s\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class Problem(Exception):
    """What somebody wants cannot be done; the text is one line for people."""


class Server(NamedTuple):
    """Where to go, and by which `name`, which is empty if none was said."""

    name: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def server(text: str) -> Server:
    """What `[name@]host[:port]` says; raises ArgumentTypeError."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"a server is said like this: jane@localhost:8000, not {text!r}")
    name = person(match["name"]) if match["name"] is not None else ""
    return Server(name, match["host"].strip("[]"), port(match["port"]) if match["port"] else PORT)


def port(text: str) -> int:
    """A TCP port; raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


def person(text: str) -> str:
    """A person's name; raises ArgumentTypeError."""
    try:
        return user_name(text).shown
    except ChatError as problem:
        raise ArgumentTypeError(f"{problem.sentence}, not {text!r}") from None


def person_or_room(text: str) -> str:
    """A name to talk to; raises ArgumentTypeError."""
    try:
        return (room_name if is_room(text) else user_name)(text).shown
    except ChatError as problem:
        raise ArgumentTypeError(f"{problem.sentence}, not {text!r}") from None


def add_way(parser: ArgumentParser) -> Any:
    """Add the options of how to get in to a parser, in a group, which it gives."""
    group = parser.add_argument_group("the server")
    group.add_argument("--tls", action="store_true", help="over TLS; the server's certificate is checked")
    group.add_argument("--ca", metavar="FILE", help="certificates (PEM) of who signs it, instead of the system's")
    group.add_argument(
        "--password-file", metavar="FILE", help=f"whose first line is the account's password [${PASSWORD}]"
    )
    return group


def password(options: Namespace) -> str | None:
    """The password that was given, never on the command line; raises Problem."""
    if options.password_file is None:
        return os.environ.get(PASSWORD) or None
    try:
        with open(options.password_file, encoding="utf-8") as file:
            line = file.readline(4096).rstrip("\r\n")
    except OSError as problem:
        raise Problem(f"cannot read the password in {options.password_file}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise Problem(f"the password in {options.password_file} is not UTF-8") from None
    if not line:
        raise Problem(f"the first line of {options.password_file} is empty; it should be the password")
    return line


def way(reactor: Any, server: Server, options: Namespace) -> IStreamClientEndpoint:
    """The way to a server, with `--tls` and `--ca` as they were given; raises Problem."""
    plain: IStreamClientEndpoint = HostnameEndpoint(reactor, server.host, server.port)
    if not (options.tls or options.ca):
        return plain
    try:
        from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
    except ImportError:
        raise Problem("TLS needs: pip install 'twisted_chat[tls]'") from None
    if options.ca is None:
        return wrapClientTLS(optionsForClientTLS(server.host), plain)
    from OpenSSL import SSL, crypto

    try:
        pems = _PEM.findall(Path(options.ca).read_bytes())
        roots = trustRootFromCertificates([Certificate.loadPEM(pem) for pem in pems])
    except OSError as problem:
        raise Problem(f"cannot read {options.ca}: {problem.strerror}") from None
    except (SSL.Error, crypto.Error, ValueError):
        pems = []
    if not pems:
        raise Problem(f"{options.ca} holds no certificates in PEM (-----BEGIN CERTIFICATE-----)")
    return wrapClientTLS(optionsForClientTLS(server.host, roots), plain)


def sentence(problem: BaseException | None, server: Server) -> str | None:
    """What went wrong on the way to a server or there, for people; None for what cannot go wrong."""
    if isinstance(problem, ChatFailed):
        return problem.sentence
    if isinstance(problem, Disconnected):
        return _untrusted(str(problem), server) or str(problem)
    if isinstance(problem, TookTooLong):
        return f"{server} has not answered in time"
    if isinstance(problem, ConnectionRefusedError):
        return f"cannot connect to {server}: nobody listens there"
    if isinstance(problem, (ConnectError, DNSLookupError)):
        return f"cannot connect to {server}: {str(problem).rstrip('.')}"
    return str(problem) if isinstance(problem, Problem) else None


def _untrusted(reason: str, server: Server) -> str:
    """The words for a TLS connection that came to nothing, from those of OpenSSL and service_identity."""
    if "certificate verify failed" in reason:
        return f"the certificate of {server} is signed by nobody who is trusted here: --ca FILE says whom to trust"
    if "Mismatch" in reason:
        return f"the certificate of {server} is not for {server.host}"
    if "SSL" in reason:
        return f"{server} does not speak TLS as it should; without --tls it may talk"
    return ""
