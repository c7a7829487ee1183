"""Script: plays the steps of a script, and reports the first that fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.simulation.actors import Actor, BareActor, ProgramActor, Unmet, matches
from twisted_chat.simulation.language import ScriptError, Step
from twisted_chat.simulation.ledger import Ledger

EXPECTATION_TIMEOUT_SECONDS = 5.0
SHIPPED_FOLDER = files("twisted_chat.simulation") / "scripts"
SCRIPT_SUFFIX = ".chat"


Fields = dict[str, str]
Does = Callable[[Any, Fields], "Awaitable[object] | None"]


async def _expect(answer: Awaitable[str], fields: Fields) -> None:
    seen, expected = await answer, fields.get("expected", "")
    if not matches(expected, seen):
        raise Unmet(expected or "an empty answer", seen or "an empty answer")


async def _expect_names(program: ProgramActor, fields: Fields) -> None:
    client, what = program.person.client, fields["what"]
    names = await {"friends": client.friends, "rooms": client.rooms}.get(what, lambda: client.members(what))()
    seen = ", ".join(names)
    expected = ", ".join(name.strip() for name in fields.get("expected", "").split(","))
    if not matches(expected, seen):
        raise Unmet(expected or "an empty list", seen or "an empty list")


async def _recall(program: ProgramActor, fields: Fields) -> None:
    program.remember(await program.person.client.history(fields["name"], limit=int(fields.get("limit", 0))))


def _see(actor: Actor, fields: Fields) -> Awaitable[None]:
    expected = fields["expected"]
    return actor.see_nothing() if expected == "nothing" else actor.see(expected)


PROGRAM: dict[str, Does] = {
    "connects": lambda program, fields: None,
    "registers": lambda program, fields: program.person.register(fields["name"]),
    "renames": lambda program, fields: program.person.rename(fields["name"]),
    "says": lambda program, fields: program.person.say(fields["to"], fields.get("text", "")),
    "does": lambda program, fields: program.person.act(fields["to"], fields.get("text", "")),
    "greets": lambda program, fields: program.person.say(fields["to"]),
    "joins": lambda program, fields: program.person.join(fields["room"]),
    "leaves": lambda program, fields: program.person.leave(fields["room"]),
    "sets topic": lambda program, fields: program.person.client.set_topic(fields["room"], fields.get("text", "")),
    "reads topic": lambda program, fields: _expect(program.person.client.topic(fields["room"]), fields),
    "lists": _expect_names,
    "is away": lambda program, fields: program.person.client.away(fields["text"]),
    "is back": lambda program, fields: program.person.client.away(),
    "recalls": _recall,
    "quits": lambda program, fields: program.person.quit(),
}
BARE: dict[str, Does] = {
    "sends": lambda bare, fields: bare.send(fields.get("line", ""), b"\n"),
    "sends unended": lambda bare, fields: bare.send(fields.get("line", ""), b""),
    "reads": lambda bare, fields: bare.see(fields.get("expected", "")),
    "reads unended": lambda bare, fields: bare.see_unended(fields.get("expected", "")),
    "hangs up": lambda bare, fields: bare.hang_up(),
}
EITHER: dict[str, Does] = {
    "sees": _see,
    "drops": lambda actor, fields: actor.drop(),
    "is disconnected": lambda actor, fields: actor.see_end(),
}
"""The action of each step: steps of a program, of a bare connection, and of both."""

_FIRST_STEPS = frozenset({"connects", "registers", "sends", "sends unended"})
_LAST_STEPS = frozenset({"quits", "drops", "is disconnected"})


class StepFailed(Exception):
    """A step failed: its line, what was expected and what was seen."""

    def __init__(self, step: Step, expected: str, seen: str) -> None:
        super().__init__(f"{step.line}: {step.text}\n  expected: {expected}\n  seen:     {seen}")
        self.step, self.expected, self.seen = step, expected, seen


class Script:
    """The steps of a script, played once. `played` counts the steps that succeeded."""

    def __init__(
        self,
        steps: Iterable[Step],
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        ledger: Ledger,
        speed: float = 1.0,
        timeout_seconds: float = EXPECTATION_TIMEOUT_SECONDS,
    ) -> None:
        self.played = 0
        self._steps, self._clock, self._endpoint, self._ledger = steps, clock, endpoint, ledger
        self._speed, self._timeout_seconds = speed, timeout_seconds
        self._actors: dict[str, Actor] = {}

    async def play(self) -> None:
        """Play to the end, until all actors have left; raises StepFailed, and what the endpoint raises."""
        try:
            await self._play(self._steps)
            for actor in list(self._actors.values()):
                await actor.leave()
        finally:
            self.stop()

    def stop(self) -> None:
        """Drop all connections."""
        for actor in self._actors.values():
            actor.drop()
        self._actors.clear()

    async def _play(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step.verb == "repeat":
                for _ in range(int(step.fields["times"])):
                    await self._play(step.steps)
            elif step.verb == "wait":
                await deferLater(self._clock, float(step.fields["seconds"]) / self._speed)
            else:
                await self._do(step)
            self.played += step.verb != "repeat"

    async def _do(self, step: Step) -> None:
        wanted = f"refused, {step.refused}" if step.refused else "the request succeeds"
        try:
            actor = await self._actor(step)
            does = EITHER.get(step.verb) or (BARE if isinstance(actor, BareActor) else PROGRAM).get(step.verb)
            if does is None:
                raise Unmet("one kind of steps for a name: those of a program, or > and <", "the other kind")
            doing = does(actor, {"name": step.actor, **step.fields})
            if doing is not None:
                await doing
        except ChatFailed as problem:
            if problem.code != step.refused:
                raise StepFailed(step, wanted, f"refused, {problem}") from None
        except Unmet as unmet:
            raise StepFailed(step, unmet.expected, unmet.seen) from None
        except Disconnected as problem:
            raise StepFailed(step, wanted, str(problem)) from None
        else:
            if step.refused:
                raise StepFailed(step, wanted, "the request succeeded")
        if step.verb in _LAST_STEPS:
            del self._actors[step.actor]

    async def _actor(self, step: Step) -> Actor:
        """Return the actor of a step, connected by its first step."""
        actor = self._actors.get(step.actor)
        if actor is not None:
            return actor
        if step.verb not in _FIRST_STEPS:
            raise Unmet(f"{step.actor} is connected", f"{step.actor} has not connected yet, or has left")
        if step.verb in BARE:
            bare = self._actors[step.actor] = BareActor(self._clock, self._timeout_seconds)
            await bare.connect(self._endpoint)
            return bare
        program = self._actors[step.actor] = ProgramActor(self._clock, self._timeout_seconds, self._ledger)
        await program.person.connect(self._endpoint)
        return program


def shipped() -> list[str]:
    """Return the names of the scripts that come with the package."""
    return sorted(
        file.name.removesuffix(SCRIPT_SUFFIX) for file in SHIPPED_FOLDER.iterdir() if file.name.endswith(SCRIPT_SUFFIX)
    )


def script_text(name: str) -> str:
    """Return the text of a script, from a file or, by the name alone, from the package; raises ScriptError."""
    try:
        if name in shipped() and not Path(name).exists():
            return (SHIPPED_FOLDER / (name + SCRIPT_SUFFIX)).read_text("utf-8")
        return Path(name).read_text("utf-8")
    except OSError as problem:
        why = f"{problem.strerror}; the scripts of the package are: {', '.join(shipped())}"
        raise ScriptError(f"cannot read the script {name}: {why}") from None
    except UnicodeDecodeError:
        raise ScriptError(f"cannot read the script {name}: it is not UTF-8; save it as UTF-8") from None
