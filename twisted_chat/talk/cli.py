"""`twisted-chat talk`: its options, and how it begins and ends."""

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
from twisted_chat.core.lookalikes import RESERVED
from twisted_chat.core.names import user_name
from twisted_chat.talk.address import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    SERVER_VARIABLE,
    ServerAddress,
    add_server_options,
    client_endpoint,
    is_readable_on_the_way,
    parse_address,
    parse_user_or_room,
    read_password,
)
from twisted_chat.talk.failures import TalkError, explain
from twisted_chat.wire.terminal import printable_line

DESCRIPTION = f"""Chat at a terminal, as a guest or with an account. Without a server address it connects to
${SERVER_VARIABLE}, or to {DEFAULT_HOST}:{DEFAULT_PORT}; without a name it uses your login name on this machine. Type
/help for the commands."""


def add_talk(commands: Any) -> None:
    """Add `talk` to a parser's commands."""
    parser: ArgumentParser = commands.add_parser(
        "talk", help="chat at a terminal: talk jane@localhost:8000", description=DESCRIPTION
    )
    parser.add_argument("server", nargs="?", metavar="[NAME@]HOST[:PORT]", help="the name and the server")
    parser.add_argument(
        "where", nargs="*", type=parse_user_or_room, metavar="NAME or '#ROOM'", help="users and rooms to begin with"
    )
    group = add_server_options(parser)
    group.add_argument("--guest", action="store_true", help="sign in as a guest, without the question for a password")
    parser.set_defaults(run=lambda options: _run(parser, options))


def _run(parser: ArgumentParser, options: Namespace) -> int:
    try:
        address = parse_address(options.server or os.environ.get(SERVER_VARIABLE) or f"{DEFAULT_HOST}:{DEFAULT_PORT}")
    except ArgumentTypeError as problem:
        parser.error(str(problem))
    address = address._replace(name=address.name or _own_name())
    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise TalkError("talk needs a terminal; a script can use: twisted-chat send NAME TEXT")
        dumb = os.environ.get("TERM", "dumb") in ("dumb", "unknown", "")
        if not dumb:
            _check_prompt_toolkit()
        secret = None if options.guest else read_password(options)
        if secret is None and not options.guest:
            secret = (
                getpass(printable_line(f"Password of {address.name} at {address} (press Enter to be a guest): "))
                or None
            )
        if secret is not None and is_readable_on_the_way(address, options) and not options.insecure:
            _confirm_insecure(address.host)
        return _on_the_reactor(address, secret, options, dumb)
    except TalkError as problem:
        print(printable_line(f"twisted-chat: {problem}"), file=sys.stderr)
        return 1
    except EOFError:
        print(file=sys.stderr)
        return 1


def _confirm_insecure(host: str) -> None:
    """Ask the person; raises TalkError unless the answer is yes."""
    question = f"The password would go to {host} without encryption. Send it nevertheless? (yes/no) "
    if input(printable_line(question)).strip().lower() not in ("y", "yes"):
        raise TalkError("the password was not sent; use --tls, or talk as a guest with --guest")


def _own_name() -> str:
    """Return a name for a user who has given none: the login name, if it is one that a guest may have."""
    try:
        name = user_name(getuser())
        if name.key not in RESERVED:
            return name.shown
    except (ChatError, OSError, KeyError):
        pass
    return f"guest-{token_hex(2)}"


def _check_prompt_toolkit() -> None:
    try:
        import prompt_toolkit  # noqa: F401
    except ImportError:
        raise TalkError("prompt_toolkit is not installed; run: pip install 'twisted_chat[talk]'") from None


def _on_the_reactor(address: ServerAddress, secret: str | None, options: Namespace, dumb: bool) -> int:
    """Talk until it is over, and return the exit status."""
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor as installed

    reactor: Any = installed
    endpoint = client_endpoint(reactor, address, options)
    results: list[str | Failure] = []

    def begin() -> None:
        talking = Deferred.fromCoroutine(_talk(reactor, loop, endpoint, address, secret, options.where, dumb))
        talking.addBoth(results.append).addBoth(lambda _: reactor.callLater(0, reactor.stop))

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    [result] = results
    if isinstance(result, Failure):
        result = _explain_failure(result, address)
    if result:
        print(printable_line(f"twisted-chat: {result}"), file=sys.stderr)
    return 1 if result else 0


def _explain_failure(failure: Failure, address: ServerAddress) -> str:
    """Return a sentence for a failure of the sign-in; raises an error of this program."""
    if failure.check(KeyboardInterrupt):
        return "interrupted before the sign-in was complete"
    explained = explain(failure.value, str(address), address.host)
    if explained is None:
        failure.raiseException()
    return str(explained)


async def _talk(
    reactor: Any,
    loop: asyncio.AbstractEventLoop,
    endpoint: Any,
    address: ServerAddress,
    secret: str | None,
    to: list[str],
    dumb: bool,
) -> str:
    from twisted_chat.talk.app import TalkApp

    screen: Any
    if dumb:
        from twisted_chat.talk.plain import PlainScreen

        screen = PlainScreen()
    else:
        from twisted_chat.talk.screen import TerminalScreen

        screen = TerminalScreen(str(address))
    app = TalkApp(endpoint, reactor, address.name, secret, screen)
    starting = Deferred.fromCoroutine(app.start(*to))
    begun: list[bool] = []

    def leave() -> None:
        (app.leave if begun else starting.cancel)()

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    await starting
    begun.append(True)
    running = screen.run(app)
    reason: str = await (running if dumb else Deferred.fromFuture(asyncio.ensure_future(running)))
    return reason
