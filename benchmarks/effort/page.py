"""How is effort drawn? Error removed against minutes.

In:  curves of each strategy.
Out: a PNG.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from effort.reader import Curve
from page import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Curves", "write_picture"]

Curves = Mapping[str, Sequence[tuple[Curve, float, int]]]
"""By strategy: curves, each with the whole error in mL and the number of cases of its cohort."""

_GRID = 200


def write_picture(path: Path, rounds: Mapping[str, Curves]) -> None:
    """Draw the share of error removed against minutes a case; a band holds all cohorts.

    Args:
        path: Of the PNG.
        rounds: A panel each, by its title.
    """
    with panels(path, len(rounds)) as several:
        for (title, curves), axes in zip(rounds.items(), several, strict=True):
            _draw(axes, curves)
            axes.set(title=f"{title} round", xlabel="expert minutes a case")
        several[0].set_ylabel("share of error volume removed")
        several[0].legend(loc="lower right", frameon=False, fontsize=8)


def _draw(axes: "Axes", curves: Curves) -> None:
    most = max(one.minutes[-1] / n for several in curves.values() for one, _, n in several)
    grid = np.linspace(0.0, most, _GRID)
    for name, several in curves.items():
        shares = np.array(
            [np.interp(grid, one.minutes / n, one.removed_ml / error_ml) for one, error_ml, n in several]
        )
        (line,) = axes.plot(grid, shares.mean(axis=0), label=name)
        axes.fill_between(grid, shares.min(axis=0), shares.max(axis=0), color=line.get_color(), alpha=0.15)
    axes.axhline(0.8, color="grey", linewidth=0.8, linestyle=":")
    axes.set(ylim=(0, 1.02), xlim=(0, most))
