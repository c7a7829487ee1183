"""Kill the server again and again while clients talk: no acknowledged message is lost, and none is seen twice."""

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

from conftest import CHECKOUT, PATIENCE, Serve, free_port, script

KILLS = int(os.environ.get("KILLS", "50"))
NAMES = ["jane", "zak", "kim", "zoë"]
TALKERS = CHECKOUT / "tests" / "support" / "talkers.py"
END_TIMEOUT_SECONDS = 120.0
"""The clients must finish what is under way in this time."""

Known = dict[str, Any]


def make_accounts(store: Path) -> None:
    """Create an account for each name; its password is the name."""
    for name in NAMES:
        command = [script("twisted-chat"), "accounts", "create", name, "--store", f"sqlite:{store}"]
        subprocess.run(command, input=f"{name}\n", text=True, check=True, timeout=PATIENCE, capture_output=True)


@contextmanager
def talking(port: int) -> Iterator[subprocess.Popen[str]]:
    """Start clients that talk to the server at this port, and wait until all of them do."""
    command = [sys.executable, str(TALKERS), str(port), ",".join(NAMES)]
    talkers = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert talkers.stdout is not None
        assert talkers.stdout.readline() == "ready\n"
        yield talkers
    finally:
        talkers.kill()
        talkers.wait()


def test_a_server_killed_fifty_times_loses_no_acknowledged_message_and_delivers_each_once(
    serve: Serve, tmp_path: Path
) -> None:
    dice = random.Random(7)
    store, port = tmp_path / "crash.sqlite3", free_port()
    options = ("--store", f"sqlite:{store}", "--listen", f"tcp:{port}:interface=127.0.0.1")
    make_accounts(store)
    server = serve(*options, port=port)
    with talking(port) as talkers:
        for _ in range(KILLS):
            try:
                talkers.wait(dice.uniform(0.05, 0.8))
            except subprocess.TimeoutExpired:
                server.kill()
                server = serve(*options, port=port)
        output, _ = talkers.communicate(timeout=END_TIMEOUT_SECONDS)
    assert talkers.returncode == 0
    known: Known = json.loads(output)
    server.stop()
    with sqlite3.connect(store) as db:
        sql = "SELECT records.id, text, sender, addressee FROM records WHERE kind = 'message' ORDER BY records.id"
        stored = db.execute(sql).fetchall()
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
    for name in NAMES:
        assert known[name]["problems"] == []
        own = {text: id for id, text, sender, _ in stored if sender == name}
        assert len(own) == sum(sender == name for _, _, sender, _ in stored), "a message is stored twice"
        assert known[name]["acknowledged"] == own, "the acknowledged messages are the stored ones, by their first ids"
        expected = [[id, text] for id, text, sender, to in stored if to == name or (to == "#tea" and sender != name)]
        assert known[name]["seen"] == expected, f"{name} sees all messages for {name}, once and in order"
    seen = sum(len(known[name]["seen"]) for name in NAMES)
    print(f"killed {KILLS} times: {len(stored)} acknowledged and stored once, {seen} seen once and in order")
    assert len(stored) > KILLS
