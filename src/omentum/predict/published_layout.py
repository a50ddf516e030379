"""How do the published scripts find what several networks made of a case? In the tree that they expect.

In:  a CT, what each network says of it, and the masks of their average.
Out: `ct.nii.gz`; `backbones/<network>/` with `segmentations/`, `soft_pred/`, `entropy/`, each with a file an
     organ, and `pseudo_label.nii.gz`; `average/` with masks; named and numbered as in AbdomenAtlas-8K, all
     uint8 with the CT's affine.

Source: Qu et al. 2023, arXiv:2305.09666, and the files that their code reads and writes.
"""

from collections.abc import Mapping
from pathlib import Path

from omentum.measures.probability_bytes import entropy_bytes, soft_bytes
from omentum.predict.probability_files import write_part
from omentum.volumes.atomic import copy
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["SAVED", "write_published"]

SAVED = frozenset({"masks", "probabilities", "entropy"})
"""What can be written of a network: masks and the combined label map; soft predictions; entropies."""


def write_published(
    case_dir: Path,
    ct: Path | Volume,
    opinions: Mapping[str, tuple[ProbabilityMaps, MaskSet]],
    average: MaskSet | None,
    *,
    original_label_path: Path | None = None,
    save: frozenset[str] = SAVED,
) -> list[Path]:
    """Write the published tree of one case.

    Organs that a network does not know have no file, and the published scripts leave it out of their mean;
    organs that it sees nowhere have a file of zeros. Masks are 0/1; soft predictions are `p` inside the
    once dilated mask, for all organs; entropies are `-p ln p`, for the nine targets; both times 255, rounded
    down. What the published code keeps as float32 (masks and label maps) is uint8 here.

    Args:
        case_dir: `OUT/<case_id>`, made if missing.
        ct: A NIfTI file that is copied, or the CT itself. Masks lie on its grid.
        opinions: By network, its probabilities and masks.
        average: The networks' average masks, if there are any.
        original_label_path: The data set's own label, copied as it is.
        save: Some of `SAVED`.

    Returns:
        What was written; of a CT that lies where it belongs already, nothing is.
    """
    paths = []
    ct_path = case_dir / "ct.nii.gz"
    if isinstance(ct, Volume):
        paths.append(ct_path)
        write_nifti(ct_path, ct)
    elif ct.resolve() != ct_path.resolve():
        paths.append(ct_path)
        copy(ct, ct_path)
    if original_label_path is not None:
        paths.append(case_dir / "original_label.nii.gz")
        copy(original_label_path, paths[-1])
    for network, (maps, masks) in opinions.items():
        folder = case_dir / "backbones" / network
        if "masks" in save:
            paths += _write_masks(folder, masks)
        if not save.isdisjoint({"probabilities", "entropy"}):
            paths += _write_soft(folder, maps, masks, save)
    if average is not None and "masks" in save:
        paths += _write_masks(case_dir / "average", average)
    return paths


def _write_masks(folder: Path, masks: MaskSet) -> list[Path]:
    paths = []
    for name in masks.organs:
        paths.append(folder / "segmentations" / _file_name(name))
        write_nifti(paths[-1], Volume(masks.mask(name), masks.geometry))
    paths.append(folder / "pseudo_label.nii.gz")
    write_nifti(paths[-1], Volume(masks.painted(), masks.geometry))
    return paths


def _write_soft(folder: Path, maps: ProbabilityMaps, masks: MaskSet, save: frozenset[str]) -> list[Path]:
    paths = []
    for name in maps.organs:
        found = maps.on_grid(name, masks.geometry)
        if "probabilities" in save:
            soft = found and (found[0], soft_bytes(found[1], masks, name, found[0]))
            paths.append(write_part(folder / "soft_pred" / _file_name(name), masks.geometry, soft))
        if "entropy" in save and organ(name).target:
            entropy = found and (found[0], entropy_bytes(found[1]))
            paths.append(write_part(folder / "entropy" / _file_name(name), masks.geometry, entropy))
    return paths


def _file_name(name: str) -> str:
    return f"{organ(name).published_name}.nii.gz"
