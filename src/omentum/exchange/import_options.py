"""Say how CTs and their labels come into a project."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from omentum.measures.hounsfield import checked_offset

__all__ = ["DEFAULT_OPTIONS", "ImportOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How CTs come in.

    Attributes:
        resample_tilt: Put a series from a tilted gantry on an upright grid, instead of refusing it.
        check_labels: Let the plausibility rules look at original labels.
        deidentify: Keep a copy of DICOM files that names nobody, and write every CT anew.
        hu_offset: Added to every value, so that it is in Hounsfield units; the CT is then written anew.
        accept_values: Take CTs whose values cannot be Hounsfield units.
        update_labels: Take labels of known cases that are new or changed, as another version.
        readmit: Take CTs that were erased from the project.
        refused: Why CTs are not taken, by the hash of their voxels.

    Raises:
        ConfigError: `hu_offset` is no number that can be added.
    """

    resample_tilt: bool = False
    check_labels: bool = True
    deidentify: bool = False
    hu_offset: float = 0.0
    accept_values: bool = False
    update_labels: bool = False
    readmit: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an offset that cannot be, before any CT is read."""
        checked_offset(self.hu_offset)


DEFAULT_OPTIONS = ImportOptions()
"""Where nobody said how."""
