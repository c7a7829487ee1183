"""Plays a script, step after step, and tells the first that did not go as it should."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.simulation.actors import Actor, Bare, Program, Unmet, matches
from twisted_chat.simulation.language import ScriptError, Step
from twisted_chat.simulation.ledger import Ledger

PATIENCE = 5.0
"""Seconds that an expectation may take to come true."""
SHIPPED = files("twisted_chat.simulation") / "scripts"
ENDING = ".chat"


Fields = dict[str, str]
Does = Callable[[Any, Fields], "Awaitable[object] | None"]


async def _expect(answer: Awaitable[str], fields: Fields) -> None:
    seen, expected = await answer, fields.get("expected", "")
    if not matches(expected, seen):
        raise Unmet(expected or "an empty answer", seen or "an empty answer")


async def _expect_names(program: Program, fields: Fields) -> None:
    client, what = program.person.client, fields["what"]
    names = await {"friends": client.friends, "rooms": client.rooms}.get(what, lambda: client.members(what))()
    seen = ", ".join(names)
    expected = ", ".join(name.strip() for name in fields.get("expected", "").split(","))
    if not matches(expected, seen):
        raise Unmet(expected or "nobody", seen or "nobody")


async def _recall(program: Program, fields: Fields) -> None:
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
"""What each step of the language does, by the kind of connection that it takes."""

_COMING = frozenset({"connects", "registers", "sends", "sends unended"})
_LEAVING = frozenset({"quits", "drops", "is disconnected"})


class StepFailed(Exception):
    """A step did not go as it should: where, what was expected and what was seen."""

    def __init__(self, step: Step, expected: str, seen: str) -> None:
        super().__init__(f"{step.line}: {step.text}\n  expected: {expected}\n  seen:     {seen}")
        self.step, self.expected, self.seen = step, expected, seen


class Script:
    """The steps of a script, played once. `played` counts those that went well."""

    def __init__(
        self,
        steps: Iterable[Step],
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        ledger: Ledger,
        speed: float = 1.0,
        patience: float = PATIENCE,
    ) -> None:
        self.played = 0
        self._steps, self._clock, self._endpoint, self._ledger = steps, clock, endpoint, ledger
        self._speed, self._patience = speed, patience
        self._actors: dict[str, Actor] = {}

    async def play(self) -> None:
        """All of it, until everybody has left; raises StepFailed, and what the endpoint does."""
        try:
            await self._play(self._steps)
            for actor in list(self._actors.values()):
                await actor.leave()
        finally:
            self.stop()

    def stop(self) -> None:
        """Everybody drops dead."""
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
        wanted = f"refused, {step.refused}" if step.refused else "it is done"
        try:
            actor = await self._actor(step)
            does = EITHER.get(step.verb) or (BARE if isinstance(actor, Bare) else PROGRAM).get(step.verb)
            if does is None:
                raise Unmet("one way to speak on one connection: as a program, or with > and <", "the other")
            doing = does(actor, {"name": step.who, **step.fields})
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
                raise StepFailed(step, wanted, "it was done")
        if step.verb in _LEAVING:
            del self._actors[step.who]

    async def _actor(self, step: Step) -> Actor:
        """Whoever is to do it; one who is not here yet comes in."""
        actor = self._actors.get(step.who)
        if actor is not None:
            return actor
        if step.verb not in _COMING:
            raise Unmet(f"{step.who} is here", f"{step.who} has not come yet, or has left")
        if step.verb in BARE:
            bare = self._actors[step.who] = Bare(self._clock, self._patience)
            await bare.connect(self._endpoint)
            return bare
        program = self._actors[step.who] = Program(self._clock, self._patience, self._ledger)
        await program.person.connect(self._endpoint)
        return program


def shipped() -> list[str]:
    """The names of the scripts that come with the package."""
    return sorted(file.name.removesuffix(ENDING) for file in SHIPPED.iterdir() if file.name.endswith(ENDING))


def script_text(name: str) -> str:
    """A script's text, from a file or, by its name alone, one that is shipped; raises ScriptError."""
    try:
        if name in shipped() and not Path(name).exists():
            return (SHIPPED / (name + ENDING)).read_text("utf-8")
        return Path(name).read_text("utf-8")
    except OSError as problem:
        why = f"{problem.strerror}; those that are shipped: {', '.join(shipped())}"
        raise ScriptError(f"cannot read the script {name}: {why}") from None
    except UnicodeDecodeError:
        raise ScriptError(f"cannot read the script {name}: it is not UTF-8") from None
