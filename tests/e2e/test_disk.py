"""A full disk and a corrupt file: nothing acknowledged is lost, and the server keeps running."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Person, Serve, Server, refused_to_start, until

KIB = 1024
TEXT = "." * 1000


def limit(server: Server, size: int) -> None:
    """Let no file of the server's grow past a size, as a full disk would."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def chats(person: Person, number: int, to: str = "#tea") -> int | None:
    """Send one message; return its id, or None if the server cannot store it."""
    person.says(f"@{number} chat,{to},{number} {TEXT}")
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of its own, of 24 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, left: int) -> None:
    """Fill a disk up to so many bytes."""
    status = os.statvfs(disk)
    with (disk / "filler").open("ab") as file:
        file.write(bytes(max(0, status.f_bavail * status.f_frsize - left)))


def test_guests_are_refused_before_the_disk_is_full_and_accounts_use_the_reserve(small_disk: Path) -> None:
    server = Server(small_disk, "--listen", "tcp:0:interface=127.0.0.1", "--reserve", "4M")
    guest, kim = server.program("gus"), server.person()
    with guest, kim:
        kim.says("hello,events,desk", "@r register,kim,correct horse", "@j join,#tea")
        assert [kim.hears()[:4], kim.hears(), kim.hears()] == ["info", "@r ok,kim,new", "@j ok,1"]
        kim.asks("seen,#tea,1", "ok")
        number = 1
        while chats(guest, number, "kim") is not None:  # the disk is looked at ten times a second
            fill(small_disk, 3 * KIB * KIB)
            kim.hears()
            number += 1
        assert "the disk of chat.sqlite3 is almost full (" in server.log
        assert chats(kim, number) is not None
        fill(small_disk, 0)
        for number in range(1000, 1100):
            assert chats(kim, number) is not None, "the reserve is there for accounts"
        assert "the disk of chat.sqlite3 is full: the reserve is used now" in server.log
        while True:  # until the reserve is used up too
            fill(small_disk, 0)
            number += 1
            if chats(kim, number) is None:
                break
        with server.person() as phone:
            phone.says("hello,events,phone", "@r register,kim,correct horse", "@h history,#tea,limit=1")
            assert [phone.hears()[:4], phone.hears()] == ["info", "@r ok,kim,known"]
            while not phone.hears().startswith("@h ok,"):
                pass
        (small_disk / "filler").unlink()
        until(lambda: chats(guest, 1, "kim") is not None, "the guest is let in again")
    assert "the disk of chat.sqlite3 has room again" in server.log
    server.stop()


def test_a_start_on_a_full_disk_is_one_line(small_disk: Path) -> None:
    fill(small_disk, 0)
    line = refused_to_start(small_disk, "--reserve", "0")
    assert line.startswith("twisted_chat: cannot "), line
