"""How is effort told? A table, a figure, and the part of the docs between two marks.

In:  minutes of each strategy; its curves.
Out: Markdown; a PNG; docs/queue.md.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from effort.reader import Curve

__all__ = ["put_into", "table", "write_figure"]

_GRID = 200


def table(rows: Sequence[Sequence[str]]) -> str:
    """Give a Markdown table; the first row is its head."""
    head, *others = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *others])


def put_into(document: Path, text: str) -> None:
    """Replace what is between the marks of this benchmark."""
    before = document.read_text(encoding="utf-8")
    start, end = "<!-- effort_curve -->", "<!-- /effort_curve -->"
    part = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    document.write_text(part.sub(lambda _: f"{start}\n{text}\n{end}", before), encoding="utf-8")


def write_figure(path: Path, curves: Mapping[str, Sequence[tuple[Curve, float, int]]]) -> None:
    """Draw the share of error removed against minutes a case; the band holds all cohorts.

    Args:
        path: Of the PNG.
        curves: By strategy: curves, each with the whole error in mL and the number of cases of its cohort.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.0, 4.2), dpi=120)
    most = max(one.minutes[-1] / n for several in curves.values() for one, _, n in several)
    grid = np.linspace(0.0, most, _GRID)
    for name, several in curves.items():
        shares = np.array(
            [np.interp(grid, one.minutes / n, one.removed_ml / error_ml) for one, error_ml, n in several]
        )
        (line,) = axes.plot(grid, shares.mean(axis=0), label=name)
        axes.fill_between(grid, shares.min(axis=0), shares.max(axis=0), color=line.get_color(), alpha=0.15)
    axes.axhline(0.8, color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="expert minutes a case", ylabel="share of error volume removed", ylim=(0, 1.02))
    axes.set_xlim(0, most)
    axes.legend(loc="lower right", frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
