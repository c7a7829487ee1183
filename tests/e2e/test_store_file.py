"""The file of the store: lost while the server runs, opened twice, and left over from an earlier start."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PATIENCE, Serve, Server, refused_to_start, script

CANNOT_STORE = "error,unavailable,the server cannot store messages now; your message was not sent, try again later"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as two users")
NOBODY = 65534


def command(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run `twisted-chat` in a folder."""
    words = [script("twisted-chat"), *arguments]
    done = subprocess.run(words, cwd=folder, input=typed, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "Traceback" not in done.stderr
    return done


def texts(store: Path) -> list[str]:
    """Return the texts of the messages in a file."""
    db = sqlite3.connect(store)
    try:
        return [text for (text,) in db.execute("SELECT text FROM records WHERE kind = 'message' ORDER BY id")]
    finally:
        db.close()


# the file is lost while the server runs


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_that_is_deleted_while_the_server_runs_is_noticed_and_nothing_acknowledged(
    serve: Serve, suffix: str
) -> None:
    server = serve()
    store = server.folder / "chat.sqlite3"
    with server.program("jane") as jane:
        jane.asks("join,#tea", "ok,1")
        os.unlink(f"{store}{suffix}")
        jane.asks("chat,#tea,into the void", CANNOT_STORE)
        jane.asks("list,#tea", "ok,jane")
    with server.person() as kim:
        kim.says("register,kim,correct horse")
        assert kim.hears().startswith("error,unavailable,")
    assert f"chat.sqlite3{suffix} was deleted or moved while the server runs" in server.log
    if suffix == "-wal":
        server.kill()
        db = sqlite3.connect(store)
        assert db.execute("SELECT count(*) FROM records").fetchone() == (1,), "what was acknowledged is saved"
        db.close()


def test_a_file_that_comes_back_is_written_again_and_another_one_is_not(serve: Serve) -> None:
    server = serve()
    store = server.folder / "chat.sqlite3"
    with server.program("jane") as jane:
        jane.asks("join,#tea", "ok,1")
        shutil.copyfile(store, server.folder / "copy")
        store.rename(server.folder / "moved")
        jane.asks("chat,#tea,1", CANNOT_STORE)
        (server.folder / "moved").rename(store)
        jane.asks("chat,#tea,2", "ok,2")
        os.replace(server.folder / "copy", store)
        jane.asks("chat,#tea,3", CANNOT_STORE)
    assert "chat.sqlite3 is there again" in server.log
    assert "chat.sqlite3 is another file now" in server.log


def test_a_start_without_the_file_does_not_make_a_new_one(tmp_path: Path) -> None:
    server = Server(tmp_path, "--listen", "tcp:0:interface=127.0.0.1")
    server.stop()
    store = tmp_path / "chat.sqlite3"
    store.unlink()
    line = refused_to_start(tmp_path)
    assert line.startswith(
        "twisted_chat: chat.sqlite3 is missing, but chat.sqlite3.lock of an earlier server is there;"
    )
    assert command(tmp_path, "accounts", "create", "kim", typed="correct horse\n").returncode == 1
    assert not store.exists()
    (tmp_path / "chat.sqlite3.lock").unlink()
    (tmp_path / "chat.sqlite3-wal").touch()
    assert "but chat.sqlite3-wal of an earlier server is there" in refused_to_start(tmp_path)
    (tmp_path / "chat.sqlite3-wal").unlink()
    Server(tmp_path, "--listen", "tcp:0:interface=127.0.0.1").stop()
    assert store.exists()


# one file, two names


def test_a_second_server_is_refused_by_every_name_of_the_file(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    store = server.folder / "chat.sqlite3"
    link, folder_link, name = tmp_path / "link", tmp_path / "folder", tmp_path / "name"
    link.symlink_to(store)
    folder_link.symlink_to(server.folder)
    for path in (link, folder_link / "chat.sqlite3"):
        assert "twisted_chat: another server uses" in refused_to_start(tmp_path, "--store", f"sqlite:{path}")
        told = command(tmp_path, "accounts", "list", "--store", f"sqlite:{path}")
        assert told.stdout == "there are no accounts\n", "the server answers through the link too"
    os.link(store, name)
    assert "has 2 names (hard links)" in refused_to_start(tmp_path, "--store", f"sqlite:{name}")
    assert "has 2 names" in command(tmp_path, "accounts", "list", "--store", f"sqlite:{name}").stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the file itself is not locked")
def test_the_file_itself_is_locked_whatever_its_name_is(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    moved = tmp_path / "moved"
    (server.folder / "chat.sqlite3").rename(moved)
    assert "twisted_chat: another server uses" in refused_to_start(tmp_path, "--store", f"sqlite:{moved}")


# a start that works


def start_with_pidfile(folder: Path, content: bytes | None) -> Server:
    if content is not None:
        (folder / "twistd.pid").write_bytes(content)
    return Server(folder, "--listen", "tcp:0:interface=127.0.0.1")


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"not a number", b"99999999", b"1", b"123456789012345678901"])
def test_a_pidfile_that_no_server_has_written_does_not_stop_a_start(tmp_path: Path, content: bytes) -> None:
    server = start_with_pidfile(tmp_path, content)
    assert (tmp_path / "twistd.pid").read_bytes() == b"%d" % server.process.pid
    server.stop()
    assert not (tmp_path / "twistd.pid").exists()


def test_a_pidfile_with_the_number_of_another_program_does_not_stop_a_start(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        start_with_pidfile(tmp_path, b"%d\n" % other.pid).stop()
    finally:
        other.communicate(b"\n")


def test_a_pidfile_of_a_running_server_stops_a_start_with_one_line(tmp_path: Path) -> None:
    server = start_with_pidfile(tmp_path, None)
    words = [script("twistd"), "-n", "chat", "--listen", "tcp:0:interface=127.0.0.1"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    [line] = done.stderr.splitlines()
    assert line.startswith(f"twisted_chat: another server (process {server.process.pid}) uses chat.sqlite3; stop it")
    assert done.returncode == 1
    assert (tmp_path / "twistd.pid").read_bytes() == b"%d" % server.process.pid
    server.stop()


@pytest.mark.parametrize("pidfile", ["twistd.pid", ""])
def test_a_start_waits_for_a_server_that_is_stopping(tmp_path: Path, pidfile: str) -> None:
    options = ("--listen", "tcp:0:interface=127.0.0.1")
    server = Server(tmp_path, *options, twistd=[f"--pidfile={pidfile}"])
    with server.program("jane") as jane:
        jane.says("join,#tea")
        for _ in range(60):  # more than a socket holds, and nothing reads it: the server waits three seconds
            jane.says(*["history,#tea"] * 100, *["chat,#tea," + "." * 8000] * 4)
        server.process.send_signal(signal.SIGTERM)
        again = Server(tmp_path, *options, twistd=[f"--pidfile={pidfile}"])
    assert again.person("kim")
    again.stop()


def test_a_start_waits_for_a_command_that_has_the_file(tmp_path: Path) -> None:
    Server(tmp_path, "--listen", "tcp:0:interface=127.0.0.1").stop()
    program = "import fcntl, time; f = open('chat.sqlite3.lock'); fcntl.flock(f, 2); print(); time.sleep(1.5)"
    holder = subprocess.Popen([sys.executable, "-uc", program], cwd=tmp_path, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    Server(tmp_path, "--listen", "tcp:0:interface=127.0.0.1").stop()
    holder.communicate()


# whose the files are


@AS_ROOT
def test_roots_command_gives_the_files_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    assert command(folder, "accounts", "create", "kim", typed="correct horse\n").returncode == 0
    assert {path.name: path.stat().st_uid for path in folder.iterdir()} == {
        "chat.sqlite3": NOBODY,
        "chat.sqlite3.lock": NOBODY,
    }
    os.chown(folder / "chat.sqlite3", 0, 0)  # as an older version left it
    assert command(folder, "accounts", "list").returncode == 0
    assert (folder / "chat.sqlite3").stat().st_uid == NOBODY


def test_a_file_that_others_may_read_is_reported_and_tightened(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    server.stop()
    store = server.folder / "chat.sqlite3"
    store.chmod(0o644)
    again = serve("--store", f"sqlite:{store}")
    assert f"{store} could be read by other users of this machine (mode 644); its mode is 600 now" in again.log
    for suffix in ("", "-wal", "-shm"):
        assert stat.S_IMODE(os.stat(f"{store}{suffix}").st_mode) == 0o600


def test_links_in_a_folder_that_others_may_write_to_are_not_followed(tmp_path: Path) -> None:
    shared, target = tmp_path / "shared", tmp_path / "target"
    shared.mkdir()
    shared.chmod(0o777)
    (shared / "chat.sqlite3").symlink_to(target)
    line = refused_to_start(shared)
    assert line.startswith("twisted_chat: chat.sqlite3 is a symbolic link in a folder that other users can write to")
    (shared / "chat.sqlite3").unlink()
    for suffix in ("-wal", "-shm", ".lock"):
        link = shared / f"chat.sqlite3{suffix}"
        link.symlink_to(target)
        assert "chat.sqlite3" in refused_to_start(shared)
        link.unlink()
        (shared / "chat.sqlite3").unlink(missing_ok=True)
        (shared / "chat.sqlite3.lock").unlink(missing_ok=True)
    assert not target.exists()


def test_a_memory_database_is_refused_with_a_word(tmp_path: Path) -> None:
    words = [script("twistd"), "-n", "chat", "--store", "sqlite::memory:"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "--store sqlite::memory: is not a file; use --store memory" in done.stderr
    assert not list(tmp_path.iterdir())
    told = command(tmp_path, "accounts", "list", "--store", "sqlite::memory:")
    assert told.stderr == "twisted-chat: --store sqlite::memory: is not a file; name the server's file\n"


@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="needs a folder that not even root can write to")
def test_a_folder_that_is_not_writable_ends_the_start_with_one_line() -> None:
    for twistd, start in (
        ("--pidfile=", "twisted_chat: cannot write to chat.sqlite3.lock: Permission denied"),
        ("--pidfile=twistd.pid", "twisted_chat: cannot write twistd.pid: Permission denied; start in a folder"),
    ):
        words = [script("twistd"), "-n", twistd, "chat", "--listen", "tcp:0:interface=127.0.0.1"]
        done = subprocess.run(words, cwd="/sys", capture_output=True, text=True, timeout=PATIENCE, check=False)
        [line] = done.stderr.splitlines()
        assert (done.returncode, line[: len(start)]) == (1, start)


def test_an_old_sqlite_is_refused_with_one_line(tmp_path: Path) -> None:
    patch = "import sqlite3\nsqlite3.sqlite_version_info, sqlite3.sqlite_version = (3, 31, 1), '3.31.1'\n"
    (tmp_path / "sitecustomize.py").write_text(patch)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    words = [script("twistd"), "-n", "--pidfile=", "chat", "--listen", "tcp:0:interface=127.0.0.1"]
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    [line] = done.stderr.splitlines()
    assert line.startswith("twisted_chat: the store needs SQLite 3.")
    assert "this Python has 3.31.1" in line
    assert not (tmp_path / "chat.sqlite3").exists()
