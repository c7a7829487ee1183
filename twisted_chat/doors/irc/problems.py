"""The numeric and the text that IRC has for each error: the table.

IRC's own texts are in their usual words, which clients and users know. An error without a row has no numeric: the
session sends it as FAIL or 400, with the sentence that all doors share (sentences.py).
"""

from typing import NamedTuple

from twisted_chat.core import errors
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.names import is_room
from twisted_chat.sentences import sentence_of
from twisted_chat.wire.errors import TOO_LONG, ParseError
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import MAX_BODY_BYTES, MAX_TAGS_BYTES

SIGN_IN = "PASS"
"""The command of a sign-in, in the table: the hub may refuse it at NICK, USER or CAP END."""


class Numeric(NamedTuple):
    """A numeric reply: its number, its text with {sentence} for the shared one, and whether it names the target."""

    number: str
    text: str = "{sentence}"
    names_target: bool = True


NUMERICS: dict[tuple[str, str | Reason], Numeric] = {
    ("", errors.NO_SUCH_USER): Numeric(numerics.ERR_NOSUCHNICK, "No such nick"),
    ("", errors.NO_SUCH_ROOM): Numeric(numerics.ERR_NOSUCHCHANNEL, "No such channel"),
    ("", errors.NOT_A_MEMBER): Numeric(numerics.ERR_NOTONCHANNEL, "You're not on that channel"),
    ("", errors.NAME_TAKEN): Numeric(numerics.ERR_NICKNAMEINUSE, "Nickname is already in use"),
    ("", Reason.NAME_OF_ACCOUNT): Numeric(
        numerics.ERR_NICKNAMEINUSE,
        "Nickname belongs to an account; sign in with its password (PASS or SASL), or choose another nick",
    ),
    ("", TOO_LONG): Numeric(
        numerics.ERR_INPUTTOOLONG,
        f"Input line was too long; send at most {MAX_BODY_BYTES} bytes, and at most {MAX_TAGS_BYTES} of tags",
        names_target=False,
    ),
    ("", Reason.TOPIC_LENGTH): Numeric(numerics.ERR_INPUTTOOLONG, names_target=False),
    ("", Reason.AWAY_LENGTH): Numeric(numerics.ERR_INPUTTOOLONG, names_target=False),
    ("PRIVMSG", errors.NOT_A_MEMBER): Numeric(numerics.ERR_CANNOTSENDTOCHAN, "Cannot send to channel; JOIN it first"),
    ("NOTICE", errors.NOT_A_MEMBER): Numeric(numerics.ERR_CANNOTSENDTOCHAN, "Cannot send to channel; JOIN it first"),
    ("JOIN", errors.BAD_NAME): Numeric(numerics.ERR_BADCHANMASK, "Bad channel name: {sentence}"),
    ("JOIN", Reason.TOO_MANY_ROOMS): Numeric(
        numerics.ERR_TOOMANYCHANNELS, "You have joined too many channels; leave a channel first"
    ),
    ("NICK", errors.BAD_NAME): Numeric(numerics.ERR_ERRONEUSNICKNAME, "Erroneous nickname: {sentence}"),
    ("NICK", errors.NOT_ALLOWED): Numeric(numerics.ERR_ERRONEUSNICKNAME, "Erroneous nickname: {sentence}"),
    (SIGN_IN, errors.SLOW_DOWN): Numeric(numerics.RPL_TRYAGAIN),
    (SIGN_IN, errors.NOT_ALLOWED): Numeric(numerics.ERR_YOUREBANNEDCREEP, names_target=False),
    (SIGN_IN, Reason.NO_GUESTS): Numeric(
        numerics.ERR_YOUREBANNEDCREEP,
        "This server does not accept guests; sign in with a password (PASS or SASL)",
        names_target=False,
    ),
    (SIGN_IN, Reason.PASSWORD_IN_CLEAR): Numeric(numerics.ERR_PASSWDMISMATCH, names_target=False),
    (SIGN_IN, Reason.PASSWORD_MISMATCH): Numeric(
        numerics.ERR_PASSWDMISMATCH, "Password incorrect; try again, or choose another nick", names_target=False
    ),
    **{
        (SIGN_IN, code): Numeric(numerics.ERR_PASSWDMISMATCH, names_target=False)
        for code in (errors.WRONG_PASSWORD, TOO_LONG, errors.BAD_NAME, errors.NAME_TAKEN, errors.UNAVAILABLE)
    },
}
"""Numerics by the command ("" for any) and the error's reason or code; the rows of a command come first."""


def numeric_for(command: str, target: str, problem: ChatError | ParseError) -> Numeric | None:
    """Return the numeric for an error, its text with the sentence filled in; None if IRC has no number for it."""
    code: str = problem.code
    reasons: tuple[str | Reason, ...] = (problem.reason, code) if isinstance(problem, ChatError) else (code,)
    found = next((row for by in (command, "") for reason in reasons if (row := NUMERICS.get((by, reason)))), None)
    if found is None and code == errors.BAD_NAME:  # no user can have an invalid name
        found = NUMERICS["", errors.NO_SUCH_ROOM if is_room(target) else errors.NO_SUCH_USER]
    return found and found._replace(text=found.text.format(sentence=sentence_for(problem)))


def sentence_for(problem: ChatError | ParseError) -> str:
    """Return the sentence for an error that all doors share."""
    return problem.sentence if isinstance(problem, ParseError) else sentence_of(problem)
