"""Names that look alike, and names that mix scripts, as UTS 39 describes them; and the names that are reserved.

The tables in data/ are made from Unicode's own files by .ci/unicode_tables.py. The rules are for new names
only: a name that an account has stays valid.
"""

from bisect import bisect_right
from collections.abc import Container
from functools import lru_cache
from importlib.resources import files
from unicodedata import normalize

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.names import Name, user_name

SERVICES = frozenset(
    {"nickserv", "chanserv", "memoserv", "operserv", "hostserv", "botserv", "authserv", "saslserv", "helpserv"}
)
"""Keys of the names that IRC clients send passwords to by themselves."""
# fmt: off
RESERVED = SERVICES | {
    "server", "system", "service", "services", "admin", "admins", "administrator", "root", "operator",
    "operators", "oper", "moderator", "moderators", "staff", "support", "security", "abuse", "postmaster",
    "webmaster", "hostmaster", "global", "everyone", "everybody", "here", "all", "channel", "room", "nobody",
    "anonymous", "unknown", "guest", "guests", "me", "you", "irc", "help", "notice", "info", "ack",
    "ok", "error", "bye", "ping", "pong",
}
# fmt: on
"""Keys of the names that no new user gets: they speak for the server, or for everyone, or are words of its answers."""

_LATIN, _HAN_MIXES = "Latn", frozenset({"Hanb", "Jpan", "Kore"})
_MIXES = {
    "Hani": {"Hanb", "Jpan", "Kore"},
    "Hira": {"Jpan"},
    "Kana": {"Jpan"},
    "Hang": {"Kore"},
    "Bopo": {"Hanb"},
}
"""Writing systems that use several scripts (UTS 39, section 5.1)."""
_JOINERS = {0x200C: None, 0x200D: None}  # the only invisible characters that a name may hold

Ranges = tuple[list[int], list[tuple[int, frozenset[str]]]]


def skeleton(text: str) -> str:
    """Return UTS 39's skeleton: two texts with the same one look alike in some font."""
    prototypes = _prototypes()
    if text.isascii():
        return text.translate(prototypes)
    return normalize("NFD", normalize("NFD", text).translate(_JOINERS).translate(prototypes))


def looks(name: Name) -> tuple[str, ...]:
    """Return the one to three forms by which a name is compared with others, whatever the case of their letters."""
    key = _caseless(name.key)
    if name.shown == name.key:
        return (key,)
    seen = skeleton(name.shown)
    forms = {key: None, skeleton(seen.casefold()): None}
    capitals = seen.replace("l", "I")  # a skeleton has "l" for I, l and 1: among capitals it is read as I
    if capitals != seen and capitals.isupper():
        forms[skeleton(capitals.casefold())] = None
    return tuple(forms)


def mixes_scripts(text: str) -> bool:
    """Return True for a text that UTS 39's "highly restrictive" level does not allow.

    Letters of one script are allowed, and Latin letters with those of Chinese, Japanese or Korean.
    """
    if text.isascii():
        return False
    common: frozenset[str] | None = None
    without_latin: frozenset[str] | None = None
    for char in text:
        scripts = _scripts(ord(char))
        if scripts:
            common = scripts if common is None else common & scripts
            if _LATIN not in scripts:
                without_latin = scripts if without_latin is None else without_latin & scripts
    return common == frozenset() and not (without_latin or frozenset()) & _HAN_MIXES


def check_new_name(name: Name) -> None:
    """Check that a name is one that a new user may have. Raises ChatError(bad-name)."""
    if not _reserved_looks().isdisjoint(looks(name)):
        raise ChatError(Reason.NAME_RESERVED, name=name.shown)
    if mixes_scripts(name.shown):
        raise ChatError(Reason.NAME_MIXES_SCRIPTS, name=name.shown)


class LookIndex:
    """The names in use, by their looks. A name that looks as its key does costs nothing."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        _reserved_looks()  # reads the tables now, not after a change of the root folder

    def add(self, name: Name) -> None:
        """Add a name; of several that look alike, as old accounts may, the first is found."""
        for look in looks(name):
            if look != name.key:
                self._keys.setdefault(look, name.key)

    def remove(self, name: Name) -> None:
        """Remove a name."""
        for look in looks(name):
            if self._keys.get(look) == name.key:
                del self._keys[look]

    def is_like_another(self, name: Name, keys: Container[str], own: str = "") -> bool:
        """Return True if a name looks like one of those in use, by `keys`, but for the one with the key `own`."""
        return any(
            self._keys.get(look, own) != own or (look in keys and look not in (own, name.key)) for look in looks(name)
        )


def _caseless(text: str) -> str:
    return skeleton(skeleton(text).casefold())


def _lines(name: str) -> list[list[str]]:
    text = files("twisted_chat.core").joinpath("data", name).read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines() if line[:1] != "#"]


@lru_cache
def _prototypes() -> dict[int, str]:
    """Return the table of confusable characters."""
    return {
        int(source, 16): "".join(chr(int(code, 16)) for code in codes) for source, *codes in _lines("confusables.txt")
    }


@lru_cache
def _script_ranges() -> Ranges:
    """Return the ranges' first characters, and for each its last one and the scripts and writing systems."""
    rows = [
        (int(first, 16), int(last, 16), frozenset(scripts).union(*(_MIXES.get(script, ()) for script in scripts)))
        for first, last, *scripts in _lines("scripts.txt")
    ]
    return [first for first, _, _ in rows], [(last, scripts) for _, last, scripts in rows]


def _scripts(code: int) -> frozenset[str]:
    """Return the scripts of a character; none for one that all scripts share."""
    firsts, rows = _script_ranges()
    index = bisect_right(firsts, code) - 1
    if index < 0 or code > rows[index][0]:
        return frozenset()
    return rows[index][1]


@lru_cache
def _reserved_looks() -> frozenset[str]:
    words = RESERVED | {word.replace("i", "l") for word in RESERVED}  # adm1n, NlCKSERV
    return frozenset(look for word in words for look in looks(user_name(word)))
