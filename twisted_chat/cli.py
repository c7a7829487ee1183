"""`twisted-chat`: the console script and its commands."""

from __future__ import annotations

import errno
import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from traceback import format_exception
from types import TracebackType
from typing import Any, NoReturn

from twisted_chat._version import __version__
from twisted_chat.admin.backup import add_backup
from twisted_chat.admin.cli import add_accounts
from twisted_chat.admin.people_cli import add_people
from twisted_chat.options import SERVE
from twisted_chat.serve import HELP, serve
from twisted_chat.simulation.cli import add_simulate
from twisted_chat.talk.cli import add_talk
from twisted_chat.talk.send import add_send
from twisted_chat.tap import offline_admin
from twisted_chat.wire.terminal import printable

OUTPUT_ERRNOS = (errno.ENOSPC, errno.EIO, errno.EBADF)
"""A full disk, a terminal that is gone, or a closed standard output."""
INTERRUPTED_STATUS = 130  # as a shell reports a process that SIGINT has ended


class Parser(ArgumentParser):
    """An ArgumentParser that prints an error as one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help\n")

    def _print_message(self, message: str, file: Any = None) -> None:  # argparse's own one hides what goes wrong
        if message:
            (file or sys.stderr).write(message)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(status, printable(message) if message else message)


def parser() -> ArgumentParser:
    """Return the parser for the command line of `twisted-chat`."""
    whole = Parser(prog="twisted-chat", description="A chat server, and tools for it.")
    whole.add_argument("--version", action="version", version=f"twisted_chat {__version__}")
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    commands.add_parser(SERVE, help=HELP)  # its options are those of twistd: see `main`
    add_accounts(commands, offline_admin)
    add_backup(commands)
    add_people(commands, offline_admin)
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
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        try:
            status = _run(given)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        status = INTERRUPTED_STATUS
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        _drop_output()
        status = 1
    except OSError as problem:
        if problem.errno not in OUTPUT_ERRNOS:
            raise
        _drop_output()
        print(f"twisted-chat: cannot write the output: {os.strerror(problem.errno or 0)}", file=sys.stderr)
        status = 1
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == [SERVE]:
        serve(arguments[1:])
        return 0
    options = parser().parse_args(arguments)
    status: int = options.run(options)
    return status


def _drop_output() -> None:
    """Have Python flush nothing at its end: that would fail again, with a traceback."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.close(devnull)
