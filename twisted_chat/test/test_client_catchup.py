"""Place: how far an account's client has seen the log, whatever a server sends."""

from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client.catchup import PAGE, Place
from twisted_chat.client.requests import ChatFailed, Finish, OnEvent
from twisted_chat.wire.events import Event

T = TypeVar("T")


def record(id: int) -> Event:
    return Event("message", "jane", "zak", str(id), id, 0)


class PlaceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.given: list[int] = []
        self.asked: list[str] = []
        self.settled: list[Failure | None] = []
        self.room = True

    def place(self, last: int | None) -> Place:
        place = Place(last, self.ask, lambda event: self.given.append(event.id), lambda: self.room, self.settled.append)
        place.begin()
        return place

    def ask(self, request: str, finish: Finish[T], take: OnEvent | None = None) -> Deferred[T]:
        self.asked.append(request)
        self.finish, self.take = finish, take
        self.answer: Deferred[Any] = Deferred()
        return self.answer

    def page(self, *ids: int, closing: str) -> None:
        """The answer to what was asked last."""
        assert self.take is not None
        for id in ids:
            self.take(record(id))
        self.answer.callback(self.finish(closing, []))

    def live(self, place: Place, *ids: int) -> list[int]:
        """Those of live records that are next."""
        return [id for id in ids if place.is_next(record(id))]

    def test_the_first_time_the_place_is_asked_and_all_that_comes_live_is_seen(self) -> None:
        place = self.place(None)
        self.assertEqual(self.live(place, 7), [7])
        self.page(closing="9")
        self.assertEqual((self.asked, place.last), (["since"], 9))
        self.assertEqual(self.live(place, 9, 10, 10, 12), [10, 12])

    def test_a_place_that_was_begun_without_an_answer_is_gone_on_from(self) -> None:
        place = self.place(None)
        self.live(place, 7)
        place.begin()
        self.assertEqual(self.asked[-1], f"since,7,limit={PAGE}")

    def test_what_comes_live_while_it_catches_up_comes_again_with_a_page(self) -> None:
        place = self.place(3)
        self.assertEqual(self.live(place, 8), [])
        self.page(4, 5, closing="5,more")
        self.assertEqual(self.live(place, 8), [])
        self.page(6, 8, closing="8")
        self.assertEqual(self.live(place, 8, 9), [9])
        self.assertEqual(self.given, [4, 5, 6, 8])

    def test_what_was_seen_is_not_given_again(self) -> None:
        self.place(3)
        self.page(2, 3, 4, 4, closing="4")
        self.assertEqual(self.given, [4])

    def test_the_next_page_is_asked_when_there_is_room(self) -> None:
        place = self.place(0)
        self.room = False
        self.page(1, closing="5,more")
        self.assertEqual(len(self.asked), 1)
        self.room = True
        place.read_on()
        place.read_on()
        self.assertEqual(self.asked[1:], [f"since,5,limit={PAGE}"])

    def test_a_place_that_the_server_does_not_know_is_given_up(self) -> None:
        place = self.place(99)
        self.answer.errback(ChatFailed("bad-command", "nothing has the id 99 yet"))
        self.assertEqual(self.asked[-1], "since")
        self.page(closing="2")
        self.assertEqual((place.last, self.live(place, 3)), (2, [3]))

    def test_a_log_that_cannot_be_read_is_reported(self) -> None:
        self.place(3)
        self.answer.errback(ChatFailed("unavailable", "try again in a while"))
        self.assertEqual(
            [str(failure.value) for failure in self.settled if failure], ["unavailable: try again in a while"]
        )
