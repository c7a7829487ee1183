"""The session of one connection, at any door: what the client is shown, and how far it has read.

Entries are delivered live while the client reads; a client that is behind reads on from the log (catchup.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime

from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.core.hub import Hub
from twisted_chat.core.messages import JOINED, LEFT, Record
from twisted_chat.core.participants import Entry, Route, User
from twisted_chat.core.shares import FREE_ROOMS, FREE_ROUTES
from twisted_chat.doors.catchup import LIVE, CatchUp
from twisted_chat.doors.dialect import Dialect, RenderCaches
from twisted_chat.doors.door import NO_DOOR, Door
from twisted_chat.doors.flusher import Flusher
from twisted_chat.doors.outbox import Outbox
from twisted_chat.doors.pace import ChangePace
from twisted_chat.doors.presence import PresenceChanges
from twisted_chat.doors.slices import Job
from twisted_chat.doors.unstored import FREE_UNSTORED_BYTES, LogWaiter
from twisted_chat.sentences import notice_sentence
from twisted_chat.transports.interfaces import Writer


class Session(LogWaiter):
    """A participant of the hub (core.participants.Participant) with a client behind it.

    The door is woken when the client has read what waited for it and, if the session is
    `waiting` for that, when the log has everything that this connection said.
    """

    __slots__ = (
        "_clock",
        "_confirmed",
        "_delimiter",
        "_door",
        "_ending",
        "_flusher",
        "_hub",
        "_position_at_check",
        "_render",
        "_render_caches",
        "address",
        "catchup",
        "client_id",
        "credit",
        "dialect",
        "max_rooms",
        "max_routes",
        "outbox",
        "routes",
        "sender_number",
        "user",
        "welcomed",
    )
    quit_reason = ""

    def __init__(
        self,
        number: int,
        hub: Hub,
        flusher: Flusher,
        transport: Writer,
        clock: IReactorTime,
        render_caches: RenderCaches,
        dialect: Dialect,
        max_outbox_bytes: int,
        door: Door,
        address: str = "",
    ) -> None:
        self.sender_number, self.dialect, self.address, self.client_id = number, dialect, address, ""
        self.user: User | None = None
        self.routes: dict[str, Route] = {}
        self.unstored = self.credit = 0
        self.max_unstored, self.max_rooms, self.max_routes = FREE_UNSTORED_BYTES, FREE_ROOMS, FREE_ROUTES
        self.waiting = self.welcomed = False
        self.outbox = Outbox(transport, max_outbox_bytes, self._drained, hub.shares.outboxes, address)
        self.catchup = CatchUp(self, hub, clock)
        self._hub, self._flusher, self._clock, self._door = hub, flusher, clock, door
        self._delimiter, self._ending, self._render_caches = b"\n", "\n", render_caches
        self._render = render_caches[dialect, b"\n"]
        self._presence: PresenceChanges | None = None
        self._confirmed = self._position_at_check = 0

    # what is written

    def speak(self, dialect: Dialect, delimiter: bytes) -> None:
        """Write in another dialect, or with another line ending, from now on."""
        self.dialect, self._delimiter, self._ending = dialect, delimiter, delimiter.decode()
        self._render = self._render_caches[dialect, delimiter]

    def write(self, *lines: str, ended: bool = True) -> None:
        """Queue lines; the last without its ending if it is not to be `ended`.

        A line break within a line, from a person's text, never becomes a line of its own.
        """
        if lines:
            data = self._delimiter.join([line.replace("\n", "\\n").encode() for line in lines])
            self.outbox.put(data + self._delimiter if ended else data)

    def write_replayed(self, records: Sequence[Record], label: str | None) -> None:
        """Queue records for a client that catches up."""
        for record in records:
            self.write(*self.render_replayed(record))

    def write_acknowledgement(self, entry: Entry) -> None:
        """Queue the acknowledgement of what this client said and the log has."""
        text = self.dialect.acknowledgement(entry, self._ending)
        if text:
            self.outbox.put(text.encode())

    def write_rejection(self, entry: Entry, index: int, problem: ChatError) -> None:
        """Queue the error for one text of an entry that the log cannot keep."""
        raise NotImplementedError

    def render_replayed(self, record: Record) -> list[str]:
        """Return the lines that show a record to this client when it catches up."""
        assert self.user is not None
        return self.dialect.render_replayed(record, own=record.author == self.user.identity)

    def flush(self) -> None:
        self.outbox.flush()

    async def write_slices(self, job: Job) -> None:
        """Write a long answer, a step of the job at a time; return when it is all queued."""
        if (over := self._flusher.slices.run(self, job)) is not None:
            await over

    @property
    def pace(self) -> ChangePace:
        return self._flusher.pace

    async def turn(self) -> None:
        """Wait for the client's turn to ask for what takes long."""
        await self.write_slices(iter(()))

    # the end

    def end(self) -> None:
        """Leave everything, and let go of the door: the connection is gone."""
        self._leave()
        self.catchup.close()
        self.drop_presence()
        self._flusher.slices.drop(self)
        self.outbox.end()
        self._door = NO_DOOR

    def sign_out(self) -> None:
        """Leave everything in peace; what is queued is still written."""
        if self.user is not None:
            if self.welcomed:
                self._confirmed = self.catchup.position
            self._leave()

    def _leave(self) -> None:
        if self.user is not None:
            self._hub.shares.settle(self)
            self._hub.sign_out(self, self.quit_reason)
            self._flusher.request()
            self._hub.shares.settle(self)  # for the records of its leaving

    @property
    def door(self) -> str:
        return self._door.door

    def _wake_in_turn(self) -> None:
        self._flusher.wakes.add(self.address, self._door.wake)

    # how far the client has read

    @property
    def read_up_to(self) -> int:
        return self._confirmed

    @property
    def paused(self) -> bool:
        return self.outbox.paused

    def idle_check(self, heard: bool) -> None:
        """Note how far the client has read: if `heard` since the last check, it has what was sent before that check."""
        if heard:
            self._confirmed = self._position_at_check
        self._position_at_check = self.catchup.position

    # what the hub calls

    def deliver(self, entry: Entry) -> None:
        if self.catchup.mode is not LIVE:
            return
        outbox = self.outbox
        if outbox.full:
            self.catchup.fall_behind(entry.first - 1)
        elif entry.kind in (JOINED, LEFT):
            self.deliver_move(entry)
        else:
            outbox.put(self._render(entry))

    def deliver_move(self, entry: Entry) -> None:
        """Queue a join or leave that is delivered live."""
        if self._presence is not None and entry.kind == JOINED:
            self._tell_presence()  # or a name that is taken again would seem to go after it came
        self.outbox.put(self._render(entry))

    def deliver_copy(self, entry: Entry) -> None:
        if self.catchup.mode is not LIVE:
            return
        if self.outbox.full:
            self.catchup.fall_behind(entry.first - 1)
        else:
            self.write(*self.dialect.render_copy(entry))

    def acknowledge(self, entry: Entry) -> bool:
        if self.waiting and not self.unstored:
            self.all_stored()
        if self.user is None:  # the leaving of its rooms, when the connection is gone
            return False
        if not entry.asked and not self.dialect.for_programs:
            return False
        self.write_acknowledgement(entry)
        return True

    def reject(self, entry: Entry, error: ChatError) -> None:
        if self.waiting and not self.unstored:
            self.all_stored()
        if self.user is None:
            return
        for index in range(len(entry.texts)):
            self.write_rejection(entry, index, error)

    def notify(self, notice: Notice, detail: str = "") -> None:
        self.write(*self.dialect.server_notice(notice, notice_sentence(notice, detail)))

    def read_marker_moved(self, name: str, id: int) -> None:
        pass

    def disconnect(self, notice: Notice, detail: str = "") -> None:
        self.welcomed &= notice is not Notice.REPLACED  # a replaced client has perhaps not read everything
        self.notify(notice, detail)
        self._door.close()

    def hold(self) -> None:
        self.catchup.hold()

    def release(self) -> None:
        self.welcomed = True
        self._clock.callLater(0, self._release)  # behind the requests that were read with the sign-in

    def _release(self) -> None:
        self.catchup.release()
        self.outbox.flush()

    # what catching up calls

    def _drained(self) -> None:
        if self.outbox.abandoned:
            self._clock.callLater(0, self._door.close)
            return
        self._flusher.slices.resume(self)
        if self.catchup.mode is not LIVE:
            self.read_in_turn()
        self._door.wake()

    def read_in_turn(self) -> None:
        self._flusher.wakes.add(self.address, self.catchup.proceed)
