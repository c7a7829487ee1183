"""The types that the IRC door's commands share: a request, its reply, a row of the table, its connection."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from twisted_chat.core.errors import ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.doors.irc.devices import Devices
from twisted_chat.doors.irc.session import IrcSession
from twisted_chat.doors.irc.state import Registration
from twisted_chat.doors.pacing import Services


class IrcConnection(Protocol):
    """The part of the connection that a command's function uses."""

    network: str
    motd: Sequence[str]
    registration: Registration
    factory: Services

    @property
    def hub(self) -> Hub: ...

    @property
    def session(self) -> IrcSession: ...

    @property
    def devices(self) -> Devices: ...

    @property
    def registered(self) -> bool: ...

    @property
    def passwords_allowed(self) -> bool: ...

    def check_password_allowed(self) -> None: ...


class Request(NamedTuple):
    """A client's line: its command in capitals, its parameters, and its label if it has one."""

    command: str = ""
    params: tuple[str, ...] = ()
    label: str | None = None


class Reply(NamedTuple):
    """The reply to a request: lines, perhaps in a `batch` of a given type with parameters.

    A reply that is not `labelled` comes beside the one that the log gives. `then` is called when the
    reply is queued. After the `last` reply the server ends the connection.
    """

    lines: Sequence[str] = ()
    batch: tuple[str, ...] = ()
    labelled: bool = True
    last: bool = False
    then: Callable[[], None] | None = None


Result = Reply | Coroutine[Any, Any, Reply]


class IrcCommand(NamedTuple):
    """A row of the table: a function, the usage and help that people read, the fewest parameters, who may use it.

    The function takes the connection and the request. It returns a reply, a coroutine of one, or None if the
    log will answer.
    """

    run: Callable[[IrcConnection, Request], Result | None]
    usage: str
    help: str
    least: int = 0
    needs_name: bool = True


def reply_line(line: str) -> Reply:
    """Return a reply of one line."""
    return Reply((line,))


def for_each_target(
    session: IrcSession, request: Request, names: Iterable[str], act: Callable[[str, str | None], bool]
) -> Result | None:
    """Call `act` with each name, and with the label if there is one target, which the log will answer.

    `act` returns True if the log will answer it, and may raise ChatError. Returns a reply with the errors, if
    there are any; None if the log answers the whole request. A labelled request with several targets has one
    answer, in which all of them are.
    """
    label, lines, names = request.label, list[str](), list(names)
    if label is not None and len(names) > 1:
        return _gathered(session, request, label, names, act)
    from_log = False
    for name in names:
        try:
            from_log = act(name, label) or from_log
        except ChatError as problem:
            lines += session.problem(request.command, name, problem)
    if from_log and not lines:
        return None
    return Reply(lines, labelled=not from_log)


async def _gathered(
    session: IrcSession, request: Request, label: str, names: Sequence[str], act: Callable[[str, str | None], bool]
) -> Reply:
    def act_on_all() -> list[str]:
        lines: list[str] = []
        for name in names:
            try:
                act(name, None)
            except ChatError as problem:
                lines += session.problem(request.command, name, problem)
        return [] if request.command == "NOTICE" else lines

    await session.write_gathered_answer(label, act_on_all)
    return Reply(labelled=False)
