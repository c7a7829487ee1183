"""The command-line options of `twistd chat`, checked while they are read."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import AuthOptionMixin
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from twisted_chat.admin.motd import message_of
from twisted_chat.admin.pidfile import CannotStartBeside, make_way
from twisted_chat.core.shares import PERSON_BYTES_PER_SECOND
from twisted_chat.doors.connections import MAX_PER_NETWORK
from twisted_chat.doors.irc.hosts import DEFAULT_SERVER_NAME, MAX_SERVER_NAME_CHARACTERS, is_server_name
from twisted_chat.doors.outbox import MAX_OUTBOX_BYTES
from twisted_chat.doors.web.hosts import parse_host, parse_origin
from twisted_chat.stores.sqlite.locks import LOCK_TIMEOUT_SECONDS
from twisted_chat.transports.choose import REACTOR, TRANSPORT_CHOICES, ReactorUnsuitable, install_reactor
from twisted_chat.transports.proxy import ProxyEndpoint
from twisted_chat.wire.detect import IRC, LINE, WEB
from twisted_chat.wire.numbers import is_number
from twisted_chat.wire.terminal import printable_line

BACKLOG_CONNECTIONS = 1024
"""Connections that may wait to be accepted, for an endpoint without a backlog of its own."""
MAX_NETWORK_BYTES = 64
MAX_PER_ADDRESS = 10_000_000
MIN_WRITING_RATE, MAX_WRITING_RATE = 1024, 1024**3
DOORS = (LINE, IRC, WEB)
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
MEMORY, SQLITE_PREFIX = "memory", "sqlite:"
SERVE = "serve"  # the command of twisted-chat that has these options, too
_SSL_KEY = re.compile(r"(?:haproxy:)?ssl:(?:.*:)?privateKey=((?:\\.|[^:\\])*)")
PROXY_PREFIX = "haproxy:"  # the name that Twisted has for an endpoint with the PROXY protocol


class Options(UsageOptions, AuthOptionMixin):
    """The options of `twistd chat`. `endpoints` and `doors` are lists of the values that were given."""

    supportedInterfaces = (IUsernamePassword,)

    synopsis = "[--port PORT | --listen ENDPOINT ...]"
    longdesc = (
        "A chat server for people and programs. To try it, run `nc localhost 8000` and type register,<name>; "
        "help lists all commands. Or open http://localhost:8000 in a browser, or connect an IRC client to that port."
    )
    optParameters = [  # noqa: RUF012 - twisted.python.usage reads this attribute
        ["store", "s", "sqlite:chat.sqlite3", "Store for messages and accounts: sqlite:PATH (a file) or memory."],
        [
            "reserve",
            None,
            None,
            (
                "Room kept free on the disk for accounts and the operator, e.g. 64M; 0 for none."
                " [default: 16M, or 1/16 of a small disk]"
            ),
        ],
        ["port", "p", None, "TCP port to listen on, on all IPv4 addresses. [default: 8000, unless --listen is given]"],
        ["doors", None, ",".join(DOORS), "Protocols to accept (line, irc, web), separated by commas."],
        ["tls-cert", None, None, "PEM file with a certificate and its chain; TLS is then accepted on the same port."],
        [
            "tls-key",
            None,
            None,
            "PEM file with its private key. Both files are read again when they change.",
        ],
        [
            "transports",
            None,
            None,
            (
                "TCP transports: loop (the event loop's) or reactor (Twisted's)."
                " [default: loop if uvloop is installed and twistd has no --reactor]"
            ),
        ],
        [
            "per-address",
            None,
            str(MAX_PER_NETWORK),
            "Connections that one address (IPv6: one /64) may hold; raise it behind a proxy without PROXY headers.",
        ],
        [
            "writing-rate",
            None,
            f"{PERSON_BYTES_PER_SECOND // 1024}K",
            (
                "Bytes a second that a person may write into the file for long; an address may write 16 times as many,"
                " and bursts last 512 seconds. 0 for no bound."
            ),
        ],
        ["network", None, "twisted_chat", "The name that IRC clients show for this network: one word."],
        ["server-name", None, DEFAULT_SERVER_NAME, "The server's own name in IRC, e.g. irc.example.org."],
        ["outbox", None, str(MAX_OUTBOX_BYTES), "Bytes that may be queued for one client that does not read."],
    ]
    optFlags = [  # noqa: RUF012
        ["tls-only", None, "Accept only TLS connections."],
        [
            "allow-plain-passwords",
            None,
            "Accept passwords without TLS from everywhere, not only from private networks.",
        ],
        ["no-guests", None, "Accept only accounts: a name alone, without a password, is refused."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.endpoints: list[str] = []
        self.doors: list[str] = []
        self.reserve: int | None = None
        self.writing_rate = PERSON_BYTES_PER_SECOND
        self.hosts: list[str] = []
        self.urls: list[str] = []
        self.motd: list[str] = []

    def opt_listen(self, endpoint: str) -> None:
        """Twisted endpoint to listen on, e.g. tcp:8000:interface=127.0.0.1 or unix:chat.sock. May be repeated."""
        self.endpoints.append(endpoint)

    opt_l = opt_listen

    def opt_motd(self, path: str) -> None:
        """A text file with the message of the day, which IRC clients are shown when they connect."""
        try:
            self.motd = message_of(path)
        except (OSError, ValueError) as error:
            raise UsageError(f"--motd {path}: {error}; name a text file in UTF-8") from None

    def opt_host(self, name: str) -> None:
        """A name under which browsers reach the server, e.g. chat.example. May be repeated."""
        try:
            self.hosts.append(parse_host(name, "http").host)
        except ValueError:
            raise UsageError(f"--host must be a name such as chat.example, not {name!r}") from None

    def opt_url(self, url: str) -> None:
        """The address of the page behind a proxy, e.g. https://chat.example. May be repeated."""
        try:
            parse_origin(url)
        except ValueError:
            raise UsageError(f"--url must be an address such as https://chat.example, not {url!r}") from None
        self.urls.append(url)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Read the options; a mistake in a command is one line on standard error, and the end."""
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except UsageError as problem:
            if self.parent is None:
                raise
            served = self.parent.subCommand == SERVE
            command = "twisted-chat serve" if served else "twistd chat"
            print(printable_line(f"{command}: {problem}; see --help"), file=sys.stderr)
            sys.exit(2 if served else 1)

    def postOptions(self) -> None:
        """Check the values. Raises UsageError, whose text says what is right."""
        self._check_port()
        self._check_store()
        self._check_doors()
        self._check_irc_names()
        self._choose_transports()
        self._check_endpoints()
        self._check_pidfile()

    def _check_port(self) -> None:
        port = self["port"]
        if port is None and not self.endpoints:
            port = "8000"
        if port is not None:
            if not (is_number(port) and int(port) < 65536):
                raise UsageError(f"--port must be a number from 0 to 65535, not {port!r}")
            self.endpoints.insert(0, f"tcp:{port}")

    def _check_store(self) -> None:
        outbox, store, per_address = self["outbox"], self["store"], self["per-address"]
        if not (is_number(per_address) and 1 <= int(per_address) <= MAX_PER_ADDRESS):
            raise UsageError(f"--per-address must be a number from 1 to {MAX_PER_ADDRESS}, not {per_address!r}")
        if not (is_number(outbox) and 1024 <= int(outbox) <= 2**30):
            raise UsageError(f"--outbox must be a number of bytes from 1024 to {2**30}, not {outbox!r}")
        if store != "memory" and not (store.startswith("sqlite:") and store.removeprefix("sqlite:")):
            raise UsageError(f"--store must be memory or sqlite:PATH, for example sqlite:chat.sqlite3, not {store!r}")
        if store == "sqlite::memory:":
            raise UsageError("--store sqlite::memory: is not a file; use --store memory to keep nothing on the disk")
        if self["reserve"] is not None:
            self.reserve = _bytes_of(self["reserve"], "--reserve")
        self.writing_rate = _bytes_of(self["writing-rate"], "--writing-rate")
        if self.writing_rate and not MIN_WRITING_RATE <= self.writing_rate <= MAX_WRITING_RATE:
            text = self["writing-rate"]
            raise UsageError(f"--writing-rate must be 0, or from 1K to 1G bytes a second, not {text!r}")

    def _check_doors(self) -> None:
        self.doors = [name.strip() for name in self["doors"].split(",")]
        for name in self.doors:
            if name not in DOORS:
                raise UsageError(f"--doors must be some of {', '.join(DOORS)}, separated by commas, not {name!r}")
        if (self["tls-cert"] is None) is not (self["tls-key"] is None):
            raise UsageError(
                "--tls-cert and --tls-key must be given together: a certificate with its chain, and its private key"
            )
        if self["tls-only"] and self["tls-cert"] is None:
            raise UsageError("--tls-only needs a certificate; add --tls-cert FILE --tls-key FILE")
        if self["tls-cert"] is not None and find_spec("OpenSSL") is None:
            raise UsageError("--tls-cert needs pyOpenSSL; install it with: pip install 'twisted_chat[tls]'")

    def _check_irc_names(self) -> None:
        network, server = self["network"], self["server-name"]
        if not (
            network.isprintable() and len(network.split(" ")) == 1 and 1 <= len(network.encode()) <= MAX_NETWORK_BYTES
        ):
            raise UsageError(
                f"--network must be one word of at most {MAX_NETWORK_BYTES} bytes, such as ExampleNet, not {network!r}"
            )
        if not is_server_name(server):
            raise UsageError(
                "--server-name must be a host name with a dot, such as irc.example.org, "
                f"of at most {MAX_SERVER_NAME_CHARACTERS} characters, not {server!r}"
            )

    def _choose_transports(self) -> None:
        asked = self["transports"]
        if asked not in (None, *TRANSPORT_CHOICES):
            raise UsageError(f"--transports must be {' or '.join(TRANSPORT_CHOICES)}, not {asked!r}")
        if asked is None and self.parent is not None and self.parent.get("reactor"):
            self["transports"] = REACTOR
        try:
            install_reactor(self["transports"])
        except ReactorUnsuitable as problem:
            raise UsageError(str(problem)) from None

    def _check_pidfile(self) -> None:
        """Clear the way for twistd, which looks at its pidfile next, and ends the process if it cannot start."""
        parent = self.parent
        if parent is None or not parent.get("pidfile"):
            return
        store = None if self["store"] == "memory" else self["store"].removeprefix("sqlite:")
        path = None if store is None else os.path.normpath(os.path.join(parent.get("rundir") or "", store))
        try:
            make_way(parent["pidfile"], path, LOCK_TIMEOUT_SECONDS)
        except CannotStartBeside as problem:
            sys.exit(printable_line(f"twisted_chat: {problem}"))

    def _check_endpoints(self) -> None:
        from twisted.internet import reactor

        for endpoint in self.endpoints:
            try:
                endpoint_of(reactor, endpoint)
                _check_key(endpoint)
            except (ValueError, TypeError, LookupError, OSError) as problem:
                raise UsageError(
                    f"--listen must be an endpoint such as tcp:8000:interface=127.0.0.1, not {endpoint!r} ({problem})"
                ) from None


def _check_key(endpoint: str) -> None:
    """Raise UsageError if an `ssl:` endpoint has a key that every user of this machine can read."""
    named = _SSL_KEY.match(endpoint)
    if named is None:
        return
    from twisted_chat.transports.tls import CertificateError, check_private

    try:
        check_private(re.sub(r"\\(.)", r"\1", named[1]))
    except CertificateError as problem:
        raise UsageError(str(problem)) from None


def endpoint_of(reactor: Any, text: str) -> IStreamServerEndpoint:
    """Return the endpoint for a description, with a backlog for many connections at once."""
    if text.startswith(PROXY_PREFIX):
        return ProxyEndpoint(endpoint_of(reactor, text.removeprefix(PROXY_PREFIX)), reactor)
    if text.startswith(("tcp:", "tcp6:", "unix:")) and ":backlog=" not in text:
        text += f":backlog={BACKLOG_CONNECTIONS}"
    endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    return endpoint


def _bytes_of(text: str, option: str) -> int:
    """Return the number of bytes that a text such as 64M names. Raises UsageError."""
    number, unit = (text[:-1], text[-1:].upper()) if text[-1:].upper() in UNITS else (text, "")
    if not (is_number(number) and len(number) < 16):
        raise UsageError(f"{option} must be a number of bytes, or one with K, M or G such as 64M, not {text!r}")
    return int(number) * UNITS[unit]
