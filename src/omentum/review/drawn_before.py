"""What did readers draw before a case came here? Masks of an AbdomenAtlas tree, as revisions of the project.

In:  an open project, and `<organ>_revised.nii.gz` of cases that came from such a tree.
Out: revisions, as `import_round` makes them, of the round that is under way. What was taken is noted in the
     ledger, so that a mask is not read again unless its file changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import ImageError
from omentum.project.project import Workspace
from omentum.records import Batch, Case, Failure, Prediction, Revision
from omentum.review.round import mark_done, noted, predicted_mask
from omentum.review.take import FoundRevision, Reading, take_revision
from omentum.runners.runner import Progress
from omentum.volumes.read import read_mask

__all__ = ["DRAWN_STAGE", "TREE_READER", "DrawnBefore", "take_drawn"]

DRAWN_STAGE = "take revisions"
"""The ledger's stage; keys are `<case_id>/<organ>`."""
TREE_READER = "tree-reader"
"""Pseudonym of all who drew in a tree, for a tree does not name them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBefore:
    """A mask that a reader drew.

    Attributes:
        case_id: Of a case of the project.
        organ: Of which organ.
        path: `<organ>_revised.nii.gz`.
        shown: What the reader began with, if that is there; else it is taken for the main network's mask.
        network: Whose that was.
    """

    case_id: str
    organ: str
    path: Path
    shown: Path | None = None
    network: str | None = None

    @property
    def key(self) -> str:
        """Its name in the ledger."""
        return f"{self.case_id}/{self.organ}"


def take_drawn(
    workspace: Workspace,
    drawn: Sequence[DrawnBefore],
    *,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Batch, tuple[Failure, ...]]:
    """Take masks, each by itself; what was taken before is not taken twice.

    Returns:
        What became of them, by `<case_id>/<organ>`; a mask that cannot be used is among the failed. And those
        that are left alone with the reason: a reader of this project has revised the organ.
    """
    ledger = workspace.store.ledger
    before = ledger.details(DRAWN_STAGE)
    wanted, left = [], []
    for one in drawn:
        if before.get(one.key, {}).get("file") == _file(one.path):
            wanted.append(one)
        elif _is_revised_here(workspace, one):
            reason = f"{one.organ} was revised in this project; to put that aside: omentum review import"
            left.append(Failure(key=str(one.path), reason=f"{reason} {one.path.parent}"))
        else:
            if one.key in before:
                ledger.forget(DRAWN_STAGE, one.key)
            wanted.append(one)
    predictions = workspace.predictions(workspace.networks[0]) if wanted else {}
    batch = workspace.runner.run(
        wanted,
        lambda one: _take(workspace, one, predictions.get(one.case_id)),
        key=lambda one: one.key,
        ledger=ledger.of(DRAWN_STAGE),
        progress=progress,
    )
    return batch, tuple(left)


def _take(workspace: Workspace, one: DrawnBefore, prediction: Prediction | None) -> dict[str, Any]:
    case = workspace.store.cases.get(one.case_id)
    number = workspace.store.rounds.current().number
    file = _file(one.path)
    network, before = _shown(workspace, one, case, prediction)
    reading = Reading(round_number=number, reader=TREE_READER, network=network)
    revision_dir = workspace.folder.revision_dir(one.case_id, one.organ)
    revision = noted(workspace, take_revision(one.path, case, one.organ, before, revision_dir, reading))
    mark_done(workspace, number, [FoundRevision(one.case_id, one.organ, one.path)])
    return {"file": file, "sha256": revision.sha256}


def _shown(
    workspace: Workspace, one: DrawnBefore, case: Case, prediction: Prediction | None
) -> tuple[str, npt.NDArray[np.bool_]]:
    """Say whose mask the reader began with, and give it."""
    if one.shown is not None and one.network is not None:
        try:
            return one.network, read_mask(one.shown, case.geometry).voxels > 0
        except ImageError:  # it says how much was changed, and no more: the revision is taken all the same
            pass
    return workspace.networks[0], predicted_mask(prediction, case, one.organ)


def _is_revised_here(workspace: Workspace, one: DrawnBefore) -> bool:
    """Tell whether the mask that stands is from a reader of this project."""
    ours: list[Revision] = [
        revision for revision in workspace.store.revisions.of_case(one.case_id) if revision.organ == one.organ
    ]
    return bool(ours) and ours[-1].reader != TREE_READER


def _file(path: Path) -> list[int]:
    """Give what changes when a file is written anew."""
    known = path.stat()
    return [known.st_size, known.st_mtime_ns]
