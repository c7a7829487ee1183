"""Make the table and the plot of a result of fairness.py.

    python benchmarks/fairness_report.py result.json                              print the table
    python benchmarks/fairness_report.py result.json --into docs/operations.md    renew the table in that page
    python benchmarks/fairness_report.py result.json --plot docs/images/fairness.png

In a page, the table stands between the lines `<!-- table: fairness -->` and `<!-- end -->`. Only the plot needs
matplotlib.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attacks import ATTACKS

MAX_CHAT_P99_MS = 20.0
MAX_SIGN_IN_P99_MS = 2000.0
MAX_MEMORY_MIB = 64.0
NOTHING = "-"
COLOURS = {"before": "#d1495b", "after": "#00798c", "server": "#00798c"}

Row = dict[str, Any]
Result = dict[str, Any]


def ms(value: float | None) -> str:
    """Return milliseconds in about two digits."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def waits(kind: str) -> Callable[[Row], str]:
    """Return the function that shows p50 and p99 of a kind of request."""
    return lambda row: f"{ms(row[kind].get('p50'))} / {ms(row[kind].get('p99'))}"


def not_served(row: Row) -> str:
    """Return how many sign-ins were refused or never answered, of how many."""
    sign_in = row["sign_in"]
    return f"{sign_in['refused'] + sign_in['lost']} of {sign_in['asked']}"


COLUMNS: dict[str, Callable[[Row], str]] = {
    "chat p50 / p99, ms": waits("chat"),
    "history p50 / p99, ms": waits("history"),
    "sign-in p50 / p99, ms": waits("sign_in"),
    "sign-ins refused": not_served,
    "memory, MiB": lambda row: f"{row['memory_mib']:.0f}",
    "file, MiB": lambda row: f"{row['file_mib']:.0f}",
}


def table(result: Result) -> str:
    """Return the table: a row for each attack, with the versions side by side in each cell."""
    rows: dict[str, list[Row]] = {}
    for row in result["rows"]:
        rows.setdefault(row["attack"], []).append(row)
    lines = ["| attack | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, versions in rows.items():
        cells = [
            " → ".join(cell(row) if "error" not in row else "failed" for row in versions) for cell in COLUMNS.values()
        ]
        lines.append(f"| {ATTACKS[name].title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def missed(result: Result) -> list[str]:
    """Return a line for each aim that the measured version has missed, and for each failure."""
    last = result["rows"][-1]["version"]
    found = []
    for row in result["rows"]:
        if "error" in row:
            found.append(f"FAILED: {row['attack']}, {row['version']}: {row['error']}")
        elif row["version"] == last:
            found += [f"{row['attack']}: {problem}" for problem in problems(row)]
    return found


def problems(row: Row) -> list[str]:
    """Return the aims that a row has missed."""
    chat, sign_in = row["chat"], row["sign_in"]
    unserved = sign_in["refused"] + sign_in["lost"]
    tests = {
        f"chat p99 {ms(chat.get('p99'))} ms, over {MAX_CHAT_P99_MS:.0f}": chat.get("p99", 0) > MAX_CHAT_P99_MS,
        f"{chat['lost']} messages did not arrive": chat["lost"] > 0,
        f"sign-in p99 {ms(sign_in.get('p99'))} ms, over {MAX_SIGN_IN_P99_MS:,.0f}": sign_in.get("p99", 0)
        > MAX_SIGN_IN_P99_MS,
        f"{unserved} sign-ins were refused or not answered": unserved > 0,
        f"{row['memory_mib']:.0f} MiB above idle, over {MAX_MEMORY_MIB:.0f}": row["memory_mib"] > MAX_MEMORY_MIB,
        f"{row['tracebacks']} tracebacks in the log": row["tracebacks"] > 0,
        "the operator got no answer": row.get("operator_ms", 0) is None,
    }
    return [problem for problem, failed in tests.items() if failed]


def everything(result: Result) -> str:
    """Return the table, and the aims that were missed."""
    about = "Python {python}, {cores} cores, attacks of {seconds:g} s.".format(**result["about"])
    return "\n\n".join([about, table(result), "\n".join(missed(result)) or "All aims are kept."])


def renewed(text: str, result: Result) -> str:
    """Return a page with the table of this result."""
    block = r"(<!-- table: fairness -->)\n.*?(<!-- end -->)"
    return re.sub(block, lambda match: f"{match[1]}\n\n{table(result)}\n\n{match[2]}", text, flags=re.DOTALL)


def plot(result: Result, path: Path) -> None:
    """Draw the others' chat and sign-in p99 and the server's memory, an attack a row, on logarithmic axes."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["font.size"] = 9
    rows = [row for row in result["rows"] if "error" not in row]
    names = list(dict.fromkeys(row["attack"] for row in rows))
    versions = list(dict.fromkeys(row["version"] for row in rows))
    panels: list[tuple[str, float, Callable[[Row], float]]] = [
        ("chat of others, p99, ms", MAX_CHAT_P99_MS, lambda row: row["chat"].get("p99", 0)),
        ("sign-in of others, p99, ms", MAX_SIGN_IN_P99_MS, lambda row: row["sign_in"].get("p99", 0)),
        ("memory above idle, MiB", MAX_MEMORY_MIB, lambda row: row["memory_mib"]),
    ]
    canvas = Figure(figsize=(11, 1 + 0.32 * len(names)), layout="constrained")
    axes = canvas.subplots(1, len(panels), sharey=True)
    for panel, (title, aim, figure) in zip(axes, panels, strict=True):
        for place, version in enumerate(versions):
            found = {row["attack"]: figure(row) for row in rows if row["version"] == version}
            ys = [index + 0.38 * (place - (len(versions) - 1) / 2) for index in range(len(names))]
            values = [max(found.get(name, 0), 0.1) for name in names]
            panel.barh(ys, values, height=0.36, color=COLOURS[version], label=version)
        panel.axvline(aim, color="#333333", linewidth=0.8, linestyle="--")
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter("{x:,g}")
        panel.set_title(title, fontsize=10)
        panel.grid(axis="x", color="#dddddd", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(len(names)), [ATTACKS[name].title for name in names])
    axes[0].invert_yaxis()
    axes[-1].legend(frameon=False, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(path, dpi=110)


def main() -> None:
    """Print the table, renew it in a page, or draw the plot."""
    parser = argparse.ArgumentParser(description="makes the table and the plot of what fairness.py measured")
    parser.add_argument("result", type=Path)
    parser.add_argument("--into", metavar="FILE", type=Path)
    parser.add_argument("--plot", metavar="FILE", type=Path)
    options = parser.parse_args()
    result: Result = json.loads(options.result.read_text())
    if options.into:
        options.into.write_text(renewed(options.into.read_text(), result))
    if options.plot:
        plot(result, options.plot)
    if not options.into and not options.plot:
        print(everything(result))


if __name__ == "__main__":
    main()
