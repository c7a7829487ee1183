"""A full disk and a corrupt file: nothing acknowledged is lost, and the server keeps running."""

from __future__ import annotations

import os
import resource
import sqlite3
from pathlib import Path

from conftest import Person, Serve, Server, refused_to_start

KIB = 1024
TEXT = "." * 1000


def limit(server: Server, size: int) -> None:
    """Let no file of the server's grow past a size, as a full disk would."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def chats(person: Person, number: int) -> int | None:
    """Send one message; return its id, or None if the server cannot store it."""
    person.says(f"@{number} chat,#tea,{number} {TEXT}")
    answer = person.hears().removeprefix(f"@{number} ")
    if answer.startswith("ok,"):
        return int(answer.removeprefix("ok,"))
    assert answer.startswith("error,unavailable,the server cannot store messages now;"), answer
    return None


def test_a_full_disk_loses_nothing_and_messages_are_stored_again_once_there_is_room(serve: Serve) -> None:
    server = serve()
    store = server.folder / "chat.sqlite3"
    kept: dict[int, int] = {}
    refused = 0
    with server.person("jane") as jane, server.program("zak") as zak:
        jane.asks("join,#tea", "ack")
        zak.asks("join,#tea", "ok,2")
        for turn in range(3):
            limit(server, os.path.getsize(f"{store}-wal") + 100 * KIB)
            refusals = 0
            for number in range(turn * 1000, turn * 1000 + 1000):
                id = chats(jane, number)
                if id is None:
                    refusals += 1
                    if refusals == 5:
                        break
                else:
                    kept[number] = id
            refused += refusals
            assert refusals == 5
            zak.says("ping,still here")
            while (heard := zak.hears()) != "ok,still here":
                assert int(heard.split(",")[1]) in kept.values(), "a message was delivered but is not in the log"
            limit(server, resource.RLIM_INFINITY)
            id = chats(jane, turn * 1000 + 999)
            assert id is not None
            kept[turn * 1000 + 999] = id
    assert server.log.count("cannot write to") == 3, "each failure should be logged once"
    server.stop()
    with sqlite3.connect(store) as db:
        rows = db.execute("SELECT id, text FROM records WHERE kind = 'message'").fetchall()
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
    assert {int(text.partition(" ")[0]): id for id, text in rows} == kept
    print(f"{len(kept)} kept, {refused} refused")


def broken(store: Path) -> bytes:
    """Overwrite the middle of a file, and return the new contents."""
    content = bytearray(store.read_bytes())
    content[KIB : -KIB or None] = b"?" * len(content[KIB : -KIB or None])
    store.write_bytes(content)
    return bytes(content)


def test_a_file_corrupted_while_the_server_is_down_is_refused_and_left_unchanged(serve: Serve) -> None:
    server = serve()
    with server.person("jane") as jane:
        jane.asks("join,#tea", "ack")
    server.stop()
    store = server.folder / "chat.sqlite3"
    content = broken(store)
    line = refused_to_start(server.folder, "--store", f"sqlite:{store}")
    assert line == f"twisted_chat: cannot use {store}: database disk image is malformed"
    assert store.read_bytes() == content


def test_a_file_corrupted_while_the_server_runs_is_reported_and_the_server_keeps_running(serve: Serve) -> None:
    server = serve()
    store = server.folder / "chat.sqlite3"
    with server.person("jane") as jane:
        jane.asks("join,#tea", "ack")
        assert chats(jane, 1) is not None
        with sqlite3.connect(store) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        broken(store)
        answers = [chats(jane, number) for number in range(2, 300)]
        assert None in answers
        jane.asks("list,friends", "jane")
    assert "malformed" in server.log
