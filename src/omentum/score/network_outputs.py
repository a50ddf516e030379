"""Read what each network made of one organ, as AbdomenAtlas-8K stores it, and average the networks' masks.

One organ is held at a time, so memory does not grow with their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.errors import GridMismatchError, ProjectError
from omentum.measures.probability_bytes import entropy_bytes, soft_bytes
from omentum.records import Case, Prediction
from omentum.volumes.boxes import BoxedArray, BoxedBytes, bytes_inside, joint_box
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import ORGANS
from omentum.volumes.mask_files import read_masks
from omentum.volumes.masks import MaskSet, organ_boxes
from omentum.volumes.probabilities import ENTROPIES_NAME, FULL, ProbabilityMaps, read_probabilities

__all__ = ["NetworkOutput", "OrganOutputs", "n_organs_map", "organ_outputs", "read_outputs"]

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkOutput:
    """What one network says of a case.

    Attributes:
        masks: Its masks on the CT's grid.
        boxes: Where each of them lies.
        probabilities: Its probabilities on its own grid.
        entropies: Those that a network elsewhere left, on the CT's grid; what such a network left is taken as
            it is, byte for byte.
    """

    masks: MaskSet
    boxes: dict[str, Box | None]
    probabilities: ProbabilityMaps
    entropies: ProbabilityMaps | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrganOutputs:
    """What the networks say of one organ, inside the box that holds all of it.

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
    """Read what every network made of a case.

    Raises:
        ProjectError: There is no prediction, or one of another case.
        GridMismatchError: Masks do not lie on the CT's grid.
    """
    if not predictions:
        raise ProjectError(
            f"case {case.case_id!r} has no prediction to score; make one with `omentum predict`"
        )
    return [_read(case, prediction) for prediction in predictions]


def organ_outputs(
    outputs: Sequence[NetworkOutput], organ: str, geometry: Geometry, average: NetworkOutput | None = None
) -> OrganOutputs | None:
    """Bring every network's opinion on one organ to the CT's grid.

    Args:
        outputs: From `read_outputs`.
        organ: Its name; networks that do not know it have no say.
        geometry: The CT's grid.
        average: What the networks' average is, where it was decided before and knows the organ.

    Returns:
        The outputs in one box; `None` where no network sees the organ anywhere.
    """
    speakers = [one for one in outputs if organ in one.masks.organs]
    heard = [_soft_and_entropy(one, organ, geometry) for one in speakers]
    deciding = _deciding(speakers, organ, average)
    boxes = [one.boxes[organ] for one in (*speakers, *deciding)]
    box = joint_box([*(part[0] for parts in heard for part in parts if part is not None), *boxes])
    if box is None:
        return None
    soft = [bytes_inside(box, one) for one, _ in heard]
    entropies = [bytes_inside(box, one) for _, one in heard]
    mean = deciding[0].masks.mask_in(organ, box) if deciding else _average(soft)
    return OrganOutputs(box=box, soft=soft, entropies=entropies, average=mean)


def n_organs_map(
    outputs: Sequence[NetworkOutput], geometry: Geometry, average: NetworkOutput | None = None
) -> Bytes:
    """Count, for every voxel of the CT `(x, y, z)`, the overlap organs whose average mask holds it."""
    counts = np.zeros(geometry.shape, dtype=np.uint8, order="F")
    for organ in (row.name for row in ORGANS if row.overlap):
        speakers = [one for one in outputs if organ in one.masks.organs]
        deciding = _deciding(speakers, organ, average)
        if deciding:
            box = deciding[0].boxes[organ]
            if box is not None:
                counts[box] += deciding[0].masks.mask_in(organ, box)
            continue
        heard = organ_outputs(speakers, organ, geometry)
        if heard is not None:
            counts[heard.box] += heard.average
    return counts


def _deciding(
    speakers: Sequence[NetworkOutput], organ: str, average: NetworkOutput | None
) -> list[NetworkOutput]:
    """Give whose mask is the average as it stands: the average's own, or the only network's; else none."""
    if average is not None and organ in average.masks.organs:
        return [average]
    return list(speakers) if len(speakers) == 1 else []


def _read(case: Case, prediction: Prediction) -> NetworkOutput:
    if prediction.case_id != case.case_id:
        raise ProjectError(
            f"the prediction in {prediction.folder} is of case {prediction.case_id!r}, "
            f"not of {case.case_id!r}; give each case its own predictions"
        )
    masks = read_masks(prediction.masks_path)
    if not masks.geometry.same_grid(case.geometry):
        seen = f"its shape is {masks.geometry.shape} and the CT's {case.geometry.shape}, or they lie apart"
        raise GridMismatchError(prediction.masks_path, seen, "predict the case again")
    left = prediction.folder / ENTROPIES_NAME
    entropies = read_probabilities(left) if left.is_file() else None
    probabilities = read_probabilities(prediction.probabilities_path)
    return NetworkOutput(masks, organ_boxes(masks), probabilities, entropies)


def _soft_and_entropy(
    opinion: NetworkOutput, organ: str, geometry: Geometry
) -> tuple[BoxedBytes | None, BoxedBytes | None]:
    """Give the soft prediction and the entropy of one network; `None` where it sees nothing."""
    if opinion.entropies is not None:
        return opinion.probabilities.parts.get(organ), opinion.entropies.parts.get(organ)
    found = opinion.probabilities.on_grid(organ, geometry)
    if found is None:
        return None, None
    box, probability = found
    return BoxedArray(box, soft_bytes(probability, opinion.masks, organ, box)), BoxedArray(
        box, entropy_bytes(probability)
    )


def _average(soft: Sequence[Bytes]) -> Mask:
    """Find where the mean soft prediction is over 0.5, in whole numbers."""
    total = np.zeros_like(soft[0], dtype=np.uint16)
    for one in soft:
        total += one
    return np.asarray(2 * total.astype(np.uint32) > FULL * len(soft))
