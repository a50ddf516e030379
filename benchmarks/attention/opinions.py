"""Make opinions of three networks about one CT: a published tree, from a phantom's true labels.

Every network sees each organ with a soft border, shifted a little, and misses or adds a piece here and there,
where its probability falls off over a wider border. The nine organs that published attention scores have soft
predictions and entropies; all that it looks for overlaps with have average masks.
"""

from pathlib import Path

import numpy as np
from scipy import ndimage

from omentum.measures.morphology import dilated
from omentum.measures.probability_bytes import entropy_bytes
from omentum.phantoms.phantom import make_phantom
from omentum.volumes.boxes import BoxedArray, bounding_box, grown
from omentum.volumes.geometry import Box
from omentum.volumes.labels import ORGANS
from omentum.volumes.nifti_slices import write_nifti_part

NETWORKS = ("swinunetr", "unet", "nnunet")
MARGIN = 24
"""Voxels around an organ where its probability is followed."""
BORDER_VOXELS, WIDE_VOXELS = 1.2, 5.0
"""Width of a border that a network is sure of, and of one that it is not."""
PIECE_SHARE = 0.35
"""Radius of a piece that a network misses or adds, of the organ's smallest side."""
NOISE_SHARE = 0.02
"""Of the voxels near an organ, those in which a network is not quite sure that it is not there."""


def make_tree(root: Path, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
    """Write one case, `root/case`; the same shape gives the same files."""
    labels = make_phantom(3, shape=shape, spacing_mm=spacing_mm).labels
    rng = np.random.default_rng(3)
    case_dir = root / "case"
    for row in ORGANS:
        if not (row.target or row.overlap):
            continue
        found = _mask_of(labels.voxels, row.index, rng)
        if row.target and found is not None:
            opinions = [_opinion(*found, rng) for _ in NETWORKS]
            for name, (soft, entropy) in zip(NETWORKS, opinions, strict=True):
                folder = case_dir / "backbones" / name
                for kind, values in (("soft_pred", soft), ("entropy", entropy)):
                    path = folder / kind / f"{row.published_name}.nii.gz"
                    write_nifti_part(path, labels.geometry, BoxedArray(found[0], values))
            mean = np.mean([soft for soft, _ in opinions], axis=0) / 255 > 0.5
            average = BoxedArray(found[0], dilated(mean))  # neighbours meet, so that there are overlaps
        else:
            average = found and BoxedArray(found[0], dilated(found[1]))
        part = average and BoxedArray(average[0], average[1].astype(np.uint8))
        path = case_dir / "average" / "segmentations" / f"{row.published_name}.nii.gz"
        write_nifti_part(path, labels.geometry, part)


def _mask_of(labels: np.ndarray, index: int, rng: np.random.Generator) -> BoxedArray | None:
    """Give an organ's mask in a box with a margin; an ellipsoid, where phantoms do not have the organ."""
    box = bounding_box(labels == index)
    if box is not None:
        box = grown(box, MARGIN, labels.shape)
        return BoxedArray(box, labels[box] == index)
    sides = np.array(labels.shape)
    radius = rng.uniform(0.03, 0.08, 3) * sides
    centre = rng.uniform(0.35, 0.65, 3) * sides
    low, high = np.floor(centre - radius).astype(int) - 2, np.ceil(centre + radius).astype(int) + 3
    box = tuple(slice(max(a, 0), min(b, side)) for a, b, side in zip(low, high, labels.shape, strict=True))
    grid = np.ogrid[box]
    return BoxedArray(box, sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radius, strict=True)) <= 1)


def _opinion(_box: Box, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Make one network's soft prediction and entropy of a mask, as stored."""
    seen = ndimage.shift(mask, rng.integers(-2, 3, 3), order=0)
    sure = ndimage.gaussian_filter(seen.astype(np.float32), BORDER_VOXELS)
    piece, is_missed = _piece(mask, rng), rng.random() < 0.5
    near = ndimage.gaussian_filter(piece.astype(np.float32), WIDE_VOXELS)
    probability = sure * (1 - near) if is_missed else np.maximum(sure, near)
    faint = rng.random(mask.shape, dtype=np.float32) < NOISE_SHARE
    entropy = entropy_bytes(np.where(faint, np.maximum(probability, 0.002), probability))
    inside = dilated(probability > 0.5, 2)
    return np.where(inside, np.floor(probability * 255), 0).astype(np.uint8), entropy


def _piece(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make a ball around one voxel of the mask."""
    inside = np.flatnonzero(mask)
    centre = np.unravel_index(int(rng.choice(inside)), mask.shape)
    extent = [side.stop - side.start for side in bounding_box(mask)]
    radius = max(4.0, PIECE_SHARE * min(extent))
    grid = np.ogrid[tuple(slice(0, side) for side in mask.shape)]
    return sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) <= radius**2
