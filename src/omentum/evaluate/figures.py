"""Draw the figures of the report as SVG without fonts or scripts.

Figures are made without pyplot: no global state, no window, safe in a server.
"""

import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from omentum.evaluate.gate import MARGIN
from omentum.records.promotions import OrganGain
from omentum.volumes.labels import organ

__all__ = [
    "bars_by_round",
    "dice_by_organ",
    "dice_by_round",
    "gain_by_organ",
    "reliability_curve",
    "rounds_at_a_glance",
    "spread_apart",
]

INK = "#23303b"
QUIET = "#8895a1"
GRID = "#e4e9ee"
BAR = "#2f7f8f"
_EDGE = [patheffects.withStroke(linewidth=3.4, foreground="#5b6670")]
_LABEL_INCHES = 0.285
_MOST_LABELS = 8

Series = Sequence[float | None]


def dice_by_round(rounds: Sequence[int], dice: Mapping[str, Series]) -> str:
    """Draw one line an organ over the rounds, named at its end; `None` was not measured."""
    height = max(4.6, _LABEL_INCHES * (len(dice) + 3))
    figure, axes = _figure(9.4, height)
    ends = {}
    for name, values in dice.items():
        places = [place for place, value in enumerate(values) if value is not None]
        shown = [value for value in values if value is not None]
        if not places:
            continue
        axes.plot(
            places, shown, marker="o", markersize=6, linewidth=2.2, color=_colour(name), path_effects=_EDGE
        )
        ends[name] = (places[-1], shown[-1])
    axes.set_xticks(range(len(rounds)), [str(number) for number in rounds])
    axes.set_xlabel("round")
    axes.set_xlim(-0.12, len(rounds) - 1 + 0.08)
    axes.set_ylabel("mean Dice")
    _name_ends(axes, ends, _LABEL_INCHES / height)
    return _svg(figure, "dice-by-round")


def dice_by_organ(dice: Mapping[str, float | None]) -> str:
    """Draw one bar an organ, for a single round; organs that were not measured are left out."""
    shown = {name: value for name, value in dice.items() if value is not None}
    figure, axes = _figure(9.4, 0.7 + 0.36 * len(shown))
    places = range(len(shown))
    axes.barh(places, list(shown.values()), color=[_colour(name) for name in shown], height=0.66)
    for place, value in zip(places, shown.values(), strict=True):
        axes.text(value + 0.008, place, f"{value:.3f}", va="center", color=INK, fontsize=10)
    axes.set_yticks(places, [organ(name).display_name for name in shown])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axes.set_xlabel("mean Dice")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    return _svg(figure, "dice-by-organ")


def bars_by_round(rounds: Sequence[int], values: Series, unit: str) -> str:
    """Draw one bar a round, its value above it; a round without a value has a question mark."""
    figure, axes = _figure(4.6, 2.9)
    heights = [0.0 if value is None else value for value in values]
    colours = [BAR if place == len(rounds) - 1 else "#a9cdd4" for place in range(len(rounds))]
    axes.bar(range(len(rounds)), heights, color=colours, width=0.62)
    top = max(heights, default=0.0) or 1.0
    for place, value in enumerate(values):
        if value is None or len(rounds) <= _MOST_LABELS or place == len(rounds) - 1:
            text, colour = ("?", QUIET) if value is None else (_short(value), INK)
            height = (value or 0.0) + 0.02 * top
            axes.text(place, height, text, ha="center", va="bottom", color=colour, fontsize=9)
    axes.set_xticks(range(len(rounds)), [str(number) for number in rounds])
    axes.set_xlim(-0.6, len(rounds) - 0.4)
    axes.grid(visible=False, axis="x")
    axes.set_ylim(0, top * 1.16)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("round")
    axes.set_ylabel(unit)
    return _svg(figure, f"bars-{unit}")


def rounds_at_a_glance(rounds: Sequence[int], panels: Mapping[str, Series]) -> str:
    """Draw one panel for each figure, side by side over the rounds; `None` was not measured."""
    figure = Figure(figsize=(9.4, 2.7), layout="constrained")
    drawn = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (name, values) in zip(drawn, panels.items(), strict=True):
        _style(axes)
        places = [place for place, value in enumerate(values) if value is not None]
        shown = [value for value in values if value is not None]
        axes.plot(places, shown, marker="o", markersize=7, linewidth=2.4, color=BAR)
        for place, value in zip(places, shown, strict=True):
            axes.annotate(
                _short(value), (place, value), (0, 8), textcoords="offset points", ha="center", color=INK
            )
        axes.set_xticks(range(len(rounds)), [str(number) for number in rounds])
        axes.set_xlim(-0.35, len(rounds) - 0.65)
        axes.margins(y=0.3)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel("round")
        axes.set_title(name, loc="left", fontsize=11, color=INK)
    return _svg(figure, "rounds-at-a-glance")


def reliability_curve(said: Sequence[float], seen: Sequence[float]) -> str:
    """Draw the observed share of errors over their predicted probability."""
    figure, axes = _figure(4.6, 3.4)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--")
    axes.plot(said, seen, marker="o", markersize=6, linewidth=2.2, color=BAR)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("predicted probability of an error")
    axes.set_ylabel("share that was revised")
    return _svg(figure, "reliability")


def gain_by_organ(gains: Sequence[OrganGain]) -> str:
    """Draw how Dice changed, one row an organ and one point a patient; mean and bound as upright lines."""
    shown = [one for one in gains if one.differences]
    figure, axes = _figure(9.4, 1.1 + 0.36 * len(shown))
    for place, one in enumerate(shown):
        values = one.differences
        axes.plot(values, [place] * len(values), "o", markersize=5, color=_colour(one.organ), alpha=0.75)
        for value, half in ((one.mean, 0.3), (one.bound, 0.15)):
            if value is not None:
                axes.plot([value, value], [place - half, place + half], color=INK, linewidth=2)
    axes.axvline(0.0, color=QUIET, linewidth=1)
    axes.axvline(MARGIN, color=QUIET, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(shown)), [organ(one.organ).display_name for one in shown])
    axes.invert_yaxis()
    axes.set_xlabel("change of Dice, one point a patient")
    return _svg(figure, "gain-by-organ")


def spread_apart(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move values apart as little as needed so that labels there do not touch.

    Args:
        values: Where the labels would be, in any order.
        gap: Least distance between two.
        low: Least place allowed, as far as there is room.
        high: Greatest place allowed.

    Returns:
        Places in the order of `values`.

    Example:
        >>> spread_apart([0.5, 0.5, 0.1], gap=0.25, low=0.0, high=1.0)
        [0.5, 0.75, 0.1]
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    placed = [values[place] for place in order]
    for place in range(1, len(placed)):
        placed[place] = max(placed[place], placed[place - 1] + gap)
    ceiling = max(high, low + gap * (len(placed) - 1))
    for place in range(len(placed) - 1, -1, -1):
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - gap
    result = [0.0] * len(values)
    for place, value in zip(order, placed, strict=True):
        result[place] = value
    return result


def _name_ends(axes: Axes, ends: Mapping[str, tuple[int, float]], gap: float) -> None:
    """Write the organs' names to the right of the drawing, each at the height of its line's end."""
    low, high = axes.get_ylim()
    right = axes.get_xlim()[1]
    beside = 0.035 * (right - axes.get_xlim()[0])
    heights = [(y - low) / (high - low) for _, y in ends.values()]
    for (name, (x, y)), height in zip(ends.items(), spread_apart(heights, gap, 0.0, 1.0), strict=True):
        place = low + height * (high - low)
        axes.plot([x, right + beside], [y, place], color="#c3ccd4", linewidth=0.8, clip_on=False, zorder=1)
        axes.plot(
            right + beside, place, "o", markersize=6, color=_colour(name), path_effects=_EDGE, clip_on=False
        )
        axes.text(
            right + 1.6 * beside,
            place,
            f"{organ(name).display_name}  {y:.3f}",
            va="center",
            color=INK,
            fontsize=10,
        )
    axes.set_xlim(right=right)
    axes.set_ylim(low, high)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Make an empty drawing in the report's style, sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    _style(axes)
    return figure, axes


def _style(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(colors=INK, labelsize=10, length=0)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.grid(visible=True, axis="both", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _svg(figure: Figure, name: str) -> str:
    """Draw as SVG; letters are outlines, and the same numbers give the same text."""
    with io.StringIO() as text, mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]


def _colour(name: str) -> tuple[float, float, float]:
    red, green, blue = organ(name).colour
    return red / 255, green / 255, blue / 255


def _short(value: float) -> str:
    digits = 0 if value >= 10 else 1 if value >= 1 else 3
    return f"{value:,.{digits}f}"
