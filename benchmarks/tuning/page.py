"""How are arms drawn? Dice against time.

In:  curves of the arms.
Out: a PNG.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from page import panels
from tuning.curves import Point

__all__ = ["write_picture"]


def write_picture(path: Path, curves: Mapping[str, Sequence[Point]], target: float) -> None:
    """Draw Dice against time, the organs to learn on the left and the others on the right.

    Args:
        path: Of the PNG.
        curves: By arm.
        target: Dice of the organs to learn that every arm is timed to.
    """
    with panels(path, 2) as (left, right):
        for name, points in curves.items():
            seconds = [one.seconds for one in points]
            left.plot(seconds, [one.revised for one in points], marker=".", label=name)
            right.plot(seconds, [one.others for one in points], marker=".", label=name)
        left.axhline(target, color="grey", linewidth=0.8, linestyle=":")
        left.set(ylabel="Dice", title="organs to learn")
        right.set(title="the others")
        for axes in (left, right):
            axes.set(xscale="log", xlabel="seconds, everything counted", ylim=(0, 1))
        right.legend(loc="lower right", frameon=False, fontsize=8)
