"""How well does a prediction agree with what people drew?

In:  one case's predicted masks, and reference masks: original or revised, never predicted.
Out: one record an organ that both speak of: Dice, surface Dice, volumes.
"""

from dataclasses import dataclass

from omentum.errors import GridMismatchError
from omentum.measures.overlap import dice
from omentum.measures.surface import surface_dice
from omentum.volumes.boxes import joint_box
from omentum.volumes.geometry import Box
from omentum.volumes.masks import MaskSet, organ_boxes

__all__ = ["TOLERANCE_MM", "OrganAgreement", "compare_case"]

TOLERANCE_MM = 2.0
"""Distance between surfaces that counts as agreement where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganAgreement:
    """How one organ of one case agrees with its reference.

    Attributes:
        case_id: The case.
        organ: The organ.
        dice: In [0, 1]; `None` where both masks are empty, which means leave out.
        surface_dice: Share of both surfaces within the tolerance; `None` likewise.
        predicted_ml: Volume of the prediction, in mL.
        reference_ml: Volume of the reference, in mL.
    """

    case_id: str
    organ: str
    dice: float | None
    surface_dice: float | None
    predicted_ml: float
    reference_ml: float


def compare_case(
    case_id: str, predicted: MaskSet, reference: MaskSet, tolerance_mm: float = TOLERANCE_MM
) -> list[OrganAgreement]:
    """Compare a case's prediction with its reference, organ by organ.

    Args:
        case_id: The case, for the records.
        predicted: What a network made of it.
        reference: Original or revised masks, on the same grid. The caller sees to it that none of
            them is predicted.
        tolerance_mm: Distance between surfaces that still counts as agreement, in mm.

    Returns:
        One record for each organ that the reference and the prediction both speak of, by rising
        index. An organ that one of them does not know is unknown, not empty, and left out.

    Raises:
        GridMismatchError: The masks do not lie on one grid.
    """
    if not predicted.geometry.same_grid(reference.geometry):
        seen = (
            f"prediction and reference lie {predicted.geometry.distance_mm(reference.geometry):.3g} mm apart"
        )
        raise GridMismatchError(case_id, seen, "give both masks on the CT's grid")
    predicted_boxes, reference_boxes = organ_boxes(predicted), organ_boxes(reference)
    return [
        _compared(
            (case_id, organ),
            predicted,
            reference,
            joint_box([predicted_boxes[organ], reference_boxes[organ]]),
            tolerance_mm,
        )
        for organ in reference.organs
        if organ in predicted.organs
    ]


def _compared(
    key: tuple[str, str], predicted: MaskSet, reference: MaskSet, box: Box | None, tolerance_mm: float
) -> OrganAgreement:
    """Compare one organ inside the box that holds both of its masks."""
    case_id, organ = key
    if box is None:
        return OrganAgreement(
            case_id=case_id, organ=organ, dice=None, surface_dice=None, predicted_ml=0.0, reference_ml=0.0
        )
    ours, theirs = _part(predicted, box), _part(reference, box)
    a, b = ours.mask(organ), theirs.mask(organ)
    return OrganAgreement(
        case_id=case_id,
        organ=organ,
        dice=dice(a, b),
        surface_dice=surface_dice(a, b, reference.geometry.spacing_mm, tolerance_mm),
        predicted_ml=float(a.sum()) * ours.geometry.voxel_ml,
        reference_ml=float(b.sum()) * theirs.geometry.voxel_ml,
    )


def _part(masks: MaskSet, box: Box) -> MaskSet:
    return MaskSet(masks.codes[box], masks.sets, masks.organs, masks.geometry.cropped(box))
