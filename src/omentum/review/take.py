"""What did a reader hand in, and what did it change?

In:  `<organ>_revised.nii.gz`, saved by any program on the CT's grid.
Out: the mask, stored for good under the hash of its content, and the `Revision` to be recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import fastremap
import numpy as np
import numpy.typing as npt

from omentum.errors import LabelValueError, ReviewError
from omentum.measures.overlap import changed_ml, dice
from omentum.records import Case, Revision
from omentum.review.export import read_task
from omentum.volumes.mask_hash import mask_sha256
from omentum.volumes.labels import organ
from omentum.volumes.nifti import is_nifti, write_nifti
from omentum.volumes.read import read_mask
from omentum.volumes.volume import Volume

__all__ = ["FoundRevision", "Reading", "find_revisions", "shared_minutes", "take_revision"]

_SUFFIX = "_revised"
_FOLDERS_INSIDE_A_CASE = ("average", "segmentations")
"""Published folders have the masks of a case in these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Who looked at what, and for how long."""

    round_number: int
    reader: str
    """Pseudonym."""
    network: str
    """Whose mask was shown."""
    minutes: float | None = None
    """Spent on this one mask; `None` where nobody said."""
    time: datetime | None = None
    """When it was handed in; now where not said."""


class FoundRevision(NamedTuple):
    """A mask that a reader saved."""

    case_id: str
    organ: str
    path: Path


def take_revision(
    path: Path,
    case: Case,
    organ_name: str,
    before: npt.NDArray[np.bool_],
    revision_dir: Path,
    reading: Reading,
) -> Revision:
    """Check one mask that a reader saved, and keep it.

    Args:
        path: What was saved: 0 and 1, or 0 and the organ's 32-class index, on the CT's grid.
        case: Whose mask it is.
        organ_name: Of which organ.
        before: The mask that was shown `(x, y, z)`.
        revision_dir: Gets `<hash>.nii.gz`, uint8 0/1, read-only; one that is there is never overwritten.
        reading: Who, when, for how long.

    Returns:
        The revision. A mask equal to what was shown was accepted: nothing added, nothing removed.

    Raises:
        UnknownOrganError: There is no such organ.
        GridMismatchError: It is not on the CT's grid.
        LabelValueError: It holds other values.
        ImageError: It cannot be read.
    """
    row = organ(organ_name)
    mask = _read_binary(path, case, row.index)
    sha256 = mask_sha256(mask, case.geometry)
    kept = revision_dir / f"{sha256}.nii.gz"
    if not kept.exists():
        write_nifti(kept, Volume(mask, case.geometry))
        kept.chmod(0o444)
    added_ml, removed_ml = changed_ml(before, mask, case.geometry.voxel_ml)
    return Revision(
        case_id=case.case_id,
        organ=row.name,
        path=kept,
        sha256=sha256,
        round_number=reading.round_number,
        reader=reading.reader,
        minutes=reading.minutes,
        added_ml=added_ml,
        removed_ml=removed_ml,
        dice_to_before=dice(before, mask),
        network=reading.network,
        time=reading.time or datetime.now(UTC),
    )


def _read_binary(path: Path, case: Case, index: int) -> npt.NDArray[np.bool_]:
    voxels = read_mask(path, case.geometry).voxels
    values = [value for value in fastremap.unique(voxels).tolist() if value]
    if values not in ([], [1], [index]):
        seen = f"it holds the values {', '.join(map(str, values))}"
        raise LabelValueError(path, seen, f"save this organ alone, as 1 or as its index {index}, on 0")
    return voxels > 0


def find_revisions(folder: Path) -> list[FoundRevision]:
    """Find the masks that readers saved, in a folder of cases or in the folder of one.

    A file is `<organ>_revised.nii.gz` (or `.nii`). Its case is named in the `task.json` beside it, else
    by the folder that it lies in; folders called `segmentations` or `average` belong to the one above.

    Returns:
        By case and organ; empty where there are none.

    Raises:
        UnknownOrganError: A file is named after no organ.
        ReviewError: There is no such folder, or two files are for one organ of one case.
    """
    if not folder.is_dir():
        raise ReviewError(f"{folder} is no folder; give the one that was exported")
    found: dict[tuple[str, str], FoundRevision] = {}
    for path in sorted(folder.rglob(f"*{_SUFFIX}.nii*")):
        if not is_nifti(path) or path.name.startswith("."):
            continue
        one = FoundRevision(_case_id(path), organ(path.name.partition(f"{_SUFFIX}.nii")[0]).name, path)
        other = found.setdefault((one.case_id, one.organ), one)
        if other is not one:
            raise ReviewError(
                f"{one.path} and {other.path} are both for {one.organ} of {one.case_id}; keep one of them"
            )
    return sorted(found.values())


def _case_id(path: Path) -> str:
    folder = path.absolute().parent
    while folder.name in _FOLDERS_INSIDE_A_CASE:
        folder = folder.parent
    return str(read_task(folder).get("case_id", folder.name))


def shared_minutes(
    found: Sequence[FoundRevision],
    minutes: float | None,
    minutes_of_case: Mapping[str, float] | None = None,
) -> dict[tuple[str, str], float | None]:
    """Share out the time that was spent, equally over the masks that it was spent on.

    Args:
        found: The masks.
        minutes: For all cases that `minutes_of_case` does not name; `None` where nobody said.
        minutes_of_case: For all masks of one case.

    Returns:
        Minutes for each case and organ; `None` where nobody said.

    Raises:
        ReviewError: A time is negative, or for a case without a mask.

    Example:
        >>> masks = [FoundRevision("a", name, Path(name)) for name in ("liver", "spleen")]
        >>> shared_minutes(masks, 10.0)
        {('a', 'liver'): 5.0, ('a', 'spleen'): 5.0}
    """
    of_case = dict(minutes_of_case or {})
    counts = {case_id: sum(one.case_id == case_id for one in found) for case_id in of_case}
    for case_id, count in counts.items():
        if not count:
            raise ReviewError(f"minutes were given for case {case_id!r}, of which there is no revised mask")
    for given in (*of_case.values(), minutes or 0.0):
        if not given >= 0.0:
            raise ReviewError(f"the minutes of a revision are {given:g}; give a number from 0")
    n_others = sum(one.case_id not in of_case for one in found)
    share = minutes / n_others if minutes is not None and n_others else minutes
    return {
        (one.case_id, one.organ): of_case[one.case_id] / counts[one.case_id]
        if one.case_id in of_case
        else share
        for one in found
    }
