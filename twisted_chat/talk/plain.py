"""A terminal that can do nothing but print lines, and has lines typed into it: TERM=dumb, as in an editor's shell."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from twisted_chat.talk.app import Talker
from twisted_chat.talk.format import Line


class PlainScreen(LineOnlyReceiver):
    """A Screen (timeline.Screen) without a prompt; `run` shows it until its `end`, whose reason it gives."""

    delimiter = b"\n"

    def __init__(self) -> None:
        self._ending: Deferred[str] = Deferred()
        self._talker: Talker | None = None

    def run(self, talker: Talker) -> Deferred[str]:
        """Read lines, until it ends."""
        self._talker = talker
        if not self._ending.called:
            StandardIO(self)
        return self._ending

    def show(self, lines: list[Line]) -> None:
        for line in lines:
            print("".join(text for _, text in line), flush=True)

    def changed(self) -> None:
        pass

    def end(self, reason: str) -> None:
        if not self._ending.called:
            self._ending.callback(reason)

    def lineReceived(self, line: bytes) -> None:
        if self._talker is not None:
            self._talker.typed(line.decode(errors="replace"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._talker is not None:
            self._talker.leave()
