"""Tell how good networks are: tables in Markdown, with who made each reference.

In:  entrants, and their score or the reason for none in each column.
Out: the text that stands in a page.
"""

from collections.abc import Mapping, Sequence

from omentum.measures.surface import SURFACE_TOLERANCE_MM
from omentum.volumes.labels import organ
from page import table
from quality.cases import NINE
from quality.entrants import Entrant
from quality.references import PHANTOMS, SCANS, Column
from quality.scores import Score
from quality.trained_on import FIRST_UNSEEN_SEED
from shared import data_folder

__all__ = ["Results", "block", "brief"]

Results = Mapping[tuple[Entrant, Column], Score | str]
"""A score, or the reason why there is none."""
_PAIRED = ("kidney_left", "kidney_right")


def columns() -> list[Column]:
    """List the columns in order; real CTs where there are any."""
    real = [one for scan in SCANS for one in scan.labels] if data_folder() else []
    return [*PHANTOMS.values(), *real]


def block(results: Results, command: str, n_phantoms: int) -> str:
    """Write all tables and all that a reader must know about them.

    Args:
        results: In the order of the tables.
        command: What made them.
        n_phantoms: Of each style.
    """
    last = FIRST_UNSEEN_SEED + n_phantoms - 1
    lines = [f"Dice / surface Dice at {SURFACE_TOLERANCE_MM:g} mm, by `{command}`."]
    for entrant in dict.fromkeys(entrant for entrant, _ in results):
        hashes = ", ".join(f"`{one.predictor.weights_sha256[:12]}`" for one in entrant.members)
        lines += ["", f"**{entrant.name}** (weights {hashes})", "", _table(entrant, results)]
        notes = _notes(entrant, results)
        lines += ["", *notes] if notes else []
    lines += ["", "What each column compares with:", ""]
    lines += [f"- **{column.name}**: {column.about}." for column in columns()]
    if data_folder() is None:
        lines += ["- Real CTs are left out: there is no folder `shared/data` beside the checkout."]
    lines += [
        f"- Phantoms are {n_phantoms} of each style, seeds {FIRST_UNSEEN_SEED} to {last}, which nothing is "
        "trained on.",
        "- Kidney in the other: how much of it was predicted where the reference has the other one, the "
        "most in any case. It must be 0.",
        "- A dash: the reference does not speak of that organ, or not reliably. What a model labelled shows "
        "agreement with that model, errors included, not truth.",
    ]
    return "\n".join(lines)


def brief(results: Results, command: str) -> str:
    """Write the first entrant's table alone, for a page that points to the whole block."""
    entrant = next(entrant for entrant, _ in results)
    lines = [
        f"Dice / surface Dice at {SURFACE_TOLERANCE_MM:g} mm of `{entrant.name}`, by `{command}`. "
        "The head of each column says who made the reference: a program (synthetic patients), a person, "
        "or a model.",
        "",
        _table(entrant, results),
    ]
    return "\n".join(lines)


def _table(entrant: Entrant, results: Results) -> str:
    scores = [results[entrant, column] for column in columns()]
    rows = [[organ(name).display_name, *(_of_organ(one, name) for one in scores)] for name in NINE]
    rows.append(["**mean of nine**", *(_of_nine(one) for one in scores)])
    rows += [
        [f"{organ(name).display_name} in the other, mL", *(_swapped(one, name) for one in scores)]
        for name in _PAIRED
    ]
    return table([["organ", *(column.name for column in columns())], *rows])


def _of_organ(score: Score | str, name: str) -> str:
    if isinstance(score, str):
        return "seen"
    one = score.summary.of(name)
    return "-" if one is None or one.dice is None else _pair(one.dice, one.surface_dice)


def _of_nine(score: Score | str) -> str:
    if isinstance(score, str):
        return "seen"
    return "-" if score.mean_of_nine is None else f"**{_pair(*score.mean_of_nine)}**"


def _swapped(score: Score | str, name: str) -> str:
    if isinstance(score, str):
        return "seen"
    volume_ml = score.swapped_ml.get(name)
    return "-" if volume_ml is None else f"{volume_ml:.3g}"


def _pair(dice: float, surface_dice: float | None) -> str:
    return f"{dice:.2f} / -" if surface_dice is None else f"{dice:.2f} / {surface_dice:.2f}"


def _notes(entrant: Entrant, results: Results) -> Sequence[str]:
    """Say why cells are not filled, and where the reference's maker was also the teacher."""
    notes = []
    for column in columns():
        score = results[entrant, column]
        if isinstance(score, str):
            notes.append(f"- {column.name} is not scored: {score}.")
        elif column.model is not None:
            taught = [path for one in entrant.members for path in one.trained_on.taught_by(column.model)]
            if taught:
                shown = ", ".join(dict.fromkeys(taught))
                notes.append(
                    f"- {column.name}: {column.model} also made labels that it learned from ({shown})."
                )
    return notes
