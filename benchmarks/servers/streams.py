"""The lesson's second server: one thread, one coroutine for each client, asyncio's streams.

    python streams.py PORT              as the lesson has it: what one read returns is one command
    python streams.py PORT --framed     a command is a line, and a third field is the text

Nothing needs a lock: a coroutine gives way only where it says `await`.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator

clients: dict[str, asyncio.StreamWriter] = {}


async def reads(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lesson's commands: whatever has arrived by the time read looks."""
    while True:
        yield (await reader.read(4096)).decode()


async def lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """Commands with a border: everything up to a line feed, however it was cut up on the way."""
    while line := await reader.readline():
        yield line.decode().removesuffix("\n")


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framed: bool) -> None:
    """Serve one client, in its own coroutine, for as long as nothing raises."""
    name = "unknown"
    end = "\n" if framed else ""
    async for command in lines(reader) if framed else reads(reader):
        fields = command.split(",", 2)
        text = fields.pop() if framed and len(fields) == 3 else "hi"
        verb, argument = fields
        if verb == "register":
            name = argument
            clients[name] = writer
            writer.write(f"ack{end}".encode())
            await writer.drain()
        elif verb == "list":
            writer.write((",".join(clients) + end).encode())
            await writer.drain()
        elif verb == "chat":
            friend = clients.get(argument)
            if friend is None:
                print(f"nobody is called {argument}", flush=True)
            else:
                friend.write(f"{name} says {text}\n".encode())
                await friend.drain()


async def serve(port: int, framed: bool) -> None:
    """Accept for ever."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer, framed)

    server = await asyncio.start_server(welcome, "127.0.0.1", port, backlog=4096 if framed else 5)
    await server.serve_forever()


def main() -> None:
    """Run the loop until the process is ended."""
    parser = argparse.ArgumentParser(description="the lesson's asyncio chat server")
    parser.add_argument("port", type=int)
    parser.add_argument("--framed", action="store_true", help="one line is one command")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.framed))


if __name__ == "__main__":
    main()
