"""Render the report of a round as one HTML file that opens without a network."""

import base64
import io
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from PIL import Image

from omentum.evaluate.figures import (
    bars_by_round,
    dice_by_organ,
    dice_by_round,
    gain_by_organ,
    reliability_curve,
    rounds_at_a_glance,
)
from omentum.evaluate.report_data import RoundReport
from omentum.evaluate.stop_forecast import ASSUMED
from omentum.evaluate.story import story_of
from omentum.evaluate.summary import Means, best_places, side_by_side
from omentum.records import WHOLE_CT
from omentum.volumes.atomic import write_text
from omentum.volumes.labels import organ

__all__ = ["embedded_png", "rendered", "write_report"]

MOST_COLUMNS = 5
"""Rounds in the table; the drawings have them all."""

_GREY = (128, 128, 128)
_MISSING = "–"  # noqa: RUF001 - a dash stands for a missing value


def write_report(path: Path, report: RoundReport) -> None:
    """Write a round's report as one HTML file, whole or not at all."""
    write_text(path, rendered(report))


def rendered(report: RoundReport) -> str:
    """Make the HTML of the page; names are escaped."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(number=_number, signed=_signed, organ_name=_organ_name, colour=_colour)
    template = resources.files("omentum.evaluate").joinpath("report.html.j2").read_text("utf-8")
    rows = side_by_side([one.summary for one in report.rounds])
    shown = report.rounds[-MOST_COLUMNS:]
    return environment.from_string(template).render(
        report=report,
        assumed=ASSUMED,
        current=report.current,
        cards=_cards(report),
        story=story_of(report.rounds),
        shown=shown,
        rows=[_row(*row) for row in side_by_side([one.summary for one in shown]).items()],
        drawings=_drawings(report, rows),
        pictures=_pictures(report),
    )


def embedded_png(path: Path, most_pixels_wide: int = 560) -> str | None:
    """Read a PNG as a `data:` address, reduced by a whole factor to at most so many pixels in width.

    Returns:
        The address; `None` where the file is missing or no PNG, as a report is useful without it.
    """
    try:
        with Image.open(path, formats=["PNG"]) as picture, io.BytesIO() as buffer:
            picture.reduce(-(-picture.width // most_pixels_wide)).save(buffer, format="png")
            encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    except (OSError, SyntaxError):
        return None
    return f"data:image/png;base64,{encoded}"


def _cards(report: RoundReport) -> list[dict[str, str]]:
    """Give the numbers at the top, each with its change since it was last known."""
    rounds = report.rounds
    dice = [one.summary.dice if one.summary else None for one in rounds]
    surface = [one.summary.surface_dice if one.summary else None for one in rounds]
    numbers = [one.number for one in rounds]
    n_tasks = report.current.n_tasks
    return [
        _card("Mean Dice", numbers, dice, 3),
        _card("Mean surface Dice", numbers, surface, 3),
        _card("Needs attention", numbers, [one.attention_ml for one in rounds], 0, "mL"),
        _card("Readers' time", numbers, [one.minutes for one in rounds], 0, "min"),
        {
            "name": "Organs revised",
            "value": _number(report.current.n_revised, 0),
            "note": "" if n_tasks is None else f"of {n_tasks:,} in the queue",
        },
    ]


def _card(
    name: str, rounds: Sequence[int], values: Sequence[float | None], digits: int, unit: str = ""
) -> dict[str, str]:
    """Give the last round's value, and how it differs from the last one known before."""
    now, note = values[-1], ""
    earlier = [
        (number, value) for number, value in zip(rounds[:-1], values[:-1], strict=True) if value is not None
    ]
    if now is not None and earlier:
        number, before = earlier[-1]
        change = round(now - before, digits) or 0.0  # never -0
        note = f"{change:+,.{digits}f}{unit and ' ' + unit} since round {number}"
    return {"name": name, "value": _number(now, digits, unit), "note": note}


def _row(organ_name: str | None, means: Sequence[Means | None]) -> dict[str, Any]:
    """Shape one line of the table: each value with whether it is the best of its measure."""
    n_cases = [one.n_cases if one else 0 for one in means]
    return {
        "organ": organ_name,
        "n_cases": n_cases[-1] or max(n_cases),
        "dice": _marked([one.dice if one else None for one in means]),
        "surface_dice": _marked([one.surface_dice if one else None for one in means]),
    }


def _marked(values: Sequence[float | None]) -> list[tuple[str, bool]]:
    best = best_places(values)
    return [(_number(value, 3), place in best) for place, value in enumerate(values)]


def _drawings(report: RoundReport, rows: Mapping[str | None, Sequence[Means | None]]) -> dict[str, str]:
    """Draw what there are numbers for, as SVG by name."""
    numbers = [one.number for one in report.rounds]
    of_all = {name: [one.dice if one else None for one in means] for name, means in rows.items() if name}
    dice = {name: values for name, values in of_all.items() if any(value is not None for value in values)}
    drawn: dict[str, str] = {}
    if dice and len(numbers) > 1:
        drawn["dice"] = dice_by_round(numbers, dice)
    elif dice:
        drawn["dice"] = dice_by_organ({name: values[0] for name, values in dice.items()})
    if report.reliability:
        said, seen = zip(*report.reliability, strict=True)
        drawn["reliability"] = reliability_curve(said, seen)
    gains = report.verdict.organs if report.verdict else ()
    if any(one.differences for one in gains):
        drawn["gains"] = gain_by_organ(gains)
    return drawn | _by_round(report) if len(numbers) > 1 else drawn


def _by_round(report: RoundReport) -> dict[str, str]:
    """Draw what is known of several rounds."""
    numbers = [one.number for one in report.rounds]
    drawn: dict[str, str] = {}
    if panels := _panels(report):
        drawn["story"] = rounds_at_a_glance(numbers, panels)
    for name, field, unit in (("minutes", "minutes", "minutes"), ("attention", "attention_ml", "mL")):
        values = [getattr(one, field) for one in report.rounds]
        if any(value is not None for value in values):
            drawn[name] = bars_by_round(numbers, values, unit)
    return drawn


def _panels(report: RoundReport) -> dict[str, Sequence[float | None]]:
    """Give what the report opens with, where it is known in two rounds."""
    rounds = report.rounds
    shares = [None if one.audit_share is None else 100 * one.audit_share for one in rounds]
    panels = {
        "Mean Dice": [one.summary.dice if one.summary else None for one in rounds],
        "Readers' minutes a CT": [one.minutes_a_case for one in rounds],
        "May need a major revision, % at most": shares,
    }
    return {name: values for name, values in panels.items() if sum(value is not None for value in values) > 1}


def _pictures(report: RoundReport) -> list[dict[str, str]]:
    found = [(one, embedded_png(one.path)) for one in report.previews]
    return [{"case_id": one.case_id, "caption": one.caption, "src": src} for one, src in found if src]


def _number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """Write a number for people; a dash where there is none."""
    return _MISSING if value is None else f"{value:,.{digits}f}{unit and ' ' + unit}"


def _signed(value: float | None) -> str:
    """Write a difference with its sign; a dash where there is none."""
    return _MISSING if value is None else f"{round(value, 4) or 0.0:+.4f}"


def _organ_name(name: str) -> str:
    return "Whole CT" if name == WHOLE_CT else organ(name).display_name


def _colour(name: str) -> str:
    red, green, blue = _GREY if name == WHOLE_CT else organ(name).colour
    return f"rgb({red} {green} {blue})"
