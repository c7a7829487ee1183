"""A bot in asyncio: Twisted's reactor and asyncio share one event loop."""

import asyncio

from twisted.internet import asyncioreactor

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
asyncioreactor.install(loop)  # before anything imports the reactor

from twisted.internet import reactor  # noqa: E402
from twisted.internet.defer import Deferred  # noqa: E402
from twisted.internet.endpoints import clientFromString  # noqa: E402
from twisted.internet.error import ConnectError  # noqa: E402
from twisted.internet.task import react  # noqa: E402
from twisted.python.failure import Failure  # noqa: E402

from twisted_chat import ChatClient, Disconnected  # noqa: E402


async def echo() -> None:
    endpoint = clientFromString(reactor, "tcp:localhost:8000")
    bot = await ChatClient.connect(endpoint).asFuture(loop)  # a task of asyncio cannot await a Deferred itself
    events = bot.events()
    await bot.register("echo").asFuture(loop)
    async for event in events.in_asyncio():
        if event.kind == "message":
            await bot.chat(event.sender, f"you said {event.text}").asFuture(loop)
            await asyncio.sleep(0)  # whatever else asyncio has


def ended(failure: Failure) -> None:
    failure.trap(ConnectError, Disconnected)
    raise SystemExit(f"echo: {failure.value}")  # one line, and exit status 1


react(lambda reactor: Deferred.fromFuture(loop.create_task(echo())).addErrback(ended))
