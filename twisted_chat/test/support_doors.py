"""Visitors (see contract_door) for each door, in each of its dialects."""

from __future__ import annotations

import re

from twisted_chat.core import errors
from twisted_chat.test.contract_door import Said
from twisted_chat.test.support import Connection
from twisted_chat.test.support_web import Socket
from twisted_chat.wire.events import SPOKEN, parse_event
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import Message, parse
from twisted_chat.wire.irc.text import ctcp


class LineVisitor:
    """The part that both dialects of the line protocol share: every request has a label."""

    def __init__(self, connection: Connection | Socket) -> None:
        self.connection = connection
        self.unheard: list[str] = []

    def ask(self, line: str) -> tuple[str, list[str]]:
        """Return an error's code, or "" and the answer's lines followed by the fields of the closing line."""
        answer = []
        for one in self.connection.ask(f"@1 {line}"):
            if one.startswith("@1 "):
                answer.append(one.removeprefix("@1 "))
            else:
                self.unheard.append(one)
        last = answer.pop()
        if last.startswith("error,"):
            return last.split(",")[1], []
        return "", [*answer, last.removeprefix("ok").removeprefix(",")]

    def sign_in(self, name: str, password: str = "") -> str:
        return self.ask(f"register,{name},{password}" if password else f"register,{name}")[0]

    def say(self, to: str, text: str) -> str:
        return self.ask(f"chat,{to},{text}")[0]

    def act(self, to: str, text: str) -> str:
        return self.ask(f"me,{to},{text}")[0]

    def join(self, room: str) -> str:
        return self.ask(f"join,{room}")[0]

    def leave(self, room: str) -> str:
        return self.ask(f"leave,{room}")[0]

    def set_topic(self, room: str, text: str) -> str:
        return self.ask(f"topic,{room},{text}")[0]

    def topic(self, room: str) -> str:
        code, answer = self.ask(f"topic,{room}")
        return code or answer[-1]

    def members(self, room: str) -> list[str]:
        return self.ask(f"list,{room}")[1][-1].split(",")

    def rooms(self) -> list[str]:
        return self.ask("list,rooms")[1][-1].split(",")

    def rename(self, name: str) -> str:
        return self.ask(f"rename,{name}")[0]

    def drop(self) -> None:
        self.connection.drop()

    def lines(self) -> list[str]:
        lines, self.unheard = self.unheard + self.connection.lines(), []
        return lines


_PLAIN = re.compile(r"(?:\* (\S+)(?: \(guest\))?(?: in (#\S+))? |(\S+)(?: \(guest\))?(?: in (#\S+))? says )(.*)")


class PlainVisitor(LineVisitor):
    def heard(self) -> list[Said]:
        found = [match for line in self.lines() if (match := _PLAIN.fullmatch(line))]
        return [
            Said("action" if actor else "message", actor or sender, text, place or room or "")
            for actor, place, sender, room, text in (match.groups() for match in found)
        ]

    def history(self, name: str) -> list[str]:
        past = self.ask(f"history,{name}")[1][:-1]
        return [line.split(" says ", 1)[1] for line in past if " says " in line]


class EventsVisitor(LineVisitor):
    def __init__(self, connection: Connection | Socket) -> None:
        super().__init__(connection)
        connection.ask("hello,events")

    def say(self, to: str, text: str) -> str:
        return super().say(to, text.replace("\\", "\\\\"))

    def heard(self) -> list[Said]:
        events = [event for event in map(parse_event, self.lines()) if event.kind in SPOKEN]
        return [Said(event.kind, event.sender, event.text, event.to if event.to[0] == "#" else "") for event in events]

    def history(self, name: str) -> list[str]:
        events = map(parse_event, self.ask(f"history,{name}")[1][:-1])
        return [event.text for event in events if event.kind in SPOKEN]


_CODES = {
    numerics.ERR_NOSUCHNICK: errors.NO_SUCH_USER,
    numerics.ERR_NOSUCHCHANNEL: errors.NO_SUCH_ROOM,
    numerics.ERR_CANNOTSENDTOCHAN: errors.NOT_A_MEMBER,
    numerics.ERR_NOTONCHANNEL: errors.NOT_A_MEMBER,
    numerics.ERR_NICKNAMEINUSE: errors.NAME_TAKEN,
    numerics.ERR_ERRONEUSNICKNAME: errors.BAD_NAME,
    numerics.ERR_BADCHANMASK: errors.BAD_NAME,
    numerics.ERR_NOTREGISTERED: errors.NOT_REGISTERED,
    numerics.ERR_PASSWDMISMATCH: errors.WRONG_PASSWORD,
}


CAPABILITIES = "message-tags server-time account-tag extended-join echo-message batch draft/chathistory"


class IrcVisitor:
    """An IRC client, without capabilities or with all of them."""

    def __init__(self, connection: Connection, capabilities: str = "") -> None:
        self.connection, self.capabilities, self.nick = connection, capabilities, ""
        self.unheard: list[Message] = []

    def ask(self, *lines: str) -> list[Message]:
        self.unheard += [parse(line.encode()) for line in self.connection.lines()]
        self.connection.say("".join(f"{line}\r\n" for line in lines).encode())
        answer = [parse(line.encode()) for line in self.connection.lines()]
        self.unheard += answer
        return answer

    def code(self, *lines: str) -> str:
        """Return the core's code for the first error among the answers, "" if there is none."""
        return next((_CODES[message.command] for message in self.ask(*lines) if message.command in _CODES), "")

    def sign_in(self, name: str, password: str = "") -> str:
        self.nick = name
        password_lines = [f"PASS :{password}"] if password else []
        begin = [f"CAP REQ :{self.capabilities}"] if self.capabilities else []
        end = ["CAP END"] if self.capabilities else []
        return self.code(*begin, *password_lines, f"NICK {name}", f"USER {name} 0 * :{name}", *end)

    def say(self, to: str, text: str) -> str:
        return self.code(f"PRIVMSG {to} :{text}")

    def act(self, to: str, text: str) -> str:
        return self.code(f"PRIVMSG {to} :\x01ACTION {text}\x01")

    def join(self, room: str) -> str:
        return self.code(f"JOIN {room}")

    def leave(self, room: str) -> str:
        return self.code(f"PART {room}")

    def set_topic(self, room: str, text: str) -> str:
        return self.code(f"TOPIC {room} :{text}")

    def topic(self, room: str) -> str:
        [answer] = self.ask(f"TOPIC {room}")
        if answer.command == numerics.RPL_NOTOPIC:
            return ""
        return answer.params[-1] if answer.command == numerics.RPL_TOPIC else _CODES[answer.command]

    def members(self, room: str) -> list[str]:
        answers = [message for message in self.ask(f"NAMES {room}") if message.command == numerics.RPL_NAMREPLY]
        return [nick for message in answers for nick in message.params[-1].split()]

    def rooms(self) -> list[str]:
        return [message.params[1] for message in self.ask("LIST") if message.command == numerics.RPL_LIST]

    def rename(self, name: str) -> str:
        return self.code(f"NICK {name}")

    def history(self, name: str) -> list[str]:
        answer = self.ask(f"CHATHISTORY LATEST {name} * 50")
        self.unheard = [message for message in self.unheard if message not in answer]
        return [message.params[1] for message in answer if message.command == "PRIVMSG"]

    def heard(self) -> list[Said]:
        messages, self.unheard = self.unheard + [parse(line.encode()) for line in self.connection.lines()], []
        found = []
        echoes = set()
        for message in messages:
            if message.command != "PRIVMSG":
                continue
            sender, (to, text) = message.source.partition("!")[0], message.params
            own = "echo-message" in self.capabilities and sender == self.nick
            if own and (to != self.nick or message.tags["msgid"] not in echoes):
                echoes.add(message.tags["msgid"])
                continue
            asked = ctcp(text)
            kind, text = ("action", asked[1]) if asked else ("message", text)
            found.append(Said(kind, sender, text, to if to[0] == "#" else ""))
        return found

    def drop(self) -> None:
        self.connection.drop()
