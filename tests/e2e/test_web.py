"""The page in a real browser, at a real server: people talk, the server goes away and comes back, nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import PASSWORD, Browse, Someone, browsing, launched
from conftest import CHECKOUT, Lasting, until

EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Lasting]:
    """A server whose log is on the disk."""
    server = Lasting(tmp_path)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    with launched() as browser:
        yield browser


@pytest.fixture
def browse(server: Lasting, browser: Any) -> Iterator[Browse]:
    """Opens the page."""
    with browsing(browser, server.url) as browse:
        yield browse


def test_two_browsers_and_somebody_at_nc_talk_in_one_room(server: Lasting, browse: Browse) -> None:
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


def test_what_comes_while_one_looks_elsewhere_is_counted_until_it_is_read(server: Lasting, browse: Browse) -> None:
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


def test_a_server_that_is_killed_and_comes_back_costs_an_account_nothing(server: Lasting, browse: Browse) -> None:
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


def test_a_guest_comes_back_to_the_room_and_is_told_what_may_be_missing(server: Lasting, browse: Browse) -> None:
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


def test_what_was_said_before_is_loaded_as_one_scrolls_up(server: Lasting, browse: Browse) -> None:
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


def test_one_finds_what_was_said(server: Lasting, browse: Browse) -> None:
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


def test_scripts_in_texts_names_and_rooms_are_text(server: Lasting, browse: Browse) -> None:
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


def test_what_the_server_refuses_can_be_sent_again(server: Lasting, browse: Browse) -> None:
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


def test_two_tabs_of_an_account_show_the_same(server: Lasting, browse: Browse) -> None:
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


def test_a_wrong_password_is_said_plainly(server: Lasting, browse: Browse) -> None:
    jane, other = browse(), browse()
    jane.enters("jane", PASSWORD)
    for page, password in ((other.page, "battery"), (other.page, "")):
        page.fill("#name", "jane")
        page.fill("#password", password)
        page.click("#sign-in button")
        page.wait_for_function("() => document.getElementById('sign-in-problem').textContent")
        assert page.is_visible("#door")


def test_the_keyboard_alone_is_enough(server: Lasting, browse: Browse) -> None:
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
def test_axe_finds_nothing_serious(server: Lasting, browse: Browse, width: int, height: int, scheme: str) -> None:
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


def _friends(server: Lasting) -> list[str]:
    with server.person("someone") as person:
        person.says("list,friends")
        return person.hears().split(",")


def _axes() -> Iterator[Path]:
    yield Path(os.environ.get("NODE_PATH", "/usr/lib/node_modules"), "axe-core", "axe.min.js")
    for folder in (CHECKOUT, *CHECKOUT.parents, Path.home()):
        yield folder / "node_modules" / "axe-core" / "axe.min.js"
