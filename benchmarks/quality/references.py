"""Who made the references? The columns of the table, and the real CTs with their label files.

In:  nothing; this is what the notes beside the data say.
Out: `PHANTOMS` and `SCANS`. Organs that a reference's maker is known to get wrong are not among its ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from omentum.volumes.labels import subset_ids

__all__ = ["PHANTOMS", "SCANS", "Column", "LabelFile", "Scan"]

_IDS = {name: number for number, name in subset_ids("abdomenatlas-1.0").items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """A column of the table.

    Attributes:
        name: Its head.
        about: What is compared with what, and who made the reference.
        model: The network that made the reference; `None` where it is true or a person drew it.
    """

    name: str
    about: str
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelFile(Column):
    """A column's reference masks in a file below the data folder.

    Attributes:
        path: A label map on its CT's grid.
        ids: The organs to compare, and their values in the file.
        slices: Organs that are compared in these slices only, counted from the feet.
    """

    path: str
    ids: Mapping[str, int]
    slices: Mapping[str, slice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """A real CT below the data folder."""

    ct: str
    labels: tuple[LabelFile, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Everything that weights must not have learned from to be scored on it."""
        return self.ct, *(one.path for one in self.labels)


PHANTOMS = {
    style: Column(name=style, about=f"synthetic patients of style `{style}`; true labels")
    for style in ("mixed", "hard")
}
SCANS = (
    Scan(
        ct="chaos_03/dicom",
        labels=(
            LabelFile(
                name="chaos_03 (person)",
                about="CHAOS CT set 3; liver drawn by a person, with part of the vena cava",
                path="chaos_03/liver.nii.gz",
                ids={"liver": 1},
            ),
            LabelFile(
                name="chaos_03 (model)",
                about="the same CT; labels by a model (OBELISK), not corrected; its stomach is left out "
                "as not reliable",
                model="OBELISK",
                path="teacher_labels/chaos_03.nii.gz",
                ids={name: _IDS[name] for name in ("spleen", "kidney_left", "gall_bladder", "pancreas")},
            ),
        ),
    ),
    Scan(
        ct="totalsegmentator_example/ct.nii.gz",
        labels=(
            LabelFile(
                name="example CT (model)",
                about="TotalSegmentator's example, 3 mm, low contrast, cut off at the top; labels by a "
                "model (TotalSegmentator v2, fast), not corrected; its pancreas is in fragments",
                model="TotalSegmentator",
                path="totalsegmentator_example/labels.nii.gz",
                ids=_IDS,
            ),
        ),
    ),
    Scan(
        ct="totalsegmentator_example/dicom",
        labels=(
            LabelFile(
                name="example PET/CT (model)",
                about="4 cm of another patient's upper abdomen, 20 slices; labels by a model "
                "(TotalSegmentator v2, fast), not corrected",
                model="TotalSegmentator",
                path="totalsegmentator_example/dicom_labels_117.nii.gz",
                ids={"spleen": 1, "liver": 5, "stomach": 6, "aorta": 52, "postcava": 63},  # labels_117.json
            ),
        ),
    ),
    Scan(
        ct="crlm_1004/dicom",
        labels=(
            LabelFile(
                name="crlm_1004 (model)",
                about="CRLM-CT-1004, 5 mm slices; labels by a model (OBELISK), not corrected, where they "
                "are reliable: left kidney; Dice alone of liver (slices 6 to 32), gall bladder (0 to "
                "17) and spleen (18 to 40)",
                model="OBELISK",
                path="teacher_labels/crlm_1004.nii.gz",
                ids={name: _IDS[name] for name in ("spleen", "kidney_left", "gall_bladder", "liver")},
                slices={"liver": slice(6, 33), "gall_bladder": slice(0, 18), "spleen": slice(18, 41)},
            ),
        ),
    ),
)
