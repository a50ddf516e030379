"""How are arms told? A Markdown table, a picture of their curves, and the part of the docs between two marks.

In:  what each arm came to.
Out: text; a PNG; docs/tuning-measured.md.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuning.curves import Point

__all__ = ["put_into", "table", "write_picture"]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Give a Markdown table; the first row is its head."""
    head, *others = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *others])


def put_into(document: Path, name: str, text: str) -> None:
    """Replace what is between the marks of one benchmark."""
    before = document.read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    part = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    document.write_text(part.sub(lambda _: f"{start}\n{text}\n{end}", before), encoding="utf-8")


def write_picture(path: Path, curves: Mapping[str, Sequence[Point]], target: float) -> None:
    """Draw Dice against time, the organs to learn on the left and the others on the right.

    Args:
        path: Of the PNG.
        curves: By arm.
        target: Dice of the organs to learn that every arm is timed to.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8), dpi=120, sharex=True)
    for name, points in curves.items():
        seconds = [one.seconds for one in points]
        left.plot(seconds, [one.revised for one in points], marker=".", label=name)
        right.plot(seconds, [one.others for one in points], marker=".", label=name)
    left.axhline(target, color="grey", linewidth=0.8, linestyle=":")
    left.set(xscale="log", xlabel="seconds, everything counted", ylabel="Dice", title="organs to learn")
    right.set(xlabel="seconds, everything counted", title="the others")
    for axes in (left, right):
        axes.set_ylim(0, 1)
    right.legend(loc="lower right", frameon=False, fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
