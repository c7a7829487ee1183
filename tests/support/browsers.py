"""People at the page, in a real browser: Debian's chromium, driven by playwright.

Who imports this is skipped where either is missing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import PATIENCE

playwright = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright: pip install it")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("there is no chromium here: apt-get install chromium", allow_module_level=True)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
PASSWORD = "correct horse"
Page = Any


class Someone:
    """Somebody at the page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def enters(self, name: str, password: str = "") -> None:
        """Sign in."""
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("#sign-in button")
        self.page.wait_for_selector("#chat", state="visible")

    def joins(self, room: str) -> None:
        """Join a room, or make it."""
        self.page.click("#add-room")
        self.page.fill("#room-name", room)
        self.page.click("#room-form .primary")
        self.page.wait_for_selector("#room-dialog", state="hidden")
        self.sees_title(room)

    def writes(self, text: str) -> None:
        """Write in the conversation that is shown."""
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def says(self, text: str) -> None:
        """The same, and wait until the server has it."""
        self.writes(text)
        self.page.wait_for_selector(".sending, .failed", state="detached")

    def chooses(self, name: str) -> None:
        """Show a conversation of the list."""
        self.page.click(f'nav button[data-name="{name}"]')
        self.sees_title(name)

    def sees_title(self, name: str) -> None:
        """Wait until this conversation is shown."""
        self.page.wait_for_function("name => document.getElementById('title').textContent === name", arg=name)

    def sees(self, *texts: str) -> None:
        """These texts, and no others, are shown in this order, sooner or later."""
        self.page.wait_for_function(
            """texts => {
              const shown = [...document.querySelectorAll("#timeline .text")].map((text) => text.textContent);
              return JSON.stringify(shown) === JSON.stringify(texts);
            }""",
            arg=list(texts),
        )

    def shown(self) -> list[str]:
        """The texts that are shown just now."""
        return [text.text_content() for text in self.page.query_selector_all("#timeline .text")]

    def sees_count(self, name: str, count: str) -> None:
        """A conversation of the list has so many unread messages."""
        self.page.wait_for_function(
            "([name, count]) => document.querySelector(`nav [data-name='${name}'] .count`)?.textContent === count",
            arg=[name, count],
        )


Browse = Callable[..., Someone]


@contextmanager
def launched() -> Iterator[Any]:
    """A browser, for a module's tests."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def browsing(browser: Any, url: str) -> Iterator[Browse]:
    """Opens the page at `url`, each in a profile of its own, with playwright's options; fails if it ever complains."""
    complaints: list[str] = []
    contexts = []

    def browse(url: str = url, **options: Any) -> Someone:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.extend([said.text] if "Security Policy" in said.text else []))
        page.goto(url)
        return Someone(page)

    try:
        yield browse
    finally:
        for context in contexts:
            context.close()
    assert not complaints
