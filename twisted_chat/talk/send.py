"""`twisted-chat send`: says something, and ends with 0 only when the server has it."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Coroutine
from contextlib import suppress
from math import isfinite
from secrets import token_hex
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure

from twisted_chat.client import ChatClient, ChatFailed
from twisted_chat.core.names import is_room
from twisted_chat.talk.address import (
    HOST,
    PASSWORD,
    PORT,
    SERVER,
    Problem,
    Server,
    add_way,
    password,
    person,
    person_or_room,
    port,
    sentence,
    server,
    way,
)
from twisted_chat.talk.input import Texts, checked, checked_lines, lines_of_input, one, whole_input

PATIENCE = 30.0
GOODBYE = 5.0
"""Seconds for the end of the connection, once all is acknowledged."""
DESCRIPTION = """Says something to a person or in a room. The text is the rest of the command line or, without one,
standard input: all of it is one message, with its line breaks. Exit status 0 means that the server has acknowledged it,
1 that it has not (one line on standard error says why), 2 that the command line was wrong."""

T = TypeVar("T")


class Sender(NamedTuple):
    """Who says something to whom: a guest, or an account with its password, who enters the room first if it `joins`."""

    name: str
    password: str | None
    to: str
    joins: bool
    patience: float


def add_send(commands: Any) -> None:
    """Add `send` to a parser's commands."""
    parser: ArgumentParser = commands.add_parser(
        "send", help="say something from a script: send '#tea' the kettle is on", description=DESCRIPTION
    )
    parser.add_argument(
        "to", type=person_or_room, metavar="TO", help="a name, or '#room' (in quotes: # means much to shells)"
    )
    parser.add_argument("text", nargs="*", metavar="TEXT", help="what to say; -- before a text that begins with -")
    parser.add_argument("--lines", action="store_true", help="each line of standard input is a message, as it comes")
    parser.add_argument(
        "--join", action="store_true", help="an account that is not in the room enters it; guests do anyway"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=PATIENCE,
        metavar="SECONDS",
        help=f"until it has to be acknowledged [{PATIENCE:g}]",
    )
    group = add_way(parser)
    group.add_argument("--server", type=server, metavar="[NAME@]HOST[:PORT]", help=f"[${SERVER}, or {HOST}:{PORT}]")
    group.add_argument(
        "--as", dest="name", type=person, metavar="NAME", help="who says it [a guest with a name made up]"
    )
    group.add_argument("--host", metavar="HOST")
    group.add_argument("--port", type=port, metavar="PORT")
    parser.set_defaults(run=lambda options: _run(parser, options))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not (isfinite(seconds) and seconds > 0):
        raise ArgumentTypeError(f"a number above 0, not {text!r}")
    return seconds


def _run(parser: ArgumentParser, options: Namespace) -> int:
    if options.lines and options.text:
        parser.error("--lines reads standard input; leave out the text")
    where = _server(parser, options)
    try:
        secret = password(options)
        if secret is not None and not where.name:
            parser.error(f"a password needs a name: --as NAME, or NAME@ in ${SERVER}")
        name = where.name or f"send-{token_hex(4)}"
        joins = is_room(options.to) and (secret is None or options.join)
        sender = Sender(name, secret, options.to, joins, options.timeout)
        text = None if options.lines else checked(options.to, " ".join(options.text) if options.text else whole_input())
        reactor = _reactor()
        endpoint = way(reactor, where, options)
        texts = one(text) if text is not None else checked_lines(options.to, lines_of_input(reactor))
        return _on_the_reactor(reactor, send(reactor, endpoint, sender, texts), where)
    except Problem as problem:
        print(f"twisted-chat: {problem}", file=sys.stderr)
        return 1


def _server(parser: ArgumentParser, options: Namespace) -> Server:
    found = options.server
    if found is None:
        try:
            found = server(os.environ.get(SERVER) or f"{HOST}:{PORT}")
        except ArgumentTypeError as problem:
            parser.error(f"${SERVER}: {problem}")
    return Server(options.name or found.name, options.host or found.host, options.port or found.port)


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor


def _on_the_reactor(reactor: Any, sending: Coroutine[Deferred[Any], Any, None], where: Server) -> int:
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
    told = sentence(failures[0].value, where)
    if told is None:
        if not stopping:
            failures[0].raiseException()
        told = "interrupted before it was acknowledged"
    print(f"twisted-chat: {told}", file=sys.stderr)
    return 1


# saying it


async def send(clock: IReactorTime, endpoint: IStreamClientEndpoint, sender: Sender, texts: Texts) -> None:
    """Say the texts, each when the one before is acknowledged.

    Raises what ChatClient.connect, register and chat fail with, and TimeoutError when
    a text has not been acknowledged `patience` seconds after it was there to be said.
    """
    deadline = clock.seconds() + sender.patience

    def in_time(waiting: Deferred[T]) -> Deferred[T]:
        return waiting.addTimeout(max(0.0, deadline - clock.seconds()), clock)

    client = await in_time(ChatClient.connect(endpoint, clock=clock))
    try:
        await in_time(client.register(sender.name, sender.password))
        if sender.joins:
            await in_time(client.join(sender.to))
        first = True
        async for text in texts:
            if not first:
                deadline = clock.seconds() + sender.patience
            first = False
            await in_time(client.chat(sender.to, text))
    except ChatFailed as problem:
        client.abort()
        raise Problem(_in_words(problem, sender)) from None
    except BaseException:
        client.abort()
        raise
    with suppress(Exception):  # all is acknowledged, however it ends
        await client.quit().addTimeout(GOODBYE, clock)


def _in_words(problem: ChatFailed, sender: Sender) -> str:
    if problem.code == "not-a-member":
        return f"{sender.name} is not in {sender.to}; --join enters it"
    if problem.code == "no-such-room":
        return f"there is no room {sender.to}; --join makes it"
    if problem.code == "no-such-user":
        return f"nobody is called {sender.to} there"
    if problem.code == "wrong-password":
        return f"that is not the password of {sender.name}"
    if problem.code == "name-taken" and sender.password is None:
        return (
            f"the name {sender.name} is taken; if it is your account, ${PASSWORD} or --password-file says its password"
        )
    return problem.sentence
