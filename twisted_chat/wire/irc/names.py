"""Our names as IRC nicks and back.

A nick must not hold what IRC's grammar uses, and our names hold most of that
neither (`, ! * : @` and space; `# ~ & % + $` in front). What is left is written wide
(U+FF01 to U+FF5E), which RFC 8265 narrows again, so that no two names become one nick
and the wide form is understood at every door:

    .  anywhere   marks a server's name (RFC 2812 2.3.1)
    ?  anywhere   stands for any character in a mask
    =  anywhere   ends the nick in USERHOST's answer, begins a DCC chat's
    -  in front   begins an option of a client's command, as in irssi's /msg

Any other name is its own nick, in whatever script. A room is its own channel: a
channel may hold everything but space, comma and BEL.
"""

CASEMAPPING = "ascii"
"""ISUPPORT's word for how case is compared.

Not rfc1459: `{` and `[` are two names here. Among ASCII names `ascii` is exactly
what UsernameCaseMapped does; UTF8MAPPING says it of all the others, to clients
that know it (Ergo says the same two). A client that does not takes ÄNNE and
änne for two people, so names are always sent as they are shown.
"""
UTF8MAPPING = "rfc8265"

_WIDE = {ord(sign): chr(ord(sign) + 0xFEE0) for sign in ".?="}
_NARROW = {ord(wide): chr(sign) for sign, wide in _WIDE.items()}
_HYPHEN, _WIDE_HYPHEN = "-", "\uff0d"


def nick_of(name: str) -> str:
    """Return the nick of a name."""
    if name[:1] == _HYPHEN:
        name = _WIDE_HYPHEN + name[1:]
    return name.translate(_WIDE)


def name_of(nick: str) -> str:
    """Return the name that a nick stands for, if it is valid."""
    if nick[:1] == _WIDE_HYPHEN:
        nick = _HYPHEN + nick[1:]
    return nick.translate(_NARROW)
