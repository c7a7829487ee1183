"""An IRC client's connection: the same requests, answers and records as at the other doors."""

from __future__ import annotations

import asyncio

from checker.doors import Answer, Door, Heard, Ping, Told
from checker.facts import ACTION, JOINED, LEFT, LIVE, MESSAGE, PAST, SPOKEN, TOPIC, Seen

IRC_KINDS = {"PRIVMSG": MESSAGE, "TOPIC": TOPIC, "JOIN": JOINED, "PART": LEFT}
IRC_REFUSALS = {"403": "no-such-room", "401": "no-such-user", "404": "not-a-member", "442": "not-a-member"}


class IrcDoor(Door):
    """An IRC client with message-tags, server-time, echo-message, labeled-response and batch."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        super().__init__(reader, writer, name)
        self._batches: dict[str, tuple[str, str]] = {}

    def register(self, password: str, client_id: str) -> list[str]:
        sign_in = [f"PASS :{self.name}:{password}"] if password else []
        caps = "CAP REQ :message-tags server-time echo-message labeled-response batch"
        return [caps, *sign_in, f"NICK {self.name}", "USER u 0 * :u", "CAP END"]

    def say(self, kind: str, to: str, text: str, label: str) -> str:
        if kind == ACTION:
            text = f"\x01ACTION {text}\x01"
        verb = {MESSAGE: "PRIVMSG", ACTION: "PRIVMSG", TOPIC: "TOPIC", JOINED: "JOIN", LEFT: "PART"}[kind]
        return f"@label={label} {verb} {to}" + (f" :{text}" if text else "")

    def history(self, room: str, label: str, limit: int) -> str:
        return f"@label={label} CHATHISTORY LATEST {room} * {min(limit, 100)}"

    def ping(self, label: str) -> str:
        return f"@label={label} PING here"

    def pong(self, token: str) -> str:
        return f"PONG {token}"

    def parse(self, line: str) -> Heard | None:
        tags: dict[str, str] = {}
        if line.startswith("@"):
            words, _, line = line[1:].partition(" ")
            tags = dict(word.partition("=")[::2] for word in words.split(";"))
        source, _, line = line[1:].partition(" ") if line.startswith(":") else ("", "", line)
        command, _, rest = line.partition(" ")
        sender = source.partition("!")[0]
        label, batch = self._label(tags)
        if command == "BATCH":
            return self._batch(rest, label)
        if command == "PING":
            return Ping(rest.lstrip(":"))
        if command in ("422", "376"):
            return Answer("r", ok=True)
        if command in ("433", "464", "ERROR") and not label:
            return Answer("r", ok=False, value=f"{command} {rest}")
        if command in IRC_KINDS and "msgid" in tags:
            return self._told(IRC_KINDS[command], sender, rest, tags["msgid"], label, batch)
        if label and (command in IRC_REFUSALS or command in ("400", "FAIL")):
            code = IRC_REFUSALS.get(command) or ("unavailable" if "cannot store" in rest else command)
            return Answer(label, ok=False, value=f"{code},{rest}")
        if label and command in ("ACK", "PONG"):
            return Answer(label, ok=True)
        return None

    def _label(self, tags: dict[str, str]) -> tuple[str, str]:
        """Return the label of a line and the type of its batch."""
        label, batch = self._batches.get(tags.get("batch", ""), ("", ""))
        return tags.get("label", label), batch

    def _batch(self, rest: str, label: str) -> Answer | None:
        words = rest.split()
        if words[0].startswith("+"):
            self._batches[words[0][1:]] = (label, words[1])
            return None
        label, batch = self._batches.pop(words[0][1:], ("", ""))
        return Answer(label, ok=True) if label and batch == "chathistory" else None

    def _told(self, kind: str, sender: str, rest: str, msgid: str, label: str, batch: str) -> Heard | None:
        """Return the client's own record as an answer, and others' as told; parts of a long text are told once."""
        to, _, text = rest.partition(" ")
        id, _, part = msgid.partition(".")
        if part:
            return None
        if batch != "chathistory" and sender == self.name and (label or kind in (JOINED, LEFT)):
            return Answer(label or f"{kind} {to.lstrip(':')}", ok=True, value=id)
        text = text.removeprefix(":")
        if text.startswith("\x01ACTION "):
            kind, text = ACTION, text[8:].rstrip("\x01")
        how = PAST if label.startswith("h") else LIVE
        return Told(Seen(how, kind, sender, to.lstrip(":"), text if kind in (*SPOKEN, TOPIC) else "", int(id)), label)
