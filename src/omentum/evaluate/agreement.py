"""Compare a case's predicted masks with original or revised ones."""

from dataclasses import dataclass

from omentum.errors import GridMismatchError
from omentum.measures.overlap import dice
from omentum.measures.surface import SURFACE_TOLERANCE_MM, surface_dice
from omentum.volumes.boxes import joint_box
from omentum.volumes.masks import MaskSet, organ_boxes

__all__ = ["OrganAgreement", "compare_case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganAgreement:
    """How one organ of one case agrees with its reference.

    Attributes:
        dice: In [0, 1]; `None` where both masks are empty.
        surface_dice: Share of both surfaces within the tolerance; `None` where both masks are empty.
    """

    case_id: str
    organ: str
    dice: float | None
    surface_dice: float | None


def compare_case(
    case_id: str, predicted: MaskSet, reference: MaskSet, tolerance_mm: float = SURFACE_TOLERANCE_MM
) -> list[OrganAgreement]:
    """Compare a case's prediction with its reference, organ by organ.

    Args:
        case_id: The case, for the records.
        predicted: A network's masks.
        reference: Original or revised masks, on the same grid.
        tolerance_mm: Distance between surfaces that still counts as agreement, in mm.

    Returns:
        One record for each organ that both mask sets hold, by rising index. An organ that one of them does
        not hold is unknown, not empty, and left out.

    Raises:
        GridMismatchError: The masks do not lie on one grid.
    """
    if not predicted.geometry.same_grid(reference.geometry):
        seen = (
            f"prediction and reference lie {predicted.geometry.distance_mm(reference.geometry):.3g} mm apart"
        )
        raise GridMismatchError(case_id, seen, "give both masks on the CT's grid")
    boxes, reference_boxes = organ_boxes(predicted), organ_boxes(reference)
    found = []
    for organ in (name for name in reference.organs if name in predicted.organs):
        box = joint_box([boxes[organ], reference_boxes[organ]])
        overlap = surface = None
        if box is not None:
            a, b = predicted.mask_in(organ, box), reference.mask_in(organ, box)
            overlap, surface = dice(a, b), surface_dice(a, b, reference.geometry.spacing_mm, tolerance_mm)
        found.append(OrganAgreement(case_id=case_id, organ=organ, dice=overlap, surface_dice=surface))
    return found
