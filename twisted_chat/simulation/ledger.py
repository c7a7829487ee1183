"""Ledger: which reader must see which message, and which has; it finds messages lost, doubled or out of order.

A seat is one stay of a reader at a target, where messages arrive: a name or a room. A reader with a seat there from
before a message was sent until after it was acknowledged must see the message, unless its connection is dropped.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from math import ceil

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import is_room, room_name, user_name

MAX_REMEMBERED_MESSAGES = 100_000
"""Messages whose times are kept for readers that see them late."""


class Reader:
    """The ids of messages that a connection must see, and that it has seen, in the order of arrival."""

    __slots__ = ("expected", "last", "said", "seen")

    def __init__(self) -> None:
        self.expected, self.seen = array("q"), array("q")
        self.last = self.said = 0


class Seat:
    """One stay of a reader at a target."""

    __slots__ = ("reader",)

    def __init__(self, reader: Reader) -> None:
        self.reader = reader


Seats = tuple[Seat, ...]


class Ledger:
    """The figures of a simulation. `now` returns seconds.

    `people` are connected now, after so many `arrivals`. `sent` counts the acknowledged messages; `delivered` the
    messages seen, for each reader once; `lost` those that a reader must see and has not; `doubled` those that a
    connection saw again; `disordered` those that came after a later message; `refused` the requests that the server
    refused; `unanswered` the requests on a connection that ended.
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
        """Return True if all readers have seen their messages, once and in order."""
        return not (self.lost or self.doubled or self.disordered)

    # seats

    def take_seat(self, target: str, reader: Reader) -> Seat:
        """Add a reader that every message for the target reaches from now on."""
        seat = Seat(reader)
        key = key_of(target)
        self._seats[key] = (*self._seats.get(key, ()), seat)
        return seat

    def give_up_seat(self, target: str, seat: Seat) -> None:
        """Remove a seat, since messages for the target may not reach its reader from now on."""
        key = key_of(target)
        left = tuple(other for other in self._seats.get(key, ()) if other is not seat)
        if left:
            self._seats[key] = left
        else:
            self._seats.pop(key, None)

    def seats(self, target: str) -> Seats:
        """Return the seats of the readers that every message for the target reaches now."""
        return self._seats.get(key_of(target), ())

    # messages

    def acknowledged(self, sender: Reader, to: str, id: int, sent_at: float, before: Seats) -> None:
        """Count a message that has its id now; `before` are the seats at the target when it was sent."""
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
            if len(self._sent) > MAX_REMEMBERED_MESSAGES:
                self._sent.popitem(last=False)

    def saw(self, reader: Reader, id: int) -> None:
        """Count a message that a reader has seen."""
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
            if len(self._early) > MAX_REMEMBERED_MESSAGES:
                self._early.popitem(last=False)

    def closed(self, reader: Reader) -> None:
        """Count what a reader has not seen that has left gracefully, and so has read everything."""
        self.lost += len(set(reader.expected) - set(reader.seen))

    def dropped(self, reader: Reader) -> None:
        """Count what a dropped reader has not seen; messages behind its last may have been under way."""
        self.lost += sum(id < reader.last for id in set(reader.expected) - set(reader.seen))

    # figures

    def latency(self, share: float) -> float | None:
        """Return the seconds from sending to seeing within which a share of messages was delivered, or None."""
        wanted = ceil(sum(self._latencies.values()) * share)
        for micros in sorted(self._latencies):
            wanted -= self._latencies[micros]
            if wanted <= 0:
                return micros / 1e6
        return None

    def summary(self) -> dict[str, object]:
        """Return the figures, for programs."""
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
        if micros >= 1000:  # three digits are enough, and keep the number of different latencies small
            digits = 10 ** (len(str(micros)) - 3)
            micros -= micros % digits
        self._latencies[micros] = self._latencies.get(micros, 0) + 1


@lru_cache(maxsize=16_384)
def key_of(target: str) -> str:
    """Return the same key for every spelling of a name or a #room; an invalid name is its own key."""
    try:
        return room_name(target).key if is_room(target) else user_name(target).key
    except ChatError:
        return target
