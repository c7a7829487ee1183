"""The log on disk: what the operator sees, and that nothing acknowledged is lost when the server is killed."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import threading
from pathlib import Path

from conftest import Person, Serve, Server, refused_to_start

STORE = ("--store", "sqlite:chat.sqlite3")
KILLS = int(os.environ.get("KILLS", "8"))
"""How often the server is killed; by hand: KILLS=50 pytest -s tests/test_store.py"""
TALKERS = 3
ACKNOWLEDGED = re.compile(r"@(\S+) ok,(\d+)")
SEEN = re.compile(r"message,(\d+),[^,]+,[^,]+,#tea,(.*)")


def test_history_is_there_after_a_restart(serve: Serve) -> None:
    server = serve(*STORE)
    with server.program("jane") as jane:
        jane.says("@1 join,#tea", "@2 chat,#tea,the kettle is on")
        assert [jane.hears(), jane.hears()] == ["@1 ok,1", "@2 ok,2"]
    server.stop()
    again = serve("--store", f"sqlite:{server.folder / 'chat.sqlite3'}")
    with again.program("zak") as zak:
        zak.says("@1 join,#tea", "@2 history,#tea")
        assert zak.hears() == "@1 ok,4"  # behind jane's leaving
        assert [zak.hears().split(",", 1)[0] for _ in range(4)] == ["@2 joined", "@2 message", "@2 left", "@2 joined"]
        assert zak.hears() == "@2 ok,4"


def test_a_second_server_on_the_file_is_refused(serve: Serve) -> None:
    server = serve(*STORE)
    assert refused_to_start(server.folder, *STORE).startswith("twisted_chat: another server uses chat.sqlite3")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    diary = tmp_path / "diary.txt"
    diary.write_text("dear diary, " * 100)
    assert refused_to_start(tmp_path, "--store", "sqlite:diary.txt") == (
        "twisted_chat: cannot use diary.txt: file is not a database"
    )
    assert diary.read_text() == "dear diary, " * 100


class Talker(threading.Thread):
    """Says numbered things in #tea, many at a time, until the server is gone; keeps what was acknowledged and seen."""

    def __init__(self, server: Server, name: str, start: int) -> None:
        super().__init__()
        self.person: Person = server.program(name)
        self.person.says("@join join,#tea")
        self.name, self.next = name, start
        self.acknowledged: dict[str, int] = {}
        self.seen: list[tuple[int, str]] = []

    def run(self) -> None:
        try:
            while True:
                lines = [f"@{self.next + i} chat,#tea,{self.name} {self.next + i}" for i in range(20)]
                self.next += 20
                self.person.says(*lines)
                while f"{self.name} {self.next - 1}" not in self.acknowledged:
                    self.hear(self.person.hears())
        except (AssertionError, OSError):
            return  # killed

    def hear(self, line: str) -> None:
        if (answer := ACKNOWLEDGED.fullmatch(line)) and answer[1] != "join":
            self.acknowledged[f"{self.name} {answer[1]}"] = int(answer[2])
        elif event := SEEN.fullmatch(line):
            self.seen.append((int(event[1]), event[2]))


def test_no_acknowledged_message_is_lost_when_the_server_is_killed(serve: Serve, tmp_path: Path) -> None:
    dice = random.Random(7)
    store = tmp_path / "crash.sqlite3"
    acknowledged: dict[str, int] = {}
    seen: list[list[tuple[int, str]]] = []
    said = 0
    for _ in range(KILLS):
        server = serve("--store", f"sqlite:{store}")
        talkers = [Talker(server, f"talker{n}", said) for n in range(TALKERS)]
        for talker in talkers:
            talker.start()
        talkers[0].join(dice.uniform(0.05, 0.6))
        server.kill()
        for talker in talkers:
            talker.join()
            talker.person.hangs_up()
            acknowledged.update(talker.acknowledged)
            seen.append(talker.seen)
            said = max(said, talker.next)
    with sqlite3.connect(store) as db:
        kept = {text: id for id, text in db.execute("SELECT id, text FROM records WHERE kind = 'message'")}
        (count,) = db.execute("SELECT count(*) FROM records WHERE kind = 'message'").fetchone()
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
    print(f"killed {KILLS} times: {len(acknowledged)} acknowledged, {count} kept")
    assert len(acknowledged) > KILLS
    assert count == len(kept), "something was kept twice"
    assert {text: kept.get(text) for text in acknowledged} == acknowledged
    for events in seen:
        assert [id for id, _ in events] == sorted({id for id, _ in events}), "seen out of order, or twice"
        assert all(kept[text] == id for id, text in events), "seen, and not in the log"
