"""Print a table of branch coverage by folder: `coverage json -o - | python .ci/coverage_table.py`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import PurePath

COUNTED = ("num_statements", "covered_lines", "num_branches", "covered_branches")


def table(report: dict[str, dict[str, dict[str, Counter[str]]]]) -> str:
    """Return the table: for each folder its statements and branches, and the share of both that ran."""
    folders: dict[str, Counter[str]] = {}
    for path, file in sorted(report["files"].items()):
        for folder in (str(PurePath(path).parent), "all"):
            counts = folders.setdefault(folder, Counter())
            counts.update({what: file["summary"][what] for what in COUNTED} | {"files": 1})
    folders["all"] = folders.pop("all")  # comes last
    lines = [f"{'folder':34} files  statements  branches  covered"]
    for folder, counts in folders.items():
        all_of_them = counts["num_statements"] + counts["num_branches"]
        covered = counts["covered_lines"] + counts["covered_branches"]
        share = 100 * covered / all_of_them if all_of_them else 100
        sizes = f"{counts['files']:5}  {counts['num_statements']:10}  {counts['num_branches']:8}"
        lines.append(f"{folder:34} {sizes}  {share:6.1f}%")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(json.load(sys.stdin)))
