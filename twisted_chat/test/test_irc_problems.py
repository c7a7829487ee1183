"""The IRC door's table of errors: each has a numeric or a FAIL, and none speaks of another protocol."""

from __future__ import annotations

import re

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.doors.irc.commands import COMMANDS
from twisted_chat.doors.irc.problems import NUMERICS, SIGN_IN, numeric_for
from twisted_chat.sentences import SENTENCES
from twisted_chat.test.test_irc_door import IrcTestCase
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import MAX_BODY_BYTES, parse

FACTS: dict[str, str | int] = {
    "name": "jane",
    "room": "#tea",
    "to": "jane",
    "why": "symbols",
    "label": "x",
    "id": 7,
    "max": 9,
    "min": 8,
    "target": "@7",
    "seconds": 3,
}


def error(reason: Reason) -> ChatError:
    """Return an error with the facts that its sentence needs."""
    needed = re.findall(r"{(\w+)}", SENTENCES[reason])
    return ChatError(reason, **{name: FACTS[name] for name in needed})


class ProblemTests(IrcTestCase):
    def test_every_error_of_the_core_has_a_line_for_every_command(self) -> None:
        for capabilities in ("", "standard-replies"):
            session = self.server.irc(f"jane{len(capabilities)}", capabilities=capabilities).irc.session
            for reason in Reason:
                for command in (*COMMANDS, ""):
                    for target in ("#tea", "kim", "", "a b :c" * 40):
                        [line] = session.problem(command, target, error(reason))
                        self.assertLessEqual(len(line.encode()), MAX_BODY_BYTES)
                        text = parse(line.encode()).params[-1]
                        self.assertNotRegex(text, r"\w,[<#]|\{")

    def test_the_usual_texts(self) -> None:
        for command, reason, number, text in (
            ("PRIVMSG", Reason.UNKNOWN_USER, numerics.ERR_NOSUCHNICK, "No such nick"),
            ("PART", Reason.ROOM_NOT_VISIBLE, numerics.ERR_NOSUCHCHANNEL, "No such channel"),
            ("PART", Reason.NOT_IN_ROOM, numerics.ERR_NOTONCHANNEL, "You're not on that channel"),
            ("NICK", Reason.NAME_IN_USE, numerics.ERR_NICKNAMEINUSE, "Nickname is already in use"),
            (SIGN_IN, Reason.PASSWORD_MISMATCH, numerics.ERR_PASSWDMISMATCH, "Password incorrect"),
        ):
            found = numeric_for(command, "#tea", error(reason))
            assert found is not None
            self.assertEqual((found.number, found.text.partition(";")[0]), (number, text))

    def test_every_row_is_for_an_error_that_there_is(self) -> None:
        known = {*Reason, *(reason.code for reason in Reason)}
        for command, reason in NUMERICS:
            self.assertIn(reason, known)
            self.assertIn(command, {"", *COMMANDS})
