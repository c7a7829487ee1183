"""Split texts and searches into words, and find mentions, by the one rule of both stores.

Case, accents and forms of a letter make no difference: a text is decomposed (NFKD), case-folded, stripped of
accents, and composed again. Words are letters and digits between other characters. Scripts that are written
without spaces, and Korean, whose particles follow without one, are cut into pairs of neighbouring characters;
the last character of such a run also stands alone. So a single character is found as the beginning of a pair,
and a longer expression as a phrase of pairs, wherever it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twisted_chat.core.names import Name

MAX_CACHED_CHARACTERS = 20_000
"""Characters whose part in a text is remembered."""
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u1950-\u19df\u1a20-\u1aad"  # Thai to Tai Tham
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c\u3040-\u318f\u31a0-\u31bf\u31f0-\u31ff"  # kana, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaadf"  # Han, Yi, Myanmar, Tai Viet
    "\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U000323af"  # Hangul, more kana and Han
)
"""Ranges of the scripts that are cut into pairs."""
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]")
_ACCENT_CLASSES = frozenset((1, *range(10, 37), *range(200, 241)))
"""Canonical combining classes of accents, vowel points and strokes. Other marks are part of a letter: the voicing
of kana, the virama and nukta of Indian scripts, the vowels and tones of Thai."""


class Phrase(NamedTuple):
    """Words that must follow each other in a text; with `is_prefix`, the single word is the beginning of one."""

    words: tuple[str, ...]
    is_prefix: bool = False


def tokens(text: str) -> list[str]:
    """Return the words of a text, in order, in the form in which they are compared."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return [word for run in _runs(text) for word in _pairs(run)]


def phrases(text: str) -> list[Phrase]:
    """Return the phrases of a search; a text is found if it has all of them."""
    found: dict[Phrase, None] = {}
    for run in _runs(text):
        if not _UNSPACED_RUN.match(run):
            found[Phrase((run,))] = None
        elif len(run) == 1:
            found[Phrase((run,), is_prefix=True)] = None
        else:
            found[Phrase(tuple(_pairs(run)[:-1]))] = None
    return list(found)


def matches(asked: Iterable[Phrase], words: Sequence[str]) -> bool:
    """Return True if a text with these words has all the phrases."""
    have = set(words)
    for phrase in asked:
        if phrase.is_prefix:
            if not any(word.startswith(phrase.words[0]) for word in words):
                return False
        elif not have.issuperset(phrase.words) or (len(phrase.words) > 1 and not _follow(phrase.words, words)):
            return False
    return True


def fts_query(asked: Iterable[Phrase]) -> str:
    """Return the phrases as a query for FTS5."""
    return " ".join(f'"{" ".join(phrase.words)}"' + (" *" if phrase.is_prefix else "") for phrase in asked)


def mention_globs(name: Name) -> list[str]:
    """Return patterns of SQLite's GLOB for ` text ` in lower case (ASCII only) that has the name as a word."""
    escaped = (re.sub(r"[*?[]", r"[\g<0>]", form) for form in _forms(name))
    return [f"*[^a-z0-9_]{form}[^a-z0-9_]*" for form in escaped]


def mention_pattern(name: Name) -> re.Pattern[str]:
    """Return the same as one pattern for a text."""
    forms = "|".join(map(re.escape, _forms(name)))
    return re.compile(f"(?<![a-zA-Z0-9_])({forms})(?![a-zA-Z0-9_])", re.IGNORECASE | re.ASCII)


def _forms(name: Name) -> list[str]:
    """Return the usual writings of a name: letters beside ASCII differ by case in SQLite."""
    forms = (name.shown, name.key, name.key.upper(), name.key.title())
    return list(dict.fromkeys(re.sub("[A-Z]", lambda found: found[0].lower(), form) for form in forms))


def _runs(text: str) -> list[str]:
    """Return the words of a text, each of one kind of script, before they are cut into pairs."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    words = unicodedata.normalize("NFC", folded.translate(_characters)).split()
    return [run for word in words for run in _RUNS.findall(word) if any(map(str.isalnum, run))]


def _pairs(run: str) -> list[str]:
    """Return a run of a script without spaces as pairs and its last character, any other word as it is."""
    if not _UNSPACED_RUN.match(run):
        return [run]
    return [run[index : index + 2] for index in range(len(run))]


def _follow(wanted: Sequence[str], words: Sequence[str]) -> bool:
    """Return True if the words of a phrase stand one behind the other."""
    size = len(wanted)
    return any(tuple(words[start : start + size]) == tuple(wanted) for start in range(len(words) - size + 1))


class _Characters(dict[int, str]):
    """Maps each character to itself in a word, to nothing if it is ignored, to a space if it separates words."""

    def __missing__(self, code: int) -> str:
        if len(self) >= MAX_CACHED_CHARACTERS:
            self.clear()
        char = chr(code)
        category = unicodedata.category(char)
        if category in ("Cf", "Me") or unicodedata.combining(char) in _ACCENT_CLASSES or _selects_a_form(code):
            kept = ""
        else:
            kept = char if category[0] in "LNM" else " "
        self[code] = kept
        return kept


def _selects_a_form(code: int) -> bool:
    """Return True for a variation selector or a grapheme joiner."""
    return code == 0x34F or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


_characters = _Characters()
