"""The types that the IRC door's commands share: a request, its reply, a row of the table, its connection."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from twisted_chat.core.errors import BAD_NAME, ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.core.pending import Change
from twisted_chat.doors.irc.channels import room_of
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
    session: IrcSession,
    hub: Hub,
    request: Request,
    names: Iterable[str],
    act: Callable[[str, str | None], bool],
    several: bool = False,
) -> Result | None:
    """Call `act` with each name, and with the label if there is one target, which the log will answer.

    `act` returns True if the log will answer it, and may raise ChatError. Returns a reply with the errors, if
    there are any; None if the log answers the whole request. Where it depends on a change that is under
    way, for example the join of another connection, it is called again when that is settled. A labelled request
    with several targets, or one that may have `several` answers, has one answer in which all of them are.
    """
    names = list(names)
    names = [name for name in names if name] or names[:1]  # as in #tea,,#ops
    if request.label is not None and (several or len(names) > 1):
        return _gathered(session, request.label, names, Targets(session, hub, request._replace(label=None), act))
    targets = Targets(session, hub, request, act)
    for name in names:
        targets.take(name)
    if targets.waiting:
        return targets.finish()
    if targets.from_log and not targets.lines:
        return None
    return targets.reply()


async def _gathered(session: IrcSession, label: str, names: Sequence[str], targets: Targets) -> Reply:
    async def act_on_all() -> Sequence[str]:
        for name in names:
            targets.take(name)
        await targets.finish()
        return targets.lines

    await session.write_gathered_answer(label, act_on_all)
    return Reply(labelled=False)


class Targets:
    """The targets of one request, and what became of each."""

    def __init__(self, session: IrcSession, hub: Hub, request: Request, act: Callable[[str, str | None], bool]) -> None:
        self._session, self._hub, self._act = session, hub, act
        self._command, self._label = request.command, request.label
        self.lines: list[str] = []
        self.from_log = False
        self.waiting: list[tuple[str, Change]] = []

    def take(self, name: str, may_wait: bool = True) -> None:
        """Act on a target, or have it wait for the change on which it depends."""
        problem, room = None, room_of(name)
        try:
            if self._act(room, self._label):
                self._label, self.from_log = None, True
                return
            change = self._hub.pending_change(self._session, room)
        except ChatError as error:
            problem = error
            change = None if error.code == BAD_NAME else self._hub.pending_change(self._session, room)
        if change is not None and may_wait:
            self.waiting.append((name, change))
        elif problem is not None and self._command != "NOTICE":
            self.lines += self._session.problem(self._command, name, problem)

    async def finish(self) -> Reply:
        """Act on the targets that wait, each when its change is settled."""
        for name, change in self.waiting:
            await self._hub.settled(change)
            self.take(name, may_wait=False)
        self._hub.flush()
        return self.reply()

    def reply(self) -> Reply:
        """Return what is not answered by the log."""
        return Reply(self.lines, labelled=not self.from_log)
