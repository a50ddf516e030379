"""Read the voxels of the mask that stands for each organ of a case, from each kind of file."""

from collections.abc import Iterator

from omentum.records import LabelledCase, MaskSource, StandingMask
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_masks
from omentum.volumes.nifti import read_nifti
from omentum.volumes.volume import Volume

__all__ = ["read_chosen"]


def read_chosen(labelled: LabelledCase) -> Iterator[tuple[StandingMask, Volume]]:
    """Read one standing mask after another; a file with several organs is read once.

    Returns:
        Each mask's record, and its voxels `(x, y, z)`, bool, on the CT's grid.

    Raises:
        ImageError: A file cannot be read.
    """
    by_path: dict[str, list[StandingMask]] = {}
    for mask in labelled.masks:
        by_path.setdefault(str(mask.path), []).append(mask)
    for standing in by_path.values():
        if standing[0].source is MaskSource.PREDICTED:
            coded = read_masks(standing[0].path)
            yield from ((mask, Volume(coded.mask(mask.organ), coded.geometry)) for mask in standing)
        else:
            labels = read_nifti(standing[0].path)
            for mask in standing:
                value = organ(mask.organ).index if mask.source is MaskSource.ORIGINAL else 1
                yield mask, Volume(labels.voxels == value, labels.geometry)
