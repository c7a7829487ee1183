"""Texts for a terminal: nothing that is printed can control it, or turn the text around itself.

Whatever a command prints that it has not written itself goes through here: what a server says, file names,
certificates' subjects, the texts of exceptions.
"""

import re

_UNPRINTABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def printable(text: str) -> str:
    """Replace the characters that control a terminal, or that change the direction of the text around them."""
    return _UNPRINTABLE.sub(lambda found: "    " if found[0] == "\t" else "\ufffd", text)


def printable_line(text: str) -> str:
    """Do the same, and show line breaks as a sign."""
    return printable(text).replace("\n", "\N{RETURN SYMBOL}")
