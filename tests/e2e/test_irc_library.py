"""An independent IRC library (irc, from PyPI) at the server's port, beside a person at the line door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Server, until

client = pytest.importorskip("irc.client", reason="the IRC library is not installed: pip install irc")


class Bot:
    """A program on the library; `heard` is what it received: kind, sender and text."""

    def __init__(self, port: int, nick: str) -> None:
        self._reactor: Any = client.Reactor()
        self.heard: list[tuple[str, str, str]] = []
        self.connection: Any = self._reactor.server().connect("127.0.0.1", port, nick)
        for kind in ("welcome", "join", "pubmsg", "privmsg", "action", "part"):
            self.connection.add_global_handler(kind, self._hear)
        self.waits_for("welcome", "")

    def waits_for(self, kind: str, sender: str, text: str = "") -> None:
        """Run the library until it has received this."""
        self._until(lambda: any(heard == (kind, sender, text) for heard in self.heard), f"{kind} of {sender}: {text}")

    def _until(self, happened: Callable[[], bool], what: str) -> None:
        def turned() -> bool:
            self._reactor.process_once(0.01)
            return happened()

        until(turned, f"{what} in {self.heard}")

    def _hear(self, _: object, event: Any) -> None:
        sender = "" if event.type == "welcome" else str(getattr(event.source, "nick", ""))
        text = "" if event.type in ("welcome", "join", "part") else str(event.arguments[-1])
        self.heard.append((event.type, sender, text))


def test_a_program_on_the_library_talks_with_a_person(server: Server) -> None:
    with server.person("zak") as zak:
        zak.asks("join,#library", "ack")

        bot = Bot(server.port, "librarian")
        bot.connection.join("#library")
        bot.waits_for("join", "librarian")
        zak.says("chat,#library,hello there", "me,#library,waves", "chat,librarian,only you")
        bot.waits_for("pubmsg", "zak", "hello there")
        bot.waits_for("action", "zak", "waves")
        bot.waits_for("privmsg", "zak", "only you")
        bot.connection.privmsg("#library", "good day")
        assert zak.hears() == "librarian in #library says good day"
        bot.connection.action("zak", "bows")
        assert zak.hears() == "* librarian bows"
        bot.connection.part("#library")
        bot.waits_for("part", "librarian")
        zak.says("list,#library")
        assert zak.hears() == "zak"
        bot.connection.disconnect()
