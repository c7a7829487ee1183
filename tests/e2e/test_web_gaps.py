"""After a lost connection the page shows everything that was said meanwhile, also what came while it caught up."""

from __future__ import annotations

from typing import Any

from browsers import PASSWORD, Browse, PageUser, wait_until_held
from conftest import Lasting
from page_fixtures import browse, browser, server  # noqa: F401 - fixtures


class Wire:
    """The WebSockets of a page, which the test cuts; it holds back the next request that begins with a `stop`."""

    def __init__(self, user: PageUser) -> None:
        self._page, self._stops, self._held = user.page, list[str](), list[Any]()
        self._ends: Any = ()
        self._page.route_web_socket("**/socket", self._route)
        self._page.reload()

    def cut(self, *stops: str) -> None:
        """Cut the connection; the requests of the next one are held back at each stop, until `goes_on`."""
        self._stops += stops
        for end in self._ends:
            end.close()
        wait_until_held(self._page, self._held)

    def goes_on(self) -> None:
        """Send the request that is held back; wait until the next one is, if there is to be one."""
        self._held.pop()()
        if self._stops:
            wait_until_held(self._page, self._held)

    def _route(self, socket: Any) -> None:
        upstream = socket.connect_to_server()
        self._ends = socket, upstream

        def to_server(line: str) -> None:
            if self._stops and line.partition(" ")[2].startswith(self._stops[0]):
                self._held.append(lambda: upstream.send(line))
                self._stops.pop(0)
            else:
                upstream.send(line)

        socket.on_message(to_server)
        upstream.on_message(socket.send)


def meet(jane: PageUser, kim: PageUser) -> None:
    """Have jane, an account, and kim, a guest, see a message in #tea."""
    jane.makes_account("jane", PASSWORD)
    jane.joins("#tea")
    kim.enters("kim")
    kim.joins("#tea")
    jane.says("before")
    kim.sees("before")


def test_a_guest_misses_nothing_that_was_said_before_and_after_it_is_back(server: Lasting, browse: Browse) -> None:
    jane, kim = browse(), browse()
    wire = Wire(kim)
    meet(jane, kim)
    wire.cut("join,#tea", "topic,#tea")
    jane.says("between")
    wire.goes_on()
    jane.says("after")
    wire.goes_on()
    kim.sees("before", "between", "after")


def test_an_account_misses_nothing_that_was_said_before_and_after_it_is_back(server: Lasting, browse: Browse) -> None:
    jane, kim = browse(), browse()
    wire = Wire(jane)
    meet(jane, kim)
    wire.cut("resume,jane,", "list,mine")
    kim.says("between")
    wire.goes_on()
    kim.says("after")
    wire.goes_on()
    jane.sees("before", "between", "after")
