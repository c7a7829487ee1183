"""`twisted-chat simulate`: what it can be told."""

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
from twisted_chat.simulation.runner import Show, in_memory, on_the_reactor
from twisted_chat.simulation.runs import CrowdRun, ReplayRun, Run, ScriptRun
from twisted_chat.simulation.script import PATIENCE, script_text, shipped

MOST_USERS = 100_000


def add_simulate(commands: Any) -> None:
    """Add `simulate` and its three kinds to a parser's commands."""
    simulate = commands.add_parser(
        "simulate", help="people who chat, as a test of a server", description="People who chat, as a test of a server."
    )
    kinds = simulate.add_subparsers(title="what to simulate", required=True, metavar="crowd | script | replay")
    _add_crowd(kinds)
    _add_script(kinds)
    _add_replay(kinds)


def _add_crowd(kinds: Any) -> None:
    crowd = kinds.add_parser(
        "crowd",
        help="users as the lesson's: they greet random friends, leave and come back",
        description="Users who connect, register, wait 3 s for others, ask who is here and greet a random one every"
        " 2 to 6 s. They leave, some without a word, and come back.",
    )
    crowd.add_argument("--users", type=_users, default=12, metavar="N", help="how many people [12]")
    crowd.add_argument("--duration", type=_positive, default=60.0, metavar="SECONDS", help="of their time [60]")
    crowd.add_argument("--speed", type=_positive, default=1.0, metavar="X", help="how many times as fast [1]")
    crowd.add_argument("--seed", type=int, metavar="N", help="the dice: the same seed, the same plans [random]")
    _add_common(crowd)
    crowd.set_defaults(prepare=_crowd)


def _add_script(kinds: Any) -> None:
    script = kinds.add_parser(
        "script",
        help="a play that somebody wrote: who says what, and what each must see",
        description="Plays scripts (docs/simulations.md describes the language), and tells the first step of each that"
        f" does not go as it should. Shipped, to be played by name: {', '.join(shipped())}.",
    )
    script.add_argument("files", nargs="+", metavar="FILE", help="a script's file, or the name of a shipped one")
    script.add_argument("--speed", type=_positive, default=1.0, metavar="X", help="wait that many times shorter [1]")
    script.add_argument(
        "--timeout", type=_positive, default=PATIENCE, metavar="SECONDS", help=f"for each expectation [{PATIENCE:g}]"
    )
    _add_common(script)
    script.set_defaults(prepare=_script)


def _add_replay(kinds: Any) -> None:
    replay = kinds.add_parser(
        "replay",
        help="the log of a real chat room, one client a nick",
        description="Plays the log of a real chat room, one client a nick; everybody checks that they see every message"
        " that is meant for them, once and in order.",
    )
    replay.add_argument(
        "logs", nargs="+", metavar="LOG", help="an IRC log: [08:24] <nick> text, === nick has joined #room"
    )
    replay.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="how many times as fast; 0 or max: all at once [1]"
    )
    replay.add_argument("--room", default="", metavar="#ROOM", help="where to play it [the room that the log names]")
    _add_common(replay)
    replay.set_defaults(prepare=_replay)


def _add_common(parser: ArgumentParser) -> None:
    server = parser.add_argument_group("the server")
    server.add_argument("--host", metavar="HOST", help="[127.0.0.1]")
    server.add_argument("--port", type=_port, metavar="PORT", help="[8000]")
    server.add_argument("--endpoint", metavar="ENDPOINT", help="a Twisted client endpoint: unix:/run/chat.sock")
    server.add_argument("--in-memory", action="store_true", help="no network: a server of its own, on a virtual clock")
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="the summary for programs, alone on standard output")
    output.add_argument("--quiet", action="store_true", help="no progress on standard error")
    parser.set_defaults(run=lambda options: _run(parser, options))


# what was told, checked


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
            parser.exit(1, f"twisted-chat: {name} is no log: it has no line such as [08:24] <nick> text\n")
        logs.append((name, log))
    return ReplayRun(logs, options.speed, options.room)


def _run(parser: ArgumentParser, options: Namespace) -> int:
    remote = [name for name in ("host", "port", "endpoint") if getattr(options, name) is not None]
    if options.in_memory and remote:
        parser.error(f"--in-memory has a server of its own; leave out --{remote[0]}")
    if options.endpoint is not None and len(remote) > 1:
        parser.error(f"--endpoint says it all; leave out --{remote[0]}")
    run: Run = options.prepare(parser, options)
    show = Show(sys.stdout, sys.stderr, options.json, options.quiet)
    if options.in_memory:
        return in_memory(run, show)
    from twisted.internet import reactor

    where, endpoint = _server(parser, options, reactor)
    return on_the_reactor(run, show, reactor, where, endpoint)


def _server(parser: ArgumentParser, options: Namespace, reactor: Any) -> tuple[str, IStreamClientEndpoint]:
    """Where the server is, for people, and the way there."""
    if options.endpoint is not None:
        try:
            return options.endpoint, clientFromString(reactor, options.endpoint)
        except (ValueError, TypeError, LookupError) as problem:
            wanted = f"an endpoint such as tcp:localhost:8000, not {options.endpoint!r}"
            parser.error(f"--endpoint takes {wanted} ({problem})")
    host, port = options.host or "127.0.0.1", options.port or 8000
    where = f"{host}:{port}"
    if isIPAddress(host):
        return where, TCP4ClientEndpoint(reactor, host, port)
    if isIPv6Address(host):
        return where, TCP6ClientEndpoint(reactor, host, port)
    return where, HostnameEndpoint(reactor, host, port)


def _users(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_USERS):
        raise ArgumentTypeError(f"a number from 1 to {MOST_USERS}, not {text!r}")
    return int(text)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ArgumentTypeError(f"a number from 1 to 65535, not {text!r}")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not (isfinite(number) and number > 0):
        raise ArgumentTypeError(f"a number above 0, not {text!r}")
    return number


def _speed(text: str) -> float:
    return inf if text in ("0", "max") else _positive(text)
