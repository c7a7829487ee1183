"""Our room names as IRC channels and back.

IRC can say each of our room names. The other way round, IRC has channels that no room name may be: `##rooms`, as
many networks have them, and names with emoji and other symbols. Such a channel is a room whose name has these
signs in braces, so that all doors can reach it:

    ##rooms, #+v    #{#}rooms, #{+}v      a sign with which no name begins
    #☕, #tea🦀☕   #{2615}, #tea{1f980.2615}   symbols, by their Unicode numbers; + joins those that are shown as one

A room with such a name is shown to IRC clients as the channel; each room is one channel, and no two rooms are the
same one. The selectors of emoji or text style (U+FE0E and U+FE0F) are left out, since nobody sees them in a name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import category, normalize

from twisted_chat.core.errors import ChatError
from twisted_chat.core.lookalikes import skeleton
from twisted_chat.core.names import is_room, user_name

_FIRST_SIGNS = "#~&%+$"
_SYMBOLS = frozenset({"So", "Sm", "Sc"})
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_JOINER, _JOINER_NUMBER = "\u200d", "200d"  # between emoji that are shown as one
_STYLES = {0xFE0E: None, 0xFE0F: None}
_WRITTEN_FIRST = re.compile(rf"\{{([{re.escape(_FIRST_SIGNS)}])\}}")
_WRITTEN_SYMBOLS = re.compile(r"\{([0-9a-f]{2,6}(?:[.+][0-9a-f]{2,6})*)\}", re.IGNORECASE)
_CACHED_NAMES = 4096


def room_of(target: str) -> str:
    """Return the name of the room that a channel stands for; anything else is itself."""
    return _room_of(target) if is_room(target) and not target[1:].isalnum() else target


def channel_of(room: str) -> str:
    """Return the channel that a room is."""
    return _channel_of(room) if "{" in room else room


@lru_cache(_CACHED_NAMES)
def _room_of(channel: str) -> str:
    name, written, run = channel[1:], ["#"], list[str]()
    if name and name[0] in _FIRST_SIGNS:
        written.append(f"{{{name[0]}}}")
        name = name[1:]
    if not name.isascii():
        name = normalize("NFC", name).translate(_STYLES)
    for index, sign in enumerate(name):
        joins = sign == _JOINER and run and run[-1] != _JOINER_NUMBER and _is_symbol(name[index + 1 : index + 2])
        if joins or _is_symbol(sign):
            run.append(f"{ord(sign):x}")
            continue
        written.append(_braced(run) + sign)
        run.clear()
    return "".join(written) + _braced(run)


def _braced(run: list[str]) -> str:
    return f"{{{'.'.join(run)}}}".replace(f".{_JOINER_NUMBER}.", "+") if run else ""


@lru_cache(_CACHED_NAMES)
def _channel_of(room: str) -> str:
    name = _WRITTEN_FIRST.sub(r"\1", room[1:], count=1) if _WRITTEN_FIRST.match(room, 1) else room[1:]
    channel = "#" + _WRITTEN_SYMBOLS.sub(_symbols, name)
    # it is shown so only if it leads back to this room
    return channel if _room_of(channel).casefold() == room.casefold() else room


def _symbols(match: re.Match[str]) -> str:
    numbers = [int(number, 16) for number in match[1].replace("+", f".{_JOINER_NUMBER}.").split(".")]
    return "".join(map(chr, numbers)) if max(numbers) <= 0x10FFFF else match[0]


@lru_cache(_CACHED_NAMES)
def _is_symbol(sign: str) -> bool:
    """Return True for a symbol that looks like nothing that a name may hold, and is the same in all forms."""
    if sign.isascii() or (category(sign) not in _SYMBOLS and ord(sign) not in _SKIN_TONES):
        return False
    try:
        user_name(sign)  # some symbols are letters of a script
    except ChatError:
        return skeleton(sign) == sign == normalize("NFKC", sign)
    return False
