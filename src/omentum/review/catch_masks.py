"""Put the mask of a catch trial in the place of what a network predicted, also of a second opinion."""

from pathlib import Path

import numpy as np

from omentum.project.catch_files import catch_files
from omentum.records.catch_trials import CatchTrial
from omentum.review.mask_view import MaskView
from omentum.volumes.boxes import BoxedArray, BoxedMask, box_shape, joint_box
from omentum.volumes.nifti_slices import read_nifti_part

__all__ = ["planted_part"]


def planted_part(trial: CatchTrial, made: MaskView, *, is_main: bool) -> BoxedMask | None:
    """Give what a network is shown to have predicted of a trial's organ; `None` is empty.

    Of the main network that is the mask which the trial shows. Another one's is its own, with the same error:
    its other differences stay, as two networks never agree to the voxel.

    Args:
        trial: The trial.
        made: What the network predicted of the case.
        is_main: Whether it is the network whose mask the task shows.
    """
    files = catch_files(trial)
    shown = _read(files.shown)
    return shown if is_main else _with_error(made.part(trial.organ), shown, _read(files.true))


def _with_error(own: BoxedMask | None, shown: BoxedMask | None, true: BoxedMask | None) -> BoxedMask | None:
    """Give a mask that is as shown wherever what is shown differs from the truth."""
    box = joint_box(None if one is None else one.box for one in (own, shown, true))
    if box is None:
        return None
    inside = [
        np.zeros(box_shape(box), dtype=bool) if one is None else one.crop(box) for one in (own, shown, true)
    ]
    return BoxedArray(box, np.where(inside[1] != inside[2], inside[1], inside[0])).tight()


def _read(path: Path) -> BoxedMask | None:
    _, part = read_nifti_part(path)
    return None if part is None else BoxedArray(part.box, part.values > 0)
