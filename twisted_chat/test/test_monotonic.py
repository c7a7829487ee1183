"""Test that a reactor measures durations by the monotonic clock, whatever the time of day does."""

from __future__ import annotations

import time
from unittest.mock import patch

from twisted.internet.base import DelayedCall, ReactorBase
from twisted.internet.task import Clock
from twisted.python.runtime import seconds as time_of_day
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.transports.monotonic import use_monotonic_time


class TestReactor(ReactorBase):
    """A reactor that never runs."""

    def installWaker(self) -> None: ...  # noqa: N802

    def _initThreads(self) -> None: ...  # noqa: N802


class MonotonicTests(SynchronousTestCase):
    def test_a_clock_that_is_set_back_delays_nothing(self) -> None:
        reactor = TestReactor()
        before = reactor.callLater(10, lambda: None)
        use_monotonic_time(reactor)
        began = reactor.seconds()
        after = reactor.callLater(10, lambda: None)
        with patch("time.time", return_value=time.time() - 7200):
            self.assertLess(abs(reactor.seconds() - began), 5)
        for call in (before, after):
            assert isinstance(call, DelayedCall)
            self.assertApproximates(call.getTime() - began, 10, 5.0)
            call.reset(20)
            self.assertApproximates(call.getTime() - began, 20, 5.0)
        self.assertApproximates(reactor.timeout() or 0.0, 20, 5.0)

    def test_a_reactor_with_a_clock_of_its_own_keeps_it(self) -> None:
        clock = Clock()
        use_monotonic_time(clock)
        self.assertEqual(clock.seconds(), 0.0)
        reactor = TestReactor()
        self.assertIs(reactor.seconds, time_of_day)
        use_monotonic_time(reactor)
        self.assertIs(reactor.seconds, time.monotonic)
