"""The virtual clock: time that passes only by what happens in it."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from twisted_chat.simulation.clock import Stalled, VirtualClock


class VirtualClockTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.calls: list[tuple[str, float]] = []

    def note(self, name: str) -> None:
        self.calls.append((name, self.clock.seconds()))

    def test_it_is_a_reactors_time(self) -> None:
        verifyObject(IReactorTime, self.clock)

    def test_calls_come_in_the_order_of_their_times_and_then_of_their_making(self) -> None:
        for name, delay in (("c", 2.0), ("a", 1.0), ("d", 2.0), ("b", 1.0)):
            self.clock.callLater(delay, self.note, name)
        self.clock.advance(5)
        self.assertEqual(self.calls, [("a", 1.0), ("b", 1.0), ("c", 2.0), ("d", 2.0)])
        self.assertEqual(self.clock.seconds(), 5.0)

    def test_only_what_is_due_happens(self) -> None:
        self.clock.callLater(1, self.note, "late")
        self.clock.advance(0.5)
        self.assertEqual(self.calls, [])
        self.clock.advance(0.5)
        self.assertEqual(self.calls, [("late", 1.0)])

    def test_what_is_to_be_soon_comes_before_any_time_passes(self) -> None:
        self.clock.callLater(0, self.note, "next turn")
        self.clock.soon(lambda: self.note("now"))
        self.clock.advance(0)
        self.assertEqual(self.calls, [("now", 0.0), ("next turn", 0.0)])

    def test_a_call_can_be_cancelled_once(self) -> None:
        call = self.clock.callLater(1, self.note, "never")
        call.cancel()
        self.assertFalse(call.active())
        self.assertRaises(AlreadyCancelled, call.cancel)
        self.clock.advance(2)
        self.assertEqual(self.calls, [])

    def test_a_call_that_was_made_is_over(self) -> None:
        call = self.clock.callLater(1, self.note, "made")
        self.clock.advance(1)
        self.assertFalse(call.active())
        self.assertRaises(AlreadyCalled, call.cancel)
        self.assertRaises(AlreadyCalled, call.reset, 1)

    def test_a_call_can_be_moved_both_ways(self) -> None:
        call = self.clock.callLater(10, self.note, "moved")
        call.reset(1)
        call.delay(2)
        self.assertEqual(call.getTime(), 3.0)
        self.assertEqual(self.clock.getDelayedCalls(), [call])
        self.clock.advance(20)
        self.assertEqual(self.calls, [("moved", 3.0)])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_runs_until_something_is_there(self) -> None:
        self.clock.callLater(10, self.note, "not waited for")
        self.assertEqual(self.clock.run(deferLater(self.clock, 5, lambda: "it")), "it")
        self.assertEqual((self.calls, self.clock.seconds()), ([], 5.0))
        self.assertEqual(self.clock.run(succeed(1)), 1)

    def test_it_raises_what_went_wrong(self) -> None:
        self.assertRaises(KeyError, self.clock.run, fail(KeyError()))

    def test_what_can_never_come_is_not_waited_for(self) -> None:
        self.assertRaises(Stalled, self.clock.run, Deferred())
