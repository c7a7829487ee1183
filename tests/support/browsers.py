"""Users of the page in a real browser: Debian's chromium, driven by playwright.

Tests that import this module are skipped where either is missing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import PATIENCE

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing; run: pip install playwright")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("chromium is not installed; run: apt-get install chromium", allow_module_level=True)
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
PASSWORD = "correct horse"
Page = Any


class PageUser:
    """A user of the page; each method acts, or waits until the page shows something."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def enters(self, name: str, password: str = "") -> None:
        """Sign in as a guest, or to an account that exists."""
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("#sign-in-button")
        self.page.wait_for_selector("#chat", state="visible")

    def makes_account(self, name: str, password: str) -> None:
        """Create an account, and sign in."""
        self.page.click("#make-account")
        self.page.fill("#repeat", password)
        self.enters(name, password)

    def joins(self, room: str) -> None:
        """Join a room, or create it."""
        self.page.click("#add-room")
        self.page.fill("#room-name", room)
        self.page.click("#room-form .primary")
        self.page.wait_for_selector("#room-dialog", state="hidden")
        self.sees_title(room)

    def writes(self, text: str) -> None:
        """Send a message to the conversation that is shown."""
        self.page.fill("#message-text", text)
        self.page.press("#message-text", "Enter")

    def says(self, text: str) -> None:
        """Send a message, and wait until the server has acknowledged it."""
        self.writes(text)
        self.page.wait_for_selector(".sending, .failed", state="detached")

    def chooses(self, name: str) -> None:
        """Open a conversation of the sidebar."""
        self.page.click(f'nav button[data-name="{name}"]')
        self.sees_title(name)

    def sees_title(self, name: str) -> None:
        """Wait until this conversation is shown."""
        self.page.wait_for_function("name => document.getElementById('title').textContent === name", arg=name)

    def sees(self, *texts: str) -> None:
        """Wait until exactly these texts are shown, in this order."""
        self.page.wait_for_function(
            """texts => {
              const shown = [...document.querySelectorAll("#timeline .text")].map((text) => text.textContent);
              return JSON.stringify(shown) === JSON.stringify(texts);
            }""",
            arg=list(texts),
        )

    def shown(self) -> list[str]:
        """Return the texts that are shown now."""
        return [text.text_content() for text in self.page.query_selector_all("#timeline .text")]

    def sees_count(self, name: str, count: str) -> None:
        """Wait until the sidebar shows this unread count at a conversation."""
        self.page.wait_for_function(
            "([name, count]) => document.querySelector(`nav [data-name='${name}'] .count`)?.textContent === count",
            arg=[name, count],
        )


def wait_until_held(page: Any, held: list[Any]) -> None:
    """Wait until something is held back between the page and the server."""
    while not held:
        page.wait_for_timeout(20)


def delay(page: Any, verb: str, release: list[Any]) -> None:
    """Hold back the answers to requests with this verb: each is put into `release`, as a function that sends it."""
    labels: set[str] = set()

    def route(socket: Any) -> None:
        upstream = socket.connect_to_server()

        def to_server(line: str) -> None:
            label, _, request = line.partition(" ")
            if request.startswith(verb):
                labels.add(label)
            upstream.send(line)

        def to_page(line: str) -> None:
            if line.split(" ", maxsplit=1)[0] in labels:
                release.append(lambda: socket.send(line))
            else:
                socket.send(line)

        socket.on_message(to_server)
        upstream.on_message(to_page)

    page.route_web_socket("**/socket", route)
    page.reload()


Browse = Callable[..., PageUser]


@contextmanager
def launched() -> Iterator[Any]:
    """Yield a running browser."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@contextmanager
def browsing(browser: Any, url: str) -> Iterator[Browse]:
    """Yield a function that opens the page at `url` in a profile of its own, with playwright's context options.

    Fails at the end if a page had an uncaught error, or broke its Content-Security-Policy.
    """
    errors: list[str] = []
    contexts = []

    def browse(url: str = url, **options: Any) -> PageUser:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.extend([line.text] if "Security Policy" in line.text else []))
        page.goto(url)
        return PageUser(page)

    try:
        yield browse
    finally:
        for context in contexts:
            context.close()
    assert not errors
