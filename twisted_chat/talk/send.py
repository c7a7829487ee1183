"""`twisted-chat send`: sends messages from a script, and ends with 0 only when the server has them."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Coroutine
from contextlib import suppress
from math import isfinite
from secrets import token_hex
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from twisted_chat.client import ChatClient, ChatFailed, Disconnected
from twisted_chat.core.names import is_room
from twisted_chat.talk.address import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    SERVER_VARIABLE,
    ServerAddress,
    add_server_options,
    client_endpoint,
    is_readable_on_the_way,
    parse_address,
    parse_port,
    parse_user_name,
    parse_user_or_room,
    read_password,
)
from twisted_chat.talk.failures import TalkError, explain, refusal_in_send
from twisted_chat.talk.input import Texts, checked, checked_lines, lines_of_input, only, whole_input
from twisted_chat.wire.terminal import printable_line

ACKNOWLEDGE_TIMEOUT_SECONDS = 30.0
RESTART_SECONDS = 10.0
"""A server that does not listen, or that is stopping, is tried again for this time: so long it may take to restart."""
RETRY_SECONDS = 0.5
QUIT_TIMEOUT_SECONDS = 5.0
"""For the end of the connection, once all is acknowledged."""
DESCRIPTION = """Send a message to a user or a room. The text is the rest of the command line or, without it, standard
input: all of it is one message, with its line breaks. Exit status 0 means that the server has acknowledged the message;
1 that it has not, and a line on standard error says why; 2 that the command line is wrong."""

T = TypeVar("T")


class Sender(NamedTuple):
    """A guest, or an account with its password, and where its messages go. It enters the room first if it `joins`."""

    name: str
    password: str | None
    to: str
    joins: bool
    timeout_seconds: float


def add_send(commands: Any) -> None:
    """Add `send` to a parser's commands."""
    parser: ArgumentParser = commands.add_parser(
        "send", help="send a message from a script: send '#tea' the kettle is on", description=DESCRIPTION
    )
    parser.add_argument(
        "to", type=parse_user_or_room, metavar="TO", help="a user, or '#room' (in quotes, since # begins a comment)"
    )
    parser.add_argument(
        "text", nargs="*", metavar="TEXT", help="the message; write -- before a text that begins with -"
    )
    parser.add_argument(
        "--lines", action="store_true", help="send each line of standard input as a message, as it comes"
    )
    parser.add_argument("--join", action="store_true", help="enter the room first, with an account; guests always do")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=ACKNOWLEDGE_TIMEOUT_SECONDS,
        metavar="SECONDS",
        help=f"seconds to wait for each acknowledgement [{ACKNOWLEDGE_TIMEOUT_SECONDS:g}]",
    )
    group = add_server_options(parser)
    group.add_argument(
        "--server",
        type=parse_address,
        metavar="[NAME@]HOST[:PORT]",
        help=f"the server [${SERVER_VARIABLE}, or {DEFAULT_HOST}:{DEFAULT_PORT}]",
    )
    group.add_argument(
        "--as", dest="name", type=parse_user_name, metavar="NAME", help="the sender's name [a new guest's]"
    )
    group.add_argument("--host", metavar="HOST", help="the server's host, instead of the host in --server")
    group.add_argument(
        "--port", type=parse_port, metavar="PORT", help="the server's port, instead of the port in --server"
    )
    parser.set_defaults(run=lambda options: _run(parser, options))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not (isfinite(seconds) and seconds > 0):
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return seconds


def _run(parser: ArgumentParser, options: Namespace) -> int:
    if options.lines and options.text:
        parser.error("--lines reads standard input; leave out the text")
    address = _address(parser, options)
    try:
        secret = read_password(options)
        if secret is not None and not address.name:
            parser.error(f"a password needs a name; give it with --as NAME, or as NAME@ in ${SERVER_VARIABLE}")
        if secret is not None and is_readable_on_the_way(address, options) and not options.insecure:
            raise TalkError(
                f"the password would go to {address.host} without encryption; use --tls, or --insecure to send it so"
            )
        name = address.name or f"send-{token_hex(4)}"
        joins = is_room(options.to) and (secret is None or options.join)
        sender = Sender(name, secret, options.to, joins, options.timeout)
        text = None if options.lines else checked(options.to, " ".join(options.text) if options.text else whole_input())
        reactor = _reactor()
        endpoint = client_endpoint(reactor, address, options)
        texts = only(text) if text is not None else checked_lines(options.to, lines_of_input(reactor))

        def tell() -> None:
            print(f"twisted-chat: {address} is not available; trying again for {RESTART_SECONDS:g} s", file=sys.stderr)

        return _on_the_reactor(reactor, send(reactor, endpoint, sender, texts, tell), address)
    except TalkError as problem:
        print(printable_line(f"twisted-chat: {problem}"), file=sys.stderr)
        return 1


def _address(parser: ArgumentParser, options: Namespace) -> ServerAddress:
    found = options.server
    if found is None:
        try:
            found = parse_address(os.environ.get(SERVER_VARIABLE) or f"{DEFAULT_HOST}:{DEFAULT_PORT}")
        except ArgumentTypeError as problem:
            parser.error(f"${SERVER_VARIABLE}: {problem}")
    return ServerAddress(options.name or found.name, options.host or found.host, options.port or found.port)


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor


def _on_the_reactor(reactor: Any, sending: Coroutine[Deferred[Any], Any, None], address: ServerAddress) -> int:
    """Run the reactor until all is sent or something fails, and return the exit status."""
    failures: list[Failure] = []
    stopping: list[bool] = []

    def ended(_: object) -> None:
        if not stopping:
            reactor.callLater(0, reactor.stop)

    def begin() -> None:
        doing = Deferred.fromCoroutine(sending)
        reactor.addSystemEventTrigger("before", "shutdown", stopping.append, True)
        reactor.addSystemEventTrigger("before", "shutdown", doing.cancel)
        doing.addErrback(failures.append).addBoth(ended)

    reactor.callWhenRunning(begin)
    reactor.run()
    if not failures:
        return 0
    explained = explain(failures[0].value, str(address), address.host)
    if explained is None:
        if not stopping:
            failures[0].raiseException()
        explained = "interrupted before the server acknowledged the message"
    print(printable_line(f"twisted-chat: {explained}"), file=sys.stderr)
    return 1


async def send(
    clock: IReactorTime,
    endpoint: IStreamClientEndpoint,
    sender: Sender,
    texts: Texts,
    on_retry: Callable[[], None] = lambda: None,
) -> None:
    """Send the texts, each when the text before it is acknowledged.

    While the server restarts, it is tried again for RESTART_SECONDS, and `on_retry` is called once. Raises TalkError
    for a refusal, what else ChatClient.connect, register and chat fail with, and TimeoutError when a text is not
    acknowledged `timeout_seconds` after it was there to be sent.
    """
    sending = Sending(clock, endpoint, sender, on_retry)
    try:
        await sending.begin()
        first = True
        async for text in texts:
            if not first:
                sending.restart_timeout()
            first = False
            await sending.say(text)
    except ChatFailed as problem:
        sending.abort()
        raise TalkError(refusal_in_send(problem)) from None
    except BaseException:
        sending.abort()
        raise
    await sending.quit()


class Sending:
    """A client, and another one when the server has restarted."""

    def __init__(
        self, clock: IReactorTime, endpoint: IStreamClientEndpoint, sender: Sender, on_retry: Callable[[], None]
    ) -> None:
        self._clock, self._endpoint, self._sender, self._on_retry = clock, endpoint, sender, on_retry
        self._client: ChatClient | None = None
        self.restart_timeout()

    def restart_timeout(self) -> None:
        """Give what comes now the whole time."""
        now = self._clock.seconds()
        self._deadline, self._last_retry = now + self._sender.timeout_seconds, now + RESTART_SECONDS
        self._retried = False

    async def begin(self) -> ChatClient:
        """Connect, register and enter the room; again while the server restarts."""
        while True:
            try:
                return await self._begin_once()
            except (ConnectionRefusedError, Disconnected, ChatFailed) as problem:
                self.abort()
                if not is_restart(problem):
                    raise
                await self._wait_after(problem)

    async def _begin_once(self) -> ChatClient:
        sender = self._sender
        client = self._client = await self._in_time(ChatClient.connect(self._endpoint, clock=self._clock))
        await self._in_time(client.register(sender.name, sender.password))
        if sender.joins:
            await self._in_time(client.join(sender.to))
        return client

    async def say(self, text: str) -> None:
        """Send a text, and wait until it is acknowledged; again if the server could not store it."""
        while True:
            client = self._client
            if client is None or (not client.connected and self._sender.password is None):
                client = await self.begin()  # a guest's client does not connect again by itself
            try:
                await self._in_time(client.chat(self._sender.to, text))
                return
            except ChatFailed as problem:
                if not is_restart(problem):
                    raise
                await self._wait_after(problem)

    async def quit(self) -> None:
        """Leave: all is acknowledged, however the connection ends."""
        if self._client is not None:
            with suppress(Exception):
                await self._client.quit().addTimeout(QUIT_TIMEOUT_SECONDS, self._clock)

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._client is not None:
            self._client.abort()
            self._client = None

    def _in_time(self, waiting: Deferred[T]) -> Deferred[T]:
        return waiting.addTimeout(max(0.0, self._deadline - self._clock.seconds()), self._clock)

    async def _wait_after(self, problem: Exception) -> None:
        """Wait before another attempt; raise the problem if it is too late for one."""
        if self._clock.seconds() + RETRY_SECONDS > min(self._deadline, self._last_retry):
            raise problem
        if not self._retried:
            self._retried = True
            self._on_retry()
        await deferLater(self._clock, RETRY_SECONDS)


def is_restart(problem: Exception) -> bool:
    """Return True for a problem that a server has which stops or starts: the text was not stored, and may be later."""
    if isinstance(problem, ChatFailed):
        return problem.code == "unavailable"
    if isinstance(problem, Disconnected):  # with a reason of TLS, another attempt would fail in the same way
        ended = str(problem).startswith("the server ended the connection")
        return ended and not any(word in str(problem) for word in ("SSL", "certificate", "Mismatch"))
    return True
