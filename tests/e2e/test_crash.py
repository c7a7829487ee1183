"""The server is killed again and again while clients talk: nothing acknowledged is lost, nothing is seen twice."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import CHECKOUT, PATIENCE, Serve, reserved_port, script
from passwords import password_of

KILLS = int(os.environ.get("KILLS", "50"))
NAMES = ["jane", "zak", "kim", "zoë"]
TALKERS = CHECKOUT / "tests" / "support" / "talkers.py"
ENDING = 120.0
"""Seconds in which everything that is under way must end."""

Known = dict[str, Any]


def make_accounts(store: Path) -> None:
    """Make an account for each name."""
    for name in NAMES:
        command = [script("twisted-chat"), "accounts", "create", name, "--store", f"sqlite:{store}"]
        subprocess.run(
            command, input=f"{password_of(name)}\n", text=True, check=True, timeout=PATIENCE, capture_output=True
        )


@contextmanager
def talking(port: int) -> Iterator[subprocess.Popen[str]]:
    """Yield clients that talk to a server at this port, once all of them talk."""
    command = [sys.executable, str(TALKERS), str(port), ",".join(NAMES)]
    talkers = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert talkers.stdout is not None
        assert talkers.stdout.readline() == "ready\n"
        yield talkers
    finally:
        talkers.kill()
        talkers.wait()


def test_fifty_kills_lose_nothing_acknowledged_and_every_message_is_seen_once(serve: Serve, tmp_path: Path) -> None:
    dice = random.Random(7)
    store, port = tmp_path / "crash.sqlite3", reserved_port()
    options = ("--store", f"sqlite:{store}")
    make_accounts(store)
    server = serve(*options, port=port)
    with talking(port) as talkers:
        for _ in range(KILLS):
            try:
                talkers.wait(dice.uniform(0.05, 0.8))
            except subprocess.TimeoutExpired:
                server.kill()
                server = serve(*options, port=port)
        output, _ = talkers.communicate(timeout=ENDING)
    assert talkers.returncode == 0
    known: Known = json.loads(output)
    server.stop()
    with sqlite3.connect(store) as db:
        sql = "SELECT records.id, text, sender, addressee FROM records WHERE kind = 'message' ORDER BY records.id"
        kept = db.execute(sql).fetchall()
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
    for name in NAMES:
        assert known[name]["problems"] == []
        own = {text: id for id, text, sender, _ in kept if sender == name}
        assert len(own) == sum(sender == name for _, _, sender, _ in kept), "a message was stored twice"
        assert known[name]["acknowledged"] == own, "the stored messages and ids differ from the acknowledged ones"
        meant = [[id, text] for id, text, sender, to in kept if to == name or (to == "#tea" and sender != name)]
        assert known[name]["seen"] == meant, f"{name} did not get exactly its messages, once and in order"
    seen = sum(len(known[name]["seen"]) for name in NAMES)
    print(f"killed {KILLS} times: {len(kept)} acknowledged and kept once, {seen} seen once and in order")
    assert len(kept) > KILLS
