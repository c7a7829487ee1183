"""Compare what the clients of a history noted with what the file holds: what each must see, and what it may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checker.facts import (
    ACTION,
    JOINED,
    LEFT,
    LIVE,
    MESSAGE,
    PAST,
    SPOKEN,
    TOPIC,
    Facts,
    Request,
    Seen,
    Session,
)
from checker.records import Row, Stored, with_members
from twisted_chat.simulation.ledger import Ledger, Reader

TOLD_TO_ALL = (MESSAGE, ACTION, TOPIC)
"""The kinds of records that every dialect shows."""
FULL_PAGE_RECORDS, FULL_PAGE_BYTES = 100, 200_000
"""A page of history that is shorter than both must be the whole history."""


class Verdict:
    """Finds the faults of a history, and adds them to its facts."""

    def __init__(self, facts: Facts, rows: Sequence[Stored]) -> None:
        self._facts, self._fault = facts, facts.fault
        self.rows = with_members(rows, facts.boundaries)
        self._by_id = {row.id: row for row in self.rows}
        self._by_text: dict[str, Row] = {}
        self._doubled: set[str] = set()
        self._requests = {request.text: request for request in facts.requests if request.text}
        self._joins = {request.id: request for request in facts.requests if not request.text and request.id}
        self._ledger = Ledger(lambda: 0.0)
        self.shown = 0

    def find(self) -> None:
        """Find all faults."""
        self._check_rows()
        self._check_requests()
        programs: dict[str, list[Session]] = {}
        for session in self._facts.sessions:
            if session.name in self._facts.positions:
                programs.setdefault(session.name, []).append(session)
            else:
                self._check_session(session)
            self._check_past(session)
            self._check_end(session)
        for name, sessions in programs.items():
            self._check_program(name, sessions)

    # the file

    def _check_rows(self) -> None:
        before = 0
        for row in self.rows:
            if row.text:
                if row.text in self._by_text:
                    self._doubled.add(row.text)
                    self._facts.repeated(f"{row.text[:12]} is stored as {self._by_text[row.text].id} and {row.id}")
                self._by_text.setdefault(row.text, row)
                request = self._requests.get(row.text)
                if request is None:
                    self._fault("corrupted", f"nobody has sent the text of record {row.id}: {row.text[:40]!r}")
                elif (request.kind, request.sender, request.to) != (row.kind, row.sender, row.to):
                    self._fault(
                        "corrupted", f"record {row.id} is {row.kind} of {row.sender} to {row.to}, not {request}"
                    )
            if row.time < before:
                self._fault("time", f"record {row.id} is {before - row.time} ms older than the one before")
            before = row.time

    def _check_requests(self) -> None:
        for request in self._facts.requests:
            row = self._by_id.get(request.id) if request.id else None
            about = f"{request.kind} of {request.sender} to {request.to}, {request.text[:12]}"
            if request.id and row is None:
                self._fault("lost", f"{about} was acknowledged as {request.id}, which the file does not have")
            elif request.kind in (JOINED, LEFT):
                continue  # the id is the log's position if nothing had to be done
            elif row is not None and (row.kind, row.sender, row.to) != (request.kind, request.sender, request.to):
                self._fault(
                    "corrupted", f"{about} was acknowledged as {request.id}, which is {row.kind} {row.text[:12]}"
                )
            elif row is not None and row.text != request.text:
                self._fault("corrupted", f"{about} was acknowledged as {request.id}, which is {row.text[:40]!r}")
            if request.error and request.text in self._by_text:
                stored = self._by_text[request.text].id
                again = request.resent and request.error == "unavailable"
                kind = "resend unavailable" if again else "refused but stored"
                self._fault(kind, f"{about}: {request.error}, but it is record {stored}")

    # what readers saw

    def _row_of(self, reader: str, seen: Seen) -> Row | None:
        """Return the record that was seen; a text that is shown without being stored is a fault."""
        if not seen.id and seen.text in self._doubled:
            return None  # it could be either
        row = self._by_id.get(seen.id) if seen.id else self._by_text.get(seen.text)
        if row is None:
            self._fault("lost", f"{reader} was shown {seen}, which the file does not have")
        elif (seen.kind, seen.sender, seen.to) != (row.kind, row.sender, row.to) or not row.text.startswith(seen.text):
            self._fault("corrupted", f"{reader} was shown {seen}, but record {row.id} is {row.text[:40]!r} to {row.to}")
        return row

    def _check_session(self, session: Session) -> None:
        """Check a session without a position of its own: it must see what was sent while it was there."""
        rows = [row for seen in session.seen if seen.how == LIVE and (row := self._row_of(session.name, seen))]
        for row in rows:
            if row.text not in self._doubled and not self._may_see(session, row):
                self._fault(
                    self._kind_of_leak(session, row),
                    f"{session.name} saw {row.kind} {row.id} of {row.sender} to {row.to}",
                )
        told = [row for row in self.rows if row.kind in TOLD_TO_ALL and row.text not in self._doubled]
        expected = [row for row in told if self._must_see(session, row)]
        self._compare(session.name, expected, rows, session.whole)

    def _check_program(self, name: str, sessions: Sequence[Session]) -> None:
        """Check a program with a position: over all its sessions it must see all records, once and in order."""
        rows = []
        for session in sessions:
            rows += [row for seen in session.seen if seen.how == LIVE and (row := self._row_of(name, seen))]
        first = self._facts.positions[name]
        expected = [
            row
            for row in self.rows
            if first < row.id <= self._facts.end and row.sender != name and (row.to == name or name in row.members)
        ]
        for row in rows:
            if row.sender == name != row.to:
                self._facts.repeated(f"{name} saw its own {row.kind} {row.id} to {row.to}")
            elif row.to != name and name not in row.members:
                self._fault("leaked", f"{name} saw {row.kind} {row.id} of {row.sender} to {row.to}")
        self._compare(name, expected, rows, sessions[-1].whole)

    def _may_see(self, session: Session, row: Row) -> bool:
        """Return True if a session may be shown a record live, or when it signs in."""
        if session.account:
            return session.name in (row.to, row.sender) or session.name in row.members
        request = self._request_of(row)
        if not row.to.startswith("#"):
            here = request is None or (session.begun < request.answered and request.sent < session.ended)
            return row.to == session.name and here and (request is None or session.run in request.runs)
        own = [id for room, id in session.joins if room == row.to]
        return session.name in row.members and (not own or min(own) <= row.id)

    def _kind_of_leak(self, session: Session, row: Row) -> str:
        """Return the kind of fault: a member may ask for what was said before it joined, but did not miss it."""
        lives = self._lives(session.name) if session.account else set()
        if (row.to, row.life) in lives:
            return "not missed"
        if self._was_resent(row):
            return "resend shown"
        if row.to in {room for room, _ in lives}:
            return "old room"
        refused = (
            one.kind == JOINED and one.sender == session.name and one.to == row.to and one.error == "unavailable"
            for one in self._facts.requests
        )
        return "of two minds" if any(refused) else "leaked"

    def _was_resent(self, row: Row) -> bool:
        request = self._request_of(row)
        return request is not None and request.resent

    def _must_see(self, session: Session, row: Row) -> bool:
        """Return True if a record was sent while the session was sure to be there, by another."""
        request = self._request_of(row)
        if request is None or not session.ready < request.sent < session.ended or row.sender == session.name:
            return False
        if not row.to.startswith("#"):
            return row.to == session.name
        joined = session.account or any(room == row.to and 0 < id < row.id for room, id in session.joins)
        return joined and session.name in row.members

    def _lives(self, name: str) -> set[tuple[str, int]]:
        """Return the rooms of which this name was a member, each with the life of the room."""
        return {(row.to, row.life) for row in self.rows if name in row.members}

    def _request_of(self, row: Row) -> Request | None:
        return self._requests.get(row.text) if row.text else self._joins.get(row.id)

    def _compare(self, name: str, expected: Iterable[Row], seen: Iterable[Row], whole: bool) -> None:
        """Compare the records that a reader must see with those that it saw, for each conversation."""
        readers: dict[str, Reader] = {}
        for row in expected:
            readers.setdefault(row.conversation, Reader()).expected.append(row.id)
        ledger = self._ledger
        for row in seen:
            reader = readers.setdefault(row.conversation, Reader())
            doubled, disordered = ledger.doubled, ledger.disordered
            ledger.saw(reader, row.id)
            resent = self._was_resent(row)
            if ledger.doubled > doubled:
                kind = "resend shown" if resent else "doubled"
                self._fault(kind, f"{name} saw record {row.id} of {row.conversation} twice")
            if ledger.disordered > disordered:
                kind = "resend shown" if resent else "disordered"
                self._fault(kind, f"{name} saw record {row.id} of {row.conversation} after {reader.last}")
        for conversation, reader in readers.items():
            lost = ledger.lost
            (ledger.closed if whole else ledger.dropped)(reader)
            if ledger.lost > lost:
                missing = sorted(set(reader.expected) - set(reader.seen))[:5]
                self._fault("lost", f"{name} did not see {ledger.lost - lost} of {conversation}: {missing} …")
        self.shown = ledger.delivered

    # what was asked for

    def _check_past(self, session: Session) -> None:
        """Check that pages of history hold nothing of a room's lives of which the reader was not a member."""
        lives = self._lives(session.name)
        pages = [seen for seen in session.seen if seen.how == PAST]
        pages += [seen for _, page in session.pages for seen in page]
        leaked = set()
        for seen in pages:
            row = self._row_of(session.name, seen)
            if row is not None and row.to.startswith("#") and (row.to, row.life) not in lives:
                leaked.add(row.id)
        if leaked:
            self._fault(
                "old room", f"{session.name} was shown {len(leaked)} records of a room that had ended: {leaked}"
            )

    def _check_end(self, session: Session) -> None:
        """Check the last pages of history, and the rooms of an account."""
        for room, page in session.pages:
            rows = [row for seen in page if seen.kind in SPOKEN and (row := self._row_of(session.name, seen))]
            in_room = [row for row in self.rows if row.to == room]
            life = in_room[-1].life if in_room else 0
            there = [row for row in in_room if row.kind in SPOKEN and row.life == life]
            there = [row for row in there if row.text not in self._doubled]
            shown = [row for row in rows if row.life == life and row.text not in self._doubled]
            more = sum(len(row.text.encode()) // session.line_bytes for row in rows) if session.line_bytes else 0
            short = len(page) + more < FULL_PAGE_RECORDS and sum(len(row.text) for row in rows) < FULL_PAGE_BYTES
            wanted = there if short else there[len(there) - len(shown) :]
            if shown != wanted:
                ids = [row.id for row in wanted if row not in shown]
                self._fault("history", f"{session.name} asked for {room}; {len(ids)} records are missing: {ids[:5]} …")
        if session.rooms is not None:
            rooms = sorted(
                room
                for room in {row.to for row in self.rows}
                if room.startswith("#") and session.name in self._now(room)
            )
            if rooms != sorted(session.rooms):
                self._fault("membership", f"{session.name} is in {session.rooms}, by the file in {rooms}")

    def _now(self, room: str) -> set[str]:
        """Return the members of a room at the end."""
        last = [row for row in self.rows if row.to == room][-1]
        return set(last.members) - ({last.sender} if last.kind == LEFT else set())
