"""The lesson's second server: one thread, one coroutine for each client, asyncio's streams.

    python streams.py PORT              as in the lesson: one read is one command
    python streams.py PORT --framed     a command is a line, and a third field is the text

Nothing needs a lock: other coroutines run only at an `await`.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator

clients: dict[str, asyncio.StreamWriter] = {}


async def reads(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield the lesson's commands: the bytes that each read returns."""
    while True:
        yield (await reader.read(4096)).decode()


async def lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield lines: everything up to a line feed, however TCP split it."""
    while line := await reader.readline():
        yield line.decode().removesuffix("\n")


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framed: bool) -> None:
    """Serve one client, in its own coroutine, until something raises."""
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
                print(f"no user named {argument}", flush=True)
            else:
                friend.write(f"{name} says {text}\n".encode())
                await friend.drain()


async def serve(port: int, framed: bool) -> None:
    """Accept connections for ever."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer, framed)

    server = await asyncio.start_server(welcome, "127.0.0.1", port, backlog=4096 if framed else 5)
    await server.serve_forever()


def main() -> None:
    """Run the loop until the process ends."""
    parser = argparse.ArgumentParser(description="the lesson's asyncio chat server")
    parser.add_argument("port", type=int)
    parser.add_argument("--framed", action="store_true", help="one line is one command")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.framed))


if __name__ == "__main__":
    main()
