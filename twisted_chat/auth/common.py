"""Passwords that an attacker tries first (NIST SP 800-63B, section 3.1.1.2): words and patterns, as of November 2026.

The words are written down from common knowledge and not copied from a list of leaked passwords. A word with a few
digits or signs around it is as common as the word, and so are runs on a keyboard and repeated parts.
"""

from __future__ import annotations

import re
from importlib.resources import files
from unicodedata import combining, normalize


def _plain(text: str) -> str:
    """Return a text without case, accents and forms of a letter (wide ones, for example)."""
    return "".join(char for char in normalize("NFKD", text).casefold() if not combining(char))


WORDS = frozenset(
    _plain(word)
    for line in (files(__package__) / "common_passwords.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
    for word in line.split()
)
"""Words in lower case and without accents; see `is_common`."""
MAX_SIGNS_AROUND = 5
"""Digits and signs in front of or behind a word that do not make it less common."""
RUNS = tuple(
    _plain(run)
    for run in (
        "abcdefghijklmnopqrstuvwxyz",
        "01234567890",
        "qwertyuiop",
        "qwertzuiop",
        "azertyuiop",
        "asdfghjkl",
        "qsdfghjklm",
        "zxcvbnm",
        "yxcvbnm",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
        "qazwsxedcrfvtgbyhnujm",
        "zaq1xsw2cde3vfr4bgt5",
        "zaq12wsxcde34rfv",
        "1q2w3e4r5t6y7u8i9o0p",
        "q1w2e3r4t5y6u7i8o9p0",
        "!@#$%^&*()",
        '!"§$%&/()=',
        "147258369",
        "789456123",
        "йцукенгшщзхъ",
        "фывапролджэ",
        "ячсмитьбю",
        "абвгдежзийклмнопрстуфхцчшщъыьэюя",
        "αβγδεζηθικλμνξοπρστυφχψω",
        "13579",
        "24680",
    )
)
"""Rows and zigzags of keyboards, and sequences; also backwards."""
MIN_RUN_CHARACTERS = 3
_LEET = str.maketrans("0134578@$!|", "oieastbasil")
_SEPARATORS = re.compile(r"[\s._-]")
_AROUND = re.compile(r"^[\W\d_]*|[\W\d_]*$")


def is_common(password: str) -> bool:
    """Return True if a password is a common word, a few signs around one, a run on a keyboard, or a repeated part."""
    text = _plain(password)
    joined = _SEPARATORS.sub("", text)
    return (
        _is_word(text)
        or _is_word(joined)
        or _is_word(joined[::-1])
        or _is_word(text.translate(_LEET))
        or _is_repeated(text)
        or _is_runs(text)
        or _is_date(text)
    )


def _is_word(text: str) -> bool:
    if text in WORDS:
        return True
    bare = _AROUND.sub("", text)
    return (bare in WORDS or bare.translate(_LEET) in WORDS) and len(text) - len(bare) <= MAX_SIGNS_AROUND


def _is_repeated(text: str) -> bool:
    """Return True for a part of up to four characters again and again, or a common word twice."""
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, 5)) or (
        text[: len(text) // 2] * 2 == text and _is_word(text[: len(text) // 2])
    )


def _is_runs(text: str) -> bool:
    """Return True if a text consists of runs only, each of a few characters, such as abc123."""
    start = 0
    while start < len(text):
        end = start + MIN_RUN_CHARACTERS
        if len(text) - start < MIN_RUN_CHARACTERS or not _in_run(text[start:end]):
            return False
        while end < len(text) and _in_run(text[start : end + 1]):
            end += 1
        start = end
    return True


def _in_run(part: str) -> bool:
    return any(part in run or part[::-1] in run for run in RUNS) or len(set(part)) == 1


def _is_date(text: str) -> bool:
    """Return True for a date of 8 digits, as 19840521 or 21051984, also with separators."""
    match = re.fullmatch(r"(?:(?:19|20)\d\d[-./]?\d\d[-./]?\d\d|\d\d[-./]?\d\d[-./]?(?:19|20)\d\d)", text)
    return match is not None
