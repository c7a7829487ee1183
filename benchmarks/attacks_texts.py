"""Attacks with long texts, many rooms, long answers, and the file. The table of all attacks is in attacks.py."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

from attackers import Attack, Connection, listing

LETTERS = 16_300
LONG_LINE = b"x" * LETTERS
WIDE_TEXT = "🫖" + "x" * (LETTERS - 100)
"""One emoji makes each letter of a text take four bytes in Python's memory."""


async def lists(attack: Attack) -> None:
    """Make up to 50,000 rooms, and then ask for the list of rooms ten times in each dialect."""
    crowd = await attack.guests(500)
    await attack.everyone(
        one.ask(listing(f"m{number}") + b"ping,joined\n", b"pong,joined") for number, one in enumerate(crowd)
    )
    attack.restart_clock()
    irc = await attack.connect()
    await irc.ask(b"NICK lister\r\nUSER u 0 * :u\r\n", b" 422 ")
    reading = asyncio.ensure_future(irc.discard())
    await irc.send(b"LIST\r\n" * 10)
    if crowd:
        await crowd[0].ask(b"list,rooms\n" * 10 + b"ping,listed\n", b"pong,listed")
    await attack.everyone(one.ask(b"list,rooms\nping,again\n", b"pong,again") for one in crowd[:50])
    reading.cancel()


async def flood_disk(attack: Attack) -> None:
    """Write long lines as one guest."""
    await writers(attack, 1)


async def long_topics(attack: Attack) -> None:
    """Set a topic of 16 KiB in 100 rooms as each of 60 guests, and a long away text."""
    crowd = await attack.guests(60)
    attack.restart_clock()

    async def set_all(guest: Connection, number: int) -> None:
        rooms = (f"#m{number}-{room}" for room in range(100))
        for name in rooms:
            lines = f"join,{name}\ntopic,{name},{WIDE_TEXT}\naway,{WIDE_TEXT}\nping,set\n"
            await guest.ask(lines.encode(), b"pong,set")
            attack.done["topics"] += 1

    await attack.everyone(set_all(guest, number) for number, guest in enumerate(crowd))


async def writers(attack: Attack, people: int, room: str = "", reads: bool = True) -> None:
    """Write long lines as fast as the server takes them: to themselves, or in a room that all of them have joined."""
    crowd = await attack.guests(people, more=b"join,%b\n" % room.encode() if room else b"")
    attack.restart_clock()
    await attack.everyone(
        one.flood(b"chat,%b,%b\n" % ((room or f"m{number}").encode(), LONG_LINE), reads)
        for number, one in enumerate(crowd)
    )


async def pipelining(attack: Attack) -> None:
    """Pipeline long lines as 20 guests that read nothing."""
    await writers(attack, 20, reads=False)


async def long_texts_40(attack: Attack) -> None:
    """Say 16,300 letters in a room again and again, as 40 guests."""
    await writers(attack, 40, "#letters")


async def long_texts_120(attack: Attack) -> None:
    """Say 16,300 letters in a room again and again, as 120 guests."""
    await writers(attack, 120, "#letters")


async def four_writers(attack: Attack) -> None:
    """Write long lines as four guests."""
    await writers(attack, 4)


async def searches(attack: Attack) -> None:
    """Ask a search as each of 100 guests and leave, over and over, in a room with many messages."""
    first = await attack.guest("librarian", more=b"join,#library\n")
    words = b"tea coffee cake biscuit scone jam cream milk sugar lemon " * 5
    await first.ask(b"chat,#library,%b\n" % words * 5000 + b"ping,written\n", b"pong,written")
    attack.restart_clock()

    async def ask(number: int) -> None:
        guest = await attack.guest(f"s{number}")
        await guest.ask(b"join,#library\n", b"ack")
        await guest.send(b"search,#library,tea coffee cake biscuit scone jam cream zebra\n" * 3)
        await guest.send(b"search,#library,t c b s j m l\n")
        guest.drop()

    await attack.again("searches", ask, workers=100)


async def long_reader(attack: Attack) -> None:
    """Hold a read transaction open on the file, while ten guests write lines of 1 KiB; then end it."""
    crowd = await attack.guests(10)
    attack.restart_clock()
    with contextlib.closing(sqlite3.connect(attack.store)) as db:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        line = b"x" * 1024
        await attack.everyone(one.flood(b"chat,m%d,%b\n" % (number, line) * 16) for number, one in enumerate(crowd))
    attack.restart_clock()
    await asyncio.sleep(min(attack.left, 3.0))
