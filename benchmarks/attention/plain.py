"""Work out published attention plainly: with nibabel, numpy and scipy, on whole volumes.

Run by attention_speed.py. It does what AbdomenAtlas-8K's two scripts do (Qu et al. 2023, arXiv:2305.09666),
written anew: for each organ, every network's files and all masks of overlap organs are read as float64 at
full size, and opened with scipy's 3 x 3 x 3 neighbourhood; then all maps are read again for the second score.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from omentum.volumes.labels import ORGANS

__all__ = ["attend_plainly"]

CUBE = np.ones((3, 3, 3))
INCONSISTENT_OVER, UNCERTAIN_OVER = 0.1, 0.05


def attend_plainly(case_dir: Path, out: Path, networks: Sequence[str]) -> int:
    """Write the attention maps of one case and both lists below `out`; give the voxels of its score."""
    organs = [row.published_name for row in ORGANS if row.target]
    overlap = [row.published_name for row in ORGANS if row.overlap]
    maps_dir = out / case_dir.name / "average" / "attention"
    maps_dir.mkdir(parents=True)
    n_voxels, heats = 0, {}
    for organ in organs:
        soft = [_read(case_dir / f"backbones/{name}/soft_pred/{organ}.nii.gz") / 255 for name in networks]
        sigma = np.std(soft, axis=0)
        del soft
        inconsistency = np.where(_opened(sigma > INCONSISTENT_OVER), sigma, 0.0)
        del sigma
        entropy = _read(case_dir / f"backbones/{networks[0]}/entropy/{organ}.nii.gz") / 255
        for name in networks[1:]:
            entropy += _read(case_dir / f"backbones/{name}/entropy/{organ}.nii.gz") / 255
        entropy /= len(networks)
        uncertainty = np.where(_opened(entropy > UNCERTAIN_OVER), entropy, 0.0)
        del entropy
        masks = case_dir / "average" / "segmentations"
        n_others = np.zeros(inconsistency.shape)
        for other in overlap:
            if other != organ:
                n_others += _read(masks / f"{other}.nii.gz")
        overlapped = (_read(masks / f"{organ}.nii.gz") > 0) & (n_others > 0)
        del n_others
        total = inconsistency + uncertainty + overlapped
        n_voxels += int(np.count_nonzero(total))
        peak = total.max()
        heat = total / peak if peak else total
        stored = np.floor(255 * heat).astype(np.uint8)
        heats[organ] = int(stored.sum(dtype=np.int64))
        affine = nib.load(masks / f"{organ}.nii.gz").affine
        nib.save(nib.Nifti1Image(stored, affine), maps_dir / f"{organ}.nii.gz")
    needy = sorted((organ for organ in organs if heats[organ]), key=lambda organ: -heats[organ])
    _write(out / "priority.csv", [case_dir.name, *needy])
    _write(out / "attention_size.csv", [case_dir.name, str(_size(maps_dir, organs))])
    return n_voxels


def _size(maps_dir: Path, organs: Sequence[str]) -> float:
    total = 0.0
    for organ in organs:
        heat = _read(maps_dir / f"{organ}.nii.gz") / 255
        if heat.max() > 0:
            total += float(np.sum(heat / heat.max()))
    return total / heat.shape[2]


def _opened(mask: np.ndarray) -> np.ndarray:
    return ndimage.binary_dilation(ndimage.binary_erosion(mask, CUBE, iterations=2), CUBE, iterations=2)


def _read(path: Path) -> np.ndarray:
    return nib.load(path).get_fdata(caching="unchanged")


def _write(path: Path, row: list[str]) -> None:
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerow(row)
