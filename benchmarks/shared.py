"""Find the real CTs and label maps beside the checkout.

In:  the folder `shared/data`, or `data` below `OMENTUM_SHARED`.
Out: its path; the label maps of real people that patients are rendered from.
"""

import os
from functools import cache
from pathlib import Path

from omentum.phantoms.anatomy_map import AnatomyMap, read_anatomy

__all__ = ["MAPS", "data_folder", "label_maps"]

MAPS = {
    "label_maps/s0327.nii.gz": "totalsegmentator",
    "label_maps/s0328.nii.gz": "totalsegmentator",
    "label_maps/amos_0013.nii.gz": "abdomenatlas-1.0",
}
"""Files, and what their values mean."""


def data_folder() -> Path | None:
    """Give the folder, if there is one."""
    shared = os.environ.get("OMENTUM_SHARED", Path(__file__).resolve().parents[2] / "shared")
    folder = Path(shared) / "data"
    return folder if folder.is_dir() else None


@cache
def label_maps() -> tuple[AnatomyMap, ...]:
    """Read the label maps; none where there is no such folder."""
    folder = data_folder()
    return () if folder is None else tuple(read_anatomy(folder / path, ids) for path, ids in MAPS.items())
