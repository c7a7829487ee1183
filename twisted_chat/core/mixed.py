"""Messages of one connection to several people in one read: one entry of the log, delivered in parts."""

from collections.abc import Sequence

from twisted_chat.core.participants import Entry, Envelope, Participant, Route


class Delivery(Entry):
    """The texts of a MixedEntry that go to the same recipients; `ids` are not in a row."""

    __slots__ = ("_indexes",)

    def __init__(self, mixed: "MixedEntry", envelope: Envelope, indexes: list[int]) -> None:
        self.kind, self.envelope, self.time, self.first = mixed.kind, envelope, mixed.time, mixed.first
        self._indexes, self.labels = indexes, {}
        texts = mixed.texts
        self.texts = [texts[index] for index in indexes]

    @property
    def ids(self) -> Sequence[int]:
        first = self.first
        return [first + index for index in self._indexes]

    @property
    def times(self) -> Sequence[int]:
        time = self.time
        return [time + index for index in self._indexes]


class MixedEntry(Entry):
    """The messages of one connection to several people in one read, in the order in which they were sent.

    All routes are exclusive, so that each recipient gets its texts in the order of their ids.
    """

    __slots__ = ("_envelopes", "_groups")

    def __init__(
        self,
        kind: str,
        routes: Sequence[Route],
        texts: list[str],
        connection: Participant,
        labels: dict[int, str],
        size: int | None = None,
    ) -> None:
        super().__init__(kind, routes[0].envelope, (), texts, connection, labels, bool(labels), (), size)
        self._envelopes = [route.envelope for route in routes]
        groups: dict[Route, list[int]] = {}
        for index, route in enumerate(routes):
            if route in groups:
                groups[route].append(index)
            else:
                groups[route] = [index]
        self._groups = [(route.envelope, route.target.participants, indexes) for route, indexes in groups.items()]

    @property
    def envelopes(self) -> Sequence[Envelope]:
        return self._envelopes

    def part(self, indexes: Sequence[int]) -> Entry:
        """Return some of the texts as a mixed entry of their own, to be kept by the log."""
        assert self.connection is not None
        part = MixedEntry.__new__(MixedEntry)
        Entry.__init__(
            part,
            self.kind,
            self._envelopes[indexes[0]],
            (),
            [self.texts[index] for index in indexes],
            self.connection,
            {new: self.labels[old] for new, old in enumerate(indexes) if old in self.labels},
            self.asked,
        )
        part._envelopes = [self._envelopes[index] for index in indexes]
        new_of = {old: new for new, old in enumerate(indexes)}
        part._groups = [
            (envelope, recipients, kept)
            for envelope, recipients, olds in self._groups
            if (kept := [new_of[old] for old in olds if old in new_of])
        ]
        return part

    def deliveries(self) -> "list[tuple[Delivery, tuple[Participant, ...]]]":
        """Return what goes to each group of recipients, once the log has kept the entry."""
        return [(Delivery(self, envelope, indexes), recipients) for envelope, recipients, indexes in self._groups]

    def deliver(self, touched: dict[Participant, None]) -> None:
        """Deliver to each group of recipients, and note them as touched."""
        for delivery, recipients in self.deliveries():
            for participant in recipients:
                participant.deliver(delivery)
                touched[participant] = None

    def repeat(self, id: int, time: int) -> None:
        super().repeat(id, time)
        self._groups = []

    def forget_participants(self) -> None:
        super().forget_participants()
        self._groups = []
