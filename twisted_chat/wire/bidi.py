"""Close what a text leaves open: embeddings and isolates, which change the direction of the text behind them.

Every text is closed when it comes in, so that no door, file or page has to. The overrides U+202D and U+202E
are refused (stream.CONTROL).
"""

import re

CONTROLS = "\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_ANY = re.compile(f"[{CONTROLS}]")
_POP, _POP_ISOLATE = "\u202c", "\u2069"
_CLOSING = {"\u202a": _POP, "\u202b": _POP, "\u2066": _POP_ISOLATE, "\u2067": _POP_ISOLATE, "\u2068": _POP_ISOLATE}


def closed(text: str) -> str:
    """Return the text with each of its lines closed, and without what closes nothing (UAX 9, section 3.3.2)."""
    if text.isascii() or not _ANY.search(text):
        return text
    return "\n".join(map(_closed_line, text.split("\n")))


def _closed_line(line: str) -> str:
    kept: list[str] = []
    wanted: list[str] = []  # what closes the embeddings and isolates that are open, the innermost last
    for char in line:
        if char in _CLOSING:
            wanted.append(_CLOSING[char])
        elif char == _POP:
            if wanted[-1:] != [_POP]:
                continue
            wanted.pop()
        elif char == _POP_ISOLATE:
            if _POP_ISOLATE not in wanted:
                continue
            while wanted.pop() != _POP_ISOLATE:  # it closes the embeddings within, too
                pass
        kept.append(char)
    return "".join(kept + wanted[::-1])
