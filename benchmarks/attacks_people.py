"""Attacks with sign-ins, names, connections and crowds. The table of all attacks is in attacks.py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count

from attackers import ADDRESS, Attack, Connection, listing

PASSWORD = b"mallory at the seaside"
FOUR_ADDRESSES = (ADDRESS, "127.0.0.22", "127.0.0.23", "127.0.0.24")
CROWD_ACCOUNTS = 1000


async def right_passwords(attack: Attack) -> None:
    """Sign in to one account with the right password, over and over."""

    async def sign_in(_: int) -> None:
        connection = await attack.connect()
        try:
            answer = await connection.ask(b"@r register,mallory,%b\n" % PASSWORD, b"@r ok", b"@r error")
        finally:
            connection.drop()
        if b"@r ok" not in answer:
            raise EOFError

    await attack.again("sign-ins", sign_in, workers=80)


async def wrong_passwords(attack: Attack) -> None:
    """Guess the password of kim from four addresses."""

    async def guess(number: int) -> None:
        connection = await attack.connect(FOUR_ADDRESSES[number % 4])
        try:
            await connection.ask(b"@r register,kim,wrong-%d\n" % number, b"@r error")
        finally:
            connection.drop()

    await attack.again("guesses", guess, workers=16)


async def join_and_drop(attack: Attack) -> None:
    """Join 100 rooms and drop, over and over."""

    async def visit(number: int) -> None:
        guest = await attack.guest(f"v{number}")
        await guest.ask(listing("visit") + b"ping,joined\n", b"pong,joined")
        guest.drop()

    await attack.again("visits", visit)


async def silent_guests(attack: Attack) -> None:
    """Take 540 names, say nothing from then on, and take each place that becomes free."""
    crowd = await attack.guests(540)
    attack.restart_clock()

    async def take_place(number: int) -> None:
        crowd.append(await attack.guest(f"more{number}"))

    await attack.again("places", take_place, workers=4)
    attack.done["still open"] = sum(one.is_open for one in crowd)


async def new_client_ids(attack: Attack) -> None:
    """Say a new client-id over and over, on thirty connections of one account."""
    numbers = count()

    async def begin() -> Connection:
        connection = await attack.connect()
        if b"@r ok" not in await connection.ask(b"@r register,mallory,%b\n" % PASSWORD, b"@r ok", b"@r error"):
            raise EOFError
        return connection

    async def say_new_ids(connection: Connection) -> None:
        while attack.going:
            await connection.ask(b"@h hello,events,c%d\n" % next(numbers), b"@h ")
            attack.done["client-ids"] += 1

    crowd: list[Connection] = []
    for _ in range(10):
        crowd += await attack.opened(begin() for _ in range(3))
    attack.restart_clock()
    await attack.everyone(map(say_new_ids, crowd))


async def renames(attack: Attack) -> None:
    """Rename 2,000 times among 500 IRC clients of one room."""

    async def begin(number: int) -> Connection:
        connection = await attack.connect()
        await connection.ask(b"NICK i%d\r\nUSER u 0 * :u\r\n" % number, b" 422 ")
        await connection.ask(b"JOIN #renames\r\n", b" 366 ")
        return connection

    crowd = await attack.opened(begin(number) for number in range(500))
    attack.restart_clock()
    reading = [asyncio.ensure_future(one.discard()) for one in crowd]
    for turn in range(4):
        await attack.everyone(one.send(b"NICK n%d-%d\r\n" % (turn, number)) for number, one in enumerate(crowd))
    await asyncio.sleep(attack.left)
    for task in reading:
        task.cancel()


async def idle_operators(attack: Attack) -> None:
    """Open 16 connections to the operator's socket and say nothing on them."""
    opened = [await asyncio.open_unix_connection(attack.store + ".control") for _ in range(16)]
    attack.done["open"] = len(opened)
    await asyncio.sleep(attack.left)
    for _, writer in opened:
        writer.close()


async def crowd_drops(attack: Attack) -> None:
    """Join one room as 2,000 people at once, and drop at once."""

    async def enter(number: int) -> Connection:
        guest = await attack.guest(f"c{number}", f"127.0.2.{number // 100 + 1}")
        attack.done["joined"] += 1
        return guest

    crowd = await attack.opened(enter(number) for number in range(2000))
    attack.restart_clock()
    await attack.everyone(one.ask(b"join,#crowd\nping,in\n", b"pong,in") for one in crowd)
    for one in crowd:
        one.drop()
    await asyncio.sleep(1.0)


async def restart(attack: Attack) -> None:
    """Sign in as 1,000 accounts from 250 addresses, as after a restart of the server."""
    await crowd_returns(attack, lambda number: b"register,crowd%d,%b" % (number, PASSWORD))


async def restart_with_tickets(attack: Attack) -> None:
    """Do the same with tickets from before the restart."""
    await crowd_returns(attack, lambda number: b"resume,crowd%d,%b" % (number, ticket(number).encode()))


async def crowd_returns(attack: Attack, request: Callable[[int], bytes]) -> None:
    """Sign in as each account of the crowd."""
    began = time.monotonic()

    async def sign_in(number: int) -> Connection:
        connection = await attack.connect(f"127.0.3.{number % 250 + 1}")
        answer = await connection.ask(b"@r %b\n" % request(number), b"@r ok", b"@r error")
        attack.done["signed in" if b"@r ok" in answer else "refused"] += 1
        return connection

    await attack.opened(sign_in(number) for number in range(CROWD_ACCOUNTS))
    attack.done["seconds"] = round(time.monotonic() - began)


def ticket(number: int) -> str:
    """Return the ticket of an account of the crowd."""
    return f"ticket-of-crowd{number}"
