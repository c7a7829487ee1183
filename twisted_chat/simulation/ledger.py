"""Who was to see what, and who saw it: what was lost, doubled or out of order.

A seat is one stay of one reader where messages arrive: under a name, or in a room.
Readers who sat there from before a message was sent until after it was acknowledged
must see it, unless their connection dropped.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from math import ceil

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import is_room, room_name, user_name

REMEMBERED = 100_000
"""Messages whose times are kept for those who see them late."""


class Reader:
    """What one connection was to see, and saw: ids, in the order of arrival."""

    __slots__ = ("expected", "last", "said", "seen")

    def __init__(self) -> None:
        self.expected, self.seen = array("q"), array("q")
        self.last = self.said = 0


class Seat:
    """One stay of one reader in one place."""

    __slots__ = ("reader",)

    def __init__(self, reader: Reader) -> None:
        self.reader = reader


Seats = tuple[Seat, ...]


class Ledger:
    """The account of a simulation. `now` gives seconds.

    `people` are connected now, after so many `arrivals`.
    `sent` counts what was acknowledged, `delivered` what was seen by each reader
    once, `lost` what was to be seen and was not, `doubled` what one connection saw
    again, `disordered` what came after something later, `refused` what the server
    did not take, `unanswered` what was asked of a connection that ended.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now, self._began = now, now()
        self._seats: dict[str, Seats] = {}
        self._sent: OrderedDict[int, float] = OrderedDict()
        self._early: OrderedDict[int, list[float]] = OrderedDict()
        self._latencies: dict[int, int] = {}
        self.people = self.arrivals = 0
        self.sent = self.delivered = self.lost = self.doubled = self.disordered = self.refused = self.unanswered = 0

    @property
    def faultless(self) -> bool:
        """Whether everybody saw what was meant for them, once and in order."""
        return not (self.lost or self.doubled or self.disordered)

    # who sits where

    def take_seat(self, place: str, reader: Reader) -> Seat:
        """The reader is certainly reached there from now on."""
        seat = Seat(reader)
        key = key_of(place)
        self._seats[key] = (*self._seats.get(key, ()), seat)
        return seat

    def give_up_seat(self, place: str, seat: Seat) -> None:
        """The reader may not be reached there from now on."""
        key = key_of(place)
        left = tuple(other for other in self._seats.get(key, ()) if other is not seat)
        if left:
            self._seats[key] = left
        else:
            self._seats.pop(key, None)

    def seats(self, place: str) -> Seats:
        """Who is certainly reached there now."""
        return self._seats.get(key_of(place), ())

    # what is said and seen

    def acknowledged(self, sender: Reader, to: str, id: int, sent_at: float, before: Seats) -> None:
        """A message has its id; `before` are the seats there when it was sent."""
        self.sent += 1
        if id <= sender.said:
            self.disordered += 1
        sender.said = id
        after = self._seats.get(key_of(to), ())
        if after is not before:
            still = set(after)
            before = tuple(seat for seat in before if seat in still)
        to_room = is_room(to)
        for seat in before:
            if not to_room or seat.reader is not sender:
                seat.reader.expected.append(id)
        early = self._early.pop(id, ())
        for seen_at in early:
            self._took(seen_at - sent_at)
        if len(early) < len(before) - to_room:
            self._sent[id] = sent_at
            if len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)

    def saw(self, reader: Reader, id: int) -> None:
        """A reader was shown a message."""
        if id > reader.last:
            reader.last = id
        elif id in reader.seen:
            self.doubled += 1
            return
        else:
            self.disordered += 1
        reader.seen.append(id)
        self.delivered += 1
        now = self._now()
        sent_at = self._sent.get(id)
        if sent_at is not None:
            self._took(now - sent_at)
        elif id in self._early:
            self._early[id].append(now)
        else:
            self._early[id] = [now]
            if len(self._early) > REMEMBERED:
                self._early.popitem(last=False)

    def closed(self, reader: Reader) -> None:
        """A reader has left gracefully, and read all that there was."""
        self.lost += len(set(reader.expected) - set(reader.seen))

    def dropped(self, reader: Reader) -> None:
        """A reader's connection is gone; what was behind the last that it saw may have been on its way."""
        self.lost += sum(id < reader.last for id in set(reader.expected) - set(reader.seen))

    # the account

    def latency(self, share: float) -> float | None:
        """Seconds from sending to being seen, for this share of what was delivered; None for nothing."""
        wanted = ceil(sum(self._latencies.values()) * share)
        for micros in sorted(self._latencies):
            wanted -= self._latencies[micros]
            if wanted <= 0:
                return micros / 1e6
        return None

    def summary(self) -> dict[str, object]:
        """The figures, for programs."""
        p50, p99 = self.latency(0.5), self.latency(0.99)
        return {
            "seconds": round(self._now() - self._began, 3),
            "sent": self.sent,
            "delivered": self.delivered,
            "refused": self.refused,
            "unanswered": self.unanswered,
            "lost": self.lost,
            "doubled": self.doubled,
            "disordered": self.disordered,
            "latency_ms": {
                "p50": None if p50 is None else round(p50 * 1000, 3),
                "p99": None if p99 is None else round(p99 * 1000, 3),
            },
        }

    def _took(self, seconds: float) -> None:
        micros = int(seconds * 1_000_000)
        if micros >= 1000:  # three digits are enough, and make few different figures of many
            digits = 10 ** (len(str(micros)) - 3)
            micros -= micros % digits
        self._latencies[micros] = self._latencies.get(micros, 0) + 1


@lru_cache(maxsize=16_384)
def key_of(place: str) -> str:
    """What a name or a #room is known by; a place that cannot be is known as it is written."""
    try:
        return room_name(place).key if is_room(place) else user_name(place).key
    except ChatError:
        return place
