"""Put the mask of a catch trial in the place of what a network predicted, also of a second opinion."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from omentum.project.catch_files import catch_files
from omentum.records.catch_trials import CatchTrial
from omentum.review.mask_view import MaskView
from omentum.volumes.boxes import BoxedArray, BoxedMask, box_shape, joint_box
from omentum.volumes.nifti_slices import read_nifti_part

__all__ = ["with_planted"]


def with_planted(view: MaskView, planted: Mapping[str, CatchTrial], *, is_main: bool) -> MaskView:
    """Show what a network predicted with the masks of trials in their place.

    The main network's mask is the one that the trial shows. Another one's is its own, with the same error:
    its other differences stay, as two networks never agree to the voxel.

    Args:
        view: What the network predicted of the case.
        planted: The trials of the case, by organ.
        is_main: Whether it is the network whose mask the task shows.
    """
    parts: dict[str, BoxedMask | None] = {}
    for name, trial in planted.items():
        if name in view.organs:
            files = catch_files(trial)
            shown = _read(files.shown)
            parts[name] = shown if is_main else _with_error(view.part(name), shown, _read(files.true))
    return replace(view, parts={**view.parts, **parts}) if parts else view


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
