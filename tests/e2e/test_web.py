"""The page in a real browser, at a real server: users chat, the server is killed and restarted, nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import PASSWORD, Browse, PageUser
from conftest import CHECKOUT, Lasting, until
from page_fixtures import browse, browser, server  # noqa: F401 - fixtures

EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"


def test_two_browsers_and_a_line_client_chat_in_one_room(server: Lasting, browse: Browse) -> None:
    jane, kim = browse(), browse()
    jane.enters("jane")
    jane.joins("#tea")
    kim.makes_account("kim", PASSWORD)
    kim.joins("#tea")
    zak = server.person("zak", "#tea")
    jane.says("tea, or coffee?\nsay so")
    assert zak.hears() == r"jane in #tea says tea, or coffee?\nsay so"
    zak.says("chat,#tea,tea")
    kim.says("coffee")
    for user in (jane, kim):
        user.sees("tea, or coffee?\nsay so", "tea", "coffee")
    jane.page.wait_for_selector("#members >> text=zak")
    zak.hangs_up()
    jane.page.wait_for_selector("#timeline >> text=zak left")


def test_an_account_sees_who_is_a_guest_and_texts_and_names_are_isolated(server: Lasting, browse: Browse) -> None:
    jane, kim = browse(), browse()
    jane.enters("jane")
    jane.joins("#tea")
    kim.makes_account("kim", PASSWORD)
    kim.joins("#tea")
    zak = server.person("zak", "#tea")
    zak.says("chat,#tea,hello")
    kim.sees("hello")
    jane.sees("hello")
    assert kim.page.text_content("#timeline .name") == "zak (guest)"
    assert jane.page.text_content("#timeline .name") == "zak"
    kim.says("good morning")
    kim.sees("hello", "good morning")
    assert [name.text_content() for name in kim.page.query_selector_all("#timeline .name")] == ["zak (guest)", "kim"]
    zak.says("me,#tea,waves")
    kim.sees("hello", "good morning", "zak (guest) waves")
    assert kim.page.get_attribute("#timeline .text", "dir") == "auto"
    assert kim.page.query_selector("#timeline .name bdi") is not None


def test_messages_in_other_conversations_are_counted_until_they_are_read(server: Lasting, browse: Browse) -> None:
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


def test_an_account_loses_nothing_when_the_server_is_killed_and_restarted(server: Lasting, browse: Browse) -> None:
    jane, kim = browse(), browse()
    for user, name in ((jane, "jane"), (kim, "kim")):
        user.makes_account(name, PASSWORD)
        user.joins("#tea")
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


def test_a_guest_rejoins_the_room_and_is_told_what_is_lost(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak", "#tea")
    jane.enters("jane")
    jane.joins("#tea")
    jane.says("before")
    zak.says("chat,jane,psst")
    jane.sees_count("zak", "1")
    server.kill()
    jane.page.wait_for_selector("#status", state="visible")
    server.start()
    kim = server.person("kim", "#tea")
    kim.says("chat,#tea,meanwhile")
    jane.page.wait_for_selector("#status", state="hidden")
    jane.sees("before", "meanwhile")
    jane.says("after")
    jane.chooses("zak")
    jane.page.wait_for_selector("text=are lost, because you are a guest")


def test_scrolling_up_loads_earlier_messages(server: Lasting, browse: Browse) -> None:
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


def test_a_search_result_leads_to_its_message(server: Lasting, browse: Browse) -> None:
    zak = server.person("zak", "#tea")
    zak.says("chat,#tea,a café at the corner", *(f"chat,#tea,{number}" for number in range(200)))
    zak.asks("ping,done", "pong,done")
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.click("#search-button")
    jane.page.fill("#search-words", "CAFE")
    jane.page.press("#search-words", "Enter")
    jane.page.click("#results button")
    jane.page.wait_for_selector(".message.highlighted >> text=a café at the corner", state="visible")


def test_scripts_in_texts_names_and_rooms_are_text(server: Lasting, browse: Browse) -> None:
    room, name = "#<b>tea</b>&amp;", "<i>zak</i>"
    zak = server.person(name, room)
    zak.says(f"topic,{room},{EVIL}")
    zak.hears()
    jane = browse()
    jane.makes_account("jane", PASSWORD)
    jane.joins(room)
    zak.says(f"chat,{room},{EVIL}", f"me,{room},{EVIL}", f"chat,jane,{EVIL}", f"chat,{room},javascript:alert(1)")
    jane.sees(EVIL, f"{name} (guest) {EVIL}", "javascript:alert(1)")
    jane.chooses(name)
    jane.sees(EVIL)
    assert not jane.page.query_selector_all("#chat img, #chat script, #chat b, #chat i, #timeline a")
    assert "broken" not in jane.page.title()


def test_a_rejected_message_can_be_sent_again(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak")
    jane.enters("jane")
    jane.chooses("zak")
    zak.hangs_up()
    until(lambda: "zak" not in _friends(server), "zak to be gone")
    jane.writes("are you there?")
    jane.page.wait_for_selector("text=Not sent. This person is not online. ")
    again = server.person("zak")
    jane.page.click("text=Send again")
    assert again.hears() == "jane says are you there?"
    jane.page.wait_for_selector(".sending, .failed", state="detached")
    jane.sees("are you there?")


def test_two_tabs_of_an_account_show_the_same(server: Lasting, browse: Browse) -> None:
    one, other, zak = browse(), browse(), server.person("zak", "#tea")
    one.makes_account("jane", PASSWORD)
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


def test_events_that_arrive_after_signing_out_are_ignored(server: Lasting, browse: Browse) -> None:
    jane = browse()

    def route(socket: Any) -> None:
        upstream = socket.connect_to_server()

        def to_server(line: str) -> None:
            upstream.send(line)
            if line.endswith(" quit"):
                socket.send("message,99,2026-03-14T09:26:53.000Z,zak,jane,psst")

        socket.on_message(to_server)

    jane.page.route_web_socket("**/socket", route)
    jane.page.reload()
    jane.enters("jane")
    jane.page.click("#profile")
    jane.page.click("#sign-out")
    jane.page.wait_for_selector("#welcome", state="visible")
    until(lambda: "jane" not in _friends(server), "jane to be signed out")
    jane.enters("kim")
    assert not jane.page.query_selector("nav >> text=zak")


def test_a_connection_that_is_lost_during_the_catch_up_is_opened_again(server: Lasting, browse: Browse) -> None:
    first, jane, zak = browse(), browse(), server.person("zak")
    first.makes_account("jane", PASSWORD)
    zak.says("chat,jane,psst")
    first.chooses("zak")
    first.sees_count("zak", "")
    sockets: list[Any] = []

    def route(socket: Any) -> None:
        upstream = socket.connect_to_server()
        sockets.append(socket)
        number = len(sockets)

        def to_server(line: str) -> None:
            if number == 2 and line.endswith(" unread"):
                socket.close()
            else:
                upstream.send(line)

        socket.on_message(to_server)

    jane.page.route_web_socket("**/socket", route)
    jane.page.reload()
    jane.makes_account("jane", PASSWORD)
    sockets[0].close()
    jane.chooses("zak")
    jane.says("here I am")
    jane.page.wait_for_selector(".sending, .failed", state="detached")
    assert zak.hears() == "jane says here I am"
    assert len(sockets) == 3


def test_a_sign_in_with_a_wrong_password_shows_an_error(server: Lasting, browse: Browse) -> None:
    jane, other = browse(), browse()
    jane.makes_account("jane", PASSWORD)
    for page, password in ((other.page, "battery"), (other.page, "")):
        page.fill("#name", "jane")
        page.fill("#password", password)
        page.click("#sign-in-button")
        page.wait_for_function("() => document.getElementById('sign-in-error').textContent")
        assert page.is_visible("#welcome")


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
    page.wait_for_function("() => document.activeElement.id === 'message-text'")
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    assert zak.hears() == r"jane in #tea says one\ntwo"
    zak.says("chat,jane,psst")
    page.wait_for_selector("nav >> text=zak")
    page.wait_for_function("() => document.title.startsWith('(1)')")
    page.keyboard.press("Alt+ArrowDown")
    PageUser(page).sees_title("zak")
    assert page.evaluate("document.activeElement.id") == "message-text"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_axe_finds_nothing_serious(server: Lasting, browse: Browse, width: int, height: int, scheme: str) -> None:
    axe = next((path for path in _axes() if path.is_file()), None)
    if axe is None:
        pytest.skip("axe-core is not installed; run: npm install axe-core")
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

    check("the sign-in form")
    jane.makes_account("jane", PASSWORD)
    check("no conversation")
    jane.joins("#tea")
    zak.says("chat,#tea,look at https://example.org/ jane", "me,#tea,waves", "chat,jane,psst")
    jane.page.wait_for_selector("#timeline >> text=waves")
    jane.says("hello")
    check("a room")
    page.click("#search-button")
    page.fill("#search-words", "look")
    page.press("#search-words", "Enter")
    page.wait_for_selector("#results button")
    check("a search")
    page.keyboard.press("Escape")
    if not page.is_visible("#details"):
        page.click("#details-button")
    check("the room's details")
    page.click("#close-details")
    if page.is_visible("#back"):
        page.click("#back")
        check("the sidebar")
    page.click("#profile")
    check("the profile")


def _friends(server: Lasting) -> list[str]:
    with server.person("someone") as person:
        person.says("list,friends")
        return person.hears().split(",")


def _axes() -> Iterator[Path]:
    yield Path(os.environ.get("NODE_PATH", "/usr/lib/node_modules"), "axe-core", "axe.min.js")
    for folder in (CHECKOUT, *CHECKOUT.parents, Path.home()):
        yield folder / "node_modules" / "axe-core" / "axe.min.js"
