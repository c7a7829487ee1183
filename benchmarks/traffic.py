"""Send the load generator's messages by a plan, and check that all of them arrive.

A text is 64 bytes, `<00042>[000123456789012]xxx…`: its sender and, in the first text of every write, the time.
Reads are counted instead of parsed line by line if the possible senders of a reader are known beforehand.
"""

import random
import re
import select
import time
from dataclasses import dataclass

from crowd import ROOM, Crowd, Stalled
from dialects import name

TEXT_BYTES = 64
SENDER = re.compile(rb"<(\d{5})>")
PATIENCE = 10.0


@dataclass(frozen=True)
class Plan:
    """The senders and readers: `pairs`, `random` friends, or a `room`, in which only some members write.

    A sender writes `burst` messages at once, and continues when all of them have arrived.
    """

    pattern: str
    people: int
    burst: int = 1
    writers: int = 0


class Traffic:
    """Drives a crowd by a plan, in phases; at the end of a phase every message has arrived."""

    def __init__(self, crowd: Crowd, plan: Plan) -> None:
        self.plan = plan
        self.sockets = crowd.sockets
        self.latencies: list[int] = []
        self.delivered = 0
        self.copies = plan.people - 1 if plan.pattern == "room" else 1
        self._left = 0
        self._random = random.Random(1)
        self._began = time.monotonic_ns()
        self._numbers = {peer.fileno(): person for person, peer in enumerate(self.sockets)}
        self._poll = select.epoll()
        for number in self._numbers:
            self._poll.register(number, select.EPOLLIN)

        if plan.pattern == "room":
            self._senders = range(plan.writers)
        elif plan.pattern == "pairs":
            self._senders = range(0, plan.people, 2)
        else:
            self._senders = range(plan.people)
        self._owed = [0] * plan.people
        self._reader_of = [sender ^ 1 for sender in range(plan.people)]
        self._heard = [[0] * len(self._senders) for _ in self.sockets] if plan.pattern == "room" else []
        self._tails = [b""] * plan.people
        self._prepare(crowd)

    def _prepare(self, crowd: Crowd) -> None:
        """Prepare the bytes that all writes share."""
        dialect, plan = crowd.dialect, self.plan
        self._tags = [b"<%05d>" % person for person in range(plan.people)]
        targets = [ROOM if plan.pattern == "room" else name(person) for person in range(plan.people)]
        self._heads = [dialect.chat % target if dialect.chat else b"" for target in targets]
        stamp = b"[%015d]" % 0
        self._pad = b"x" * (TEXT_BYTES - len(self._tags[0]) - len(stamp)) + dialect.end
        rest = b"x" * (TEXT_BYTES - len(self._tags[0])) + dialect.end
        self._rests = [b""] * plan.people
        for sender in self._senders:
            if plan.burst > 1:
                plain = self._heads[self._reader_of[sender]] + self._tags[sender] + rest
                self._rests[sender] = plain * (plan.burst - 1)

    def run(self, messages: int, seconds: float) -> None:
        """Send this number of messages, or send for some seconds if they end first; wait until all have arrived."""
        plan, sockets, numbers, tails = self.plan, self.sockets, self._numbers, self._tails
        poll, clock = self._poll.poll, time.monotonic
        received = self._count if plan.pattern != "random" else self._parse
        messages -= messages % plan.burst
        self._left = messages
        expected = self.delivered + messages * self.copies
        for sender in self._senders:
            self._send(sender)
        end = clock() + seconds
        while self.delivered < expected:
            events = poll(PATIENCE, plan.people)
            if not events:
                raise Stalled(f"{expected - self.delivered} messages have not arrived")
            for number, _ in events:
                reader = numbers[number]
                data = sockets[reader].recv(65536)
                if not data:
                    raise Stalled("a connection was closed")
                if tails[reader]:
                    data = tails[reader] + data
                    tails[reader] = b""
                if data[-1] != 10:
                    whole = data.rfind(b"\n") + 1
                    data, tails[reader] = data[:whole], data[whole:]
                if data:
                    received(reader, data)
            if self._left and clock() > end:
                expected -= self._left * self.copies
                self._left = 0
        if any(self._owed):
            raise Stalled("a message came twice and another not at all")

    def _send(self, sender: int) -> None:
        """Send one write, if the phase has messages left to send."""
        plan = self.plan
        if self._left < plan.burst:
            return
        self._left -= plan.burst
        if plan.pattern == "random":
            friend = self._random.randrange(plan.people - 1)
            self._reader_of[sender] = friend + (friend >= sender)
        self._owed[sender] += plan.burst * self.copies
        stamp = b"[%015d]" % (time.monotonic_ns() - self._began)
        line = self._heads[self._reader_of[sender]] + self._tags[sender] + stamp + self._pad
        data = line + self._rests[sender]
        if self.sockets[sender].send(data) != len(data):
            raise Stalled("a socket did not take a whole write, although few bytes are outstanding")

    def _count(self, reader: int, data: bytes) -> None:
        """Count the messages of a read by the tags of the reader's possible senders."""
        self._sample(data)
        lines = data.count(b"\n")
        if self._heard:
            heard = self._heard[reader]
            for sender in self._senders:
                if count := data.count(self._tags[sender]):
                    lines -= count
                    heard[sender] += count
                    self._credit(sender, count)
        else:
            sender = reader ^ 1
            count = data.count(self._tags[sender])
            lines -= count
            self._credit(sender, count)
        if lines:
            raise Stalled(f"not for this reader, or no message: {data[:200]!r}")

    def _parse(self, reader: int, data: bytes) -> None:
        """Count the messages of a read line by line, if any user may have sent them."""
        self._sample(data)
        senders = [int(digits) for digits in SENDER.findall(data)]
        if len(senders) != data.count(b"\n"):
            raise Stalled(f"no message: {data[:200]!r}")
        for sender in senders:
            if self._reader_of[sender] != reader:
                raise Stalled(f"not for this reader: {data[:200]!r}")
            self._credit(sender, 1)

    def _sample(self, data: bytes) -> None:
        """Record the latency of the first message of this read that contains a time."""
        at = data.find(b"[") + 1
        if at:
            self.latencies.append(time.monotonic_ns() - self._began - int(data[at : at + 15]))

    def _credit(self, sender: int, count: int) -> None:
        """Count messages of a sender that have arrived; after the last one the sender continues."""
        self.delivered += count
        self._owed[sender] -= count
        if not self._owed[sender]:
            self._send(sender)

    def check(self) -> None:
        """Check that all members of the room have received the same number of messages from every other writer."""
        for sender in range(self.plan.writers):
            counts = {heard[sender] for reader, heard in enumerate(self._heard) if reader != sender}
            if len(counts) != 1 or self._heard[sender][sender]:
                raise Stalled(f"readers have different numbers of messages of sender {sender}: {sorted(counts)}")
