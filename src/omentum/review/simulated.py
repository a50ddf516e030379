"""Simulate a reader who knows the true masks and has limited time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel
from omentum.measures.error_regions import error_regions
from omentum.measures.overlap import changed_ml
from omentum.records import Task
from omentum.review.export import mask_path, revised_path
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

__all__ = ["SimulatedReader", "TrueMask"]

TrueMask = Callable[[str, str], npt.NDArray[np.bool_]]
"""Gives the true mask `(x, y, z)` on the CT's grid, for a `case_id` and an organ's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedReader:
    """Somebody who corrects masks perfectly, at a price.

    Attributes:
        truth: Where the true masks come from.
        budget_minutes: Time for all tasks together.
        leaves_mm: Errors this close to the true surface, and those too small to matter, are left as they
            are; 0.0 corrects every voxel.
        costs: What that time is spent on; an organ is looked at once.

    Raises:
        ConfigError: The budget is negative or not finite.
    """

    truth: TrueMask
    budget_minutes: float
    leaves_mm: float = 0.0
    costs: CostModel = field(default_factory=CostModel)

    def __post_init__(self) -> None:
        """Refuse what is no time."""
        if not 0.0 <= self.budget_minutes < float("inf"):
            raise ConfigError("budget_minutes", self.budget_minutes, "it must be a number from 0")

    def revise(self, tasks: Sequence[Task], folder: Path) -> dict[tuple[str, str], float]:
        """Revise in the order of the queue, until no task that is left fits into the minutes that are left.

        Audits come first, as they are worth nothing unless all of them are done.
        A task that needs more minutes than are left is put back, and the next one that fits is taken: one
        hopeless mask does not keep the reader from all others.

        Args:
            tasks: Exported before; several cases, in any order. Those about a whole CT are left.
            folder: Holds a folder for each case.

        Returns:
            Minutes for each case and organ that was revised; their sum is within the budget.
        """
        left = self.budget_minutes
        spent: dict[tuple[str, str], float] = {}
        of_organs = [task for task in tasks if not task.is_of_ct]
        for task in sorted(of_organs, key=lambda one: (not one.is_whole, one.rank)):
            task_dir = folder / task.case_id
            is_open = any(case_id == task.case_id for case_id, _ in spent)
            revised, minutes = self._revised(task, task_dir, is_open=is_open)
            if minutes <= left:
                write_nifti(revised_path(task_dir, task.organ), revised)
                spent[task.case_id, task.organ] = minutes
                left -= minutes
        return spent

    def _revised(self, task: Task, task_dir: Path, *, is_open: bool) -> tuple[Volume, float]:
        """Give the corrected mask, in the organ's own colour, and what it costs."""
        shown = read_nifti(mask_path(task_dir, task.organ))
        true = self._wanted(shown, self.truth(task.case_id, task.organ))
        added_ml, removed_ml = changed_ml(shown.voxels > 0, true, shown.geometry.voxel_ml)
        minutes = self.costs.minutes(n_cases=0 if is_open else 1, n_looks=1, changed_ml=added_ml + removed_ml)
        return Volume(true.view(np.uint8) * np.uint8(organ(task.organ).index), shown.geometry), minutes

    def _wanted(self, shown: Volume, true: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Give the mask that he is content with."""
        if not self.leaves_mm:
            return true
        before, spacing_mm = shown.voxels > 0, shown.geometry.spacing_mm
        wrong = error_regions(before, true, spacing_mm, deeper_than_mm=self.leaves_mm).numbers > 0
        return np.asarray(before ^ wrong)
