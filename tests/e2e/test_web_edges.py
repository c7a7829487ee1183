"""Late answers, when the user has already done something else, and other edge cases: topics, drafts, sign-out, keys."""

from __future__ import annotations

from typing import Any

from browsers import PASSWORD, Browse, PageUser, delay, wait_until_held
from conftest import Lasting
from page_fixtures import browse, browser, server  # noqa: F401 - fixtures

STEADY_MS = 250
"""After so long the page would have shown what it must not show."""


def release(user: PageUser, held: list[Any]) -> None:
    """Wait until an answer is held back, and send it."""
    wait_until_held(user.page, held)
    held.pop(0)()
    user.page.wait_for_timeout(STEADY_MS)


def test_a_late_topic_does_not_bring_a_room_back(server: Lasting, browse: Browse) -> None:
    jane = browse()
    held: list[Any] = []
    delay(jane.page, "topic,#tea,", held)
    jane.enters("jane")
    jane.joins("#garden")
    jane.joins("#tea")
    jane.writes("/topic Assam")
    jane.writes("/leave")
    jane.page.wait_for_selector("nav >> text=#tea", state="detached")
    release(jane, held)
    assert jane.page.locator("#rooms [data-name='#tea']").count() == 0


def test_a_late_join_does_not_close_the_dialog_for_another_room(server: Lasting, browse: Browse) -> None:
    jane = browse()
    held: list[Any] = []
    delay(jane.page, "join,#slow", held)
    jane.enters("jane")
    jane.joins("#tea")
    page = jane.page
    page.click("#add-room")
    page.fill("#room-name", "slow")
    page.click("#room-form .primary")
    page.keyboard.press("Escape")
    page.click("#add-room")
    page.keyboard.type("gard")
    release(jane, held)
    page.keyboard.type("en")
    page.keyboard.press("Enter")
    jane.sees_title("#garden")


def test_a_late_search_result_moves_nothing_when_the_search_is_closed(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak", "#tea")
    zak.says("chat,#tea,the needle", *(f"chat,#tea,number {number}" for number in range(300)))
    held: list[Any] = []
    delay(jane.page, "history,#tea,before=", held)
    jane.enters("jane")
    jane.joins("#tea")
    page = jane.page
    page.wait_for_selector("#timeline >> text='number 299'")
    page.click("#search-button")
    page.fill("#search-words", "needle")
    page.press("#search-words", "Enter")
    page.click("#results button")
    page.keyboard.press("Escape")
    page.keyboard.type("my answ")
    while held:
        release(jane, held)
    page.wait_for_selector("#timeline >> text='number 299'", state="visible")
    assert page.locator("#timeline >> text='the needle'").count() == 0
    assert page.input_value("#message-text") == "my answ"


def test_back_after_a_search_goes_to_the_conversation_before(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#garden")
    jane.joins("#tea")
    jane.says("a needle")
    page = jane.page
    page.keyboard.press("Control+Shift+F")
    page.keyboard.type("needle")
    page.keyboard.press("Enter")
    page.wait_for_selector("#results button")
    page.go_back()
    jane.sees_title("#garden")
    assert page.is_hidden("#search-panel")


def test_an_answer_that_comes_after_signing_out_is_not_shown_to_the_next_user(server: Lasting, browse: Browse) -> None:
    jane = browse()
    held: list[Any] = []
    delay(jane.page, "join,#secret", held)
    jane.enters("jane")
    jane.joins("#tea")
    jane.writes("/join #secret")
    wait_until_held(jane.page, held)
    jane.page.click("#profile")
    jane.page.click("#sign-out")
    release(jane, held)
    jane.enters("kim")
    jane.page.wait_for_timeout(STEADY_MS)
    assert "#secret" not in jane.page.content()


def test_after_signing_out_of_a_direct_conversation_no_name_is_left(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak")
    jane.enters("jane")
    jane.chooses("zak")
    jane.says("hello")
    zak.hangs_up()
    jane.page.click("#profile")
    jane.page.click("#sign-out")
    jane.page.wait_for_selector("#welcome", state="visible")
    assert "zak" not in jane.page.content()
    assert "zak" not in jane.page.url
    jane.enters("kim")
    assert "zak" not in jane.page.content()


def test_a_topic_that_is_being_typed_survives_another_room_and_a_refusal(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#garden")
    jane.joins("#tea")
    page = jane.page
    page.fill("#topic-text", "my topi")
    jane.chooses("#garden")
    assert page.input_value("#topic-text") == ""
    jane.chooses("#tea")
    assert page.input_value("#topic-text") == "my topi"
    page.route_web_socket("**/socket", lambda socket: None)  # the next connection is silent
    server.kill()
    page.wait_for_selector("#status", state="visible")
    page.click("#topic-form button")
    page.wait_for_selector("#timeline >> text=The server cannot be reached")
    assert page.input_value("#topic-text") == "my topi"
    server.start()


def test_drafts_in_several_conversations_outlast_a_reload(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak")
    jane.makes_account("jane", PASSWORD)
    page = jane.page
    jane.joins("#garden")
    page.fill("#message-text", "for the garden")
    jane.joins("#tea")
    page.fill("#message-text", "for the tea")
    jane.chooses("zak")
    page.fill("#message-text", "for zak")
    page.reload()
    jane.sees_title("zak")
    for name, text in (("zak", "for zak"), ("#tea", "for the tea"), ("#garden", "for the garden")):
        jane.chooses(name)
        assert page.input_value("#message-text") == text
    zak.hangs_up()


def test_a_guest_without_a_draft_reloads_into_the_same_room(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak", "#tea", "#garden")
    jane.enters("jane")
    jane.joins("#garden")
    jane.joins("#tea")
    jane.page.reload()
    jane.sees_title("#tea")
    assert jane.page.is_hidden("#room-dialog")
    zak.says("chat,#tea,one", "chat,#garden,two")
    jane.sees("one")
    jane.sees_count("#garden", "1")


def test_the_link_to_the_message_field_keeps_the_conversation(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.focus(".skip")
    jane.page.keyboard.press("Enter")
    jane.page.wait_for_function("() => document.activeElement.id === 'message-text'")
    jane.page.wait_for_timeout(STEADY_MS)
    jane.sees_title("#tea")
    assert jane.page.url.endswith("#tea")


def test_a_huge_text_that_is_dropped_is_refused_at_once(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.setData("text/plain", "x".repeat(10_000_000));
          const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
          document.getElementById("message-text").dispatchEvent(event);
        }"""
    )
    assert "too long" in jane.page.text_content("#composer-error")
    for field in ("#find", "#topic-text"):
        assert int(jane.page.get_attribute(field, "maxlength")) <= 400


def test_the_mark_of_a_guest_with_a_long_name_is_in_sight(server: Lasting, browse: Browse) -> None:
    kim, zak = browse(viewport={"width": 390, "height": 844}), server.person("W" * 32)
    kim.makes_account("kim", PASSWORD)
    kim.page.wait_for_selector("#others .guest >> text=(guest)")
    shown = kim.page.evaluate(
        """() => {
          const inner = document.querySelector("#others .guest").getBoundingClientRect();
          const outer = document.querySelector("#others button").getBoundingClientRect();
          return inner.width > 20 && inner.right <= outer.right && document.documentElement.scrollWidth <= innerWidth;
        }"""
    )
    assert shown
    zak.hangs_up()


def test_without_a_channel_between_tabs_the_page_works(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.page.add_init_script(
        """globalThis.BroadcastChannel = class {
             constructor() { throw new DOMException("blocked", "SecurityError"); }
           };"""
    )
    jane.page.reload()
    jane.enters("jane")
    jane.joins("#tea")
    jane.says("here I am")


def test_enter_that_ends_a_conversion_searches_and_sets_nothing(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    page = jane.page
    devtools = page.context.new_cdp_session(page)
    page.click("#search-button")
    for field in ("#topic-text", "#search-words", "#find"):
        page.focus(field)
        devtools.send("Input.imeSetComposition", {"text": "にほんご", "selectionStart": 4, "selectionEnd": 4})
        devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Process", "windowsVirtualKeyCode": 229})
        devtools.send("Input.insertText", {"text": "日本語"})
        page.wait_for_timeout(50)
        assert page.input_value(field) == "日本語"
    assert page.text_content("#result-count") == ""
    assert page.text_content("#topic") == ""
    jane.sees_title("#tea")
