"""Run one random history, and return its faults."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from checker.facts import Facts, Fault
from checker.misfortunes import Misfortunes, World
from checker.people import ROLES, Client
from checker.verdict import Verdict

RECORDS = "SELECT id, time, kind, sender, addressee, text FROM records ORDER BY id"
MAX_SETTLE_SECONDS = 40.0


@dataclass
class Outcome:
    """The faults of a history, and a line about it."""

    seed: int
    faults: list[Fault]
    about: str


async def _run(seed: int, number: int, folder: Path) -> tuple[Facts, dict[str, int], Path]:
    facts, dice = Facts(), random.Random(seed)
    world = World(folder, "reactor" if seed % 2 else "loop", facts)
    await world.start()
    clients = [
        Client(role, random.Random(f"{seed} {number}"), facts, world.up, lambda: world.port, world.relieve)
        for number, role in enumerate(ROLES)
    ]
    misfortunes = Misfortunes(world, clients, facts, dice)
    ending = asyncio.Event()
    try:
        for client in clients:  # so that each account is there before it is written to
            if client.role.account:
                await asyncio.wait_for(client.sign_in(), MAX_SETTLE_SECONDS)
        lives = [asyncio.ensure_future(client.live(ending)) for client in clients]
        await misfortunes.go_on(number)
        ending.set()
        await asyncio.wait_for(asyncio.gather(*lives), MAX_SETTLE_SECONDS)
        await asyncio.wait_for(asyncio.gather(*(client.settle() for client in clients)), MAX_SETTLE_SECONDS)
        facts.end = await world.position()
        await asyncio.gather(*(client.read_all() for client in clients))
        for client in clients:
            await client.look_back()
    except asyncio.TimeoutError:
        facts.fault("no answer", "the history did not come to its end")
    finally:
        with facts.unable():
            await asyncio.to_thread(world.finish)
    return facts, misfortunes.count, world.store


def check_history(seed: int, number: int, folder: Path) -> Outcome:
    """Run the history of a seed with a number of misfortunes in a folder, and compare it with the model."""
    facts, misfortunes, store = asyncio.run(_run(seed, number, folder))
    with closing(sqlite3.connect(store)) as db:
        if db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            facts.fault("corrupted", "the file is not intact")
        rows = db.execute(RECORDS).fetchall()
    verdict = Verdict(facts, rows)
    verdict.find()
    stored = sum(1 for request in facts.requests if request.id)
    happened = ", ".join(f"{number} {name}" for name, number in sorted(misfortunes.items()))
    about = (
        f"seed {seed}: {len(facts.requests)} requests, {stored} acknowledged, {verdict.shown} records seen; {happened}"
    )
    return Outcome(seed, facts.faults, about)
