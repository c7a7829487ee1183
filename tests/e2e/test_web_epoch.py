"""The page while its server is restored from a backup: it notices, shows what the copy has, and says what is lost."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from browsers import PASSWORD, Browse
from conftest import PATIENCE, Lasting, script, until
from page_fixtures import browse, browser, server  # noqa: F401 - fixtures

NOTE = (
    "The server went back to an older copy of its messages. What was said after that copy is missing above this line."
)
NOTICE = (
    "The server went back to an older copy of its data. "
    "Messages and rooms of the time after that copy are lost, also your own."
)


def backup(folder: Path) -> None:
    """Make a backup beside the running server."""
    subprocess.run([script("twisted-chat"), "backup", "copy"], cwd=folder, check=True, timeout=PATIENCE)


def restore(server: Lasting, folder: Path) -> None:
    """Stop the server, put the backup in the place of its file, and start it again."""
    server.kill()
    subprocess.run([script("twisted-chat"), "restore", "copy"], cwd=folder, check=True, timeout=PATIENCE)
    server.start()


def shown(page: Any) -> list[str]:
    """Return the texts of messages and notes that the timeline shows."""
    rows = page.query_selector_all("#timeline .text, #timeline .event")
    return [text for row in rows if " joined" not in (text := row.text_content())]


def sees(page: Any, *texts: str) -> None:
    """Wait until the timeline shows exactly these messages and notes."""
    until(lambda: shown(page) == list(texts), f"{texts} to be shown")


def test_an_account_is_shown_what_the_backup_has_and_told_what_is_lost(
    server: Lasting, browse: Browse, tmp_path: Path
) -> None:
    jane, kim = browse(), browse()
    for user, name in ((jane, "jane"), (kim, "kim")):
        user.makes_account(name, PASSWORD)
        user.joins("#tea")
    jane.says("in the backup")
    kim.sees("in the backup")
    backup(tmp_path)
    kim.says("lost")
    jane.sees("in the backup", "lost")
    jane.says("lost, too")
    restore(server, tmp_path)
    for user in (jane, kim):
        user.page.wait_for_selector("#notice", state="visible")
        assert user.page.text_content("#notice-text") == NOTICE
        user.page.wait_for_selector("#status", state="hidden")
        sees(user.page, "in the backup", NOTE)
    kim.says("after")
    for user in (jane, kim):
        sees(user.page, "in the backup", NOTE, "after")
    jane.page.click("#close-notice")
    assert jane.page.is_hidden("#notice")
    jane.page.reload()
    jane.sees_title("#tea")
    jane.sees("in the backup", "after")


def test_a_room_that_the_backup_does_not_have_is_gone_and_the_page_says_so(
    server: Lasting, browse: Browse, tmp_path: Path
) -> None:
    jane = browse()
    jane.makes_account("jane", PASSWORD)
    jane.joins("#tea")
    backup(tmp_path)
    jane.joins("#garden")
    jane.says("lost")
    jane.page.fill("#message-text", "half a thou")
    restore(server, tmp_path)
    jane.page.wait_for_selector("#notice", state="visible")
    jane.page.wait_for_selector("#timeline >> text=You are no longer in #garden")
    assert jane.page.input_value("#message-text") == "half a thou"
    assert "lost" not in jane.shown()
    jane.chooses("#tea")
    jane.says("still here")


def test_an_account_that_the_backup_does_not_have_is_told_at_the_sign_in_form(
    server: Lasting, browse: Browse, tmp_path: Path
) -> None:
    backup(tmp_path)
    jane = browse()
    jane.makes_account("jane", PASSWORD)
    restore(server, tmp_path)
    jane.page.wait_for_selector("#welcome", state="visible")
    jane.page.wait_for_selector("#sign-in-error >> text=There is no account jane")


def test_a_guest_goes_on_in_the_room_and_is_told_what_is_lost(server: Lasting, browse: Browse, tmp_path: Path) -> None:
    jane, kim = browse(), browse()
    kim.makes_account("kim", PASSWORD)
    kim.joins("#tea")
    kim.says("in the backup")
    jane.enters("jane")
    jane.joins("#tea")
    backup(tmp_path)
    jane.says("lost")
    restore(server, tmp_path)
    jane.page.wait_for_selector("#notice", state="visible")
    jane.page.wait_for_selector("#status", state="hidden")
    jane.says("after")
    sees(jane.page, "in the backup", NOTE, "after")
    kim.page.wait_for_selector("#timeline >> text=after")
