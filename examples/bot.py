"""A bot that repeats each message to its sender, also messages that came while it, or the server, was not running."""

from contextlib import suppress
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.internet.task import react

from twisted_chat import ChatClient, ChatFailed


async def main(reactor: Any) -> None:
    endpoint = clientFromString(reactor, "tcp:localhost:8000")
    bot = await ChatClient.connect(endpoint)
    events = bot.events()
    await bot.register("echo", "correct horse")
    async for event in events:
        if event.kind == "message":
            with suppress(ChatFailed):  # a guest may have left meanwhile
                await bot.chat(event.sender, f"you said {event.text}")


react(main)
