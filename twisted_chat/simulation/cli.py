"""`twisted-chat simulate`: its options."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from math import inf, isfinite
from pathlib import Path
from random import SystemRandom
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint, clientFromString
from twisted.internet.interfaces import IStreamClientEndpoint

from twisted_chat.simulation.crowd import Plan
from twisted_chat.simulation.irclog import Log, read_log
from twisted_chat.simulation.language import ScriptError, Step, read_script
from twisted_chat.simulation.runner import Output, in_memory, on_the_reactor
from twisted_chat.simulation.runs import CrowdRun, ReplayRun, Run, ScriptRun
from twisted_chat.simulation.script import EXPECTATION_TIMEOUT_SECONDS, script_text, shipped
from twisted_chat.wire.numbers import is_number

MAX_USERS = 100_000


def add_simulate(commands: Any) -> None:
    """Add `simulate` and its three kinds to a parser's commands."""
    simulate = commands.add_parser(
        "simulate", help="test a server with simulated users", description="Test a server with simulated users."
    )
    kinds = simulate.add_subparsers(title="kinds", required=True, metavar="crowd | script | replay")
    _add_crowd(kinds)
    _add_script(kinds)
    _add_replay(kinds)


def _add_crowd(kinds: Any) -> None:
    crowd = kinds.add_parser(
        "crowd",
        help="users like the lesson's, who greet each other at random, leave and come back",
        description="Users connect, register, wait 3 s for others, ask who is online, and greet a random user every"
        " 2 to 6 s. They leave, some by dropping the connection, and come back.",
    )
    crowd.add_argument("--users", type=_users, default=12, metavar="N", help="how many users [12]")
    crowd.add_argument(
        "--duration", type=_positive, default=60.0, metavar="SECONDS", help="how long, in the users' time [60]"
    )
    crowd.add_argument("--speed", type=_positive, default=1.0, metavar="X", help="how many times as fast [1]")
    crowd.add_argument("--seed", type=int, metavar="N", help="the same seed repeats the same crowd [random]")
    _add_common(crowd)
    crowd.set_defaults(prepare=_crowd)


def _add_script(kinds: Any) -> None:
    script = kinds.add_parser(
        "script",
        help="a script: what each user does, and what it must see",
        description="Play scripts, and report the first step of each that fails. docs/simulations.md describes the"
        f" language. The package has these scripts, which are played by name: {', '.join(shipped())}.",
    )
    script.add_argument(
        "files", nargs="+", metavar="FILE", help="the file of a script, or the name of a script of the package"
    )
    script.add_argument(
        "--speed", type=_positive, default=1.0, metavar="X", help="make the waits so many times shorter [1]"
    )
    script.add_argument(
        "--timeout",
        type=_positive,
        default=EXPECTATION_TIMEOUT_SECONDS,
        metavar="SECONDS",
        help=f"wait so long for each expectation [{EXPECTATION_TIMEOUT_SECONDS:g}]",
    )
    _add_common(script)
    script.set_defaults(prepare=_script)


def _add_replay(kinds: Any) -> None:
    replay = kinds.add_parser(
        "replay",
        help="the log of a real chat room, with one client for each nick",
        description="Play the log of a real chat room, with one client for each nick, and check that each client sees"
        " every message for it, once and in order.",
    )
    replay.add_argument(
        "logs", nargs="+", metavar="LOG", help="an IRC log: [08:24] <nick> text, === nick has joined #room"
    )
    replay.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="X",
        help="how many times as fast; 0 or max: as fast as possible [1]",
    )
    replay.add_argument(
        "--room", default="", metavar="#ROOM", help="the room to play it in [the room that the log names]"
    )
    _add_common(replay)
    replay.set_defaults(prepare=_replay)


def _add_common(parser: ArgumentParser) -> None:
    server = parser.add_argument_group("server")
    server.add_argument("--host", metavar="HOST", help="the server's host [127.0.0.1]")
    server.add_argument("--port", type=_port, metavar="PORT", help="the server's port [8000]")
    server.add_argument(
        "--endpoint", metavar="ENDPOINT", help="a Twisted client endpoint, for example unix:/run/chat.sock"
    )
    server.add_argument("--in-memory", action="store_true", help="use a server in memory, on a virtual clock")
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="write the summary as one line of JSON")
    output.add_argument("--quiet", action="store_true", help="write no progress to standard error")
    parser.set_defaults(run=lambda options: _run(parser, options))


# checked options


def _crowd(parser: ArgumentParser, options: Namespace) -> Run:
    seed = SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    return CrowdRun(Plan(options.users, options.duration, options.speed, seed))


def _script(parser: ArgumentParser, options: Namespace) -> Run:
    scripts: list[tuple[str, list[Step]]] = []
    for name in options.files:
        try:
            scripts.append((name, read_script(script_text(name), name)))
        except ScriptError as problem:
            parser.exit(1, f"twisted-chat: {problem}\n")
    return ScriptRun(scripts, options.speed, options.timeout)


def _replay(parser: ArgumentParser, options: Namespace) -> Run:
    logs: list[tuple[str, Log]] = []
    for name in options.logs:
        try:
            log = read_log(Path(name).read_bytes())
        except OSError as problem:
            parser.exit(1, f"twisted-chat: cannot read the log {name}: {problem.strerror}\n")
        if not log.events:
            parser.exit(1, f"twisted-chat: {name} is not a log; a log has lines like: [08:24] <nick> text\n")
        logs.append((name, log))
    return ReplayRun(logs, options.speed, options.room)


def _run(parser: ArgumentParser, options: Namespace) -> int:
    remote = [name for name in ("host", "port", "endpoint") if getattr(options, name) is not None]
    if options.in_memory and remote:
        parser.error(f"--in-memory starts a server in memory; leave out --{remote[0]}")
    if options.endpoint is not None and len(remote) > 1:
        parser.error(f"--endpoint has the host and the port already; leave out --{remote[0]}")
    run: Run = options.prepare(parser, options)
    output = Output(sys.stdout, sys.stderr, options.json, options.quiet)
    if options.in_memory:
        return in_memory(run, output)
    from twisted.internet import reactor

    where, endpoint = _server(parser, options, reactor)
    return on_the_reactor(run, output, reactor, where, endpoint)


def _server(parser: ArgumentParser, options: Namespace, reactor: Any) -> tuple[str, IStreamClientEndpoint]:
    """Return the name of the server for people, and its endpoint."""
    if options.endpoint is not None:
        try:
            return options.endpoint, clientFromString(reactor, options.endpoint)
        except (ValueError, TypeError, LookupError) as problem:
            wrong = f"{options.endpoint!r} is not an endpoint ({problem})"
            parser.error(f"argument --endpoint: {wrong}; write it like tcp:localhost:8000")
    host, port = options.host or "127.0.0.1", options.port or 8000
    where = f"{host}:{port}"
    if isIPAddress(host):
        return where, TCP4ClientEndpoint(reactor, host, port)
    if isIPv6Address(host):
        return where, TCP6ClientEndpoint(reactor, host, port)
    return where, HostnameEndpoint(reactor, host, port)


def _users(text: str) -> int:
    if not (is_number(text) and 1 <= int(text) <= MAX_USERS):
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_USERS}")
    return int(text)


def _port(text: str) -> int:
    if not (is_number(text) and 1 <= int(text) <= 65535):
        raise ArgumentTypeError(f"{text!r} is not a port; use a number from 1 to 65535")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not (isfinite(number) and number > 0):
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _speed(text: str) -> float:
    return inf if text in ("0", "max") else _positive(text)
