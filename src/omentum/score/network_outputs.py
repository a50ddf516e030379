"""Read what each network made of one organ, as AbdomenAtlas-8K stores it, and average the networks' masks.

One organ is held at a time, so memory does not grow with their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.errors import GridMismatchError, ProjectError
from omentum.measures.probability_bytes import entropy_bytes, soft_bytes
from omentum.project.kept_probabilities import read_kept_probabilities
from omentum.records import Case, Prediction
from omentum.volumes.boxes import BoxedArray, BoxedBytes, bytes_inside, joint_box
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import ORGANS
from omentum.volumes.mask_files import read_masks
from omentum.volumes.masks import MaskSet, organ_boxes
from omentum.volumes.probabilities import ENTROPIES_NAME, FULL, ProbabilityMaps, read_probabilities

__all__ = ["NetworkOutput", "OrganOutputs", "n_organs_map", "organ_outputs", "read_average", "read_outputs"]

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkOutput:
    """The output of one network for a case.

    Attributes:
        masks: Its masks on the CT's grid.
        boxes: Where each of them lies.
        probabilities: Its probabilities on its own grid.
        entropies: Imported ones, on the CT's grid; then they and the probabilities are taken byte for byte.
    """

    masks: MaskSet
    boxes: dict[str, Box | None]
    probabilities: ProbabilityMaps
    entropies: ProbabilityMaps | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrganOutputs:
    """The outputs of all networks for one organ, inside the box that holds all of it.

    Attributes:
        box: That part of the CT's grid.
        soft: Each network's probability inside its dilated mask, times 255, rounded down.
        entropies: Each network's `-p ln p` times 255, rounded down.
        average: The networks' average mask.
    """

    box: Box
    soft: list[Bytes]
    entropies: list[Bytes]
    average: Mask


def read_outputs(case: Case, predictions: Sequence[Prediction]) -> list[NetworkOutput]:
    """Read the outputs of every network for a case.

    Raises:
        ProjectError: There is no prediction, or one of another case.
        GridMismatchError: Masks do not lie on the CT's grid.
        UnreadableImageError: Probabilities were dropped, or a file is missing or damaged.
    """
    if not predictions:
        raise ProjectError(
            f"case {case.case_id!r} has no prediction to score; make one with `omentum predict`"
        )
    return [_read(case, prediction) for prediction in predictions]


def organ_outputs(
    outputs: Sequence[NetworkOutput], organ: str, geometry: Geometry, average: NetworkOutput | None = None
) -> OrganOutputs | None:
    """Resample every network's output of one organ to the CT's grid.

    Args:
        outputs: From `read_outputs`.
        organ: Its name; networks without it do not count.
        geometry: The CT's grid.
        average: The networks' average, where it was predicted.

    Returns:
        The outputs in one box; `None` where no network finds the organ.
    """
    known = [one for one in outputs if organ in one.masks.organs]
    found = [_soft_and_entropy(one, organ, geometry) for one in known]
    decided = _decided(known, organ, average)
    boxes = [one.boxes[organ] for one in (*known, *decided)]
    box = joint_box([*(part[0] for parts in found for part in parts if part is not None), *boxes])
    if box is None:
        return None
    soft = [bytes_inside(box, one) for one, _ in found]
    entropies = [bytes_inside(box, one) for _, one in found]
    mean = decided[0].masks.mask_in(organ, box) if decided else _average(soft)
    return OrganOutputs(box=box, soft=soft, entropies=entropies, average=mean)


def n_organs_map(
    outputs: Sequence[NetworkOutput], geometry: Geometry, average: NetworkOutput | None = None
) -> Bytes:
    """Count, for every voxel of the CT `(x, y, z)`, the overlap organs whose average mask holds it."""
    counts = np.zeros(geometry.shape, dtype=np.uint8, order="F")
    for organ in (row.name for row in ORGANS if row.overlap):
        known = [one for one in outputs if organ in one.masks.organs]
        decided = _decided(known, organ, average)
        if decided:
            box = decided[0].boxes[organ]
            if box is not None:
                counts[box] += decided[0].masks.mask_in(organ, box)
            continue
        found = organ_outputs(known, organ, geometry)
        if found is not None:
            counts[found.box] += found.average
    return counts


def _decided(
    known: Sequence[NetworkOutput], organ: str, average: NetworkOutput | None
) -> list[NetworkOutput]:
    """Give the output whose mask is the average: the average's own, or the only network's; else none."""
    if average is not None and organ in average.masks.organs:
        return [average]
    return list(known) if len(known) == 1 else []


def read_average(case: Case, prediction: Prediction) -> NetworkOutput:
    """Read the masks of the networks' average, of which nothing else is used; errors as `read_outputs`."""
    masks = _masks(case, prediction)
    return NetworkOutput(masks, organ_boxes(masks), ProbabilityMaps(masks.geometry, masks.organs, {}))


def _read(case: Case, prediction: Prediction) -> NetworkOutput:
    masks = _masks(case, prediction)
    left = prediction.folder / ENTROPIES_NAME
    entropies = read_probabilities(left) if left.is_file() else None
    return NetworkOutput(masks, organ_boxes(masks), read_kept_probabilities(prediction), entropies)


def _masks(case: Case, prediction: Prediction) -> MaskSet:
    if prediction.case_id != case.case_id:
        raise ProjectError(
            f"the prediction in {prediction.folder} is of case {prediction.case_id!r}, "
            f"not of {case.case_id!r}; give each case its own predictions"
        )
    masks = read_masks(prediction.masks_path)
    if not masks.geometry.same_grid(case.geometry):
        seen = f"its shape is {masks.geometry.shape} and the CT's {case.geometry.shape}, or they lie apart"
        raise GridMismatchError(prediction.masks_path, seen, "predict the case again")
    return masks


def _soft_and_entropy(
    output: NetworkOutput, organ: str, geometry: Geometry
) -> tuple[BoxedBytes | None, BoxedBytes | None]:
    """Give the soft prediction and the entropy of one network; `None` where it finds nothing."""
    if output.entropies is not None:
        return output.probabilities.parts.get(organ), output.entropies.parts.get(organ)
    found = output.probabilities.on_grid(organ, geometry)
    if found is None:
        return None, None
    box, probability = found
    soft = soft_bytes(probability, output.masks, organ, box)
    return BoxedArray(box, soft), BoxedArray(box, entropy_bytes(probability))


def _average(soft: Sequence[Bytes]) -> Mask:
    """Find where the mean soft prediction is over 0.5, in whole numbers."""
    total = np.zeros_like(soft[0], dtype=np.uint16)
    for one in soft:
        total += one
    return np.asarray(2 * total.astype(np.uint32) > FULL * len(soft))
