"""`twisted-chat backup` and `restore`: beside a running server, and in the place of its file."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import PATIENCE, Person, Serve, Server, script

PASSWORD = "correct horse"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as two users")
NOBODY = 65534


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `twisted-chat` in a folder."""
    words = [script("twisted-chat"), *arguments]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "Traceback" not in done.stderr
    return done


def told(folder: Path, *arguments: str) -> str:
    done = run(folder, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.removesuffix("\n")


def refused(folder: Path, *arguments: str) -> str:
    done = run(folder, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    return line.removeprefix("twisted-chat: ")


def account(server: Server, name: str) -> tuple[Person, str]:
    """Return a program that has signed in, and the epoch that it was told."""
    person = server.person()
    person.says(f"hello,events,{name}-1", f"register,{name},{PASSWORD}")
    info = person.hears()
    assert person.hears().startswith(f"ok,{name},")
    return person, info.partition(",epoch=")[2].partition(",")[0]


def test_a_restored_backup_has_a_new_epoch_and_ids_after_it_are_gone(tmp_path: Path) -> None:
    options = ("--listen", "tcp:0:interface=127.0.0.1")
    server = Server(tmp_path, *options)
    kim, epoch = account(server, "kim")
    with kim:
        kim.asks("@a join,#tea", "@a ok,1")
        line = told(tmp_path, "backup", "copy")
        assert line.startswith("backed up chat.sqlite3 to copy: 1 record, "), line
        kim.asks("@b chat,#tea,after", "@b ok,2")
        assert "another server uses chat.sqlite3" in refused(tmp_path, "restore", "copy")
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    server.stop()
    line = told(tmp_path, "restore", "copy")
    assert line.startswith("restored chat.sqlite3 from copy: 1 record, in a new epoch; the file of before is chat.")
    kept = next(tmp_path.glob("chat.sqlite3.before-*"))
    assert sqlite3.connect(kept).execute("SELECT count(*) FROM records").fetchone() == (2,)
    assert stat.S_IMODE((tmp_path / "chat.sqlite3").stat().st_mode) == 0o600
    server = Server(tmp_path, *options)
    kim, second = account(server, "kim")
    with kim:
        assert second != epoch
        kim.says("@c chat,#tea,another with this id", f"@s since,2,epoch={epoch}")
        assert kim.hears() == "@c ok,2"
        assert kim.hears().startswith("@s error,gone,")
        kim.asks(f"@s since,2,epoch={second}", "@s ok,2")
    server.stop()


def test_a_copy_that_was_put_back_by_hand_is_noticed_at_the_start(tmp_path: Path) -> None:
    options = ("--listen", "tcp:0:interface=127.0.0.1")
    server = Server(tmp_path, *options)
    kim, epoch = account(server, "kim")
    with kim:
        kim.asks("@a join,#tea", "@a ok,1")
        told(tmp_path, "backup", "copy")
        kim.asks("@b chat,#tea,after", "@b ok,2")
    server.stop()
    os.replace(tmp_path / "copy", tmp_path / "chat.sqlite3")
    server = Server(tmp_path, *options)
    assert "is older than it was: ids after 1 will be given again, so a new epoch begins" in server.log
    kim, second = account(server, "kim")
    with kim:
        assert second != epoch
        kim.says(f"@s since,2,epoch={epoch}")
        assert kim.hears().startswith("@s error,gone,")
    server.stop()


def test_a_client_that_knows_more_than_a_foreign_copy_is_told_so(tmp_path: Path, serve: Serve) -> None:
    server = serve()
    kim, epoch = account(server, "kim")
    with kim:
        kim.asks("@a join,#tea", "@a ok,1")
        told(server.folder, "backup", str(tmp_path / "copy"))
        kim.asks("@b chat,#tea,after", "@b ok,2")
    second = serve("--store", f"sqlite:{tmp_path / 'copy'}")
    kim, same = account(second, "kim")
    with kim:
        assert same == epoch, "nothing shows that the file is older"
        kim.says(f"@s since,2,epoch={epoch}")
        assert kim.hears().startswith("@s error,gone,")
    zak, new = account(second, "zak")
    zak.hangs_up()
    assert new != epoch
    assert "may be an old copy: a client knows the id 2, and the log has 1; a new epoch begins" in second.log


def test_what_cannot_be_backed_up_or_restored_is_one_line_and_changes_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path, "--listen", "tcp:0:interface=127.0.0.1")
    server.stop()
    before = (tmp_path / "chat.sqlite3").read_bytes()
    (tmp_path / "diary").write_text("dear diary, " * 1000)
    assert refused(tmp_path, "backup", "diary") == "diary exists already; give another name, or move it away first"
    assert refused(tmp_path, "backup", "nowhere/copy").startswith("cannot use nowhere/copy.part-")
    assert refused(tmp_path, "backup", "x", "--store", "sqlite:none").startswith("there is no file none; name the")
    assert refused(tmp_path, "restore", "none") == "there is no file none"
    assert refused(tmp_path, "restore", "diary") == "cannot read diary: file is not a database"
    assert "is the server's file itself" in refused(tmp_path, "restore", "chat.sqlite3")
    with sqlite3.connect(tmp_path / "other") as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    assert refused(tmp_path, "restore", "other") == "other is no file of a chat server"
    told(tmp_path, "backup", "copy")
    content = bytearray((tmp_path / "copy").read_bytes())
    content[-20_000:-100] = bytes(19_900)
    (tmp_path / "damaged").write_bytes(content)
    assert "damaged" in refused(tmp_path, "restore", "damaged")
    assert (tmp_path / "chat.sqlite3").read_bytes() == before
    assert not list(tmp_path.glob("*.part-*"))


def test_a_missing_file_is_restored(tmp_path: Path) -> None:
    options = ("--listen", "tcp:0:interface=127.0.0.1")
    Server(tmp_path, *options).stop()
    told(tmp_path, "backup", "copy")
    (tmp_path / "chat.sqlite3").unlink()
    assert told(tmp_path, "restore", "copy") == "restored chat.sqlite3 from copy: 0 records, in a new epoch"
    Server(tmp_path, *options).stop()


@AS_ROOT
def test_root_restores_for_the_user_of_the_server(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    Server(folder, "--listen", "tcp:0:interface=127.0.0.1").stop()
    told(folder, "backup", "copy")
    os.chown(folder / "chat.sqlite3", NOBODY, NOBODY)
    told(folder, "restore", "copy")
    assert (folder / "chat.sqlite3").stat().st_uid == NOBODY
