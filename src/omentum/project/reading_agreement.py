"""Measure once how far two readings of an organ agree, and keep it beside their case.

The masks of revisions never change, so what was measured stays true; it goes when the case is erased.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from omentum.project.project import Project
from omentum.records import Case, ReaderAnswer, Revision
from omentum.volumes.atomic import write_json
from omentum.volumes.boxes import BoxedArray, BoxedMask, joint_box
from omentum.volumes.nifti_slices import read_nifti_part

__all__ = ["ReadingAgreement", "agreement_of", "agrees", "revision_part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingAgreement:
    """How far two masks of one organ agree."""

    dice: float | None
    """In [0, 1]; 0.0 where one is empty, `None` where both are."""
    surface_dice: float | None
    """As `dice`, of the surfaces, at the project's tolerance."""
    differ_ml: float
    """Volume that one of them holds and the other does not."""


def agreement_of(project: Project, case: Case, a: Revision, b: Revision) -> ReadingAgreement:
    """Measure how far two readings agree, or give what was measured before; their order does not matter.

    Raises:
        ImageError: A file is gone or damaged.
    """
    if a.sha256 == b.sha256:
        nothing = a.says is ReaderAnswer.ABSENT
        return ReadingAgreement(
            dice=None if nothing else 1.0, surface_dice=None if nothing else 1.0, differ_ml=0.0
        )
    tolerance_mm = project.settings.surface_tolerance_mm
    path = _path(project, case, a, b, tolerance_mm)
    kept = _kept(path)
    if kept is None:
        kept = _measured(case, revision_part(a), revision_part(b), tolerance_mm)
        with suppress(OSError):  # where nothing can be kept it is measured again
            write_json(path, asdict(kept))
    return kept


def agrees(project: Project, case: Case, a: Revision, b: Revision) -> bool:
    """Tell whether two readings agree so well that no person has to decide between them.

    Identical masks do. With the setting `same_above_dice` below 1 so do masks with at least that Dice; an
    empty mask and one that is not never do.
    """
    if a.sha256 == b.sha256:
        return True
    least = project.settings.same_above_dice
    if least >= 1.0:
        return False
    return (agreement_of(project, case, a, b).dice or 0.0) >= least


def revision_part(revision: Revision) -> BoxedMask | None:
    """Read the mask of a revision in its box; `None` where it is empty.

    Raises:
        ImageError: Its file is gone or damaged.
    """
    _, part = read_nifti_part(revision.path)
    return None if part is None else BoxedArray(part.box, part.values == 1).tight()


def _path(project: Project, case: Case, a: Revision, b: Revision, tolerance_mm: float) -> Path:
    first, second = sorted((a.sha256, b.sha256))
    name = f"{a.organ}.{first[:16]}-{second[:16]}.{tolerance_mm:g}mm.json"
    return project.folder.case_dir(case.case_id) / "agreement" / name


def _kept(path: Path) -> ReadingAgreement | None:
    with suppress(OSError, ValueError, TypeError):
        return ReadingAgreement(**json.loads(path.read_text(encoding="utf-8")))
    return None


def _measured(case: Case, a: BoxedMask | None, b: BoxedMask | None, tolerance_mm: float) -> ReadingAgreement:
    from omentum.measures.overlap import dice
    from omentum.measures.surface import surface_dice

    box = joint_box(None if part is None else part.box for part in (a, b))
    if box is None:
        return ReadingAgreement(dice=None, surface_dice=None, differ_ml=0.0)
    if a is None or b is None:
        only = a or b
        assert only is not None
        volume_ml = int(np.count_nonzero(only.values)) * case.geometry.voxel_ml
        return ReadingAgreement(dice=0.0, surface_dice=0.0, differ_ml=volume_ml)
    one, other = a.crop(box), b.crop(box)
    return ReadingAgreement(
        dice=dice(one, other),
        surface_dice=surface_dice(one, other, case.geometry.spacing_mm, tolerance_mm),
        differ_ml=int(np.count_nonzero(one ^ other)) * case.geometry.voxel_ml,
    )
