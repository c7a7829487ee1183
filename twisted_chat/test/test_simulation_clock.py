"""The virtual clock, whose time passes only when there is nothing to do before the next call."""

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

    def test_it_provides_the_time_of_a_reactor(self) -> None:
        verifyObject(IReactorTime, self.clock)

    def test_calls_come_in_the_order_of_their_times_and_then_of_their_making(self) -> None:
        for name, delay in (("c", 2.0), ("a", 1.0), ("d", 2.0), ("b", 1.0)):
            self.clock.callLater(delay, self.note, name)
        self.clock.advance(5)
        self.assertEqual(self.calls, [("a", 1.0), ("b", 1.0), ("c", 2.0), ("d", 2.0)])
        self.assertEqual(self.clock.seconds(), 5.0)

    def test_only_due_calls_are_made(self) -> None:
        self.clock.callLater(1, self.note, "late")
        self.clock.advance(0.5)
        self.assertEqual(self.calls, [])
        self.clock.advance(0.5)
        self.assertEqual(self.calls, [("late", 1.0)])

    def test_calls_that_are_due_soon_come_before_any_time_passes(self) -> None:
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

    def test_a_call_that_was_made_cannot_be_cancelled(self) -> None:
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

    def test_it_runs_until_there_is_a_result(self) -> None:
        self.clock.callLater(10, self.note, "not waited for")
        self.assertEqual(self.clock.run(deferLater(self.clock, 5, lambda: "it")), "it")
        self.assertEqual((self.calls, self.clock.seconds()), ([], 5.0))
        self.assertEqual(self.clock.run(succeed(1)), 1)

    def test_it_raises_a_failure(self) -> None:
        self.assertRaises(KeyError, self.clock.run, fail(KeyError()))

    def test_a_result_that_can_never_come_is_not_waited_for(self) -> None:
        self.assertRaises(Stalled, self.clock.run, Deferred())
