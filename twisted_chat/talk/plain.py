"""PlainScreen: a terminal that can only print lines and read lines (TERM=dumb, as in an editor's shell)."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from twisted_chat.talk.app import TalkApp
from twisted_chat.talk.format import Line
from twisted_chat.wire.terminal import printable


class PlainScreen(LineOnlyReceiver):
    """A Screen (timeline.Screen) without a prompt; `run` shows it until its `end`, and returns the reason."""

    delimiter = b"\n"

    def __init__(self) -> None:
        self._ending: Deferred[str] = Deferred()
        self._app: TalkApp | None = None

    def run(self, app: TalkApp) -> Deferred[str]:
        """Read lines until the screen ends; the result is the reason."""
        self._app = app
        if not self._ending.called:
            StandardIO(self)
        return self._ending

    def show(self, lines: list[Line]) -> None:
        for line in lines:
            print(printable("".join(text for _, text in line)), flush=True)

    def changed(self) -> None:
        pass

    def end(self, reason: str) -> None:
        if not self._ending.called:
            self._ending.callback(reason)

    def lineReceived(self, line: bytes) -> None:
        if self._app is not None:
            self._app.typed(line.decode(errors="replace"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._app is not None:
            self._app.leave()
