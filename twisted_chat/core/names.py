"""What a name may be, and which names are the same.

RFC 8265: a name is shown as the profile UsernameCasePreserved enforces it, and
two names are the same when UsernameCaseMapped makes them equal.
"""

from functools import lru_cache
from typing import NamedTuple

from precis_i18n import get_profile

from twisted_chat.core.errors import ChatError, Reason

LONGEST = 32
_NOWHERE = frozenset(",!*:@ ")
_NOT_IN_FRONT = frozenset("#~&%+$")
_preserved = get_profile("UsernameCasePreserved")
_mapped = get_profile("UsernameCaseMapped")


class Name(NamedTuple):
    """A valid name: `shown` to people, compared by `key`."""

    shown: str
    key: str


def _reason(error: UnicodeError) -> str:
    """The profile's own short reason, as in "DISALLOWED/controls"."""
    return str(error).rpartition("/")[2].replace("_", " ")


def user_name(text: str) -> Name:
    """The name that `text` stands for.

    Raises ChatError(bad-name) for 0 or over 32 characters, for `, ! * : @` or a
    space anywhere, `# ~ & % + $` in front, or what RFC 8265 does not allow.
    """
    if not 1 <= len(text) <= LONGEST:
        raise ChatError(Reason.NAME_LENGTH, max=LONGEST)
    if not _NOWHERE.isdisjoint(text):
        raise ChatError(Reason.NAME_CHARACTERS)
    if text[0] in _NOT_IN_FRONT:
        raise ChatError(Reason.NAME_FIRST_CHARACTER)
    if text.isascii() and text.isprintable():  # RFC 8264's IdentifierClass has all of these
        key = text.lower()
        return Name(text, text if key == text else key)  # one string for both, as most names are
    return _enforced(text)


@lru_cache(maxsize=16_384)
def _enforced(text: str) -> Name:
    try:
        name = Name(_preserved.enforce(text), _mapped.enforce(text))
    except UnicodeError as error:
        raise ChatError(Reason.NAME_DISALLOWED, why=_reason(error)) from None
    if name.shown != text:  # width mapping may make a character that no name may have
        user_name(name.shown)
    return name


@lru_cache(maxsize=16_384)
def room_name(text: str) -> Name:
    """The room that `text`, `#` and a name, stands for; raises ChatError(bad-name)."""
    if not is_room(text):
        raise ChatError(Reason.ROOM_NAME)
    shown, key = user_name(text[1:])
    return Name("#" + shown, "#" + key)


def is_room(text: str) -> bool:
    """Whether `text` means a room and not a person."""
    return text[:1] == "#"
