"""`twisted-chat`: the console script and its commands."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from traceback import format_exception
from types import TracebackType
from typing import NoReturn

from twisted_chat._version import __version__
from twisted_chat.admin.cli import add_accounts
from twisted_chat.simulation.cli import add_simulate
from twisted_chat.talk.cli import add_talk
from twisted_chat.talk.send import add_send
from twisted_chat.tap import offline_admin
from twisted_chat.wire.terminal import printable

INTERRUPTED_STATUS = 130  # as a shell reports a process that SIGINT has ended


class Parser(ArgumentParser):
    """An ArgumentParser that prints an error as one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(status, printable(message) if message else message)


def parser() -> ArgumentParser:
    """Return the parser for the command line of `twisted-chat`."""
    whole = Parser(
        prog="twisted-chat",
        description="Tools for the chat server. The server itself is started with: twistd -n chat",
    )
    whole.add_argument("--version", action="version", version=f"twisted_chat {__version__}")
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_accounts(commands, offline_admin)
    add_send(commands)
    add_simulate(commands)
    add_talk(commands)
    return whole


def _print_fault(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Print a fault of this program; its texts may be a server's."""
    sys.stderr.write(printable("".join(format_exception(kind, error, traceback))))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command that the command line names, and exit with its status."""
    sys.excepthook = _print_fault
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except KeyboardInterrupt:
        status = INTERRUPTED_STATUS
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        sys.stderr.close()
        status = 1
    sys.exit(status)
