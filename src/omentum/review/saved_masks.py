"""Hand in masks that a page saved."""

import numpy as np

from omentum.records import Task
from omentum.review.handed_in import HandIn
from omentum.review.mask_view import PendingMask
from omentum.volumes.geometry import Geometry

__all__ = ["as_hand_in"]


def as_hand_in(
    task: Task,
    geometry: Geometry,
    saved: PendingMask,
    *,
    begun_with: str | None,
    comment: str,
    decides: bool = False,
) -> HandIn:
    """Say what a saved mask is; it is made as large as the CT only here.

    Args:
        task: The task at which it was drawn.
        geometry: The CT's grid.
        saved: The mask; of another organ than the task's it was drawn in passing.
        begun_with: Hash of the mask that the edit began with; `None` began empty.
        comment: The reader's own words about the task.
        decides: Whether it decides between readings of the task; it is no reading itself then.
    """
    mask = np.zeros(geometry.shape, dtype=bool, order="F")
    if saved.part is not None:
        saved.part.put(mask)
    is_own = saved.organ == task.organ
    is_reading = is_own and not decides
    return HandIn(
        case_id=task.case_id,
        organ=saved.organ,
        mask=mask,
        reader=saved.reader,
        task_number=task.number if is_reading else None,
        base_sha256=begun_with,
        network=task.network,
        round_number=task.round_number,
        decides=decides,
        is_aside=not is_reading,
        comment=comment if is_own else "",
    )
