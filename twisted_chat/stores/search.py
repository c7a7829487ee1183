"""What a word is, for a search: letters and digits, whatever their case and accents."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> set[str]:
    """The words of a text, in a form in which they can be compared."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return set(_WORD.findall(bare.casefold()))


def query_of(text: str) -> str:
    """The words of a text as FTS5 asks for them, each in quotes, to be compared by SQLite's own rules; "" for none."""
    parted = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in text)
    words = dict.fromkeys(word for word in parted.split() if _WORD.search(word))
    return " ".join(f'"{word}"' for word in words)
