"""Split a text into words to search for: letters and digits, without regard to case and accents."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")


def tokens(text: str) -> set[str]:
    """Return the words of a text, in a form in which the memory log compares them."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return set(_WORD.findall(bare.casefold()))


def fts_query(text: str) -> str:
    """Return the words of a text as a query for FTS5, each in quotes; "" if there is none. SQLite compares them."""
    parted = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in text)
    words = dict.fromkeys(word for word in parted.split() if _WORD.search(word))
    return " ".join(f'"{word}"' for word in words)
