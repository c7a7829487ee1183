"""`twisted-chat people`, `kick`, `ban`, `unban`, `bans` and `limits`: the operator's hand on the connections."""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from twisted_chat.admin.ask import NoResponse
from twisted_chat.admin.cli import (
    DEFAULT_STORE,
    AdminChannel,
    CommandError,
    OfflineAdmin,
    fail,
    print_table,
    store_path,
    time_text,
)
from twisted_chat.admin.control import Request
from twisted_chat.admin.people import CONNECTION_SIGN
from twisted_chat.core.errors import ChatError
from twisted_chat.core.interfaces import StoreError
from twisted_chat.sentences import sentence_of
from twisted_chat.wire.terminal import printable_line

MAX_BAN_SECONDS = 100 * 365 * 24 * 3600
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}

HELP = {
    "people": "list who is connected: door, address, name, since when, and how long idle",
    "kick": "end the connections of a name, an address or network, or one connection",
    "ban": "keep a name, an account, an address or a network out, for a time or for good",
    "unban": "lift a ban",
    "bans": "list the bans",
    "limits": "show the limits that are in force, and who is being held back now",
}
TARGETS = {
    "kick": f"a name, an address, a network such as 192.0.2.0/24, or {CONNECTION_SIGN} and a connection's number",
    "ban": "a name, an address, or a network such as 192.0.2.0/24 or 2001:db8::/48",
    "unban": "as it stands in `twisted-chat bans`",
}
COUNTED = ("people", "bans", "limits")


def add_people(commands: Any, offline_admin: OfflineAdmin) -> None:
    """Add the commands to a parser's commands."""
    for kind, help in HELP.items():
        parser = commands.add_parser(kind, help=help, description=help[0].upper() + help[1:] + ".")
        if kind in COUNTED:
            parser.add_argument("--json", action="store_true", help="print one JSON array of objects, for programs")
        else:
            parser.add_argument("target", metavar="TARGET", help=TARGETS[kind])
        if kind in ("kick", "ban"):
            parser.add_argument("--reason", default="", metavar="TEXT", help="a reason that the person is told")
        if kind == "ban":
            parser.add_argument(
                "--for", dest="seconds", type=duration, default=0, metavar="TIME",
                help="for so long, e.g. 30m, 1h, 7d [for good]",
            )  # fmt: skip
        parser.add_argument(
            "--store", default=DEFAULT_STORE, metavar="sqlite:PATH", help=f"the server's store [{DEFAULT_STORE}]"
        )
        parser.set_defaults(run=lambda options: _run(options, offline_admin), do=kind, parser=parser)


def duration(text: str) -> int:
    """Return the seconds of a duration such as 90s, 30m, 1h, 7d or 2w."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    seconds = int(match[1]) * UNITS[match[2]] if match is not None else 0
    if not 0 < seconds <= MAX_BAN_SECONDS:
        raise ArgumentTypeError(f"expected a time such as 30m, 1h or 7d, got {text!r}")
    return seconds


def _run(options: Namespace, offline_admin: OfflineAdmin) -> int:
    try:
        channel = AdminChannel(store_path(options), offline_admin, may_create=False)
        if options.do in COUNTED:
            rows = list(_rows(channel, options.do))
            print(json.dumps(rows)) if options.json else _TABLES[options.do](rows)
        else:
            print(printable_line(channel.ask(_request(options))["done"]))
    except ChatError as error:
        return fail(sentence_of(error))
    except (CommandError, NoResponse, StoreError) as error:
        return fail(str(error))
    return 0


def _request(options: Namespace) -> Request:
    request = {"do": options.do, "target": options.target}
    if options.do in ("kick", "ban"):
        request["reason"] = options.reason
    if options.do == "ban":
        request["seconds"] = str(options.seconds)
    return request


def _rows(channel: AdminChannel, kind: str) -> Iterator[dict[str, Any]]:
    request = {"do": kind}
    while True:
        page = channel.ask(request)
        yield from page[kind]
        if not page.get("more"):
            return
        request["after"] = str(page[kind][-1]["connection"])


def _people_table(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        print("there are no connections")
        return
    table = [("CONNECTION", "DOOR", "ADDRESS", "NAME", "KIND", "SINCE", "IDLE")]
    for row in rows:
        number, since, idle = f"{CONNECTION_SIGN}{row['connection']}", _age(row["seconds"]), _age(row["idle"])
        table.append((number, row["door"], row["address"] or "-", row["name"] or "-", row["kind"], since, idle))
    print_table(table)


def _bans_table(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        print("there are no bans")
        return
    table = [("TARGET", "KIND", "SINCE", "UNTIL", "REASON")]
    for row in rows:
        until = time_text(row["until"]) if row["until"] else "for good"
        table.append((row["target"], row["kind"], time_text(row["made"]), until, row["reason"]))
    print_table(table)


def _limits_table(rows: Sequence[dict[str, Any]]) -> None:
    table = [("LIMIT", "BOUND", "NOW", "HELD BACK")]
    for row in rows:
        table.append((row["subject"], row["bound"], row["now"], ", ".join(row["held"]) or "-"))
    print_table(table)


_TABLES: dict[str, Callable[[Sequence[dict[str, Any]]], None]] = {
    "people": _people_table,
    "bans": _bans_table,
    "limits": _limits_table,
}


def _age(seconds: int) -> str:
    """Return seconds in the largest unit that fits, for example 90 m as 1h."""
    for unit in ("d", "h", "m"):
        if seconds >= UNITS[unit]:
            return f"{seconds // UNITS[unit]}{unit}"
    return f"{seconds}s"
