"""Keep the basis of a round's forecast in `cache/`, as it takes seconds to sum up the scores of many organs.

The file's name is a hash of all that it depends on: scores, audit, prices, limits of organs. So it is never
stale, and may be removed at any time.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.measures.bound_forecast import ForecastBasis, MasksLeft, forecast_basis
from omentum.measures.effort import CostModel
from omentum.project.project import Project
from omentum.records import Audit
from omentum.volumes.atomic import writing
from omentum.volumes.labels import ORGANS, organ

__all__ = ["basis_of_round"]

_FORMAT = 1
"""Raised whenever the same scores make another basis."""


def basis_of_round(
    project: Project, round_number: int, costs: CostModel, most_hours: float
) -> ForecastBasis | None:
    """Give the basis of a round's forecast, kept or summed up now, and keep it where that is possible.

    Args:
        project: The project.
        round_number: Whose audit and scores.
        costs: Prices of the round's queue.
        most_hours: Of readers, for which a forecast is made.

    Returns:
        The basis; `None` where nothing was drawn, or no error is estimated of what was drawn from.
    """
    with project.store.reading_together():  # so that the file's name is that of what is summed up
        path = _path(project, round_number, costs, most_hours)
        kept = _read(path)
        if kept is not None:
            return kept
        masks = _masks_left(project, round_number, costs)
    if masks is None:
        return None
    basis = forecast_basis(masks, most_hours)
    if not project.store.is_read_only:
        with suppress(OSError):  # what cannot be kept is summed up again
            _keep(basis, path)
    return basis


def _path(project: Project, round_number: int, costs: CostModel, most_hours: float) -> Path:
    made_from = {
        "format": _FORMAT,
        "round": round_number,
        "state": project.store.scores.state(),
        "costs": asdict(costs),
        "limits": {row.name: row.major_below_dice for row in ORGANS},
        "most_hours": most_hours,
    }
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:32]
    return project.folder.cache_dir / "forecast" / f"{key}.npz"


def _read(path: Path) -> ForecastBasis | None:
    """Read what was kept; `None` if there is no such file, another program removes it, or it is damaged."""
    try:
        with path.open("rb") as stream, np.load(stream) as kept:
            arrays = {one.name: kept[one.name] for one in fields(ForecastBasis)}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error):
        return None
    return ForecastBasis(**{name: one if one.ndim else one.item() for name, one in arrays.items()})


def _keep(basis: ForecastBasis, path: Path) -> None:
    """Write a basis, and remove earlier ones."""
    with writing(path) as part, part.open("wb") as stream:
        np.savez(stream, **asdict(basis))
    for other in path.parent.glob("*.npz"):
        if other != path:
            other.unlink(missing_ok=True)


def _masks_left(project: Project, round_number: int, costs: CostModel) -> MasksLeft | None:
    """Describe the masks that the audit drew from and did not draw; `None` if no error is estimated."""
    audit = project.store.audits.of_round(round_number)
    if audit is None:
        return None
    case_ids, names = list(audit.frame), sorted({*chain.from_iterable(audit.frame.values())})
    losses = project.store.scores.losses(round_number, case_ids, names)
    if np.isnan(losses).all():
        return None
    error_ml, dice_loss = np.moveaxis(np.nan_to_num(losses), 2, 0)
    minutes = np.stack([costs.of_tasks(name, error_ml[:, place]) for place, name in enumerate(names)], axis=1)
    # The chance of a major error is at most the expected loss by the least loss of one (Markov's inequality).
    risk = np.minimum(1.0, dice_loss / [1.0 - organ(name).major_below_dice for name in names])
    case, place = np.nonzero(_is_left(audit, case_ids, names))
    return MasksLeft(
        case=case,
        risk=risk[case, place],
        error_ml=error_ml[case, place],
        minutes=minutes[case, place],
        minutes_per_case=costs.minutes_per_case,
    )


def _is_left(audit: Audit, case_ids: Sequence[str], names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Tell which organs the audit drew from and did not draw, shape `(case, organ)`."""
    row_of = {case_id: row for row, case_id in enumerate(case_ids)}
    column_of = {name: column for column, name in enumerate(names)}
    columns_of = {known: [column_of[name] for name in known] for known in {*audit.frame.values()}}
    is_left = np.zeros((len(case_ids), len(names)), dtype=bool)
    for row, known in enumerate(audit.frame.values()):
        is_left[row, columns_of[known]] = True
    for case_id, name in audit.drawn:
        is_left[row_of[case_id], column_of[name]] = False
    return is_left
