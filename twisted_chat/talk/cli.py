"""`twisted-chat talk`: what it can be told, and how it begins and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from getpass import getpass, getuser
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import user_name
from twisted_chat.talk.address import (
    HOST,
    PORT,
    SERVER,
    Problem,
    Server,
    add_way,
    password,
    person_or_room,
    sentence,
    server,
    way,
)

DESCRIPTION = f"""Talks at a terminal, as a guest or with an account. Without a server it goes to ${SERVER}, or to
{HOST}:{PORT}; without a name it takes yours on this machine. /help shows what can be typed there."""


def add_talk(commands: Any) -> None:
    """Add `talk` to a parser's commands."""
    parser: ArgumentParser = commands.add_parser(
        "talk", help="talk at a terminal: talk jane@localhost:8000", description=DESCRIPTION
    )
    parser.add_argument("server", nargs="?", metavar="[NAME@]HOST[:PORT]")
    parser.add_argument(
        "where", nargs="*", type=person_or_room, metavar="NAME or '#ROOM'", help="whom to talk to, or where"
    )
    group = add_way(parser)
    group.add_argument("--guest", action="store_true", help="ask for no password")
    parser.set_defaults(run=lambda options: _run(parser, options))


def _run(parser: ArgumentParser, options: Namespace) -> int:
    try:
        where = server(options.server or os.environ.get(SERVER) or f"{HOST}:{PORT}")
    except ArgumentTypeError as problem:
        parser.error(str(problem))
    where = where._replace(name=where.name or _own_name())
    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise Problem("talk needs a terminal; a script says something with: twisted-chat send NAME TEXT")
        dumb = os.environ.get("TERM", "dumb") in ("dumb", "unknown", "")
        if not dumb:
            _look_for_prompt_toolkit()
        secret = None if options.guest else password(options)
        if secret is None and not options.guest:
            secret = getpass(f"password of {where.name} at {where} (Enter alone: a guest): ") or None
        return _on_the_reactor(where, secret, options, dumb)
    except Problem as problem:
        print(f"twisted-chat: {problem}", file=sys.stderr)
        return 1
    except EOFError:
        print(file=sys.stderr)
        return 1


def _own_name() -> str:
    """A name for somebody who has not said one."""
    try:
        return user_name(getuser()).shown
    except (ChatError, OSError, KeyError):
        return f"guest-{token_hex(2)}"


def _look_for_prompt_toolkit() -> None:
    try:
        import prompt_toolkit  # noqa: F401
    except ImportError:
        raise Problem("talk needs prompt_toolkit: pip install 'twisted_chat[talk]'") from None


def _on_the_reactor(where: Server, secret: str | None, options: Namespace, dumb: bool) -> int:
    """Talk until it is over; gives the exit status."""
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor as installed

    reactor: Any = installed
    endpoint = way(reactor, where, options)
    results: list[str | Failure] = []

    def begin() -> None:
        talking = Deferred.fromCoroutine(_talk(reactor, loop, endpoint, where, secret, options.where, dumb))
        talking.addBoth(results.append).addBoth(lambda _: reactor.callLater(0, reactor.stop))

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    [result] = results
    if isinstance(result, Failure):
        told = "you have left before it began" if result.check(KeyboardInterrupt) else sentence(result.value, where)
        if told is None:
            result.raiseException()
        result = str(told)
    if result:
        print(f"twisted-chat: {result}", file=sys.stderr)
    return 1 if result else 0


async def _talk(
    reactor: Any,
    loop: asyncio.AbstractEventLoop,
    endpoint: Any,
    where: Server,
    secret: str | None,
    to: list[str],
    dumb: bool,
) -> str:
    from twisted_chat.talk.app import Talker

    screen: Any
    if dumb:
        from twisted_chat.talk.plain import PlainScreen

        screen = PlainScreen()
    else:
        from twisted_chat.talk.screen import TerminalScreen

        screen = TerminalScreen(str(where))
    talker = Talker(endpoint, reactor, where.name, secret, screen)
    starting = Deferred.fromCoroutine(talker.start(*to))
    begun: list[bool] = []

    def leave() -> None:
        (talker.leave if begun else starting.cancel)()

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    await starting
    begun.append(True)
    running = screen.run(talker)
    reason: str = await (running if dumb else Deferred.fromFuture(asyncio.ensure_future(running)))
    return reason
