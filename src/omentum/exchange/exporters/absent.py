"""Say of each organ of an export whether it is present, absent, or unknown.

Absent is what was looked for and is not there: the release has a mask of it without a voxel. Unknown is an
organ of which the release has no mask.
"""

from collections.abc import Sequence

from omentum.records.released_cases import ReleasedCase, ReleasedMask
from omentum.volumes.nifti_slices import read_nifti_part

__all__ = ["ABSENT", "STATES_NAME", "is_absent", "organ_states"]

ABSENT = "absent: looked for, and not there"
"""Describes a segment or structure without a voxel."""
STATES_NAME = "organs.json"
"""The file of an export that has the organs of every case."""


def is_absent(mask: ReleasedMask) -> bool:
    """Return whether a mask has no voxel; it is opened only where its rounded volume is zero.

    Raises:
        ImageError: The file cannot be read.
    """
    return mask.volume_ml == 0 and read_nifti_part(mask.path)[1] is None


def organ_states(case: ReleasedCase, organs: Sequence[str]) -> dict[str, list[str]]:
    """Give the organs of a case that are present, absent and unknown, in the order of `organs`.

    Raises:
        ImageError: A mask cannot be read.
    """
    known = {mask.organ: mask for mask in case.masks}
    absent = [name for name in organs if name in known and is_absent(known[name])]
    return {
        "present": [name for name in organs if name in known and name not in absent],
        "absent": absent,
        "unknown": [name for name in organs if name not in known],
    }
