"""Set how CTs and their labels come into a project."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omentum.measures.hounsfield import checked_offset
from omentum.names import pseudonym

__all__ = ["DEFAULT_OPTIONS", "ImportOptions", "recorded_path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How CTs come in.

    Attributes:
        resample_tilt: Resample a series from a tilted gantry to an upright grid, instead of refusing it.
        resample_slices: Interpolate slices at uneven distances on an even grid, instead of refusing them.
        check_labels: Check original labels with the plausibility rules.
        deidentify: Keep a copy of DICOM files without identities, and rewrite every CT.
        hu_offset: Added to every value to get Hounsfield units; the CT is then rewritten.
        accept_values: Take CTs whose values cannot be Hounsfield units.
        update_labels: Take new and changed labels of known cases, as another version.
        readmit: Take CTs that were erased from the project.
        refused: Reasons to refuse CTs, by the hash of their voxels.
        mirror: Folder to which files of an object store were fetched, and its address there, which is kept.

    Raises:
        ConfigError: `hu_offset` is out of range or no number.
    """

    resample_tilt: bool = False
    resample_slices: bool = False
    check_labels: bool = True
    deidentify: bool = False
    hu_offset: float = 0.0
    accept_values: bool = False
    update_labels: bool = False
    readmit: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)
    mirror: tuple[Path, str] | None = None

    def __post_init__(self) -> None:
        """Check the offset before any CT is read."""
        checked_offset(self.hu_offset)


DEFAULT_OPTIONS = ImportOptions()
"""Options of `omentum add` without flags."""


def recorded_path(path: Path, secret: bytes, options: ImportOptions) -> str:
    """Give the absolute path or address of a CT or label as the database keeps it.

    It is a pseudonym if de-identified.
    """
    whole = os.path.normpath(path.absolute())
    if options.mirror is not None:
        folder, address = options.mirror
        if Path(whole).is_relative_to(folder):
            whole = "/".join((address, *Path(whole).relative_to(folder).parts))
            return pseudonym(secret, whole) if options.deidentify else whole
    return pseudonym(secret, str(path)) if options.deidentify else whole
