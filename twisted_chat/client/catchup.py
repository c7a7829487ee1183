"""CatchUp: an account's position in the log, and the reading of what it missed. Credentials: how it signs in again."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_chat.client.requests import Ask, ChatFailed, OnEvent
from twisted_chat.wire.events import Event

PAGE_RECORDS = 500
"""Records of one answer. The client asks for the next page when its readers have room for it."""
GAP_CODES = ("gone", "bad-command")
"""Codes with which a server refuses a position that its log does not have; the second is an older server's."""


class Credentials:
    """An account's name, and the passwords that may be right, the likeliest first.

    There are two passwords while the client does not know whether the server has carried out a change.
    """

    def __init__(self, name: str, password: str) -> None:
        self.name, self._passwords = name, [password]

    @property
    def request(self) -> str:
        """Return the request that signs the account in."""
        return f"register,{self.name},{self._passwords[0]}"

    def change(self, old: str, new: str, changing: Deferred[None]) -> None:
        """Sign in with the old password or the new one, until `changing` tells which of them is right."""
        self._passwords = [old, new]

        def changed(_: None) -> None:
            self._passwords = [new]

        def unchanged(failure: Failure) -> Failure:
            if failure.check(ChatFailed):
                self._passwords = [old]
            return failure

        changing.addCallbacks(changed, unchanged)

    def discard_wrong(self) -> bool:
        """Forget the password that the server has refused; return False if there is no other."""
        if len(self._passwords) == 1:
            return False
        self._passwords.pop(0)
        return True


class CatchUp:
    """The position up to which an account's client has read the log, and the reading of what it missed.

    The client asks for missed records in pages, the next page when the readers `have_room`, so that a long absence
    fills no memory. A message that a reader sends is answered between two pages. `give` is called with each record of
    a page, once and in order. `epoch` is the epoch of the log in which the client knows `last`; `told_epoch` is what
    the server has told on the present connection. In another epoch, ids stand for other records.
    """

    def __init__(self, ask: Ask, give: OnEvent, have_room: Callable[[], bool]) -> None:
        self.last = self._recent = 0
        self.epoch = self.told_epoch = ""
        self._known = False
        self._ask, self._give, self._have_room = ask, give, have_room
        self._on_page: Callable[[Failure | None], None] = lambda failure: None
        self._live = self._waiting_for_room = False

    def start_from(self, last: int | None, recent: int = 0, epoch: str = "") -> None:
        """Begin behind the id `last` of an epoch; without it, begin `recent` records before the newest."""
        self.last, self._known, self._recent, self.epoch = last or 0, last is not None, recent, epoch

    def begin(self, on_page: Callable[[Failure | None], None]) -> None:
        """Catch up on a new connection, on which the client is signing in.

        `on_page` is called with None for each page that has come, or with the failure.
        """
        self._on_page = on_page
        self._live = not self._known and not self._recent  # then nothing was missed
        if self._live:
            self.epoch = self.told_epoch
        self._ask_for_page()

    def read_on(self) -> None:
        """Ask for the next page if it has waited for room and there is some."""
        if self._waiting_for_room and self._have_room():
            self._ask_for_page()

    def is_next(self, event: Event) -> bool:
        """Return True if the client gives a live record to its readers now.

        Otherwise they have the record already, or it comes again with a page.
        """
        if not self._live or event.id <= self.last:
            return False
        self.last, self._known = event.id, True
        return True

    def note_epoch(self, info: str, records: list[Event]) -> None:
        """Note the epoch that the server tells in its answer to `hello`."""
        epochs = [fact.removeprefix("epoch=") for fact in info.split(",") if fact.startswith("epoch=")]
        self.told_epoch = epochs[0] if epochs else ""

    def _ask_for_page(self) -> None:
        self._waiting_for_room = False
        epoch = f",epoch={self.epoch}" if self.epoch else ""
        since = f"since,{self.last},limit={PAGE_RECORDS}{epoch}" if self._known else "since"
        self._ask(since, _reached, self._take_missed).addCallbacks(self._take_end_of_page, self._failed)

    def _take_missed(self, event: Event) -> None:
        if event.id > self.last:
            self.last = event.id
            self._give(event)

    def _take_end_of_page(self, reached: tuple[int, bool]) -> None:
        last, more = reached
        self.epoch = self.told_epoch
        if not self._known and self._recent:
            self.last, self._known = max(0, last - self._recent), True
            self._ask_for_page()
            return
        self.last, self._known = max(self.last, last), True
        self._live, self._waiting_for_room = not more, more
        self._on_page(None)
        self.read_on()

    def _failed(self, failure: Failure) -> None:
        problem = failure.value
        if isinstance(problem, ChatFailed) and problem.code in GAP_CODES and self._known:
            # The server's log is another or an older one: only what comes live from now on can be read.
            self.last, self._known, self._live, self._recent = 0, False, True, 0
            self.epoch = self.told_epoch
            self._give(Event("server", "gap", "", f"messages may be missing here: {problem.sentence}"))
            self._ask_for_page()
        else:
            self._on_page(failure)


def _reached(answer: str, records: list[Event]) -> tuple[int, bool]:
    """Read the closing line of `since`: the id that the page reaches, and whether more follows."""
    last, _, more = answer.partition(",")
    return int(last), more == "more"
