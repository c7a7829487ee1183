"""A bot that repeats each message to its sender, exactly once, also if the bot or the server is killed meanwhile."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.internet.error import ConnectError
from twisted.internet.task import react

from twisted_chat import ChatClient, ChatFailed, Disconnected

POSITION = Path("echo.position")
"""The id of the last message that the bot has dealt with."""


def save(position: int) -> None:
    new = POSITION.with_suffix(".new")
    new.write_text(str(position))
    new.replace(POSITION)  # whole, whenever the bot is killed


async def echo(endpoint: Any) -> None:
    since = int(POSITION.read_text()) if POSITION.exists() else 0  # also if it is killed before the first
    bot = await ChatClient.connect(endpoint, client_id="echo-1", since=since)
    events = bot.events()
    await bot.register("echo", "correct horse")
    async for event in events:
        if event.kind == "message" and event.sender != bot.name:
            with suppress(ChatFailed):  # a guest may have left meanwhile
                # the same label again after a restart: the server has the answer once
                await bot.chat(event.sender, f"you said {event.text}", label=f"re-{event.id}")
        if event.id:
            save(event.id)


async def main(reactor: Any) -> None:
    try:
        await echo(clientFromString(reactor, "tcp:localhost:8000"))
    except (ConnectError, ChatFailed, Disconnected) as problem:
        raise SystemExit(f"echo: {problem}") from None  # one line, and exit status 1


react(main)
