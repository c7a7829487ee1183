"""The part of a session that tells its client who came, went or has another name."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from twisted_chat.core.errors import Notice
from twisted_chat.core.hub import Hub
from twisted_chat.core.participants import User
from twisted_chat.doors.catchup import LIVE, CatchUp
from twisted_chat.doors.crowds import CrowdNews
from twisted_chat.doors.dialect import Dialect
from twisted_chat.doors.outbox import Outbox
from twisted_chat.doors.presence import MAX_CHANGES, PresenceChanges

PRESENCE_DELAY_SECONDS = 0.1
"""Seconds for which presence changes gather before they are sent, so that a storm of them becomes one write."""
PRESENCE_BYTES = 40 * 1024
"""Memory that the changes of 128 people may take: part of the network's share while the client is behind."""
PRESENCE_GAP = "too many people came and went to name them all; ask for the list of those who are online"


class PresenceReader:
    """Gathers presence for a client, and tells it a little later, or when it has caught up; a session's base class."""

    __slots__ = ("_presence",)

    address: str
    user: User | None
    dialect: Dialect
    outbox: Outbox
    catchup: CatchUp
    _clock: IReactorTime
    _hub: Hub
    _delimiter: bytes
    _presence: PresenceChanges | None

    def write(self, *lines: str, ended: bool = True) -> None:
        """Queue lines."""
        raise NotImplementedError

    def presence_changed(self, identity: int, before: str | None, now: str | None) -> None:
        if self.dialect.for_programs:
            self._gathered_presence().add(identity, before, now)

    def crowd_changed(self, news: CrowdNews) -> None:
        own = self.user.identity if self.user is not None and self.dialect.for_programs else None
        if own is not None and self.catchup.mode is LIVE and self._presence is None and not self.outbox.full:
            if news.presence.lost:
                self.write(*self.dialect.server_notice(Notice.GAP, PRESENCE_GAP))
            self.outbox.put(news.rendered(self.dialect, self._delimiter, own))
        elif own is not None:
            gathered = self._gathered_presence()
            if len(news.presence) > MAX_CHANGES + 1:  # more than can be gathered, also without the reader itself
                gathered.lose()
                return
            for identity, (before, now) in news.presence.items():
                if identity != own:
                    gathered.add(identity, before, now)
            gathered.lost |= news.presence.lost

    def went_live(self) -> None:
        if self._presence is not None:
            self._tell_presence()

    def _gathered_presence(self) -> PresenceChanges:
        """Return the changes that will be told in PRESENCE_DELAY_SECONDS, or when the session goes live."""
        if self._presence is None:
            self._presence = PresenceChanges()
            self._clock.callLater(PRESENCE_DELAY_SECONDS, self._tell_presence)
        return self._presence

    def _tell_presence(self) -> None:
        presence = self._presence
        if presence is None:
            return
        if self.catchup.mode is not LIVE:
            if not presence.paid:
                presence.paid = self._hub.shares.presence.take(self.address, PRESENCE_BYTES)
                if not presence.paid:
                    presence.lose()
            return
        self.drop_presence()
        if presence.lost:
            self.write(*self.dialect.server_notice(Notice.GAP, PRESENCE_GAP))
        self.write(*self.dialect.presence(presence.changes()))
        self.outbox.flush()

    def drop_presence(self) -> None:
        """Forget the changes that were gathered, and give back their share of the memory."""
        if self._presence is not None and self._presence.paid:
            self._hub.shares.presence.give_back(self.address, PRESENCE_BYTES)
        self._presence = None
