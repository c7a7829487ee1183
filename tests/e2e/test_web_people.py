"""How the page shows identity: it marks guests, and says when another person takes the name of a guest who left."""

from __future__ import annotations

from typing import Any

from browsers import PASSWORD, Browse, PageUser
from conftest import Lasting, until
from page_fixtures import browse, browser, server  # noqa: F401 - fixtures

MAY_BE_ANOTHER = (
    "From here on, zak may be another person: the guest of this name had left, and the name was taken again."
)
IS_THE_ACCOUNT = "From here on, zak is the account of this name. Before, it was a guest."


def gone(server: Lasting, name: str) -> None:
    """Wait until no user with this name is online."""
    with server.person("watcher") as watcher:

        def is_gone() -> bool:
            watcher.says("list,friends")
            return name not in watcher.hears().split(",")

        until(is_gone, f"{name} to be gone")


def sees_rows(user: PageUser, *texts: str) -> None:
    """Wait until the texts of messages, and the lines that tell of another person, are exactly these."""
    user.page.wait_for_function(
        """texts => {
          const rows = document.querySelectorAll("#timeline .text, #timeline .stranger");
          return JSON.stringify([...rows].map((row) => row.textContent)) === JSON.stringify(texts);
        }""",
        arg=list(texts),
    )


def label(user: PageUser, where: str, name: str) -> str:
    """Return what a list shows as a person's name."""
    shown: str = user.page.text_content(f"{where} [data-name='{name}'] .label")
    return shown


def test_guests_are_marked_in_every_list_for_an_account(server: Lasting, browse: Browse) -> None:
    kim, jane = browse(), browse()
    kim.makes_account("kim", PASSWORD)
    kim.joins("#tea")
    lea = browse()
    lea.makes_account("lea", PASSWORD)
    lea.joins("#tea")
    bob = server.person("bob")
    zak = server.person("zak", "#tea")
    zak.says("topic,#tea,Assam", "chat,#tea,kettle", "chat,kim,psst")
    kim.sees_count("zak", "1")
    page = kim.page
    page.wait_for_selector("#timeline >> text=zak (guest) joined")
    page.wait_for_selector("#timeline >> text=zak (guest) set the topic: Assam")
    assert label(kim, "#members", "zak") == "zak (guest)"
    assert label(kim, "#members", "lea") == "lea"
    assert label(kim, "#members", "kim") == "kim (you)"
    assert label(kim, "#directs", "zak") == "zak (guest)"
    page.wait_for_function("() => document.querySelector('#others [data-name=lea] .label').textContent === 'lea'")
    page.fill("#find", "bo")
    assert label(kim, "#found", "bob") == "bob (guest)"
    bob.hangs_up()
    page.fill("#find", "")
    page.click("#search-button")
    page.fill("#search-words", "kettle")
    page.press("#search-words", "Enter")
    page.wait_for_selector("#results >> text=zak (guest)")
    page.keyboard.press("Escape")
    kim.chooses("zak")
    assert page.text_content("#topic") == "guest · online"
    zak.hangs_up()
    page.wait_for_function("() => document.getElementById('topic').textContent === 'guest · offline'")
    kim.page.reload()
    kim.sees_title("zak")
    page.wait_for_function("() => document.getElementById('topic').textContent === 'guest · offline'")
    jane.enters("jane")
    jane.joins("#tea")
    jane.page.wait_for_selector("#members [data-name=kim]")
    assert "(guest)" not in jane.page.text_content("#chat")


def test_a_gone_guest_whose_mail_is_unread_is_marked_before_it_is_opened(server: Lasting, browse: Browse) -> None:
    kim = browse()
    kim.makes_account("kim", PASSWORD)
    kim.joins("#tea")
    kim.page.click("#profile")
    kim.page.click("#sign-out")
    with server.person("zak") as zak:
        zak.says("chat,kim,psst")
        zak.asks("ping,1", "*** kim is offline and will get your message later")
    gone(server, "zak")
    kim.page.goto(server.url + "#tea")
    kim.page.reload()
    kim.enters("kim", PASSWORD)
    kim.sees_count("zak", "1")
    assert label(kim, "#directs", "zak") == "zak (guest)"


def test_another_guest_with_the_name_of_one_who_has_left_is_told_apart(server: Lasting, browse: Browse) -> None:
    kim = browse()
    kim.makes_account("kim", PASSWORD)
    kim.joins("#tea")
    with server.person("zak", "#tea") as zak:
        zak.says("chat,kim,from the first")
        kim.chooses("zak")
        kim.says("my answer")
    kim.page.wait_for_function("() => document.getElementById('topic').textContent.endsWith('offline')")
    sees_rows(kim, "from the first", "my answer")
    zak = server.person("zak", "#tea")
    sees_rows(kim, "from the first", "my answer", MAY_BE_ANOTHER)
    kim.says("who are you?")
    sees_rows(kim, "from the first", "my answer", MAY_BE_ANOTHER, "who are you?")
    zak.says("chat,kim,the second")
    expected = ("from the first", "my answer", MAY_BE_ANOTHER, "who are you?", "the second")
    sees_rows(kim, *expected)
    kim.page.reload()
    kim.sees_title("zak")
    sees_rows(kim, *expected)
    zak.hangs_up()
    gone(server, "zak")
    third = server.person("zak")
    kim.page.reload()
    sees_rows(kim, *expected, MAY_BE_ANOTHER)
    third.hangs_up()


def test_an_account_with_the_name_of_a_guest_who_has_left_is_told_apart(server: Lasting, browse: Browse) -> None:
    kim = browse()
    kim.makes_account("kim", PASSWORD)
    with server.person("zak") as zak:
        zak.says("chat,kim,from a guest")
        kim.chooses("zak")
        kim.sees("from a guest")
    gone(server, "zak")
    other = browse()
    other.makes_account("zak", PASSWORD)
    other.chooses("kim")
    other.says("from the account")
    sees_rows(kim, "from a guest", IS_THE_ACCOUNT, "from the account")
    kim.page.reload()
    kim.sees_title("zak")
    sees_rows(kim, "from a guest", IS_THE_ACCOUNT, "from the account")
    assert label(kim, "#directs", "zak") == "zak"


def test_guests_too_see_that_another_guest_has_the_name(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    with server.person("zak") as zak:
        zak.says("chat,jane,from the first")
        jane.chooses("zak")
        jane.sees("from the first")
    gone(server, "zak")
    zak = server.person("zak")
    zak.says("chat,jane,from the second")
    sees_rows(jane, "from the first", MAY_BE_ANOTHER, "from the second")


def test_a_guest_who_changes_the_name_is_the_same_person(server: Lasting, browse: Browse) -> None:
    kim = browse()
    kim.makes_account("kim", PASSWORD)
    kim.joins("#tea")
    zak = server.person("zak", "#tea")
    zak.says("chat,kim,one")
    kim.chooses("zak")
    zak.asks("rename,zoe", "ack")
    kim.sees_title("zoe")
    zak.says("chat,kim,two")
    sees_rows(kim, "one", "two")
    assert kim.page.text_content("#topic") == "guest · online"


def test_that_a_person_is_away_is_said_in_the_conversation_with_that_person(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak")
    zak.asks("away,back at two", "ack")
    held: list[Any] = []

    def route(socket: Any) -> None:
        upstream = socket.connect_to_server()
        socket.on_message(lambda line: upstream.send(line))
        upstream.on_message(lambda line: held.append(line) if "server,away" in line else socket.send(line))
        held.append(socket)

    jane.page.route_web_socket("**/socket", route)
    jane.page.reload()
    jane.enters("jane")
    jane.joins("#tea")
    jane.chooses("zak")
    jane.says("are you there?")
    jane.chooses("#tea")
    until(lambda: (jane.page.wait_for_timeout(20), len(held) > 1)[1], "the notice")
    held[0].send(held[1])
    jane.page.wait_for_timeout(200)
    assert "back at two" not in jane.page.text_content("#timeline")
    jane.chooses("zak")
    jane.page.wait_for_selector("#timeline >> text=zak is away: back at two.")


def test_that_a_person_is_away_stands_behind_the_message(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak")
    zak.asks("away,back at two", "ack")
    jane.enters("jane")
    jane.chooses("zak")
    jane.says("are you there?")
    jane.page.wait_for_selector("#timeline >> text=is away: back at two.")
    rows = [row.text_content() for row in jane.page.query_selector_all("#timeline .text, #timeline .event")]
    assert rows == ["are you there?", "zak is away: back at two."]
