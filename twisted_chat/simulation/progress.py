"""The progress of a simulation while it runs, and its summary at the end, for people."""

from __future__ import annotations

from typing import TextIO

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from twisted_chat.simulation.ledger import Ledger


class Progress:
    """Shows the ledger's figures at an interval of the clock; in a terminal it rewrites a single line."""

    def __init__(self, ledger: Ledger, clock: IReactorTime, stream: TextIO, interval_seconds: float) -> None:
        self._ledger, self._clock, self._stream, self._interval = ledger, clock, stream, interval_seconds
        self._terminal = stream.isatty()
        self._began = clock.seconds()
        self._call = LoopingCall(self._show)
        self._call.clock = clock

    def start(self) -> None:
        """Begin to show the progress."""
        self._call.start(self._interval, now=False).addErrback(lambda failure: None)

    def stop(self) -> None:
        """End, and leave the terminal's line clean."""
        if self._call.running:
            self._call.stop()
        if self._terminal:
            self._write("\r\x1b[K")

    def _show(self) -> None:
        ledger, seconds = self._ledger, self._clock.seconds() - self._began
        line = f"{seconds:7.0f} s  people {ledger.people}  sent {ledger.sent}  delivered {ledger.delivered}"
        p99 = ledger.latency(0.99)
        if p99 is not None:
            line += f"  p99 {milliseconds(p99)}"
        self._write(f"\r{line}\x1b[K" if self._terminal else f"{line}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def milliseconds(seconds: float | None) -> str:
    """Return a time for people: three digits, in milliseconds."""
    return "-" if seconds is None else f"{seconds * 1000:.3g} ms"


def summary_text(title: str, ledger: Ledger, rows: dict[str, object], virtual: bool) -> str:
    """Return the summary at the end: some rows of the simulation's own, then the figures of every simulation."""
    latency = f"p50 {milliseconds(ledger.latency(0.5))}, p99 {milliseconds(ledger.latency(0.99))}"
    if virtual:
        latency += " (in virtual time, in which the network takes no time)"
    shown: dict[str, object] = {**rows, "sent": ledger.sent, "delivered": ledger.delivered}
    for name, number in (("refused", ledger.refused), ("unanswered", ledger.unanswered)):
        if number:
            shown[name] = number
    shown |= {"lost": ledger.lost, "doubled": ledger.doubled}
    if ledger.disordered:
        shown["disordered"] = ledger.disordered
    shown["latency"] = latency
    return "\n".join([title, *(f"  {name:12}{value}" for name, value in shown.items())]) + "\n"
