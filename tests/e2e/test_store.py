"""The log's file, as the operator sees it."""

from __future__ import annotations

from pathlib import Path

from conftest import Serve, refused_to_start

STORE = ("--store", "sqlite:chat.sqlite3")


def test_history_is_there_after_a_restart(serve: Serve) -> None:
    server = serve(*STORE)
    with server.person() as jane:
        jane.says("hello,events", "register,jane,correct horse")
        assert [jane.hears().split(",")[0], jane.hears()] == ["info", "ok,jane,new"]
        jane.says("@1 join,#tea", "@2 chat,#tea,the kettle is on")
        assert [jane.hears(), jane.hears()] == ["@1 ok,1", "@2 ok,2"]
    server.stop()
    again = serve("--store", f"sqlite:{server.folder / 'chat.sqlite3'}")
    with again.program("zak") as zak:
        zak.says("@1 join,#tea", "@2 history,#tea")
        assert zak.hears() == "@1 ok,3"
        assert [zak.hears().split(",", 1)[0] for _ in range(3)] == ["@2 joined", "@2 message", "@2 joined"]
        assert zak.hears() == "@2 ok,3"


def test_a_second_server_on_the_same_file_is_refused(serve: Serve) -> None:
    server = serve(*STORE)
    assert refused_to_start(server.folder, *STORE).startswith("twisted_chat: another server uses chat.sqlite3")


def test_a_file_that_is_no_database_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    diary = tmp_path / "diary.txt"
    diary.write_text("dear diary, " * 100)
    assert refused_to_start(tmp_path, "--store", "sqlite:diary.txt") == (
        "twisted_chat: cannot use diary.txt: file is not a database"
    )
    assert diary.read_text() == "dear diary, " * 100
