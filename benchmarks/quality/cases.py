"""What are predictions compared with?

In:  how many phantoms to make; a folder of real CTs with label files, where there is one.
Out: one case after another: its CT, and reference masks for each column of the table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from omentum.phantoms.phantom import make_phantom
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.read import read_ct
from omentum.volumes.segmentations import read_mask
from omentum.volumes.volume import Volume
from quality.references import PHANTOMS, SCANS, Column, LabelFile
from quality.trained_on import FIRST_UNSEEN_SEED
from shared import data_folder

__all__ = ["NINE", "Case", "all_cases", "masks_of"]

NINE = SUBSETS["abdomenatlas-1.0"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One CT and what is known about it.

    Attributes:
        case_id: For records.
        ct: Hounsfield units.
        files: As of `Scan`; none of a phantom.
        references: Column, masks on the CT's grid, and slices as of `LabelFile`.
    """

    case_id: str
    ct: Volume
    files: tuple[str, ...] = ()
    references: tuple[tuple[Column, MaskSet, Mapping[str, slice]], ...]


def all_cases(n_phantoms: int) -> Iterator[Case]:
    """Make and read one case after another.

    Args:
        n_phantoms: Of each style.
    """
    for style, column in PHANTOMS.items():
        for seed in range(FIRST_UNSEEN_SEED, FIRST_UNSEEN_SEED + n_phantoms):
            phantom = make_phantom(seed, style=style)
            truth = MaskSet.from_labels(phantom.labels.voxels, phantom.labels.geometry, NINE)
            yield Case(case_id=f"{style} {seed}", ct=phantom.ct, references=((column, truth, {}),))
    folder = data_folder()
    if folder is None:
        return
    for scan in SCANS:
        ct = read_ct(folder / scan.ct)
        references = tuple((one, masks_of(folder, one, ct), one.slices) for one in scan.labels)
        yield Case(case_id=scan.ct, ct=ct, files=scan.files, references=references)


def masks_of(folder: Path, labels: LabelFile, ct: Volume) -> MaskSet:
    """Read the reference masks of a file, on its CT's grid."""
    index_of = np.zeros(256, dtype=np.uint8)
    index_of[list(labels.ids.values())] = [organ(name).index for name in labels.ids]
    voxels = index_of[read_mask(folder / labels.path, ct.geometry).voxels]
    return MaskSet.from_labels(voxels, ct.geometry, labels.ids)
