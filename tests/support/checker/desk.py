"""The requests of a client: what waits for an answer, what was answered, and what that says about its rooms."""

from __future__ import annotations

import random
from dataclasses import dataclass

from checker.doors import Answer, Door
from checker.facts import ACCOUNTS, ACTION, GUESTS, JOINED, LEFT, MESSAGE, TOPIC, Facts, Request, Session
from checker.irc_door import IrcDoor

RESENDABLE = (MESSAGE, ACTION)


@dataclass(frozen=True)
class Role:
    """The kind of a client: its door, the name of its account or "", and its client-id or ""."""

    door: type[Door]
    account: str = ""
    client_id: str = ""


class Desk:
    """Makes the requests of a client, and notes their answers.

    `unanswered` holds the requests that wait, by label. A program with a client-id resends them after a reconnect.
    """

    door: Door
    session: Session

    def __init__(self, role: Role, dice: random.Random, facts: Facts) -> None:
        self._role, self._dice, self._facts = role, dice, facts
        self.unanswered: dict[str, Request] = {}
        self._answered: list[Request] = []
        self._sure: dict[str, bool] = {}
        self._labels = 0

    def label(self, prefix: str = "q") -> str:
        """Return a label that this client has not used yet."""
        self._labels += 1
        return f"{prefix}{self._labels}"

    @property
    def rooms(self) -> list[str]:
        """Return the rooms of which the client is sure to be a member."""
        return [room for room in self._sure if self._sure[room]]

    def sit_down(self, door: Door, session: Session) -> None:
        """Go on with another connection and session."""
        self.door, self.session = door, session
        if not session.account:
            self._sure.clear()
        self._resend()

    def take(self, answer: Answer) -> None:
        """Take an answer, if one of the requests waits for it."""
        request = self.unanswered.pop(answer.label, None)
        if request is not None:
            self._judge(request, answer)

    def repeat_one(self) -> None:
        """Send a request again that was answered long ago, if the server can tell."""
        if self._role.client_id and self._answered:
            first = self._dice.choice(self._answered[-50:])
            again = Request(first.kind, first.sender, first.to, first.text, first.label, self._facts.tick(), {0})
            again.repeats, first.resent = first, True
            if first.label not in self.unanswered:
                self._send(again)

    def _resend(self) -> None:
        """Send the requests that were not answered on the last connection again, if the server can tell."""
        requests, self.unanswered = list(self.unanswered.values()), {}
        for request in requests:
            if self._role.client_id and request.kind in RESENDABLE and request.repeats is None:
                request.runs.add(self._facts.run)
                request.resent = True
                self._send(request)

    def new(self, kind: str, to: str) -> None:
        """Ask for something to be stored."""
        session, facts = self.session, self._facts
        text = "" if kind in (JOINED, LEFT) else facts.new_text(self._letters if kind != TOPIC else 10)
        request = Request(kind, session.name, to, text, self.label(), facts.tick(), {facts.run})
        request.sure = kind == JOINED or to in ACCOUNTS or self._sure.get(to, False)
        if kind == LEFT:
            self._sure[to] = False
        facts.requests.append(request)
        self._send(request)

    def _send(self, request: Request) -> None:
        self.unanswered[request.label] = request
        self.door.send(self.door.say(request.kind, request.to, request.text, request.label))

    def _judge(self, request: Request, answer: Answer) -> None:
        """Note the answer to a request, and whether it could be right."""
        facts = self._facts
        about = f"{request.sender} {request.kind} to {request.to} @{request.label} {request.text[:12]}"
        if request.repeats is not None:
            if not answer.ok:
                if "shutting down" not in answer.value:  # a look-up needs no write
                    facts.fault("resend refused", f"{about} was stored as {request.repeats.id}: {answer.value[:60]}")
            elif int(answer.value) != request.repeats.id:
                facts.repeated(f"{about} was stored as {request.repeats.id} and is {answer.value} now")
            return
        was_present = request.to in GUESTS and facts.present(request.to, request.sent)
        request.answered = facts.tick()
        if not answer.ok:
            request.error = code = answer.value.partition(",")[0]
            may = {"no-such-user", "no-such-room", "not-a-member"} if not (request.sure or was_present) else set()
            if facts.was_unable(request.sent):
                may.add("unavailable")
            if request.kind in (JOINED, LEFT):
                may |= {"not-a-member", "no-such-room"} if self._role.door is IrcDoor else set()
            if request.resent:
                may |= {code}  # the verdict finds those that were stored
            if code not in may:
                undone = code == "not-a-member" and facts.was_unable(0)  # perhaps a join or leave was refused before
                facts.fault("of two minds" if undone else "refused", f"{about}: {answer.value[:80]}")
            if request.kind == LEFT and request.sure and code == "unavailable":
                self._set_sure(request.to)  # a refused leave has changed nothing
            return
        request.id = int(answer.value or 0)
        if request.kind in RESENDABLE and self._role.client_id:
            self._answered.append(request)
        if request.kind == JOINED:
            self.session.joins.append((request.to, request.id))
            self._set_sure(request.to)

    def _set_sure(self, room: str) -> None:
        """Note that the client is a member, unless a request to leave is under way."""
        self._sure[room] = not any(one.to == room and one.kind == LEFT for one in self.unanswered.values())

    @property
    def _letters(self) -> int:
        return self._dice.choice((0, 10, 300)) if self._role.door is IrcDoor else self._dice.choice((0, 10, 300, 3000))
