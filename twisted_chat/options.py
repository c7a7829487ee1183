"""What `twistd chat` can be told, checked while it is read."""

from __future__ import annotations

from importlib.util import find_spec

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import AuthOptionMixin
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from twisted_chat.doors.outbox import BOUND
from twisted_chat.transports.choose import CHOICES, REACTOR, CannotChoose, choose
from twisted_chat.wire.detect import IRC, LINE, WEB

BACKLOG = 1024
"""Connections that may wait to be accepted, where an endpoint does not say."""
DOORS = (LINE, IRC, WEB)


class Options(UsageOptions, AuthOptionMixin):
    """What `twistd chat` can be told. `endpoints` and `doors` hold what was given of these."""

    supportedInterfaces = (IUsernamePassword,)

    synopsis = "[--port PORT | --listen ENDPOINT ...]"
    longdesc = (
        "A chat server. Type into it with `nc localhost 8000`: register,<name> takes a name, and help shows the rest. "
        "Or open http://localhost:8000 in a browser, or point an IRC client at the same port."
    )
    optParameters = [  # noqa: RUF012 - twisted.python.usage reads it so
        ["store", "s", "sqlite:chat.sqlite3", "Where what is said is kept: sqlite:PATH, a file, or memory."],
        ["port", "p", None, "The TCP port to listen at, on all addresses. [default: 8000, unless --listen is given]"],
        ["doors", None, ",".join(DOORS), "Who is let in, by what they speak: names with commas between them."],
        ["tls-cert", None, None, "A PEM file with a certificate and its chain: then TLS is spoken at the same port."],
        ["tls-key", None, None, "The PEM file with its key. Both are read again when they change."],
        ["transports", None, None, "Whose: reactor or loop. [default: uvloop's where it is, without --reactor]"],
        ["outbox", None, str(BOUND), "Bytes that may wait for one client that does not read."],
    ]
    optFlags = [  # noqa: RUF012
        ["tls-only", None, "Let nobody in without TLS."],
        ["no-guests", None, "Let in accounts only, not whoever takes a free name."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.endpoints: list[str] = []
        self.doors: list[str] = []

    def opt_listen(self, endpoint: str) -> None:
        """A Twisted endpoint to listen at, as in tcp:8000:interface=127.0.0.1 or unix:chat.sock; repeatable."""
        self.endpoints.append(endpoint)

    opt_l = opt_listen

    def postOptions(self) -> None:
        """Check what was given; raises UsageError with what would be right."""
        self._check_port()
        self._check_store()
        self._check_doors()
        self._choose_transports()
        self._check_endpoints()

    def _check_port(self) -> None:
        port = self["port"]
        if port is None and not self.endpoints:
            port = "8000"
        if port is not None:
            if not (port.isascii() and port.isdigit() and int(port) < 65536):
                raise UsageError(f"--port takes a number from 0 to 65535, not {port!r}")
            self.endpoints.insert(0, f"tcp:{port}")

    def _check_store(self) -> None:
        outbox, store = self["outbox"], self["store"]
        if not (outbox.isascii() and outbox.isdigit() and 1024 <= int(outbox) <= 2**30):
            raise UsageError(f"--outbox takes a number of bytes from 1024 to {2**30}, not {outbox!r}")
        if store != "memory" and not (store.startswith("sqlite:") and store.removeprefix("sqlite:")):
            raise UsageError(f"--store takes memory or sqlite:PATH, as in sqlite:chat.sqlite3, not {store!r}")

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

    def _choose_transports(self) -> None:
        asked = self["transports"]
        if asked not in (None, *CHOICES):
            raise UsageError(f"--transports takes {' or '.join(CHOICES)}, not {asked!r}")
        if asked is None and self.parent is not None and self.parent.get("reactor"):
            self["transports"] = REACTOR
        try:
            choose(self["transports"])
        except CannotChoose as problem:
            raise UsageError(str(problem)) from None

    def _check_endpoints(self) -> None:
        from twisted.internet import reactor

        for endpoint in self.endpoints:
            try:
                endpoint_of(reactor, endpoint)
            except (ValueError, TypeError, LookupError, OSError) as problem:
                raise UsageError(
                    f"--listen takes an endpoint such as tcp:8000:interface=127.0.0.1, not {endpoint!r} ({problem})"
                ) from None


def endpoint_of(reactor: object, text: str) -> IStreamServerEndpoint:
    """What serverFromString makes of it, but with room for many who connect at once."""
    if text.startswith(("tcp:", "tcp6:", "unix:", "haproxy:tcp")) and ":backlog=" not in text:
        text += f":backlog={BACKLOG}"
    endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    return endpoint
