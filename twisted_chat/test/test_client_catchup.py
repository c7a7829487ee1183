"""CatchUp: an account's position in the log, whatever a server sends."""

from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client.catchup import PAGE_RECORDS, CatchUp
from twisted_chat.client.requests import ChatFailed, Finish, OnEvent
from twisted_chat.wire.events import Event

T = TypeVar("T")


def record(id: int) -> Event:
    return Event("message", "jane", "zak", str(id), id, 0)


class CatchUpTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.given: list[int] = []
        self.asked: list[str] = []
        self.settled: list[Failure | None] = []
        self.room = True

    def catch_up(self, last: int | None) -> CatchUp:
        """Return a CatchUp that begins behind an id, and has asked for its first page."""
        catch_up = CatchUp(self.ask, lambda event: self.given.append(event.id), lambda: self.room)
        catch_up.start_from(last)
        catch_up.begin(self.settled.append)
        return catch_up

    def ask(self, request: str, finish: Finish[T], take: OnEvent | None = None) -> Deferred[T]:
        self.asked.append(request)
        self.finish, self.take = finish, take
        self.answer: Deferred[Any] = Deferred()
        return self.answer

    def page(self, *ids: int, closing: str) -> None:
        """Answer the last request with a page."""
        assert self.take is not None
        for id in ids:
            self.take(record(id))
        self.answer.callback(self.finish(closing, []))

    def live(self, catch_up: CatchUp, *ids: int) -> list[int]:
        """Return those of the live records that are given at once."""
        return [id for id in ids if catch_up.is_next(record(id))]

    def test_the_first_time_it_asks_for_the_position_and_gives_all_live_records(self) -> None:
        catch_up = self.catch_up(None)
        self.assertEqual(self.live(catch_up, 7), [7])
        self.page(closing="9")
        self.assertEqual((self.asked, catch_up.last), (["since"], 9))
        self.assertEqual(self.live(catch_up, 9, 10, 10, 12), [10, 12])

    def test_a_position_known_from_live_records_is_used_on_the_next_connection(self) -> None:
        catch_up = self.catch_up(None)
        self.live(catch_up, 7)
        catch_up.begin(self.settled.append)
        self.assertEqual(self.asked[-1], f"since,7,limit={PAGE_RECORDS}")

    def test_live_records_during_the_catch_up_come_with_a_page(self) -> None:
        catch_up = self.catch_up(3)
        self.assertEqual(self.live(catch_up, 8), [])
        self.page(4, 5, closing="5,more")
        self.assertEqual(self.live(catch_up, 8), [])
        self.page(6, 8, closing="8")
        self.assertEqual(self.live(catch_up, 8, 9), [9])
        self.assertEqual(self.given, [4, 5, 6, 8])

    def test_a_record_is_given_once(self) -> None:
        self.catch_up(3)
        self.page(2, 3, 4, 4, closing="4")
        self.assertEqual(self.given, [4])

    def test_the_next_page_is_asked_for_when_there_is_room(self) -> None:
        catch_up = self.catch_up(0)
        self.room = False
        self.page(1, closing="5,more")
        self.assertEqual(len(self.asked), 1)
        self.room = True
        catch_up.read_on()
        catch_up.read_on()
        self.assertEqual(self.asked[1:], [f"since,5,limit={PAGE_RECORDS}"])

    def test_a_position_that_the_server_does_not_know_is_given_up(self) -> None:
        catch_up = self.catch_up(99)
        self.answer.errback(ChatFailed("bad-command", "nothing has the id 99 yet"))
        self.assertEqual(self.asked[-1], "since")
        self.page(closing="2")
        self.assertEqual((catch_up.last, self.live(catch_up, 3)), (2, [3]))

    def test_a_log_that_cannot_be_read_is_reported(self) -> None:
        self.catch_up(3)
        self.answer.errback(ChatFailed("unavailable", "try again in a while"))
        self.assertEqual(
            [str(failure.value) for failure in self.settled if failure], ["unavailable: try again in a while"]
        )
