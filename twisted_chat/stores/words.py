"""What a word is, for a search: letters and digits, whatever their case and accents, as SQLite's unicode61 has it."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> set[str]:
    """The words of a text."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return set(_WORD.findall(bare.casefold()))
