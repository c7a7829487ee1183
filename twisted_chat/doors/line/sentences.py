"""The ways out that only the line protocol has: what to type next, added to the sentences of an error for people."""

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.sentences import fill, sentence_of

HINTS: dict[Reason, str] = {
    Reason.NO_SEARCH_WORDS: "for example search,#tea,assam",
    Reason.NAME_OF_ACCOUNT: "register,{name},<password> signs in",
    Reason.NO_NAME: "register,<name> takes one",
    Reason.HAS_NAME: "rename,<name> changes a guest's name",
    Reason.OLD_PASSWORD_NEEDED: "password,<old>,<new> changes it",
    Reason.UNKNOWN_USER: "list,friends shows who is online",
    Reason.UNKNOWN_ROOM: "join,{room} makes it",
    Reason.ROOM_NOT_VISIBLE: "join,{room} joins it",
    Reason.NOT_IN_ROOM: "join,{room} joins it",
    Reason.NO_GUESTS: "register,{name},<password> signs in",
    Reason.ACCOUNTS_ONLY: "register,<name>,<password> makes an account",
    Reason.NO_ACCOUNTS: "register,<name> makes you a guest",
}
"""A line that a person can type, or what it does."""


def sentence_with_hint(error: ChatError) -> str:
    """Return an error's sentence, with what to type next if there is such a thing."""
    hint = HINTS.get(error.reason)
    return sentence_of(error) if hint is None else f"{sentence_of(error)}; {fill(hint, error)}"
