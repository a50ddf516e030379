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
_NEOPLASM = _sct("108369006", "Neoplasm")
_KIDNEY = _sct("64033007", "Kidney")
_LIVER = _sct("10200004", "Liver")
_LUNG = _sct("39607008", "Lung")
_PANCREAS = _sct("15776009", "Pancreas")
_COLON = _sct("71854001", "Colon")

_KINDS = {
    "spleen": _sct("78961009", "Spleen"),
    "kidney_right": _KIDNEY,
    "kidney_left": _KIDNEY,
    "gall_bladder": _sct("28231008", "Gallbladder"),
    "esophagus": _sct("32849002", "Esophagus"),
    "liver": _LIVER,
    "stomach": _sct("69695003", "Stomach"),
    "aorta": _sct("15825003", "Aorta"),
    "postcava": _sct("64131007", "Inferior vena cava"),
    "portal_vein_and_splenic_vein": _sct("32764006", "Portal vein"),
    "pancreas": _PANCREAS,
    "adrenal_gland_right": _sct("23451007", "Adrenal gland"),
    "adrenal_gland_left": _sct("23451007", "Adrenal gland"),
    "duodenum": _sct("38848004", "Duodenum"),
    "hepatic_vessel": _sct("59820001", "Blood Vessel"),
    "lung_right": _LUNG,
    "lung_left": _LUNG,
    "colon": _COLON,
    "intestine": _sct("30315005", "Small intestine"),
    "rectum": _sct("34402009", "Rectum"),
    "bladder": _sct("89837001", "Bladder"),
    "prostate": _sct("41216001", "Prostate"),
    "femur_left": _sct("2812003", "Head of Femur"),
    "femur_right": _sct("2812003", "Head of Femur"),
    "celiac_trunk": _sct("57850000", "Celiac Axis"),
    "kidney_tumor": _NEOPLASM,
    "liver_tumor": _NEOPLASM,
    "pancreas_tumor": _NEOPLASM,
    "hepatic_vessel_tumor": _NEOPLASM,
    "lung_tumor": _NEOPLASM,
    "colon_tumor": _NEOPLASM,
    "kidney_cyst": _sct("367643001", "Cyst"),
}
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
        kind=_KINDS[row.name],
        side=_SIDES.get(row.name.rpartition("_")[2]),
        region=_REGIONS.get(row.name),
    )
