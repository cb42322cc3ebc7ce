"""The pictures of docs/: how many times as fast as each peer, per network.

python benchmarks/plot.py benchmarks/results.json docs/images
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt

from networks import ALONE
from report import label

# Okabe & Ito's palette, which colour-blind readers can tell apart, and a shape each for those who print in grey.
STYLES = {
    "numpy": ("#0072B2", "o"),
    "torch": ("#D55E00", "s"),
    "jax": ("#009E73", "^"),
    "sklearn": ("#CC79A7", "D"),
    "torchscript": ("#E69F00", "v"),
    "onnxruntime": ("#56B4E9", "P"),
    "torch-compile": ("#000000", "X"),
}
PARTS = {"training": "One training step", "predict": "One call of predict"}


def draw(results: Mapping[str, Any], directory: Path) -> list[Path]:
    """A picture per number of threads; their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    counts = sorted({row["threads"] for part in PARTS for row in results.get(part, ())})
    paths = []
    for threads in counts:
        parts = {part: [row for row in results.get(part, ()) if row["threads"] == threads] for part in PARTS}
        paths.append(directory / f"times_as_fast_{'1_thread' if threads == 1 else 'all_threads'}.png")
        note = f"{results['machine']['cpu']}, {results['machine']['date']}"
        note += ", process time" * (results["clock"] == "cpu")
        _picture({part: rows for part, rows in parts.items() if rows}, threads, note, paths[-1])
    return paths


def _picture(parts: Mapping[str, Sequence[Any]], threads: int, note: str, path: Path) -> None:
    heights = [len(rows) + 1 for rows in parts.values()]
    figure, axes = plt.subplots(
        len(parts), 1, sharex=True, squeeze=False, layout="constrained",
        figsize=(9, 0.3 * sum(heights) + 1.3), height_ratios=heights,
    )  # fmt: skip
    for (part, rows), ax in zip(parts.items(), axes[:, 0], strict=True):
        _panel(ax, rows, part)
    axes[-1, 0].set_xlabel(
        f"how many times as fast fastprop is, {threads} thread{'s' * (threads > 1)} (logarithmic; {note})", fontsize=8
    )
    handles = {text: handle for ax in axes[:, 0] for handle, text in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside upper right", ncols=len(handles), frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _panel(ax: Any, rows: Sequence[Any], part: str) -> None:
    """A line per network, a mark per peer."""
    ax.axvline(1, color="#444444", linewidth=1)
    for y, row in enumerate(rows):
        ratios = {name: ratio for name, ratio in row["times_as_fast"].items() if name != ALONE}
        ax.plot([min(1, *ratios.values()), max(1, *ratios.values())], [y, y], color="#dddddd", zorder=1)
        for name, ratio in ratios.items():
            colour, marker = STYLES[name]
            ax.scatter(ratio, y, color=colour, marker=marker, s=30, zorder=2, label=label(name))
    ax.set_title(PARTS[part], loc="left", fontsize=9)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.tick_params(axis="x", labelsize=8)
    ax.grid(axis="x", color="#eeeeee")
    ax.set_axisbelow(True)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks(range(len(rows)), [_caption(row, part) for row in rows], fontsize=8)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _caption(row: Mapping[str, Any], part: str) -> str:
    return f"{row['name']}   {row['units']}" + (f", batch {row['batch']}" if part == "training" else "")


if __name__ == "__main__":
    source, directory = map(Path, sys.argv[1:])
    for path in draw(json.loads(source.read_text()), directory):
        print(path)
