"""Give the SNOMED CT codes of organs in DICOM: category, type, side, and anatomic region."""

from dataclasses import dataclass

from pydicom.sr.coding import Code

from omentum.volumes.labels import organ

__all__ = ["AnatomyCode", "anatomy_code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnatomyCode:
    """Codes of an organ in DICOM.

    Attributes:
        category: Anatomical or morphologically abnormal structure.
        kind: Type of the structure.
        side: Right or left, for one of a pair.
        region: Anatomic region of a tumour, cyst or vessel in an organ.
    """

    category: Code
    kind: Code
    side: Code | None = None
    region: Code | None = None


def _sct(value: str, meaning: str) -> Code:
    return Code(value, "SCT", meaning)


_STRUCTURE = _sct("91723000", "Anatomical Structure")
_ABNORMAL = _sct("49755003", "Morphologically Abnormal Structure")
_SIDES = {"right": _sct("24028007", "Right"), "left": _sct("7771000", "Left")}
_KIDNEY = _sct("64033007", "Kidney")
_LIVER = _sct("10200004", "Liver")
_LUNG = _sct("39607008", "Lung")
_PANCREAS = _sct("15776009", "Pancreas")
_COLON = _sct("71854001", "Colon")

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


def anatomy_code(name: str) -> AnatomyCode:
    """Give the codes of an organ.

    Raises:
        UnknownOrganError: No organ has that name.

    Example:
        >>> code = anatomy_code("kidney_left")
        >>> code.kind.meaning, code.side.meaning
        ('Kidney', 'Left')
    """
    row = organ(name)
    return AnatomyCode(
        category=_STRUCTURE if row.kind == "organ" else _ABNORMAL,
        kind=_sct(*row.snomed),
        side=_SIDES.get(row.name.rpartition("_")[2]),
        region=_REGIONS.get(row.name),
    )
