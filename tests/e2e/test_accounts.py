"""`twisted-chat accounts`, with a running server and without one."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
from pathlib import Path

from conftest import PATIENCE, Person, Serve, Server, refused_to_start, script

PASSWORD = "correct horse"


def run(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run `twisted-chat accounts` in a folder, with `typed` on its standard input."""
    command = [script("twisted-chat"), "accounts", *arguments]
    done = subprocess.run(
        command, cwd=folder, input=typed, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert "Traceback" not in done.stderr
    assert not typed or typed.strip() not in done.stdout + done.stderr
    return done


def told(folder: Path, *arguments: str, typed: str = "") -> str:
    """Run a command that succeeds, and return its output."""
    done = run(folder, *arguments, typed=typed)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.removesuffix("\n")


def refused(folder: Path, *arguments: str, typed: str = "") -> str:
    """Run a command that fails, and return its one line on standard error."""
    done = run(folder, *arguments, typed=typed)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


def listed(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Return the state, connections and rooms of each account."""
    accounts = json.loads(told(folder, "list", "--json"))
    return {one["name"]: (one["state"], one["connections"], one["rooms"]) for one in accounts}


def sign_in(server: Server, name: str, password: str = PASSWORD) -> tuple[Person, str]:
    """Connect a program that signs in, and return it with the answer."""
    person = server.person()
    person.says("hello,events", f"register,{name},{password}")
    assert person.hears().startswith("info,")
    return person, person.hears()


def test_accounts_of_a_running_server(serve: Serve) -> None:
    server = serve()
    assert told(server.folder, "list") == "there are no accounts"
    assert told(server.folder, "create", "jane", typed=f"{PASSWORD}\n") == "created the account jane"
    assert "there is already an account jane" in refused(server.folder, "create", "JANE", typed="x\n")
    jane, answer = sign_in(server, "jane")
    phone, _ = sign_in(server, "jane")
    zak = server.person("zak")
    assert answer == "ok,jane,known"
    assert "the name zak is taken" in refused(server.folder, "create", "zak", typed="x\n")
    jane.asks("join,#tea", "ok,1")
    assert listed(server.folder) == {"jane": ("here", 2, 1)}

    changed = told(server.folder, "password", "jane", typed="battery staple\n")
    assert changed == "changed the password of jane; 2 connections ended"
    for connection in (jane, phone):
        assert b"server,password,the password of this account was changed" in connection.hears_the_end()
    assert sign_in(server, "jane")[1].startswith("error,wrong-password,")
    assert "too short" in refused(server.folder, "password", "jane", typed="weak2\n")

    jane, phone = (sign_in(server, "jane", "battery staple")[0] for _ in range(2))
    assert told(server.folder, "disable", "jane") == "jane is disabled; 2 connections ended"
    for connection in (jane, phone):
        assert connection.hears_the_end().endswith(b"server,disabled,this account has been disabled\n")
    assert sign_in(server, "jane", "battery staple")[1].startswith("error,not-allowed,this account is disabled")
    assert listed(server.folder) == {"jane": ("disabled", 0, 1)}
    assert told(server.folder, "enable", "jane") == "jane is enabled"
    jane, answer = sign_in(server, "jane", "battery staple")
    assert answer == "ok,jane,known"

    assert told(server.folder, "delete", "jane", "--yes") == "jane is deleted; it left 1 room, and 1 connection ended"
    assert jane.hears_the_end().endswith(b"server,deleted,this account has been deleted\n")
    zak.asks("list,rooms", "")
    assert "was deleted" in refused(server.folder, "enable", "jane")
    server.stop()
    assert told(server.folder, "list") == "there are no accounts"
    for secret in (PASSWORD, "battery staple", "argon2"):
        assert secret not in server.log
    for change in ("created", "password set", "disabled", "enabled", "deleted"):
        assert f"account jane: {change} by the operator" in server.log
    assert "sign-in failed: wrong password for account jane from 127.0.0.1 at the line door" in server.log


def test_accounts_without_a_server_are_there_when_it_starts(serve: Serve, tmp_path: Path) -> None:
    store = ("--store", f"sqlite:{tmp_path / 'chat.sqlite3'}")
    made = "created the account jane, in the new file chat.sqlite3"
    assert told(tmp_path, "create", "jane", typed=f"{PASSWORD}\n") == made
    told(tmp_path, "create", "kim", typed=f"{PASSWORD}\n")
    told(tmp_path, "disable", "kim")
    server = serve(*store)
    jane, answer = sign_in(server, "jane")
    assert answer == "ok,jane,known"
    assert sign_in(server, "kim")[1].startswith("error,not-allowed,")
    assert listed(tmp_path) == {"jane": ("here", 1, 0), "kim": ("disabled", 0, 0)}
    jane.hangs_up()


def test_the_leave_of_a_deleted_account_is_in_the_log(serve: Serve) -> None:
    server = serve()
    for id, name in ((1, "kim"), (2, "jane")):
        told(server.folder, "create", name, typed=f"{PASSWORD}\n")
        person, _ = sign_in(server, name)
        person.asks("join,#tea", f"ok,{id}")
    server.stop()
    assert told(server.folder, "delete", "jane", "--yes") == "jane is deleted; it left 1 room, and 0 connections ended"
    again = serve("--store", f"sqlite:{server.folder / 'chat.sqlite3'}")
    with again.program("zak") as zak:
        zak.asks("join,#tea", "ok,4")
        zak.says("history,#tea")
        assert [zak.hears().split(",")[0] for _ in range(4)] == ["joined", "joined", "left", "joined"]


def test_only_the_owner_can_open_the_socket_and_it_is_removed_with_the_server(serve: Serve) -> None:
    server = serve(twistd=("--umask=0",))
    way = server.folder / "chat.sqlite3.control"
    assert stat.S_ISSOCK(way.stat().st_mode)
    assert stat.S_IMODE(way.stat().st_mode) == 0o600
    server.stop()
    assert not way.exists()


def test_after_a_crash_the_command_and_the_next_server_work(serve: Serve) -> None:
    server = serve()
    told(server.folder, "create", "jane", typed=f"{PASSWORD}\n")
    server.kill()
    assert (server.folder / "chat.sqlite3.control").exists()
    assert listed(server.folder) == {"jane": ("away", 0, 0)}
    again = serve("--store", f"sqlite:{server.folder / 'chat.sqlite3'}")
    jane, answer = sign_in(again, "jane")
    assert answer == "ok,jane,known"
    assert listed(server.folder) == {"jane": ("here", 1, 0)}
    jane.hangs_up()


def test_a_server_with_a_long_path_starts_without_the_control_socket_and_logs_it(serve: Serve, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    server = serve("--store", f"sqlite:{folder / 'chat.sqlite3'}")
    assert "`twisted-chat accounts` does not work while this server runs" in server.log
    assert "is in use, but no server answers at" in refused(
        tmp_path, "list", "--store", f"sqlite:{folder}/chat.sqlite3"
    )


def test_passwords_that_are_stored_elsewhere_cannot_be_set(serve: Serve) -> None:
    server = serve("--auth", "memory:jane:secret")
    jane, answer = sign_in(server, "jane", "secret")
    assert answer == "ok,jane,known"
    for change, name in (("create", "kim"), ("password", "jane")):
        assert "does not store passwords" in refused(server.folder, change, name, typed="x\n")
    assert told(server.folder, "disable", "jane") == "jane is disabled; 1 connection ended"
    jane.hangs_up()


def test_a_password_that_is_typed_at_a_terminal_is_not_shown(tmp_path: Path) -> None:
    keyboard, terminal = pty.openpty()
    command = [script("twisted-chat"), "accounts", "create", "jane"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as process:
        os.close(terminal)
        shown = b""
        for prompt in (b"New password for jane: ", b"Repeat the password: "):
            while prompt not in shown:
                shown += os.read(keyboard, 4096)
            os.write(keyboard, PASSWORD.encode() + b"\n")
        while b"created the account jane" not in shown:
            shown += os.read(keyboard, 4096)
        assert process.wait(PATIENCE) == 0
    os.close(keyboard)
    assert PASSWORD.encode() not in shown


def test_a_file_of_passwords_is_checked_at_the_start_and_may_be_missing_for_a_moment(
    serve: Serve, tmp_path: Path
) -> None:
    passwords = tmp_path / "passwords"
    passwords.touch()  # if it were missing, Twisted would print a line of its own
    line = refused_to_start(tmp_path, "--auth", f"file:{passwords}")
    assert line.startswith(f"twisted_chat: the file of passwords {passwords} is empty; name a file")
    passwords.write_text("jane:correct horse\n")
    server = serve("--auth", f"file:{passwords}")
    passwords.rename(tmp_path / "new")
    assert sign_in(server, "jane")[1].startswith("error,unavailable,")
    (tmp_path / "new").rename(passwords)
    assert sign_in(server, "jane")[1] == "ok,jane,known"
