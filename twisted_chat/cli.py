"""`twisted-chat`: the console script, and its commands."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import NoReturn

from twisted_chat import __version__
from twisted_chat.admin.cli import add_accounts
from twisted_chat.simulation.cli import add_simulate
from twisted_chat.talk.cli import add_talk
from twisted_chat.talk.send import add_send
from twisted_chat.tap import alone


class Parser(ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help shows more)\n")


def parser() -> ArgumentParser:
    """What can be told to `twisted-chat`."""
    whole = Parser(prog="twisted-chat", description="What goes with the chat server, which is: twistd -n chat")
    whole.add_argument("--version", action="version", version=f"twisted_chat {__version__}")
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_accounts(commands, alone)
    add_send(commands)
    add_simulate(commands)
    add_talk(commands)
    return whole


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Do what the command line says, and end with its exit status."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:  # whoever read the output has seen enough
        sys.stderr.close()
        status = 1
    sys.exit(status)
