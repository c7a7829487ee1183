"""A bot that says back what it is told."""

from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.internet.task import react

from twisted_chat import ChatClient


async def main(reactor: Any) -> None:
    endpoint = clientFromString(reactor, "tcp:localhost:8000")
    bot = await ChatClient.connect(endpoint)
    events = bot.events()
    await bot.register("echo")
    async for event in events:
        if event.kind == "message":
            await bot.chat(event.sender, f"you said {event.text}")


react(main)
