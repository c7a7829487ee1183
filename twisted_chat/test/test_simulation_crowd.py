"""Crowds, in memory: users come and go, nothing is lost, and the same seed makes the same crowd."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import ChatClient, Disconnected
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.simulation.crowd import PAUSE_SECONDS, STAY_SECONDS, WAIT_FOR_OTHERS_SECONDS, Crowd, Plan
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.network import memory_server


class CrowdTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.endpoint = memory_server(self.clock)
        self.ledger = Ledger(self.clock.seconds)

    def play(self, plan: Plan) -> Crowd:
        crowd = Crowd(plan, self.clock, self.endpoint, self.ledger)
        self.clock.run(Deferred.fromCoroutine(crowd.play()))
        return crowd

    def test_users_greet_each_other_and_nothing_is_lost(self) -> None:
        self.play(Plan(users=12, duration=60))
        self.assertTrue(self.ledger.faultless)
        self.assertGreater(self.ledger.sent, 12 * 60 / PAUSE_SECONDS[1] / 2)
        self.assertEqual(self.ledger.sent, self.ledger.delivered)
        self.assertEqual((self.clock.seconds(), self.ledger.people), (60, 0))

    def test_users_leave_in_both_ways_and_come_back(self) -> None:
        counts = self.play(Plan(users=12, duration=3 * STAY_SECONDS[1])).counts
        self.assertGreater(counts["visits"], 24)
        self.assertGreater(counts["quits"], 0)
        self.assertGreater(counts["drops"], 0)
        self.assertEqual(counts["visits"], counts["quits"] + counts["drops"])
        self.assertTrue(self.ledger.faultless)

    def test_names_are_free_at_the_end(self) -> None:
        self.play(Plan(users=5, duration=30))
        self.clock.advance(1)
        other = self.clock.run(ChatClient.connect(self.endpoint))
        self.clock.run(other.register("other"))
        self.assertEqual(self.clock.run(other.friends()), ["other"])

    def test_a_taken_name_is_varied(self) -> None:
        other = self.clock.run(ChatClient.connect(self.endpoint))
        self.clock.run(other.register("user1"))
        self.play(Plan(users=2, duration=20))
        self.assertTrue(self.ledger.faultless)

    def test_speed_shortens_everything(self) -> None:
        self.play(Plan(users=12, duration=60, speed=10))
        self.assertEqual(self.clock.seconds(), 6)
        self.assertGreater(self.ledger.sent, 12 * 60 / PAUSE_SECONDS[1] / 2)

    def test_a_crowd_that_ends_before_it_begins(self) -> None:
        self.play(Plan(users=3, duration=WAIT_FOR_OTHERS_SECONDS / 100))
        self.assertEqual((self.ledger.sent, self.ledger.people), (0, 0))

    def test_the_same_seed_is_the_same_crowd(self) -> None:
        accounts = []
        for seed in (1, 1, 2):
            self.setUp()
            crowd = self.play(Plan(users=20, duration=300, seed=seed))
            accounts.append((self.ledger.summary(), crowd.counts))
        self.assertEqual(accounts[0], accounts[1])
        self.assertNotEqual(accounts[0], accounts[2])

    def test_a_server_that_is_killed_ends_it_at_once(self) -> None:
        self.clock.callLater(20, self.endpoint.kill)
        crowd = Crowd(Plan(users=12, duration=600), self.clock, self.endpoint, self.ledger)
        with self.assertRaises(Disconnected):
            self.clock.run(Deferred.fromCoroutine(crowd.play()))
        self.assertEqual(self.clock.seconds(), 20)
        self.clock.advance(1000)
        self.assertEqual((self.ledger.people, self.ledger.lost), (0, 0))
