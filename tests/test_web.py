"""The page in a real browser, at a real server: people talk, the server goes away and comes back, nothing is lost."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import CHECKOUT, PATIENCE, Person, Server, free_port, until

playwright = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright: pip install it")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here: apt-get install chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
PASSWORD = "correct horse"
Page = Any


class WebServer:
    """A server that can be killed and started again, on what it has kept."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        self._server = Server(self._folder, self.port, "--listen", f"tcp:{self.port}:interface=127.0.0.1")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._server.kill()

    def stop(self) -> None:
        """End it in peace; fails if anything went wrong in it."""
        self._server.stop()

    def person(self, name: str, *rooms: str) -> Person:
        """Somebody at nc."""
        person = self._server.person(name)
        for room in rooms:
            person.asks(f"join,{room}", "ack")
        return person


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
        """This conversation is shown."""
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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    """A server whose log is on the disk."""
    server = WebServer(tmp_path)
    yield server
    server.stop()


@functools.lru_cache
def chromium() -> Any:
    """One browser for all tests."""
    return playwright.sync_playwright().start().chromium.launch(executable_path=CHROMIUM, args=QUIET)


@pytest.fixture(scope="module", autouse=True)
def browser() -> Iterator[None]:
    """The browser ends with the tests."""
    yield
    if chromium.cache_info().currsize:
        chromium().close()


@pytest.fixture
def browse(server: WebServer) -> Iterator[Browse]:
    """Opens the page in a browser of somebody's own; fails if it has ever complained."""
    complaints: list[str] = []
    contexts = []

    def open(**options: Any) -> Someone:
        context = chromium().new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.extend([said.text] if "Security Policy" in said.text else []))
        page.goto(server.url)
        return Someone(page)

    yield open
    for context in contexts:
        context.close()
    assert not complaints


def test_two_browsers_and_somebody_at_nc_talk_in_one_room(server: WebServer, browse: Browse) -> None:
    jane, kim = browse(), browse()
    jane.enters("jane")
    jane.joins("#tea")
    kim.enters("kim", PASSWORD)
    kim.joins("#tea")
    zak = server.person("zak", "#tea")
    jane.says("tea, or coffee?\nsay so")
    assert zak.hears() == r"jane in #tea says tea, or coffee?\nsay so"
    zak.says("chat,#tea,tea")
    kim.says("coffee")
    for one in (jane, kim):
        one.sees("tea, or coffee?\nsay so", "tea", "coffee")
    jane.page.wait_for_selector("#members >> text=zak")
    zak.hangs_up()
    jane.page.wait_for_selector("#timeline >> text=zak left")


def test_what_comes_while_one_looks_elsewhere_is_counted_until_it_is_read(server: WebServer, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.joins("#garden")
    zak = server.person("zak", "#tea")
    zak.says("chat,#tea,one", "chat,#tea,two", "chat,jane,psst")
    jane.sees_count("#tea", "2")
    jane.sees_count("zak", "1")
    assert jane.page.title().startswith("(3) ")
    jane.chooses("#tea")
    jane.sees("one", "two")
    jane.sees_count("#tea", "")
    jane.page.wait_for_function("() => document.title.startsWith('(1) ')")


def test_a_server_that_is_killed_and_comes_back_costs_an_account_nothing(server: WebServer, browse: Browse) -> None:
    jane, kim = browse(), browse()
    for one, name in ((jane, "jane"), (kim, "kim")):
        one.enters(name, PASSWORD)
        one.joins("#tea")
    jane.says("before")
    kim.sees("before")
    server.kill()
    jane.page.wait_for_selector("#status", state="visible")
    jane.writes("written meanwhile")
    jane.page.wait_for_selector("text=Sending")
    server.start()
    zak = server.person("zak", "#tea")
    zak.says("chat,#tea,from nc", "chat,kim,psst")
    jane.page.wait_for_selector("#status", state="hidden")
    kim.page.wait_for_selector("#status", state="hidden")
    jane.page.wait_for_selector(".sending, .failed", state="detached")
    kim.sees_count("zak", "1")
    assert jane.shown() == kim.shown()
    assert sorted(jane.shown()) == ["before", "from nc", "written meanwhile"]


def test_a_guest_comes_back_to_the_room_and_is_told_what_may_be_missing(server: WebServer, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak", "#tea")
    jane.enters("jane")
    jane.joins("#tea")
    jane.says("before")
    zak.says("chat,jane,psst")
    jane.sees_count("zak", "1")
    server.kill()
    jane.page.wait_for_selector("#status", state="visible")
    server.start()
    server.person("kim", "#tea").says("chat,#tea,meanwhile")
    jane.page.wait_for_selector("#status", state="hidden")
    jane.sees("before", "meanwhile")
    jane.says("after")
    jane.chooses("zak")
    jane.page.wait_for_selector("text=has not arrived, since you are a guest")


def test_what_was_said_before_is_loaded_as_one_scrolls_up(server: WebServer, browse: Browse) -> None:
    zak = server.person("zak", "#tea")
    zak.says(*(f"chat,#tea,number {number}" for number in range(300)))
    zak.asks("ping,done", "pong,done")
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.wait_for_selector("text=number 299")
    assert not jane.page.query_selector("text=/^number 100$/")
    for _ in range(60):
        jane.page.hover("#scroller")
        jane.page.mouse.wheel(0, -3000)
        if jane.page.query_selector("#beginning:visible"):
            break
        jane.page.wait_for_timeout(30)
    jane.sees(*(f"number {number}" for number in range(300)))


def test_one_finds_what_was_said(server: WebServer, browse: Browse) -> None:
    zak = server.person("zak", "#tea")
    zak.says("chat,#tea,a café at the corner", *(f"chat,#tea,{number}" for number in range(200)))
    zak.asks("ping,done", "pong,done")
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.click("#search-button")
    jane.page.fill("#words", "CAFE")
    jane.page.press("#words", "Enter")
    jane.page.click("#found button")
    jane.page.wait_for_selector(".said.found >> text=a café at the corner", state="visible")


def test_scripts_in_texts_names_and_rooms_are_text(server: WebServer, browse: Browse) -> None:
    room, name = "#<b>tea</b>&amp;", "<i>zak</i>"
    zak = server.person(name, room)
    zak.says(f"topic,{room},{EVIL}")
    zak.hears()
    jane = browse()
    jane.enters("jane", PASSWORD)
    jane.joins(room)
    zak.says(f"chat,{room},{EVIL}", f"me,{room},{EVIL}", f"chat,jane,{EVIL}", f"chat,{room},javascript:alert(1)")
    jane.sees(EVIL, f"{name} {EVIL}", "javascript:alert(1)")
    jane.chooses(name)
    jane.sees(EVIL)
    assert not jane.page.query_selector_all("#chat img, #chat script, #chat b, #chat i, #timeline a")
    assert "broken" not in jane.page.title()


def test_what_the_server_refuses_can_be_sent_again(server: WebServer, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak")
    jane.enters("jane")
    jane.chooses("zak")
    zak.hangs_up()
    until(lambda: "zak" not in _friends(server), "zak to be gone")
    jane.writes("are you there?")
    jane.page.wait_for_selector("text=Not sent: nobody here is called zak. ")
    again = server.person("zak")
    jane.page.click("text=Send again")
    assert again.hears() == "jane says are you there?"
    jane.page.wait_for_selector(".sending, .failed", state="detached")
    jane.sees("are you there?")


def test_two_tabs_of_an_account_show_the_same(server: WebServer, browse: Browse) -> None:
    one, other, zak = browse(), browse(), server.person("zak", "#tea")
    one.enters("jane", PASSWORD)
    one.joins("#tea")
    other.enters("jane", PASSWORD)
    one.says("from one")
    other.chooses("#tea")
    other.says("from the other")
    for tab in (one, other):
        tab.sees("from one", "from the other")
    other.joins("#garden")
    one.page.wait_for_selector("nav >> text=#garden")
    zak.says("chat,#tea,read it")
    one.sees("from one", "from the other", "read it")


def test_a_wrong_password_is_said_plainly(server: WebServer, browse: Browse) -> None:
    jane, other = browse(), browse()
    jane.enters("jane", PASSWORD)
    for page, password in ((other.page, "battery"), (other.page, "")):
        page.fill("#name", "jane")
        page.fill("#password", password)
        page.click("#sign-in button")
        page.wait_for_function("() => document.getElementById('sign-in-problem').textContent")
        assert page.is_visible("#door")


def test_the_keyboard_alone_is_enough(server: WebServer, browse: Browse) -> None:
    zak = server.person("zak", "#tea")
    page = browse().page
    page.keyboard.type("jane")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chat", state="visible")
    page.focus("#add-room")
    page.keyboard.press("Enter")
    page.keyboard.type("tea")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.id === 'text'")
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    assert zak.hears() == r"jane in #tea says one\ntwo"
    zak.says("chat,jane,psst")
    page.wait_for_selector("nav >> text=zak")
    page.wait_for_function("() => document.title.startsWith('(1)')")
    page.keyboard.press("Alt+ArrowDown")
    Someone(page).sees_title("zak")
    assert page.evaluate("document.activeElement.id") == "text"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_axe_finds_nothing_serious(server: WebServer, browse: Browse, width: int, height: int, scheme: str) -> None:
    axe = next((path for path in _axes() if path.is_file()), None)
    if axe is None:
        pytest.skip("there is no axe-core here: npm install axe-core")
    options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme, "bypass_csp": True}
    jane, zak = browse(**options), server.person("zak", "#tea")
    page = jane.page

    def check(where: str) -> None:
        page.evaluate(axe.read_text())
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        bad = [
            (item["id"], [node["html"][:120] for node in item["nodes"]])
            for item in found
            if item["impact"] in ("serious", "critical")
        ]
        assert not bad, (where, bad)

    check("the door")
    jane.enters("jane", PASSWORD)
    check("nothing is chosen")
    jane.joins("#tea")
    zak.says("chat,#tea,look at https://example.org/ jane", "me,#tea,waves", "chat,jane,psst")
    jane.page.wait_for_selector("#timeline >> text=waves")
    jane.says("hello")
    check("a room")
    page.click("#search-button")
    page.fill("#words", "look")
    page.press("#words", "Enter")
    page.wait_for_selector("#found button")
    check("a search")
    page.keyboard.press("Escape")
    if not page.is_visible("#details"):
        page.click("#details-button")
    check("about the room")
    page.click("#close-details")
    if page.is_visible("#back"):
        page.click("#back")
        check("the list")
    page.click("#me")
    check("about oneself")


def _friends(server: WebServer) -> list[str]:
    with server.person("someone") as person:
        person.says("list,friends")
        return person.hears().split(",")


def _axes() -> Iterator[Path]:
    yield Path(os.environ.get("NODE_PATH", "/usr/lib/node_modules"), "axe-core", "axe.min.js")
    for folder in (CHECKOUT, *CHECKOUT.parents, Path.home()):
        yield folder / "node_modules" / "axe-core" / "axe.min.js"
