"""`twisted-chat serve`: the same server as `twistd -n chat`, started by twistd's own machinery, without a pidfile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from twisted.application.service import ServiceMaker
from twisted.scripts.twistd import ServerOptions, runApp  # type: ignore[attr-defined]  # twistd exports `run` alone

from twisted_chat.options import SERVE, Options

HELP = "run the server in the foreground, as `twistd -n chat` does, with the same options"
_maker = ServiceMaker("chat", "twisted_chat.tap", "A chat server.", "chat")


class ServeOptions(ServerOptions):
    """twistd's options, with the chat server as the only program, which is named in no plugin's folder."""

    synopsis = "Usage: twisted-chat"

    @property
    def subCommands(self) -> Iterator[tuple[str, None, type[Options], str]]:
        """Yield the program, as twistd looks for it."""
        self.loadedPlugins: dict[str, Any] = {SERVE: _maker}
        yield SERVE, None, Options, HELP


def serve(arguments: Sequence[str]) -> None:
    """Run the server until it is told to stop. Raises SystemExit if it cannot start, or the options are wrong."""
    config = ServeOptions()  # type: ignore[no-untyped-call]
    config.parseOptions(["--nodaemon", "--pidfile=", SERVE, *arguments])  # type: ignore[no-untyped-call]
    runApp(config)
