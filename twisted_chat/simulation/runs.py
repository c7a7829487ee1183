"""One run of each kind of simulation, and the report on it, also on a run that was interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from twisted_chat.simulation.crowd import Crowd, Plan
from twisted_chat.simulation.irclog import Log
from twisted_chat.simulation.language import Step
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.replay import LogReplay
from twisted_chat.simulation.script import Script, StepFailed

MAX_SHOWN_LINES = 20
"""Mapped nicks, or skipped lines, of a log that people are shown; --json has all of them."""


class Report(NamedTuple):
    """The report of a simulation besides the ledger. `good` is False if an expectation failed.

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
        """Play to the end; raises what the endpoint raises, Disconnected, ChatFailed."""

    def stop(self) -> None:
        """Drop all connections."""

    def report(self) -> Report:
        """Return the report on what was played so far."""


class CrowdRun:
    """A crowd that follows a plan."""

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
    """Scripts, by their names, one after the other; the next is played also if a script fails."""

    def __init__(self, scripts: Sequence[tuple[str, Sequence[Step]]], speed: float, timeout_seconds: float) -> None:
        self._scripts, self._speed, self._timeout_seconds = scripts, speed, timeout_seconds
        self._script: Script | None = None
        self._results: list[dict[str, Any]] = []
        self._notes: list[str] = []

    async def play(self, clock: IReactorTime, endpoint: IStreamClientEndpoint, ledger: Ledger) -> None:
        for name, steps in self._scripts:
            script = self._script = Script(steps, clock, endpoint, ledger, self._speed, self._timeout_seconds)
            result: dict[str, Any] = {"script": name, "passed": False, "steps": 0, "failure": None}
            self._results.append(result)
            try:
                await script.play()
            except StepFailed as failed:
                result["failure"] = {
                    "line": failed.step.line,
                    "step": failed.step.text,
                    "expected": failed.expected,
                    "seen": failed.seen,
                }
                self._notes.append(f"{name}:{failed}")
            else:
                result["passed"] = True
                self._notes.append(f"{name}: passed, {script.played} steps")
            finally:
                result["steps"] = script.played

    def stop(self) -> None:
        if self._script is not None:
            self._script.stop()

    def report(self) -> Report:
        passed = sum(result["passed"] for result in self._results)
        title = f"{passed} of {len(self._scripts)} scripts passed"
        detail = {"simulation": "script", "scripts": self._results}
        return Report(title, {}, detail, self._notes, passed == len(self._scripts))


class ReplayRun:
    """Logs, by their names, one after the other."""

    def __init__(self, logs: Sequence[tuple[str, Log]], speed: float, room: str) -> None:
        self._logs, self._speed, self._room = logs, speed, room
        self._replays: list[tuple[str, Log, LogReplay]] = []

    async def play(self, clock: IReactorTime, endpoint: IStreamClientEndpoint, ledger: Ledger) -> None:
        for name, log in self._logs:
            replay = LogReplay(log, clock, endpoint, ledger, self._speed, self._room)
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
            notes += _few(f"{name}:{line}: skipped, not a line of a log" for line in log.strange)
        replays = [replay for _, _, replay in self._replays]
        skipped = sum(len(replay.skipped) for replay in replays) + sum(len(log.strange) for _, log, _ in self._replays)
        changed = sum(replay.changed for replay in replays)
        rows: dict[str, object] = {
            "clients": sum(replay.stays for replay in replays),
            "mapped": sum(len(replay.mapped) for replay in replays),
            "skipped": skipped,
        }
        if changed:
            rows["changed"] = f"{changed} messages were read differently from what was sent"
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


def _few(lines: Iterable[str]) -> list[str]:
    """Return the first lines, and the number of the others."""
    all_lines = list(lines)
    more = len(all_lines) - MAX_SHOWN_LINES
    return [*all_lines[:MAX_SHOWN_LINES], f"... and {more} more (--json has them all)"] if more > 0 else all_lines
