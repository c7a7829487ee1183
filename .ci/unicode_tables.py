"""Make twisted_chat/core/data/ from Unicode's data files: python .ci/unicode_tables.py FOLDER.

FOLDER holds confusables.txt (https://www.unicode.org/Public/security/<version>/), and Scripts.txt,
ScriptExtensions.txt and PropertyValueAliases.txt (https://www.unicode.org/Public/<version>/ucd/), all of one version.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from unicodedata import category

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import user_name

TARGET = Path(__file__).resolve().parent.parent / "twisted_chat" / "core" / "data"
HEAD = """# {title}
# Made by .ci/unicode_tables.py from {sources} of Unicode {version}.
# Copyright 1991-{year} Unicode, Inc. See LICENSE-UNICODE.txt in this folder. The data was reduced and reformatted.
"""
NO_SCRIPT = {"Zyyy", "Zinh", "Zzzz"}
"""Codes for characters that all scripts share, or whose script is unknown."""


def rows(path: Path) -> Iterator[list[str]]:
    """Yield the fields of each line of a data file."""
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        fields = [field.strip() for field in line.partition("#")[0].split(";")]
        if len(fields) > 1:
            yield fields


def may_stand_in_a_name(char: str) -> bool:
    """Return True for a character that a name may hold, in this version of Unicode or a later one."""
    if char.isascii() or category(char) in ("Cn", "Mn", "Mc"):
        return True
    try:
        return user_name(f"a{char}").shown == f"a{char}"
    except ChatError:
        return False


def prototypes(folder: Path) -> Iterator[str]:
    """Yield a line for each confusable character: its code, and the codes of what it looks like."""
    for source, target, *_ in rows(folder / "confusables.txt"):
        if may_stand_in_a_name(chr(int(source, 16))):
            yield f"{source} {target}"


def scripts(folder: Path) -> Iterator[str]:
    """Yield a line for each range of characters: first, last, and the codes of the scripts that use them."""
    codes = {row[2]: row[1] for row in rows(folder / "PropertyValueAliases.txt") if row[0] == "sc"}
    found: dict[int, str] = {}
    for name in ("Scripts.txt", "ScriptExtensions.txt"):
        for where, value, *_ in rows(folder / name):
            first, _, last = where.partition("..")
            used_by = " ".join(sorted(codes.get(script, script) for script in value.split()))
            for code in range(int(first, 16), int(last or first, 16) + 1):
                found[code] = used_by
    known = sorted((code, value) for code, value in found.items() if value not in NO_SCRIPT)
    start, before, scripts = -1, -2, ""
    for code, value in [*known, (-1, "")]:
        if code != before + 1 or value != scripts:
            if start >= 0:
                yield f"{start:04X} {before:04X} {scripts}"
            start, scripts = code, value
        before = code


def main(folder: Path) -> None:
    """Write both tables."""
    text = (folder / "confusables.txt").read_text(encoding="utf-8-sig")
    [version], [year] = re.findall(r"# Version: ([0-9.]+)", text), re.findall(r"# Date: ([0-9]{4})", text)
    for name, title, sources, lines in (
        ("confusables.txt", "Confusable characters and their prototypes (UTS 39)", "confusables.txt", prototypes),
        ("scripts.txt", "Ranges of characters and their scripts", "Scripts.txt and ScriptExtensions.txt", scripts),
    ):
        head = HEAD.format(title=title, sources=sources, version=version, year=year)
        (TARGET / name).write_text(head + "".join(f"{line}\n" for line in lines(folder)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
