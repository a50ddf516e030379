"""Import the revised masks of an AbdomenAtlas tree as revisions."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import ImageError, LabelValueError
from omentum.project.project import Project
from omentum.records import Batch, Case, Failure, Revision
from omentum.review.file_names import organ_in_name
from omentum.review.hand_in import hand_in
from omentum.review.handed_in import HandIn
from omentum.runners.in_process import InProcessRunner
from omentum.runners.runner import Progress
from omentum.volumes.labels import organ
from omentum.volumes.segmentations import read_segmentation

__all__ = ["DRAWN_STAGE", "TREE_READER", "TreeRevision", "take_tree_revisions"]

DRAWN_STAGE = "take revisions"
"""The ledger's stage; keys are `<case_id>/<organ>`."""
TREE_READER = "tree-reader"
"""Pseudonym of all who drew in a tree, for a tree does not name them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRevision:
    """A mask in a tree that a reader drew before it was imported."""

    case_id: str
    """A case of the project."""
    organ: str
    path: Path
    """`<organ>_revised.nii.gz`."""
    shown: Path | None = None
    """What the reader began with, if that is there; else it is taken for the main network's mask."""
    network: str = ""
    """Whose that was."""

    @property
    def key(self) -> str:
        """Its name in the ledger."""
        return f"{self.case_id}/{self.organ}"


def take_tree_revisions(
    project: Project,
    drawn: Sequence[TreeRevision],
    *,
    progress: Progress | None = None,
) -> tuple[Batch, tuple[Failure, ...]]:
    """Take masks, each by itself; what was taken before is not taken twice.

    Returns:
        What became of them, by `<case_id>/<organ>`; a mask that cannot be used is among the failed. And those
        that are left alone with the reason: a reader of this project has revised the organ.
    """
    ledger = project.store.ledger
    wanted, left = [], []
    for one in drawn:
        ours = project.store.revisions.of_organ(one.case_id, organ(one.organ).name)
        taken = [revision for revision in ours if revision.reader == TREE_READER]
        if taken and taken[-1].origin == _stamp(one.path):
            wanted.append(one)
        elif ours and ours[-1].reader != TREE_READER:
            reason = f"{one.organ} was revised in this project; to put that aside: omentum review import"
            left.append(Failure(key=str(one.path), reason=f"{reason} {one.path.parent}"))
        else:
            ledger.forget(DRAWN_STAGE, one.key)
            wanted.append(one)
    # Here, as the work writes to the open database.
    batch = InProcessRunner().run(
        wanted,
        lambda one: _take(project, one),
        key=lambda one: one.key,
        ledger=ledger.of(DRAWN_STAGE),
        step="revisions",
        progress=progress,
    )
    return batch, tuple(left)


def _take(project: Project, one: TreeRevision) -> Revision:
    stamp, row = _stamp(one.path), organ(one.organ)
    case = project.store.cases.get(one.case_id)
    mask, shown = _only_mask(one.path, case, row.index), None
    if one.shown is not None:
        with suppress(ImageError):  # it says how much was changed, and no more
            shown = _only_mask(one.shown, case, row.index)
    drawn = HandIn(
        case_id=one.case_id,
        organ=row.name,
        mask=mask,
        reader=TREE_READER,
        network="" if shown is None else one.network,
        shown=shown,
        origin=stamp,
    )
    return hand_in(project, [drawn])[0].revision


def _only_mask(path: Path, case: Case, index: int) -> npt.NDArray[np.bool_]:
    masks = read_segmentation(path, case.geometry, values=(index,))
    if len(masks) != 1:
        raise LabelValueError(path, f"it holds {len(masks)} segments", "save one organ a file")
    named = organ_in_name(masks[0].name or "").organ
    if named is not None and named != organ(index).name:
        seen = f"it is named as {organ(index).name}, and its header says that it is {named}"
        raise LabelValueError(path, seen, "save it under the name of its organ")
    return masks[0].mask


def _stamp(path: Path) -> str:
    """Give what changes when a file is written anew."""
    known = path.stat()
    return f"{known.st_size} {known.st_mtime_ns}"
