"""Plot a result of run.py.

    python benchmarks/plots.py results.json docs/images

Only this file needs matplotlib. Writes cost.png (CPU a message for each work and server)
and sweep.png (the same works with more and more connections).
"""

import argparse
import json
import math
from pathlib import Path
from typing import Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from peers import PEERS
from report import TALKS, Figures, digits
from works import SWEEP, WORKS

COLOURS = {
    "relay": "#9a9a9a",
    "threads": "#d1495b",
    "streams": "#edae49",
    "words": "#66a182",
    "ours": "#00798c",
    "disk": "#003d5b",
}
MARKS = {"relay": "o", "threads": "s", "streams": "^", "words": "D", "ours": "*", "disk": "P"}
PANELS = [
    ("cpu_us", 1, "µs CPU a message", "linear"),
    ("p99_us", 1000, "p99, ms", "log"),
    ("resident_kib", 1024, "resident MiB", "linear"),
    ("threads", 1, "threads", "log"),
    ("switches", 1, "context switches a message", "linear"),
]


def bars(figures: Figures) -> Figure:
    """Draw CPU a message, with a panel for each work, since the scales differ."""
    works = figures.works(TALKS)
    canvas = Figure(figsize=(11, 2.2 * math.ceil(len(works) / 3)), layout="constrained")
    for place, work in enumerate(works):
        axes = canvas.add_subplot(math.ceil(len(works) / 3), 3, place + 1)
        able = [server for server in reversed(PEERS) if figures.get(server, work, "cpu_us")]
        costs = [figures.get(server, work, "cpu_us") or 0 for server in able]
        titles = [PEERS[server].title for server in able]
        drawn = axes.barh(titles, costs, color=[COLOURS[server] for server in able])
        ratios = [digits(figures.ratio(server, work)) for server in able]
        labels = [f" {digits(cost)}   {ratio}x" for cost, ratio in zip(costs, ratios, strict=True)]
        axes.bar_label(drawn, labels, fontsize=7)
        axes.set_xlim(right=max(costs, default=1) * 1.4)
        axes.set_title(f"{work}, µs CPU a message", fontsize=10)
        dress(axes, "x")
    return canvas


def lines(figures: Figures) -> Figure:
    """Draw five figures against the number of connections."""
    works = figures.works(SWEEP)
    canvas = Figure(figsize=(11, 7), layout="constrained")
    panels = [canvas.add_subplot(2, 3, place + 1) for place in range(len(PANELS))]
    for axes, (key, unit, title, scale) in zip(panels, PANELS, strict=True):
        for server, peer in PEERS.items():
            found = [(WORKS[work].people, figures.get(server, work, key)) for work in works]
            shown = [(people, value / unit) for people, value in found if value is not None]
            if shown:
                axes.plot(
                    [people for people, _ in shown],
                    [value for _, value in shown],
                    color=COLOURS[server],
                    marker=MARKS[server],
                    markersize=4,
                    label=peer.title,
                )
        axes.set_xscale("log")
        axes.set_yscale(scale)
        if scale == "linear":
            axes.set_ylim(bottom=0)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("connections")
        dress(axes, "y")
    names, titles = panels[0].get_legend_handles_labels()
    legend = canvas.add_subplot(2, 3, 6)
    legend.axis("off")
    legend.legend(names, titles, loc="center", frameon=False)
    return canvas


def dress(axes: Axes, along: Literal["x", "y"]) -> None:
    """Remove the frame, use plain numbers, and put a light grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=along, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter("{x:,g}")
            axis.set_minor_formatter(NullFormatter())


def main() -> None:
    """Draw both plots."""
    parser = argparse.ArgumentParser(description="plots what run.py measured")
    parser.add_argument("result", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    matplotlib.rcParams["font.size"] = 9
    figures = Figures(json.loads(options.result.read_text()))
    options.folder.mkdir(parents=True, exist_ok=True)
    bars(figures).savefig(options.folder / "cost.png", dpi=110)
    lines(figures).savefig(options.folder / "sweep.png", dpi=110)


if __name__ == "__main__":
    main()
