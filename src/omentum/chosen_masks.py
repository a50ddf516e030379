"""Which voxels does the mask hold that stands for an organ?

In:  a case with the mask chosen for each organ.
Out: one mask after another, on the CT's grid, whatever kind of file each is in.
"""

from collections.abc import Iterator

from omentum.records import ChosenMask, LabelledCase, MaskSource
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_masks
from omentum.volumes.nifti import read_nifti
from omentum.volumes.volume import Volume

__all__ = ["read_chosen"]


def read_chosen(labelled: LabelledCase) -> Iterator[tuple[ChosenMask, Volume]]:
    """Read one chosen mask after another; a file with several organs is read once.

    Returns:
        Each mask's record, and its voxels `(x, y, z)`, bool, on the CT's grid.

    Raises:
        ImageError: A file cannot be read.
    """
    by_path: dict[str, list[ChosenMask]] = {}
    for mask in labelled.masks:
        by_path.setdefault(str(mask.path), []).append(mask)
    for chosen in by_path.values():
        if chosen[0].source is MaskSource.PREDICTED:
            coded = read_masks(chosen[0].path)
            yield from ((mask, Volume(coded.mask(mask.organ), coded.geometry)) for mask in chosen)
        else:
            labels = read_nifti(chosen[0].path)
            for mask in chosen:
                value = organ(mask.organ).index if mask.source is MaskSource.ORIGINAL else 1
                yield mask, Volume(labels.voxels == value, labels.geometry)
