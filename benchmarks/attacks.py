"""The attacks of fairness.py, as a table: each makes the server work, or keep, as much as a stranger can.

    python benchmarks/attacks.py NAME PORT SECONDS STORE

carries one out against a server on this machine, and prints what it has done as JSON. It ends by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import attacks_people as people
import attacks_texts as texts
from attackers import ENDED, Attack
from serving import raise_limits

MAX_PREPARATION_SECONDS = 20.0
MAX_EXTRA_SECONDS = 10.0


@dataclass(frozen=True)
class Row:
    """An attack: what it does, and what the benchmark prepares for it or asks besides.

    An attack that `prepares` says itself when its time begins. `times` says how much longer than others it takes.
    """

    title: str
    run: Callable[[Attack], Awaitable[None]]
    prepares: bool = False
    sign_in_as: str = ""
    descriptors: int = 0
    operator: bool = False
    crowd: bool = False
    times: int = 1


ATTACKS = {
    "nothing": Row("no attack", lambda attack: asyncio.sleep(attack.left)),
    "right-passwords": Row("right passwords over 80 connections", people.right_passwords),
    "wrong-passwords": Row("wrong passwords for kim from 4 addresses", people.wrong_passwords, sign_in_as="kim"),
    "lists": Row("500 guests make 100 rooms each, then LIST", texts.lists, prepares=True),
    "disk": Row("one guest writes 16 KiB lines", texts.flood_disk, prepares=True),
    "join-drop": Row("a guest joins 100 rooms and drops, again and again", people.join_and_drop),
    "silent-guests": Row("540 silent guests, 600 descriptors", people.silent_guests, prepares=True, descriptors=600),
    "topics": Row("60 guests set 100 topics of 16 KiB each, and away texts", texts.long_topics, prepares=True),
    "pipelining": Row("20 guests pipeline 16 KiB lines and do not read", texts.pipelining, prepares=True),
    "letters-40": Row("40 guests say 16,300 letters in a room", texts.long_texts_40, prepares=True),
    "letters-120": Row("120 guests say 16,300 letters in a room", texts.long_texts_120, prepares=True),
    "four": Row("four guests write 16 KiB lines", texts.four_writers, prepares=True),
    "client-ids": Row("30 connections say new client-ids", people.new_client_ids, prepares=True),
    "renames": Row("2,000 renames among 500 IRC clients", people.renames, prepares=True),
    "control": Row("16 idle connections to the operator's socket", people.idle_operators, operator=True),
    "searches": Row("100 guests ask a search and leave", texts.searches, prepares=True),
    "long-reader": Row("a long reader of the file while 10 guests write", texts.long_reader, prepares=True),
    "crowd": Row("2,000 people of a room join and drop at once", people.crowd_drops, prepares=True),
    "restart": Row("1,000 accounts sign in after a restart", people.restart, crowd=True, times=5),
    "tickets": Row("1,000 accounts sign in with tickets after a restart", people.restart_with_tickets, crowd=True),
}


async def carry_out(name: str, attack: Attack) -> None:
    """Carry out an attack, whatever the server does."""
    if ATTACKS[name].prepares:
        attack.deadline += MAX_PREPARATION_SECONDS
    with contextlib.suppress(*ENDED):
        await ATTACKS[name].run(attack)


def main() -> None:
    """Carry out one attack, and print what it has done."""
    name, port, seconds, store = sys.argv[1:]
    signal.alarm(int(2 * float(seconds) + MAX_PREPARATION_SECONDS + MAX_EXTRA_SECONDS))
    raise_limits()
    attack = Attack(int(port), store, float(seconds))
    asyncio.run(carry_out(name, attack))
    done = dict(attack.done)
    if "MiB sent" in done:
        done["MiB sent"] //= 1 << 20
    print(json.dumps(done))


if __name__ == "__main__":
    main()
