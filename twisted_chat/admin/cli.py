"""`twisted-chat accounts`: what an operator can say, to a running server or to the file of one that does not run."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime, timezone
from getpass import getpass
from time import monotonic, sleep
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_chat.admin.accounts import Listed, Operator
from twisted_chat.admin.control import NoAnswer, Request, Response, Unreachable, ask, carry_out, control_of
from twisted_chat.auth.passwords import LONGEST, prepared
from twisted_chat.core.errors import ChatError
from twisted_chat.core.interfaces import StoreError
from twisted_chat.core.names import user_name
from twisted_chat.stores.sqlite.database import InUse

T = TypeVar("T")
Alone = Callable[[str], Operator]
"""Gives an operator of the file at a path, whose hub is not open yet."""

PATIENCE = 3.0
"""Seconds for which a file may be in use while nobody listens: a server starts or stops, or another command runs."""

STORE = "sqlite:chat.sqlite3"
WHAT = {
    "list": "who has an account, and who of them is here",
    "create": "make an account",
    "password": "give an account another password; who is signed in stays so",
    "disable": "let an account in no more, and end its connections",
    "enable": "let a disabled account in again",
    "delete": "end an account for good: it leaves its rooms, and its name is never given to another",
}
ABOUT_PASSWORDS = " The password is asked for twice, or is the first line of standard input if that is no terminal."


class Problem(Exception):
    """What an operator wants cannot be done; the text is one line for people."""


def add_accounts(commands: Any, alone: Alone) -> None:
    """Add `accounts` and what can be done with them to a parser's commands."""
    accounts = commands.add_parser(
        "accounts",
        help="list, make, disable and delete accounts, while the server runs or not",
        description="The accounts of a server, while it runs or not.",
    )
    kinds = accounts.add_subparsers(title="what to do", required=True, metavar=" | ".join(WHAT))
    for kind, what in WHAT.items():
        about = what[0].upper() + what[1:] + "." + (ABOUT_PASSWORDS if kind in ("create", "password") else "")
        parser = kinds.add_parser(kind, help=what, description=about)
        if kind == "list":
            parser.add_argument("--json", action="store_true", help="for programs: one array of objects")
        else:
            parser.add_argument("name", metavar="NAME")
        if kind == "delete":
            parser.add_argument("--yes", action="store_true", help="do not ask whether it is meant")
        parser.add_argument("--store", default=STORE, metavar="sqlite:PATH", help=f"as the server's [{STORE}]")
        parser.set_defaults(run=lambda options: _run(options, alone), do=kind, parser=parser)


def _run(options: Namespace, alone: Alone) -> int:
    try:
        store = Store(_path(options), alone, make=options.do == "create")
        if options.do == "list":
            (_print_json if options.json else _print_table)(list(_listed(store)))
        else:
            print(store.ask(_request(options))["done"])
    except (Problem, NoAnswer, StoreError, ChatError, EOFError) as problem:
        sentence = problem.sentence if isinstance(problem, ChatError) else str(problem) or "nothing has changed"
        print(f"twisted-chat: {sentence}", file=sys.stderr)
        return 1
    return 0


# what is asked


def _path(options: Namespace) -> str:
    path: str = options.store.removeprefix("sqlite:")
    if options.store == "memory":
        raise Problem(
            "with --store memory accounts are in the server alone, and end with it; nothing else gets at them"
        )
    if path == options.store or not path:
        parser: ArgumentParser = options.parser
        parser.error(f"--store takes sqlite:PATH, as in {STORE}, not {options.store!r}")
    return path


def _request(options: Namespace) -> Request:
    name = user_name(options.name).shown
    request = {"do": options.do, "name": name}
    if options.do in ("create", "password"):
        request["password"] = _password(name)
    if options.do == "delete" and not options.yes:
        _ask_whether(name)
    return request


def _password(name: str) -> str:
    """The password that is to be: asked for at a terminal, otherwise the first line of standard input."""
    if not sys.stdin.isatty():
        line = sys.stdin.buffer.readline(LONGEST + 3)
        password = line.removesuffix(b"\n").removesuffix(b"\r").decode(errors="surrogateescape")
    else:
        password = getpass(f"new password of {name}: ")
        prepared(password)
        if getpass("once more: ") != password:
            raise Problem("that was not the same twice; nothing has changed")
    prepared(password)
    return password


def _ask_whether(name: str) -> None:
    if not sys.stdin.isatty():
        raise Problem(f"say --yes if {name} is to be deleted for good")
    if input(f"Delete {name} for good? Nobody will get the name again. [y/N] ").strip().lower() not in ("y", "yes"):
        raise Problem("nothing has changed")


# whom to ask


class Store:
    """The accounts of the file at a path, at the server that uses it, or in the file itself, which `make` may make."""

    def __init__(self, path: str, alone: Alone, make: bool) -> None:
        self._path, self._alone, self._make = path, alone, make

    def ask(self, request: Request) -> Response:
        """What becomes of a request; raises Problem, NoAnswer, StoreError."""
        deadline = monotonic() + PATIENCE
        while True:
            try:
                response = self._ask(request)
                break
            except InUse:
                if monotonic() > deadline:
                    way = control_of(self._path)
                    raise Problem(
                        f"{self._path} is in use, but nobody answers at {way}; see the server's log"
                    ) from None
            sleep(0.1)
        if "error" in response:
            raise Problem(response["error"])
        return response

    def _ask(self, request: Request) -> Response:
        try:
            return ask(control_of(self._path), request)
        except Unreachable:
            pass
        new = not os.path.exists(self._path)
        if new and not self._make:
            raise Problem(f"there is no {self._path} here: --store sqlite:PATH says where the server keeps it")
        operator = self._alone(self._path)
        try:
            operator.hub.open()
        except sqlite3.Error as problem:
            raise Problem(f"cannot use {self._path}: {problem}") from None
        try:
            response = at_once(carry_out(operator, request))
        finally:
            at_once(operator.hub.close())
        if new and "done" in response:
            response["done"] += f", in the new file {self._path}"
        return response


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of what waits for nothing."""
    results: list[T | Failure] = []
    Deferred.fromCoroutine(work).addBoth(results.append)
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return result


# what is shown


def _listed(store: Store) -> Iterator[Listed]:
    request = {"do": "list"}
    while True:
        page = store.ask(request)
        yield from (Listed(**account) for account in page["accounts"])
        if not page["more"]:
            return
        request = {"do": "list", "after": page["accounts"][-1]["name"]}


def _print_json(accounts: list[Listed]) -> None:
    print(json.dumps([account._asdict() | {"made": _time(account.made)} for account in accounts]))


def _print_table(accounts: list[Listed]) -> None:
    if not accounts:
        print("there are no accounts")
        return
    rows = [("NAME", "STATE", "CONNECTIONS", "ROOMS", "MADE")]
    for name, state, connections, rooms, made in accounts:
        rows.append((name, state, str(connections), str(rooms), _time(made)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, timezone.utc).isoformat().replace("+00:00", "Z")
