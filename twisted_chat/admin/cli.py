"""`twisted-chat accounts`: the operator's commands, for a running server or for its file while no server runs."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime, timezone
from getpass import getpass
from time import monotonic, sleep
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_chat.admin.accounts import AccountAdmin, AccountRow
from twisted_chat.admin.ask import NoResponse, NotListening, ask
from twisted_chat.admin.control import Request, Response, control_path, handle_request
from twisted_chat.auth.passwords import MAX_PASSWORD_BYTES, prepare_password
from twisted_chat.core.errors import ChatError
from twisted_chat.core.interfaces import StoreError
from twisted_chat.core.names import user_name
from twisted_chat.sentences import sentence_of
from twisted_chat.stores.sqlite.database import InUse
from twisted_chat.wire.terminal import printable_line

T = TypeVar("T")
OfflineAdmin = Callable[[str], AccountAdmin]
"""Returns the admin of a store file that no server uses; its hub is not open yet."""

IN_USE_TIMEOUT_SECONDS = 3.0
"""A file may be in use while no server listens: a server starts or stops, or another command runs."""
RETRY_SECONDS = 0.1

DEFAULT_STORE = "sqlite:chat.sqlite3"
HELP = {
    "list": "list all accounts with their state, connections and rooms",
    "create": "create an account",
    "password": "set an account's password, and end its connections",
    "disable": "disable an account: end its connections and refuse new ones",
    "enable": "enable a disabled account again",
    "delete": "delete an account for good: it leaves its rooms, and its name stays taken",
}
PASSWORD_HELP = " At a terminal, the password is asked for twice; otherwise it is the first line of standard input."


class CommandError(Exception):
    """The command is not possible; the text tells the operator why, and what to do."""


def add_accounts(commands: Any, offline_admin: OfflineAdmin) -> None:
    """Add the command `accounts` to a parser's commands."""
    accounts = commands.add_parser(
        "accounts",
        help="list, create, disable and delete accounts, even while the server runs",
        description="Manage the accounts of a server. The server may be running or not.",
    )
    kinds = accounts.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for kind, help in HELP.items():
        description = help[0].upper() + help[1:] + "." + (PASSWORD_HELP if kind in ("create", "password") else "")
        parser = kinds.add_parser(kind, help=help, description=description)
        if kind == "list":
            parser.add_argument("--json", action="store_true", help="print one JSON array of objects, for programs")
        else:
            parser.add_argument("name", metavar="NAME", help="the account's name")
        if kind == "delete":
            parser.add_argument("--yes", action="store_true", help="delete without asking for confirmation")
        parser.add_argument(
            "--store", default=DEFAULT_STORE, metavar="sqlite:PATH", help=f"the server's store [{DEFAULT_STORE}]"
        )
        parser.set_defaults(run=lambda options: _run(options, offline_admin), do=kind, parser=parser)


def _run(options: Namespace, offline_admin: OfflineAdmin) -> int:
    try:
        channel = AdminChannel(store_path(options), offline_admin, may_create=options.do == "create")
        if options.do == "list":
            (_print_json if options.json else _print_table)(list(_rows(channel)))
        else:
            print(printable_line(channel.ask(_request(options))["done"]))
    except ChatError as error:
        return fail(sentence_of(error))
    except EOFError:
        return fail("the input has ended; nothing was changed")
    except (CommandError, NoResponse, StoreError) as error:
        return fail(str(error))
    return 0


def fail(sentence: str) -> int:
    """Print why a command was not carried out, and return its exit status."""
    print(printable_line(f"twisted-chat: {sentence}"), file=sys.stderr)
    return 1


# the request


def store_path(options: Namespace) -> str:
    """Return the path of the file that --store names."""
    path: str = options.store.removeprefix("sqlite:")
    if options.store == "memory":
        raise CommandError(
            "with --store memory the accounts exist only inside the server; start the server with --store sqlite:PATH"
        )
    if path == options.store or not path:
        parser: ArgumentParser = options.parser
        parser.error(f"--store must be sqlite:PATH, for example {DEFAULT_STORE}, not {options.store!r}")
    if path == ":memory:":
        raise CommandError("--store sqlite::memory: is not a file; name the server's file")
    return path


def _request(options: Namespace) -> Request:
    name = user_name(options.name).shown
    request = {"do": options.do, "name": name}
    if options.do in ("create", "password"):
        request["password"] = _password(name)
    if options.do == "delete" and not options.yes:
        _confirm_deletion(name)
    return request


def _password(name: str) -> str:
    """Return the new password: asked for at a terminal, otherwise the first line of standard input."""
    if not sys.stdin.isatty():
        line = sys.stdin.buffer.readline(MAX_PASSWORD_BYTES + 3)
        password = line.removesuffix(b"\n").removesuffix(b"\r").decode(errors="surrogateescape")
    else:
        password = getpass(f"New password for {name}: ")
        prepare_password(password)
        if getpass("Repeat the password: ") != password:
            raise CommandError("the two passwords differ; nothing was changed")
    prepare_password(password)
    return password


def _confirm_deletion(name: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError(f"deletion must be confirmed; add --yes to delete {name} for good")
    if input(f"Delete {name} for good? The name can never be used again. [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was changed")


# the way to the accounts


class AdminChannel:
    """Sends requests to the server that uses the file at `path` or, if there is none, carries them out in the file.

    With `may_create`, a missing file is created.
    """

    def __init__(self, path: str, offline_admin: OfflineAdmin, may_create: bool) -> None:
        self._path, self._offline_admin, self._may_create = path, offline_admin, may_create

    def ask(self, request: Request) -> Response:
        """Return the response to a request. Raises CommandError, NoResponse, StoreError."""
        deadline = monotonic() + IN_USE_TIMEOUT_SECONDS
        while True:
            try:
                response = self._ask(request)
                break
            except InUse:
                if monotonic() > deadline:
                    raise CommandError(
                        f"{self._path} is in use, but no server answers at {control_path(self._path)};"
                        " the server's log says why"
                    ) from None
            sleep(RETRY_SECONDS)
        if "error" in response:
            raise CommandError(response["error"])
        return response

    def _ask(self, request: Request) -> Response:
        try:
            return ask(control_path(self._path), request)
        except NotListening:
            pass
        new = not os.path.exists(self._path)
        if new and not self._may_create:
            raise CommandError(f"there is no file {self._path}; name the server's file with --store sqlite:PATH")
        admin = self._offline_admin(self._path)
        try:
            admin.hub.open()
        except sqlite3.Error as error:
            raise CommandError(f"cannot use {self._path}: {error}") from None
        try:
            response = result_of(handle_request(admin, request))
        finally:
            result_of(admin.hub.close())
        if new and "done" in response:
            response["done"] += f", in the new file {self._path}"
        return response


def result_of(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that waits for nothing."""
    results: list[T | Failure] = []
    Deferred.fromCoroutine(work).addBoth(results.append)
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return result


# the output


def _rows(channel: AdminChannel) -> Iterator[AccountRow]:
    request = {"do": "list"}
    while True:
        page = channel.ask(request)
        yield from (AccountRow(**account) for account in page["accounts"])
        if not page["more"]:
            return
        request = {"do": "list", "after": page["accounts"][-1]["name"]}


def _print_json(rows: list[AccountRow]) -> None:
    print(json.dumps([row._asdict() | {"made": time_text(row.made)} for row in rows]))


def _print_table(rows: list[AccountRow]) -> None:
    if not rows:
        print("there are no accounts")
        return
    table = [("NAME", "STATE", "CONNECTIONS", "ROOMS", "MADE")]
    for name, state, connections, rooms, made in rows:
        table.append((name, state, str(connections), str(rooms), time_text(made)))
    print_table(table)


def print_table(table: Sequence[Sequence[str]]) -> None:
    """Print rows of cells in columns; the first row is the heads."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print(printable_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()))


def time_text(milliseconds: int) -> str:
    """Return a time in UTC, to the second."""
    return datetime.fromtimestamp(milliseconds // 1000, timezone.utc).isoformat().replace("+00:00", "Z")
