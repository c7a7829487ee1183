"""One run of each simulation: what is played, and what there is to tell of it, even when it was cut short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from twisted_chat.simulation.crowd import Crowd, Plan
from twisted_chat.simulation.irclog import Log
from twisted_chat.simulation.language import Step
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.replay import Replay
from twisted_chat.simulation.script import Script, StepFailed

SHOWN = 20
"""Mapped nicks, or skipped lines, of a log that people are shown; programs are told all."""


class Report(NamedTuple):
    """What a simulation tells beside the ledger: `good` is whether all went as it should.

    `notes`, `title` and `rows` are for people, `detail` is for programs.
    """

    title: str
    rows: dict[str, object]
    detail: dict[str, Any]
    notes: list[str]
    good: bool = True


class Run(Protocol):
    """A simulation that can be played once."""

    async def play(self, clock: IReactorTime, endpoint: IStreamClientEndpoint, ledger: Ledger) -> None:
        """All of it; raises what the endpoint does, Disconnected, ChatFailed."""

    def stop(self) -> None:
        """Everybody drops dead."""

    def report(self) -> Report:
        """What has come of it so far."""


class CrowdRun:
    """A crowd after a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._crowd: Crowd | None = None

    async def play(self, clock: IReactorTime, endpoint: IStreamClientEndpoint, ledger: Ledger) -> None:
        self._crowd = Crowd(self._plan, clock, endpoint, ledger)
        await self._crowd.play()

    def stop(self) -> None:
        if self._crowd is not None:
            self._crowd.stop()

    def report(self) -> Report:
        plan = self._plan
        counts = self._crowd.counts if self._crowd is not None else {}
        rows = {name: counts.get(name, 0) for name in ("visits", "quits", "drops")}
        speed = "" if plan.speed == 1 else f" at {plan.speed:g} times their speed"
        title = f"a crowd of {plan.users} for {plan.duration:g} s{speed}, seed {plan.seed}"
        return Report(title, dict(rows), {"simulation": "crowd", **plan._asdict(), **rows}, [])


class ScriptRun:
    """Scripts, by their names, one after the other; one that fails does not keep the next from being played."""

    def __init__(self, scripts: Sequence[tuple[str, Sequence[Step]]], speed: float, patience: float) -> None:
        self._scripts, self._speed, self._patience = scripts, speed, patience
        self._script: Script | None = None
        self._told: list[dict[str, Any]] = []
        self._notes: list[str] = []

    async def play(self, clock: IReactorTime, endpoint: IStreamClientEndpoint, ledger: Ledger) -> None:
        for name, steps in self._scripts:
            script = self._script = Script(steps, clock, endpoint, ledger, self._speed, self._patience)
            told: dict[str, Any] = {"script": name, "passed": False, "steps": 0, "failure": None}
            self._told.append(told)
            try:
                await script.play()
            except StepFailed as failed:
                told["failure"] = {
                    "line": failed.step.line,
                    "step": failed.step.text,
                    "expected": failed.expected,
                    "seen": failed.seen,
                }
                self._notes.append(f"{name}:{failed}")
            else:
                told["passed"] = True
                self._notes.append(f"{name}: passed, {script.played} steps")
            finally:
                told["steps"] = script.played

    def stop(self) -> None:
        if self._script is not None:
            self._script.stop()

    def report(self) -> Report:
        passed = sum(told["passed"] for told in self._told)
        title = f"{passed} of {len(self._scripts)} scripts passed"
        detail = {"simulation": "script", "scripts": self._told}
        return Report(title, {}, detail, self._notes, passed == len(self._scripts))


class ReplayRun:
    """Logs, by their names, one after the other."""

    def __init__(self, logs: Sequence[tuple[str, Log]], speed: float, room: str) -> None:
        self._logs, self._speed, self._room = logs, speed, room
        self._replays: list[tuple[str, Log, Replay]] = []

    async def play(self, clock: IReactorTime, endpoint: IStreamClientEndpoint, ledger: Ledger) -> None:
        for name, log in self._logs:
            replay = Replay(log, clock, endpoint, ledger, self._speed, self._room)
            self._replays.append((name, log, replay))
            await replay.play()

    def stop(self) -> None:
        if self._replays:
            self._replays[-1][2].stop()

    def report(self) -> Report:
        notes = []
        for name, log, replay in self._replays:
            notes += _few(f"{name}: {nick} is played as {as_name}" for nick, as_name in replay.mapped.items())
            notes += _few(f"{name}:{line}: skipped, {why}" for line, why in replay.skipped)
            notes += _few(f"{name}:{line}: skipped, no line of a log" for line in log.strange)
        replays = [replay for _, _, replay in self._replays]
        skipped = sum(len(replay.skipped) for replay in replays) + sum(len(log.strange) for _, log, _ in self._replays)
        changed = sum(replay.changed for replay in replays)
        rows: dict[str, object] = {
            "clients": sum(replay.stays for replay in replays),
            "mapped": sum(len(replay.mapped) for replay in replays),
            "skipped": skipped,
        }
        if changed:
            rows["changed"] = f"{changed} times somebody read something else than was said"
        told = [
            {
                "log": name,
                "events": len(log.events),
                "clients": replay.stays,
                "mapped": replay.mapped,
                "skipped": replay.skipped,
                "strange": log.strange,
            }
            for name, log, replay in self._replays
        ]
        title = "a replay of " + ", ".join(name for name, _ in self._logs)
        detail = {"simulation": "replay", "logs": told, "changed": changed}
        return Report(title, rows, detail, notes, not changed)


def _few(lines: Any) -> list[str]:
    """As many lines as people like to read."""
    told = list(lines)
    return told if len(told) <= SHOWN else [*told[:SHOWN], f"... and {len(told) - SHOWN} more (--json has them all)"]
