"""Writing and moving in the page: late answers, drafts, reloads, addresses, crowds, devices, signing out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browsers import PASSWORD, Browse, PageUser, browsing, delay, wait_until_held
from conftest import Lasting, until
from page_fixtures import browse, browser, server  # noqa: F401 - fixtures


def test_a_late_join_moves_and_sends_nothing(server: Lasting, browse: Browse) -> None:
    jane = browse()
    held: list[Any] = []
    delay(jane.page, "join,#slow", held)
    jane.enters("jane")
    jane.joins("#tea")
    jane.writes("/join slow")
    wait_until_held(jane.page, held)
    jane.page.keyboard.type("for the room of te")
    held[0]()
    jane.page.wait_for_selector("nav >> text=#slow")
    jane.page.wait_for_timeout(100)
    jane.page.keyboard.type("a")
    jane.page.keyboard.press("Enter")
    jane.sees("for the room of tea")
    jane.sees_title("#tea")
    jane.page.wait_for_selector("text=You are now in #slow")


def test_a_command_that_fails_late_gives_its_text_back_only_to_an_empty_field(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.writes("/join a,b")
    jane.page.wait_for_function("() => document.getElementById('composer-error').textContent")
    assert jane.page.input_value("#message-text") == "/join a,b"


def test_a_topic_that_is_being_typed_survives_messages(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak", "#tea")
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.fill("#topic-text", "my topi")
    jane.page.focus("#message-text")
    zak.says("chat,#tea,hello")
    jane.sees("hello")
    assert jane.page.input_value("#topic-text") == "my topi"
    jane.page.click("#topic-form button")
    jane.page.wait_for_selector("#topic >> text=my topi")


def test_enter_that_ends_a_conversion_sends_nothing(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.fill("#message-text", "にほんご")
    jane.page.eval_on_selector(
        "#message-text",
        "field => field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 229, bubbles: true}))",
    )
    assert jane.page.input_value("#message-text") == "にほんご"


def test_ctrl_shift_f_opens_the_search(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.keyboard.press("Control+Shift+F")
    jane.page.wait_for_selector("#search-panel", state="visible")


def test_spaces_in_front_of_pasted_code_are_kept(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak", "#tea")
    jane.enters("jane")
    jane.joins("#tea")
    jane.writes("\n    indented\n  less\n")
    assert zak.hears() == r"jane in #tea says     indented\n  less"


def test_a_huge_paste_is_refused_at_once(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "x".repeat(10_000_000));
          const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          document.getElementById("message-text").dispatchEvent(event);
        }"""
    )
    assert "too long" in jane.page.text_content("#composer-error")
    assert jane.page.input_value("#message-text") == ""


def test_a_guest_who_reloads_goes_on_with_room_draft_and_name(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak", "#tea")
    jane.enters("jane")
    jane.joins("#tea")
    jane.says("before")
    jane.page.fill("#message-text", "half a thou")
    jane.page.reload()
    jane.sees_title("#tea")
    jane.page.wait_for_selector("#timeline >> text=before")
    assert jane.page.input_value("#message-text") == "half a thou"
    zak.says("chat,jane,psst")
    jane.sees_count("zak", "1")


def test_an_account_that_reloads_finds_what_was_not_sent(server: Lasting, browse: Browse) -> None:
    jane, kim = browse(), server.person("kim", "#tea")
    jane.makes_account("jane", PASSWORD)
    jane.joins("#tea")
    server.kill()
    jane.page.wait_for_selector("#status", state="visible")
    jane.writes("written meanwhile")
    jane.page.wait_for_selector("text=Sending")
    kim.hangs_up()
    server.start()
    kim = server.person("kim", "#tea")
    jane.page.reload()
    jane.sees_title("#tea")
    jane.page.wait_for_selector(".sending, .failed", state="detached")
    jane.sees("written meanwhile")
    assert kim.hears() == "jane in #tea says written meanwhile"


def test_a_duplicated_tab_is_a_client_of_its_own(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.makes_account("jane", PASSWORD)
    jane.joins("#tea")
    other = jane.page.context.new_page()
    other.goto(server.url)
    copy = PageUser(other)
    copy.enters("jane", PASSWORD)
    copy.page.wait_for_selector("nav >> text=#tea")
    assert jane.page.is_hidden("#status")


def test_rooms_have_addresses_and_back_goes_back(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.joins("#garden")
    assert jane.page.url.endswith("/#garden")
    jane.page.go_back()
    jane.sees_title("#tea")
    jane.page.go_forward()
    jane.sees_title("#garden")
    kim = browse(server.url + "#tea")
    kim.page.wait_for_selector("text=to join #tea")
    kim.enters("kim")
    assert kim.page.input_value("#room-name") == "tea"
    kim.page.click("#room-form .primary")
    kim.sees_title("#tea")


def test_two_thousand_people_are_a_short_list_and_anybody_is_found(server: Lasting, browse: Browse) -> None:
    crowd = []
    for number in range(600):
        crowd.append(server.person(f"person{number:04}", "#tea"))
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    page = jane.page
    page.wait_for_selector("text=601 members")
    assert page.locator("#members > li").count() < 100
    assert page.locator("#others > li").count() < 100
    page.evaluate("document.getElementById('details').scrollTop = 1e9")
    page.wait_for_selector("#members >> text=person0599")
    page.fill("#find", "person0577")
    page.press("#find", "Enter")
    jane.sees_title("person0577")
    for person in crowd:
        person.hangs_up()


def test_a_person_who_is_away_can_be_written_to(server: Lasting, browse: Browse) -> None:
    kim = browse()
    kim.makes_account("kim", PASSWORD)
    kim.page.click("#profile")
    kim.page.click("#sign-out")
    jane = browse()
    jane.enters("jane")
    jane.page.fill("#find", "kim")
    jane.page.press("#find", "Enter")
    jane.says("are you there?")
    kim.enters("kim", PASSWORD)
    kim.sees_title("jane")
    kim.sees("are you there?")


def test_after_signing_out_nothing_that_was_said_is_left(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak", "#tea")
    jane.enters("jane")
    jane.joins("#tea")
    zak.says("topic,#tea,secret", "chat,#tea,a secret", "chat,jane,another secret")
    jane.page.wait_for_selector("#timeline >> text=a secret")
    jane.page.click("#profile")
    jane.page.click("#sign-out")
    jane.page.wait_for_selector("#welcome", state="visible")
    assert "secret" not in jane.page.evaluate("document.documentElement.outerHTML")
    assert "zak" not in jane.page.evaluate("document.documentElement.outerHTML")


def test_with_site_data_blocked_the_page_works(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.page.add_init_script(
        """for (const name of ["sessionStorage", "localStorage"])
             Object.defineProperty(window, name, { get() { throw new DOMException("blocked", "SecurityError"); } });"""
    )
    jane.page.reload()
    jane.enters("jane")
    jane.joins("#tea")
    jane.says("here I am")


def test_what_was_not_sent_outlasts_its_room(server: Lasting, browse: Browse) -> None:
    one, other = browse(), browse()
    one.makes_account("jane", PASSWORD)
    other.enters("jane", PASSWORD)
    one.joins("#tea")
    one.page.fill("#message-text", "half a thou")
    other.chooses("#tea")
    other.writes("/leave")
    one.page.wait_for_selector("text=You are no longer in #tea")
    assert one.page.input_value("#message-text") == "half a thou"


def test_on_a_phone_send_keeps_the_focus_and_long_names_fit(server: Lasting, browse: Browse) -> None:
    jane = browse(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    name = "W" * 32
    zak = server.person(name, "#tea")
    jane.enters("jane")
    jane.joins("#tea")
    zak.says("chat,#tea,hello", f"topic,#tea,{'x' * 300}", f"chat,#tea,{'y' * 300}")
    page = jane.page
    page.wait_for_selector("#timeline >> text=hello")
    page.focus("#message-text")
    page.keyboard.type("from the phone")
    page.tap("#send")
    page.wait_for_selector("#timeline >> text=from the phone")
    assert page.evaluate("document.activeElement.id") == "message-text"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "document.getElementById('scroller').scrollWidth <= document.getElementById('scroller').clientWidth"
    )


def test_a_password_can_be_changed(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.makes_account("jane", PASSWORD)
    jane.page.click("#profile")
    jane.page.fill("#old-password", PASSWORD)
    jane.page.fill("#new-password", "battery staple")
    jane.page.click("#password-form button")
    jane.page.wait_for_selector("text=Your password is changed")
    other = browse()
    other.enters("jane", "battery staple")


def test_read_markers_are_sent_at_most_once_a_second(server: Lasting, browse: Browse) -> None:
    jane, zak, sent = browse(), server.person("zak", "#tea"), []
    jane.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    jane.page.reload()
    jane.makes_account("jane", PASSWORD)
    jane.joins("#tea")
    for number in range(100):
        zak.says(f"chat,#tea,number {number}")
        zak.asks("ping,done", "pong,done")
    jane.page.wait_for_selector("#timeline >> text='number 99'")
    jane.page.wait_for_timeout(1500)
    assert 1 <= sum(" seen," in frame for frame in sent) <= 8


def test_a_mistyped_name_makes_no_account(server: Lasting, browse: Browse) -> None:
    jane = browse()
    page = jane.page
    page.fill("#name", "jnae")
    page.fill("#password", PASSWORD)
    page.click("#sign-in-button")
    page.wait_for_selector("#sign-in-error >> text=There is no account jnae")
    page.click("#make-account")
    page.fill("#name", "jane")
    page.fill("#repeat", "another password")
    page.click("#sign-in-button")
    page.wait_for_selector("#sign-in-error >> text=The two passwords differ")
    page.fill("#repeat", PASSWORD)
    page.click("#sign-in-button")
    page.wait_for_selector("#chat", state="visible")
    assert page.text_content("#own-kind") == "account"


def test_a_server_without_guests_says_so(tmp_path: Path, browser: Any) -> None:
    server = Lasting(tmp_path, "--no-guests")
    with browsing(browser, server.url) as browse:
        page = browse().page
        page.wait_for_selector("#guest-help", state="hidden")
        assert page.get_attribute("#password", "required") is not None
    server.stop()


def test_a_tab_that_shows_a_message_keeps_the_others_from_notifying(server: Lasting, browse: Browse) -> None:
    jane = browse(permissions=["notifications"])
    context = jane.page.context
    context.add_init_script(
        """globalThis.notified = [];
           globalThis.Notification = class { constructor(title) { notified.push(title); } };
           Notification.permission = "granted";
           localStorage.setItem("notify", "yes");"""
    )
    hidden = PageUser(context.new_page())
    for tab in (jane, hidden):
        tab.page.goto(server.url)
    hidden.makes_account("jane", PASSWORD)
    jane.enters("jane", PASSWORD)
    hidden.page.evaluate("document.hasFocus = () => false")
    jane.page.bring_to_front()
    zak = server.person("zak")
    zak.says("chat,jane,one")
    jane.page.wait_for_selector("nav >> text=zak")
    hidden.page.wait_for_selector("nav >> text=zak", state="attached")
    jane.page.wait_for_timeout(600)
    assert hidden.page.evaluate("notified") == []
    jane.page.evaluate("document.hasFocus = () => false")
    zak.says("chat,jane,two")
    until(lambda: len(jane.page.evaluate("notified") + hidden.page.evaluate("notified")) >= 1, "a notification")
