"""Replays: a small log with every unusual kind of line, played to a server in memory."""

from __future__ import annotations

from math import inf

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import ChatClient, Disconnected
from twisted_chat.core.names import MAX_NAME_CHARACTERS, user_name
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.simulation.irclog import read_log
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.network import memory_server
from twisted_chat.simulation.replay import LogReplay, played_as
from twisted_chat.wire.events import Event

LOG = """\
[08:24] <jane> hello, all
[08:24] <Matt|> |trey|, top in the list --> ubuntu servers
=== tuxx  has joined #ubuntu
=== Matt| scrolls up
[08:25] <delta>
[08:25] <tuxx> back\\slash \\n and blåbær
=== Matt| is now known as |Matt|
[08:25] <|Matt| > now I am he
=== ..[topic/#ubuntu:Seveas] : Help | FAQs
[08:26]  * jane yawns
=== tuxx  has left #ubuntu []
[08:27] <tuxx> not really
=== tuxx  has joined #ubuntu
[08:28] <a@b> my nick is odd
[08:28] <jane> beep\x07
=== a@b is now known as jane
[08:29] <JANE> whoever I am now
"""
SAID = [
    "jane in #ubuntu: hello, all",
    "Matt| in #ubuntu: |trey|, top in the list --> ubuntu servers",
    "Matt| in #ubuntu: scrolls up",
    "tuxx in #ubuntu: back\\slash \\n and blåbær",
    "|Matt| in #ubuntu: now I am he",
    "jane in #ubuntu: yawns",
    "tuxx in #ubuntu: not really",
    "a_b in #ubuntu: my nick is odd",
    "jane in #ubuntu: whoever I am now",
]


class ReplayTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.endpoint = memory_server(self.clock)
        self.ledger = Ledger(self.clock.seconds)
        self.seen: list[str] = []

    def replay(self, log: str, speed: float = inf, room: str = "") -> LogReplay:
        return LogReplay(read_log(log.encode()), self.clock, self.endpoint, self.ledger, speed, room)

    def play(self, replay: LogReplay) -> None:
        self.clock.run(Deferred.fromCoroutine(replay.play()))

    def watch(self, room: str) -> None:
        """Have another user record the messages of a room."""

        def see(event: Event) -> None:
            if event.kind in ("message", "action"):
                self.seen.append(f"{event.sender} in {event.to}: {event.text}")

        watcher = self.clock.run(ChatClient.connect(self.endpoint, see))
        self.clock.run(watcher.register("watcher"))
        self.clock.run(watcher.join(room))

    def test_every_message_is_sent_and_seen_once(self) -> None:
        self.watch("#ubuntu")
        replay = self.replay(LOG)
        self.play(replay)
        self.assertEqual(sorted(self.seen), sorted(SAID))
        self.assertTrue(self.ledger.faultless)
        self.assertEqual((self.ledger.sent, replay.changed, self.ledger.people), (len(SAID), 0, 0))

    def test_at_the_speed_of_the_log_messages_keep_its_order(self) -> None:
        self.watch("#ubuntu")
        self.play(self.replay(LOG, speed=2))
        self.assertEqual(self.seen, SAID)
        self.assertEqual(self.clock.seconds(), 5 * 60 / 2)

    def test_texts_that_cannot_be_sent_are_skipped_and_reported(self) -> None:
        replay = self.replay(LOG)
        self.play(replay)
        self.assertEqual([line for line, _ in replay.skipped], [5, 15])
        self.assertIn("empty", replay.skipped[0][1])
        self.assertIn("control character", replay.skipped[1][1])

    def test_nicks_that_are_no_names_are_mapped_and_reported(self) -> None:
        replay = self.replay(LOG)
        self.play(replay)
        self.assertEqual(replay.mapped, {"a@b": "a_b"})

    def test_a_taken_name_is_varied(self) -> None:
        other = self.clock.run(ChatClient.connect(self.endpoint))
        self.clock.run(other.register("jane"))
        replay = self.replay("[08:24] <jane> hi\n[08:24] <a@b> hi\n[08:24] <a:b> hi\n")
        self.play(replay)
        self.assertEqual(replay.mapped, {"jane": "jane-2", "a@b": "a_b", "a:b": "a_b-2"})

    def test_it_can_be_played_in_another_room(self) -> None:
        self.watch("#tea")
        self.play(self.replay("[08:24] <jane> hi\n", room="#tea"))
        self.assertEqual(self.seen, ["jane in #tea: hi"])

    def test_users_whose_join_is_missing_are_there_from_the_start(self) -> None:
        log = "[08:24] <jane> anybody?\n=== tim  has joined #x\n[08:25] <zak> me\n=== zak is now known as z\n"
        self.play(self.replay(log))
        self.assertEqual((self.ledger.sent, self.ledger.delivered), (2, 1 + 2))

    def test_a_server_that_is_killed_ends_it(self) -> None:
        self.clock.callLater(90, self.endpoint.kill)
        replay = self.replay(LOG, speed=1)
        with self.assertRaises(Disconnected):
            self.play(replay)
        self.assertEqual(self.ledger.lost, 0)

    def test_a_text_that_arrives_changed_is_noticed(self) -> None:
        replay = self.replay("[08:24] <jane> hi\n")
        replay._compare(1, ("message", "jane", "hi"))
        replay._compare(1, ("message", "jane", "Hi"))
        self.assertEqual(replay.changed, 1)


class PlayedAsTests(SynchronousTestCase):
    def test_a_valid_nick_is_itself(self) -> None:
        for nick in ("|trey|", "ChrischiO`GER", "brad[]", "_", "^_^"):
            self.assertEqual(played_as(nick), nick)

    def test_any_other_becomes_a_valid_name(self) -> None:
        for nick in ("@guntbert", "~x", "a b", "x" * 50, "\u2764", "", "#tea", "a\x07b", "!", "&&"):
            self.assertTrue(user_name(played_as(nick)), nick)
            self.assertLessEqual(len(played_as(nick)), MAX_NAME_CHARACTERS)
