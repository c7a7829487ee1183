"""What the IRC door's commands share: a request, what it is answered, and a row of their table."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from twisted_chat.core.errors import ChatError

if TYPE_CHECKING:
    from twisted_chat.doors.irc.protocol import IrcProtocol


class Request(NamedTuple):
    """A client's line: its command in capitals, its parameters, and its label if it has one."""

    command: str = ""
    params: tuple[str, ...] = ()
    label: str | None = None


class Reply(NamedTuple):
    """What a request is answered: lines, perhaps in a batch of a kind of their own (its type and parameters).

    A reply that is not `labelled` comes beside the one that the log gives. After the `last` one the connection ends.
    """

    lines: Sequence[str] = ()
    batch: tuple[str, ...] = ()
    labelled: bool = True
    last: bool = False


Result = Reply | Coroutine[Any, Any, Reply]


class IrcCommand(NamedTuple):
    """A row of the table: what is called, what a person reads of it, the fewest parameters, and who may use it.

    The function takes the connection and the request, and returns a reply, what becomes one, or None if the log
    will answer: then it has counted in `session.unstored` what it said.
    """

    run: Callable[[IrcProtocol, Request], Result | None]
    usage: str
    help: str
    least: int = 0
    needs_name: bool = True


def one(line: str) -> Reply:
    """A reply of one line."""
    return Reply((line,))


def each(
    connection: IrcProtocol, request: Request, names: Iterable[str], act: Callable[[str, str | None], bool]
) -> Reply | None:
    """Do something for each name, given a label for the first thing that the log will answer; `act` says if it will."""
    session, label, lines = connection.session, request.label, list[str]()
    said = False
    for name in names:
        try:
            if act(name, label):
                session.unstored += 1
                label, said = None, True
        except ChatError as problem:
            lines += session.problem(request.command, name, problem)
    if said and not lines:
        return None
    return Reply(lines, labelled=not said)
