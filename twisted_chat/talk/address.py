"""ServerAddress: the server that a client goes to and the name it uses there; and the endpoint that leads there."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import is_room, room_name, user_name
from twisted_chat.sentences import sentence_of
from twisted_chat.talk.failures import TalkError
from twisted_chat.wire.numbers import is_number

DEFAULT_HOST, DEFAULT_PORT = "localhost", 8000
SERVER_VARIABLE, PASSWORD_VARIABLE = "TWISTED_CHAT", "TWISTED_CHAT_PASSWORD"
"""Environment variables with [name@]host[:port], and with an account's password."""

_ADDRESS = re.compile(r"(?:(?P<name>[^@]*)@)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:@\s\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class ServerAddress(NamedTuple):
    """A server's host and port, and the user's `name` there, which is empty if none was given."""

    name: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> ServerAddress:
    """Read `[name@]host[:port]`; raises ArgumentTypeError."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not a server address; write it like jane@localhost:8000")
    name = parse_user_name(match["name"]) if match["name"] is not None else ""
    return ServerAddress(name, match["host"].strip("[]"), parse_port(match["port"]) if match["port"] else DEFAULT_PORT)


def parse_port(text: str) -> int:
    """Read a TCP port; raises ArgumentTypeError."""
    if not (is_number(text) and 1 <= int(text) <= 65535):
        raise ArgumentTypeError(f"{text!r} is not a port; use a number from 1 to 65535")
    return int(text)


def parse_user_name(text: str) -> str:
    """Read a user's name; raises ArgumentTypeError."""
    try:
        return user_name(text).shown
    except ChatError as problem:
        raise ArgumentTypeError(f"{text!r} is not a valid name: {sentence_of(problem)}") from None


def parse_user_or_room(text: str) -> str:
    """Read the name of a user or a #room; raises ArgumentTypeError."""
    try:
        return (room_name if is_room(text) else user_name)(text).shown
    except ChatError as problem:
        raise ArgumentTypeError(f"{text!r} is not a valid name: {sentence_of(problem)}") from None


def add_server_options(parser: ArgumentParser) -> Any:
    """Add the options that say how to reach a server; return their group."""
    group = parser.add_argument_group("server")
    group.add_argument("--tls", action="store_true", help="connect over TLS and check the server's certificate")
    group.add_argument(
        "--ca", metavar="FILE", help="connect over TLS and trust the CA certificates (PEM) in FILE, not the system's"
    )
    group.add_argument(
        "--password-file",
        metavar="FILE",
        help=f"read the account's password from the first line of FILE [${PASSWORD_VARIABLE}]",
    )
    group.add_argument(
        "--insecure", action="store_true", help="send the password to another host even without TLS, for all to read"
    )
    return group


def read_password(options: Namespace) -> str | None:
    """Return the password from the file or the environment, or None; raises TalkError.

    No option holds a password, since other users of the machine can read command lines.
    """
    path = options.password_file
    if path is None:
        return os.environ.get(PASSWORD_VARIABLE) or None
    try:
        with open(path, encoding="utf-8") as file:
            line = file.readline(4096).rstrip("\r\n")
    except OSError as problem:
        raise TalkError(f"cannot read the password file {path}: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise TalkError(f"the password file {path} is not UTF-8; save it as UTF-8") from None
    if not line:
        raise TalkError(f"the first line of the password file {path} is empty; write the password there")
    return line


def is_readable_on_the_way(address: ServerAddress, options: Namespace) -> bool:
    """Return True if others could read what is sent to this server: it is another host, and there is no TLS."""
    return not (options.tls or options.ca or _is_this_host(address.host))


def _is_this_host(host: str) -> bool:
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def client_endpoint(reactor: Any, address: ServerAddress, options: Namespace) -> IStreamClientEndpoint:
    """Return the endpoint of a server, with TLS if `--tls` or `--ca` was given; raises TalkError."""
    plain: IStreamClientEndpoint = HostnameEndpoint(reactor, address.host, address.port)
    if not (options.tls or options.ca):
        return plain
    try:
        from twisted.internet.ssl import optionsForClientTLS
    except ImportError:
        raise TalkError("TLS is not installed; run: pip install 'twisted_chat[tls]'") from None
    trusted = () if options.ca is None else (_trust_roots(options.ca),)
    return wrapClientTLS(optionsForClientTLS(address.host, *trusted), plain)


def _trust_roots(path: str) -> Any:
    """Return the CA certificates of a file; raises TalkError."""
    from OpenSSL import SSL, crypto
    from twisted.internet.ssl import Certificate, trustRootFromCertificates

    try:
        pems = _PEM.findall(Path(path).read_bytes())
        roots = trustRootFromCertificates([Certificate.loadPEM(pem) for pem in pems])
    except OSError as problem:
        raise TalkError(f"cannot read {path}: {problem.strerror}") from None
    except (SSL.Error, crypto.Error, ValueError):
        pems = []
    if not pems:
        raise TalkError(f"{path} contains no certificate in PEM format (-----BEGIN CERTIFICATE-----)")
    return roots
