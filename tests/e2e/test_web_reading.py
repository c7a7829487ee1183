"""Reading in the page: what is unread, where a user lands, far places of the log, days, links."""

from __future__ import annotations

from typing import Any

import pytest
from browsers import PASSWORD, Browse
from conftest import Lasting, until
from page_fixtures import browse, browser, server  # noqa: F401 - fixtures


def fill(server: Lasting, room: str, *texts: str, name: str = "zak") -> None:
    """Have a guest say these texts in a room, and wait until the log has them."""
    with server.person(name, room) as person:
        for start in range(0, len(texts), 200):
            person.says(*(f"chat,{room},{text}" for text in texts[start : start + 200]))
            person.asks("ping,done", "pong,done")
        person.says("quit")
        assert person.hears() == "bye"


def first_in_sight(page: Any) -> str:
    """Return the text of the first message that is in sight."""
    text: str = page.evaluate(
        """() => {
          const top = document.getElementById("scroller").getBoundingClientRect().top;
          const texts = [...document.querySelectorAll("#timeline .text")];
          return texts.find((text) => text.getBoundingClientRect().bottom > top)?.textContent ?? "";
        }"""
    )
    return text


def test_mail_to_an_account_that_was_away_is_shown_behind_5000_other_records(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.makes_account("jane", PASSWORD)
    jane.joins("#tea")
    jane.page.close()
    with server.person("lok") as lok:
        lok.says("chat,jane,are you there?", "chat,jane,call me", "ping,done")
        while lok.hears() != "pong,done":  # whether she is told to be offline already depends on the moment
            pass
        fill(server, "#elsewhere", *(f"number {number}" for number in range(5100)), name="max")
        again = browse()
        again.enters("jane", PASSWORD)
        again.sees_title("lok")
        again.sees("are you there?", "call me")
        again.sees_count("lok", "")


def test_one_lands_at_the_first_unread_message_and_marks_read_what_is_seen(server: Lasting, browse: Browse) -> None:
    kim, jane = browse(), browse()
    kim.makes_account("kim", PASSWORD)
    kim.joins("#tea")
    jane.makes_account("jane", PASSWORD)
    jane.joins("#tea")
    jane.says("before")
    jane.page.close()
    fill(server, "#tea", *(f"number {number}" for number in range(300)))
    again = browse()
    again.enters("jane", PASSWORD)
    again.chooses("#tea")
    page = again.page
    page.wait_for_selector(".divider")
    page.wait_for_selector("#timeline >> text='number 0'")
    page.wait_for_selector("#new-messages", state="visible")
    assert first_in_sight(page) in ("before", "number 0")
    page.wait_for_function("() => parseInt(document.title.slice(1)) > 200")
    page.click("#new-messages")
    page.wait_for_selector("#timeline >> text='number 299'")
    page.wait_for_function("() => !document.title.startsWith('(')")


def test_messages_that_come_while_nobody_looks_stand_behind_the_line_new(server: Lasting, browse: Browse) -> None:
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    jane.says("seen")
    page = jane.page
    page.evaluate("document.hasFocus = () => false")
    zak = server.person("zak", "#tea")
    zak.says(*(f"chat,#tea,number {number}" for number in range(100)))
    page.wait_for_function("() => document.title.startsWith('(100)')")
    page.wait_for_selector(".divider")
    page.wait_for_selector("#timeline >> text='number 99'", state="attached")
    assert first_in_sight(page) in ("seen", "number 0")
    page.evaluate("delete document.hasFocus; dispatchEvent(new Event('focus'))")
    page.wait_for_selector("#new-messages", state="visible")
    page.wait_for_selector(".divider")


@pytest.mark.parametrize("distance", [1900, 12_500])
def test_a_search_result_far_back_is_shown_where_it_stands(server: Lasting, browse: Browse, distance: int) -> None:
    keeper = server.person("keeper", "#tea")
    fill(server, "#tea", "before", "the needle itself", *(f"number {number}" for number in range(distance)))
    jane = browse()
    jane.makes_account("jane", PASSWORD)
    jane.joins("#tea")
    page = jane.page
    page.click("#search-button")
    page.fill("#search-words", "needle")
    page.press("#search-words", "Enter")
    page.click("#results button")
    page.wait_for_selector(".message.highlighted >> text=the needle itself", state="visible")
    assert page.locator("#timeline > li").count() < 500
    page.click("#new-messages")
    page.wait_for_selector(f"#timeline >> text='number {distance - 1}'", state="visible")
    keeper.hangs_up()


def test_scrolling_back_thousands_of_messages_keeps_the_page_small(server: Lasting, browse: Browse) -> None:
    keeper = server.person("keeper", "#tea")
    fill(server, "#tea", *(f"number {number}" for number in range(1500)))
    jane = browse()
    jane.enters("jane")
    jane.joins("#tea")
    page = jane.page
    page.wait_for_selector("#timeline >> text='number 1499'")
    for _ in range(400):
        page.evaluate("document.getElementById('scroller').scrollTop = 0")
        if page.query_selector("#beginning:visible"):
            break
        page.wait_for_timeout(20)
    page.wait_for_selector("#timeline >> text='number 0'")
    assert page.locator("#timeline > li").count() < 600
    for _ in range(400):
        page.evaluate("document.getElementById('scroller').scrollTop = 1e9")
        if page.query_selector("#timeline >> text='number 1499'"):
            break
        page.wait_for_timeout(20)
    page.wait_for_selector("#timeline >> text='number 1499'", state="visible")
    keeper.says("chat,#tea,live again")
    page.wait_for_selector("#timeline >> text='live again'", state="visible")


def test_ones_place_in_a_room_is_kept_when_one_looks_into_another(server: Lasting, browse: Browse) -> None:
    keeper = server.person("keeper", "#tea")
    fill(server, "#tea", *(f"number {number}" for number in range(200)))
    jane = browse()
    jane.enters("jane")
    jane.joins("#garden")
    jane.joins("#tea")
    page = jane.page
    page.wait_for_selector("#timeline >> text='number 199'")
    page.evaluate("document.getElementById('scroller').scrollTop = 500")
    page.wait_for_timeout(300)
    place = first_in_sight(page)
    jane.chooses("#garden")
    jane.chooses("#tea")
    until(lambda: first_in_sight(page) == place, f"{place} to be in sight again")
    keeper.hangs_up()


def test_a_clock_that_is_wrong_makes_no_day_twice(server: Lasting, browse: Browse) -> None:
    jane, zak = browse(), server.person("zak", "#tea")
    page = jane.page
    page.clock.install(time="2020-01-01T12:00:00Z")
    page.reload()
    jane.enters("jane")
    jane.joins("#tea")
    for number in range(3):
        zak.says(f"chat,#tea,from zak {number}")
        page.wait_for_selector(f"#timeline >> text=from zak {number}")
        jane.says(f"from jane {number}")
    assert page.locator(".day").count() == 1
    years = page.eval_on_selector_all(".message time", "times => times.map((time) => time.dateTime.slice(0, 4))")
    assert "2020" not in years


def test_today_becomes_yesterday_at_midnight(server: Lasting, browse: Browse) -> None:
    jane = browse()
    page = jane.page
    jane.enters("jane")
    jane.joins("#tea")
    jane.says("late")
    page.wait_for_selector(".day >> text=Today")
    page.evaluate(
        """() => {
          const day = 24 * 60 * 60 * 1000;
          const Old = Date;
          globalThis.Date = class extends Old {
            constructor(...values) { super(...(values.length ? values : [Old.now() + day])); }
            static now() { return Old.now() + day; }
          };
          dispatchEvent(new Event("focus"));
        }"""
    )
    page.wait_for_selector(".day >> text=Yesterday")


LINKS = {
    "see https://example.org/a.": ["https://example.org/a"],
    "(https://example.org/a)": ["https://example.org/a"],
    "https://en.wikipedia.org/wiki/Tea_(drink)": ["https://en.wikipedia.org/wiki/Tea_(drink)"],
    "[tea](https://example.org/b)": ["https://example.org/b"],
    "https://example.org/?q=(a)[b]{c}!": ["https://example.org/?q=(a)[b]{c}"],
    "https://example.org/a,b;c": ["https://example.org/a,b;c"],
    "“https://example.org/”": ["https://example.org/"],
    "«https://example.org/»": ["https://example.org/"],
    "'https://example.org/'": ["https://example.org/"],
    '"https://example.org/"': ["https://example.org/"],
    "<https://example.org/>": ["https://example.org/"],
    "`https://example.org/`": ["https://example.org/"],
    "**https://example.org/**": ["https://example.org/"],
    "见https://example.org/路径。好": ["https://example.org/路径"],
    "《https://example.org/》": ["https://example.org/"],
    "「https://example.org/」": ["https://example.org/"],
    "https://example.org/（x）": ["https://example.org/"],  # noqa: RUF001
    "https://example.org/…": ["https://example.org/"],
    "www.example.org, yes": ["www.example.org"],
    "看www.example.org。": ["www.example.org"],
    "https://example.org/it's": ["https://example.org/it's"],
    "HTTPS://EXAMPLE.ORG/": ["HTTPS://EXAMPLE.ORG/"],
    "https://münchen.example/ö": ["https://münchen.example/ö"],
    "http://localhost:8000/#tea": ["http://localhost:8000/#tea"],
    "http://[::1]:8000/": ["http://[::1]:8000/"],
    "https://example.org/x) and (y": ["https://example.org/x"],
    "https://a.example https://b.example": ["https://a.example", "https://b.example"],
    "http://": [],
    "www.": [],
    "www.example": [],
    "jane@www.example.org": [],
    "javascript:alert(1) data:text/html,x": [],
}


def test_links_begin_and_end_where_people_expect(server: Lasting, browse: Browse) -> None:
    found = browse().page.evaluate(
        """async (texts) => {
          const { splitLinks } = await import("./app/links.js");
          const parts = texts.map(splitLinks);
          return parts.map((each) => each.filter((part) => part.url).map((part) => part.text));
        }""",
        list(LINKS),
    )
    assert dict(zip(LINKS, found, strict=True)) == LINKS
