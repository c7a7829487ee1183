"""Valid names, and which names count as the same (RFC 8265).

A name is shown in the form that the profile UsernameCasePreserved gives it. Two names
are the same when the profile UsernameCaseMapped makes them equal.
"""

from functools import lru_cache
from typing import NamedTuple

from precis_i18n import get_profile

from twisted_chat.core.errors import ChatError, Reason

MAX_NAME_CHARACTERS = 32
CACHED_NAMES = 16_384

_FORBIDDEN_CHARACTERS = frozenset(",!*:@ ")
_FORBIDDEN_FIRST_CHARACTERS = frozenset("#~&%+$")
_preserved = get_profile("UsernameCasePreserved")
_mapped = get_profile("UsernameCaseMapped")


class Name(NamedTuple):
    """A valid name: `shown` to people, compared by `key`."""

    shown: str
    key: str


def user_name(text: str) -> Name:
    """Return the user name that `text` stands for.

    Raises ChatError(bad-name) for an empty text or more than 32 characters, for any of
    `, ! * : @` or a space, for a first character out of `# ~ & % + $`, and for what RFC 8265
    does not allow.
    """
    if not 1 <= len(text) <= MAX_NAME_CHARACTERS:
        raise ChatError(Reason.NAME_LENGTH, max=MAX_NAME_CHARACTERS)
    if not _FORBIDDEN_CHARACTERS.isdisjoint(text):
        raise ChatError(Reason.NAME_CHARACTERS)
    if text[0] in _FORBIDDEN_FIRST_CHARACTERS:
        raise ChatError(Reason.NAME_FIRST_CHARACTER)
    if text.isascii() and text.isprintable():  # all of these are in RFC 8264's IdentifierClass
        key = text.lower()
        return Name(text, text if key == text else key)  # most names are lower case: one string serves for both
    return _enforced(text)


@lru_cache(maxsize=CACHED_NAMES)
def _enforced(text: str) -> Name:
    try:
        name = Name(_preserved.enforce(text), _mapped.enforce(text))
    except UnicodeError as error:
        raise ChatError(Reason.NAME_DISALLOWED, why=_profile_rule(error)) from None
    if name.shown != text:  # width mapping may produce a character that is not allowed in a name
        user_name(name.shown)
    return name


def _profile_rule(error: UnicodeError) -> str:
    """Return the rule that the profile names at the end of its error, as in "DISALLOWED/controls"."""
    return str(error).rpartition("/")[2].replace("_", " ")


@lru_cache(maxsize=CACHED_NAMES)
def room_name(text: str) -> Name:
    """Return the room name that `text` stands for: `#` and a valid name. Raises ChatError(bad-name)."""
    if not is_room(text):
        raise ChatError(Reason.ROOM_NAME)
    shown, key = user_name(text[1:])
    return Name("#" + shown, "#" + key)


def is_room(text: str) -> bool:
    """Return True if `text` names a room, False if it names a person."""
    return text[:1] == "#"
