"""Find and write the files of the AbdomenAtlas-8K folder tree.

A case has `ct.nii.gz`; `backbones/<network>/` with `segmentations/`, `soft_pred/` and `entropy/`, one file an
organ, and `pseudo_label.nii.gz`; `average/` with masks. All are uint8 with the CT's affine.

Source: Qu et al. 2023, arXiv:2305.09666, and the files that their code reads and writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from omentum.abdomenatlas.datasets import targets
from omentum.errors import ConfigError, ProjectError
from omentum.measures.probability_bytes import entropy_bytes, soft_bytes
from omentum.volumes.atomic import copy
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.nifti_slices import write_nifti_part
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["SAVED", "PublishedTree", "organ_file", "write_case"]

SAVED = frozenset({"masks", "probabilities", "entropy"})
"""What can be written of a network: masks with the combined label map, soft predictions, entropies."""


def organ_file(name: str) -> str:
    """Return the name of an organ's file, as published."""
    return f"{organ(name).published_name}.nii.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTree:
    """A tree of predictions, and which networks and organs of it are scored.

    Attributes:
        root: Has one folder for each case.
        networks: Names of folders in `backbones/`, in the order of averaging; all by default.
        organs: The nine targets by default.

    Raises:
        ConfigError: It has no case, or no case has a network of that name.
        UnknownOrganError: There is no organ of a name.
    """

    root: Path
    networks: tuple[str, ...] = ()
    organs: tuple[str, ...] = targets()

    def __post_init__(self) -> None:
        """Check the tree before any volume is read; set the networks."""
        cases = self.cases
        if not cases:
            rule = "it must hold folders of cases with backbones/ in them, as `--layout published` writes"
            raise ConfigError("TREE", str(self.root), rule)
        networks = (path for case in cases for path in (self.root / case / "backbones").iterdir())
        there = sorted({path.name for path in networks if not is_hidden(path)})
        for name in self.networks:
            if name not in there:
                raise ConfigError("--network", name, f"the networks there are {', '.join(there)}")
        object.__setattr__(self, "networks", self.networks or tuple(there))
        object.__setattr__(self, "organs", tuple(organ(name).name for name in self.organs))

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the cases, sorted."""
        return tuple(sorted(path.parent.name for path in self.root.glob("*/backbones") if path.is_dir()))

    def file(self, case_id: str, network: str, kind: str, name: str) -> Path:
        """Return the path of an organ's file of one network; `kind` is `soft_pred` or `entropy`."""
        return self.root / case_id / "backbones" / network / kind / organ_file(name)

    def masks(self, case_id: str) -> Path:
        """Return the folder of the average masks; of a single network, which has none, that of its own.

        Raises:
            ProjectError: There is none.
        """
        average = self.root / case_id / "average" / "segmentations"
        own = self.root / case_id / "backbones" / self.networks[0] / "segmentations"
        if average.is_dir():
            return average
        if len(self.networks) == 1 and own.is_dir():
            return own
        raise ProjectError(
            f"{average} does not exist, and overlaps are computed from the average masks; "
            "predict with all networks in one command and --layout published, which writes them"
        )


def write_case(
    case_dir: Path,
    ct: Path | Volume,
    predictions: Mapping[str, tuple[ProbabilityMaps, MaskSet]],
    average: MaskSet | None,
    *,
    save: frozenset[str] = SAVED,
) -> list[Path]:
    """Write the tree of one case.

    An organ that a network does not know has no file, and the published scripts leave it out of their mean;
    an organ that it does not find has a file of zeros. Soft predictions are `p` inside the once dilated mask;
    entropies are `-p ln p`, for the nine targets; both times 255, rounded down.

    Args:
        case_dir: `OUT/<case_id>`, made if missing.
        ct: A NIfTI file to copy, or the CT itself. Masks lie on its grid.
        predictions: By network, its probabilities and masks.
        average: The networks' average masks, if there are any.
        save: Some of `SAVED`.

    Returns:
        The files that were written; a CT that is in place already is not.
    """
    paths = []
    ct_path = case_dir / "ct.nii.gz"
    if isinstance(ct, Volume):
        paths.append(ct_path)
        write_nifti(ct_path, ct)
    elif ct.resolve() != ct_path.resolve():
        paths.append(ct_path)
        copy(ct, ct_path)
    for network, (maps, masks) in predictions.items():
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
        paths.append(folder / "segmentations" / organ_file(name))
        write_nifti(paths[-1], Volume(masks.mask(name), masks.geometry))
    paths.append(folder / "pseudo_label.nii.gz")
    write_nifti(paths[-1], Volume(masks.painted(), masks.geometry))
    return paths


def _write_soft(folder: Path, maps: ProbabilityMaps, masks: MaskSet, save: frozenset[str]) -> list[Path]:
    paths = []
    for name in maps.organs:
        found = maps.on_grid(name, masks.geometry)
        if "probabilities" in save:
            soft = (
                None
                if found is None
                else BoxedArray(found.box, soft_bytes(found.values, masks, name, found.box))
            )
            paths.append(folder / "soft_pred" / organ_file(name))
            write_nifti_part(paths[-1], masks.geometry, soft)
        if "entropy" in save and organ(name).target:
            entropy = None if found is None else BoxedArray(found.box, entropy_bytes(found.values))
            paths.append(folder / "entropy" / organ_file(name))
            write_nifti_part(paths[-1], masks.geometry, entropy)
    return paths
