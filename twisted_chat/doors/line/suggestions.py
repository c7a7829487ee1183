"""What a person may have meant by a line that is no command: other case, spaces, IRC's words, slips."""

from collections.abc import Mapping
from difflib import get_close_matches

from twisted_chat.core.lookalikes import SERVICES
from twisted_chat.core.names import is_room
from twisted_chat.doors.line.requests import Command
from twisted_chat.wire.numbers import is_number

SIMILARITY = 0.75
"""How much of a word must be right to be taken for a command, from 0 to 1."""
MAX_SUGGESTION_CHARACTERS = 200
SECRET_VERBS, SECRET_WORDS = ("register", "login", "password"), ("pass", "identify")
"""Verbs whose last fields are passwords, and words whose first one may be: they are not repeated."""
OTHER_WORDS = {
    "nick": "register",
    "user": "register",
    "pass": "register",
    "identify": "register",
    "privmsg": "chat",
    "msg": "chat",
    "notice": "chat",
    "query": "chat",
    "say": "chat",
    "send": "chat",
    "tell": "chat",
    "action": "me",
    "part": "leave",
    "names": "list",
    "who": "list",
    "whois": "list",
    "users": "list",
    "rooms": "list",
    "exit": "quit",
    "bye": "quit",
    "logout": "quit",
    "?": "help",
    "commands": "help",
}
"""The verb for a word of IRC's or another chat's."""
_SHORT_SERVICES = ("ns", "cs", "ms")
_LISTS = {
    "names": "friends",
    "who": "friends",
    "whois": "friends",
    "users": "friends",
    "list": "friends",
    "rooms": "rooms",
}
"""The field for a word that lists something, when the person gave none."""


def suggestion(line: str, commands: Mapping[str, Command], registered: bool) -> str | None:
    """Return what to type instead of a line (without its label) that is no command; None if nothing is like it."""
    text = line.strip().removeprefix("/").lstrip()
    end = min((at for at in (text.find(" "), text.find(",")) if at >= 0), default=len(text))
    word, rest = text[:end].lower(), text[end + 1 :].strip()
    if _is_for_a_service(word, rest) and "login" in commands:
        return commands["login"].usage
    verb = OTHER_WORDS.get(word, word)
    if verb == "register" and registered and word in ("nick", "register"):
        verb = "rename"
    if verb not in commands:
        near = get_close_matches(word, commands, 1, SIMILARITY)
        if not near:
            return None
        verb = near[0]
    command = commands[verb]
    fields = _fields(command, rest)
    if verb == "list" and (not fields or (word in OTHER_WORDS and not is_room(fields[0]))):  # LIST, WHOIS zak
        fields = [_LISTS[word]] if word in _LISTS else fields
    if verb in ("join", "leave") and fields and not is_room(fields[0]):
        fields = [f"#{fields[0]}"]
    if "limit=<n>" in command.usage and is_number(fields[-1] if fields else ""):
        fields[-1] = f"limit={fields[-1]}"
    if word == "user":  # USER jane 0 * :Jane
        fields = fields[:1]
    meant = ",".join((verb, *fields))
    is_secret = word in SECRET_WORDS or (verb in SECRET_VERBS and len(fields) > 1)
    if is_secret or not command.least <= len(fields) <= command.most or len(meant) > MAX_SUGGESTION_CHARACTERS:
        return command.usage
    return meant


def _is_for_a_service(word: str, rest: str) -> bool:
    """Return True for what an IRC client says to a service, with a password: /msg NickServ IDENTIFY …, /ns …."""
    if OTHER_WORDS.get(word) == "chat":
        word = rest.replace(",", " ").partition(" ")[0].lower()
    return word in SERVICES or word in _SHORT_SERVICES


def _fields(command: Command, rest: str) -> list[str]:
    """Return the fields that the rest of a line stands for: with commas, or with spaces as in other protocols."""
    if not rest or not command.most:
        return []
    first, space, others = rest.partition(" ")
    if "," in first:
        return [field.strip() for field in rest.split(",", command.most - 1)]
    if command.most == 1:
        return [first if command.begins_with_name else rest.removeprefix(":")]
    return [first, others.lstrip(" :")] if space else [first]
