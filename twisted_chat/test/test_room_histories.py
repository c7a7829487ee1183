"""Random joins, leaves, topics, renames, drops and resends beside a log that stores and refuses: hub and log agree."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.messages import GUESTS
from twisted_chat.test.support import Connection, DelayedLog, Server

ROOMS = ("#x", "#y")
HISTORIES = 20
STEPS = 60


class RoomHistoryTests(SynchronousTestCase):
    """Two accounts with two connections each, one of which the server knows by its client-id, and some guests."""

    def begin(self, random: Random) -> None:
        self.random, self.log = random, DelayedLog()
        self.server = Server(self.log)
        self.accounts = [
            self.server.account(name, client=client) for name in ("ann", "ben") for client in ("a-phone", "")
        ]
        self.guests: list[Connection] = []
        self.label = 0
        self.reader = self.server.irc("kim")
        self.keep()

    def keep(self) -> None:
        self.server.turn()
        while self.log.waiting:
            self.log.keep()
            self.server.turn()

    def request(self) -> str:
        room = self.random.choice(ROOMS)
        verb = self.random.choice(("join", "join", "leave", "topic", "chat", "me", "list", "history"))
        self.label += self.random.random() < 0.7  # otherwise the last label is used again
        text = f",{self.random.randint(0, 3)}" if verb in ("topic", "chat", "me") else ""
        return f"@{self.label + 1} {verb},{room}{text}\n"

    def step(self) -> None:
        """Do something at random."""
        random = self.random
        act = random.randint(0, 9)
        if act == 0:
            guest = self.server.connect()
            guest.say(f"register,guest{random.randint(0, 3)}\n".encode())
            self.guests.append(guest)
        elif act == 1 and self.guests:
            self.guests.pop(random.randrange(len(self.guests))).drop()
        elif act == 2 and self.guests:
            random.choice(self.guests).say(f"rename,guest{random.randint(0, 5)}\n".encode())
        elif act in (3, 4):
            self.store()
        else:
            asker = random.choice(self.accounts + self.guests)
            asker.say("".join(self.request() for _ in range(random.randint(1, 3))).encode())
        if random.random() < 0.5:
            self.server.turn()
        if random.random() < 0.2:
            self.assert_lists_are_what_the_log_has()

    def store(self) -> None:
        """Store the first entries that wait, or fail to."""
        self.server.turn()
        if not self.log.waiting:
            return
        count = self.random.randint(1, self.log.waiting)
        if self.random.random() < 0.6:
            self.log.keep(count)
        else:
            rest = self.log._flushed[count:]
            del self.log._flushed[count:]
            self.log.fail()
            self.log._flushed = rest + self.log._flushed

    def assert_lists_are_what_the_log_has(self) -> None:
        hub = self.server.hub
        members = {
            key: {one.identity for one in some.values() if one.identity < GUESTS}
            for key, some in self.log._rooms._members.items()
        }
        for room in list(hub.rooms.ordered):
            shown = list(room.shown_members())
            self.assertEqual(len(shown), room.shown)
            self.assertEqual(sorted(shown, key=lambda user: user.key), list(room.ordered))
            stored = members.get(room.key, set())
            self.assertLessEqual({user.identity for user in shown if user.is_account}, stored)

    def test_hub_and_log_agree_at_the_end(self) -> None:
        for seed in range(HISTORIES):
            self.begin(Random(seed))
            for _ in range(STEPS):
                self.step()
            self.keep()
            hub = self.server.hub
            self.assertEqual((hub._changes, hub._endings), ({}, {}), seed)
            self.assert_lists_are_what_the_log_has()
            stored = {(one.identity, one.room.lower()) for one in self.log.restore().memberships}
            in_hub = {
                (user.identity, room.key)
                for room in hub.rooms._rooms.values()
                for user in room.members.values()
                if user.is_account
            }
            self.assertEqual(in_hub, stored, seed)
            for room in hub.rooms._rooms.values():
                self.assertEqual(list(room.shown_members()), list(room.members.values()), seed)
                self.assertEqual((room.leaving, room.topic), ({}, room.delivered_topic), seed)
