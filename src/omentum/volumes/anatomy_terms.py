"""Give the SNOMED CT terms of organs: category, type, side, and anatomic region."""

from dataclasses import dataclass
from typing import NamedTuple

from omentum.volumes.labels import organ

__all__ = ["AnatomyTerms", "Term", "anatomy_terms"]


class Term(NamedTuple):
    """A concept of SNOMED CT."""

    value: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnatomyTerms:
    """Terms of an organ, as segments of DICOM and 3D Slicer have them.

    Attributes:
        category: Anatomical or morphologically abnormal structure.
        kind: Type of the structure.
        side: Right or left, for one of a pair.
        region: Anatomic region of a tumour, cyst or vessel in an organ.
    """

    category: Term
    kind: Term
    side: Term | None = None
    region: Term | None = None


_STRUCTURE = Term("91723000", "Anatomical Structure")
_ABNORMAL = Term("49755003", "Morphologically Abnormal Structure")
_SIDES = {"right": Term("24028007", "Right"), "left": Term("7771000", "Left")}
_KIDNEY = Term("64033007", "Kidney")
_LIVER = Term("10200004", "Liver")
_LUNG = Term("39607008", "Lung")
_PANCREAS = Term("15776009", "Pancreas")
_COLON = Term("71854001", "Colon")

_REGIONS = {
    "hepatic_vessel": _LIVER,
    "kidney_tumor": _KIDNEY,
    "liver_tumor": _LIVER,
    "pancreas_tumor": _PANCREAS,
    "hepatic_vessel_tumor": _LIVER,
    "lung_tumor": _LUNG,
    "colon_tumor": _COLON,
    "kidney_cyst": _KIDNEY,
}


def anatomy_terms(name: str) -> AnatomyTerms:
    """Give the terms of an organ.

    Raises:
        UnknownOrganError: No organ has that name.

    Example:
        >>> terms = anatomy_terms("kidney_left")
        >>> terms.kind.meaning, terms.side.meaning
        ('Kidney', 'Left')
    """
    row = organ(name)
    return AnatomyTerms(
        category=_STRUCTURE if row.kind == "organ" else _ABNORMAL,
        kind=Term(*row.snomed),
        side=_SIDES.get(row.name.rpartition("_")[2]),
        region=_REGIONS.get(row.name),
    )
