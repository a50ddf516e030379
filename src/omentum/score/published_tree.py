"""Where does a case need attention that others predicted, and left in the published tree?

In:  `<case>/backbones/<network>/{soft_pred,entropy}/<organ>.nii.gz` and `<case>/average/segmentations/`, as
     `omentum predict --layout published` writes them, and the published scripts.
Out: per case `average/attention/<organ>.nii.gz`, both scores; the two lists.
Each file is decompressed once, and only its box is kept; one organ is held at a time, beside one byte a voxel
that counts overlap organs.

Source: Qu et al. 2023, arXiv:2305.09666, and the files that their code reads and writes.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.abdomenatlas.attention import OrganAttention, organ_attention, overlapped
from omentum.abdomenatlas.attention_size import scaled_heat
from omentum.abdomenatlas.datasets import targets
from omentum.errors import ConfigError, GridMismatchError, ProjectError, UnreadableImageError
from omentum.records import CaseScore, OrganScore
from omentum.score.queue import attention_size_rows, priority_rows
from omentum.volumes.atomic import writing
from omentum.volumes.boxes import joint_box, shifted
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.nifti_parts import Part, read_nifti_part, write_nifti_part

__all__ = ["MAPS", "PublishedTree", "TreeScore", "attend_case", "write_lists"]

MAPS = ("attention", "inconsistency", "uncertainty", "overlap")
"""What can be written of an organ; the first always is."""

Bytes = npt.NDArray[np.uint8]
_Found = tuple[Box, OrganAttention]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTree:
    """A tree of predictions, and what of it is scored.

    Attributes:
        root: One folder a case.
        networks: Names of folders in `backbones/`, in the order of averaging; all where not said.
        organs: Those to score, the nine targets where not said.

    Raises:
        ConfigError: No case is in it, or none has a network of that name.
        UnknownOrganError: There is no organ of a name.
    """

    root: Path
    networks: tuple[str, ...] = ()
    organs: tuple[str, ...] = targets()

    def __post_init__(self) -> None:
        """Refuse what is no such tree before any volume is read; settle the networks."""
        cases = self.cases
        if not cases:
            rule = "it must hold folders of cases with backbones/ in them, as `--layout published` writes"
            raise ConfigError("TREE", str(self.root), rule)
        there = sorted({path.name for case in cases for path in (self.root / case / "backbones").iterdir()})
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
        """Give the path of an organ's file of one network; `kind` is `soft_pred` or `entropy`."""
        return self.root / case_id / "backbones" / network / kind / _file_name(name)

    def masks(self, case_id: str) -> Path:
        """Give the folder of the average masks; of a single network, which has none, that of its own.

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
            f"{average} is not there, and overlaps are looked for in the average masks; "
            "predict with all networks in one command and --layout published, which writes them"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeScore:
    """Both published scores of one case."""

    voxels: CaseScore
    """By `create_attention`: voxels that need attention, once for each organ."""
    size: float
    """By `calculate_attention`: scaled heat a slice."""


def attend_case(
    tree: PublishedTree,
    case_id: str,
    out: Path,
    *,
    maps: Sequence[str] = MAPS[:1],
    without_inconsistency: bool = False,
) -> TreeScore:
    """Score one case, and write its attention maps.

    A network without a file of an organ has no say in it; an organ of which no network has one is left out.

    Args:
        tree: Where it is.
        case_id: Its folder there.
        out: Gets `<case>/average/<map>/<organ>.nii.gz`, uint8 with the CT's affine, one of every organ that
            is scored, of zeros where it needs no attention.
        maps: Some of `MAPS`.
        without_inconsistency: See `attention_size`.

    Raises:
        ProjectError: There are no average masks.
        GridMismatchError: Files of a case lie on different grids.
        ImageError: A file is missing or cannot be read.
    """
    reader = _Reader()
    averages, counts = _averages(tree, case_id, reader)
    scores: list[OrganScore] = []
    size = 0.0
    for name in tree.organs:
        speakers = [one for one in tree.networks if tree.file(case_id, one, "soft_pred", name).is_file()]
        if not speakers:
            continue
        soft = [reader.read(tree.file(case_id, one, "soft_pred", name)) for one in speakers]
        entropies = [reader.read(tree.file(case_id, one, "entropy", name)) for one in speakers]
        found = _attention_of(name, (soft, entropies), averages.get(name), counts)
        scores.append(_score(name, found, reader.geometry))
        if found is not None:
            size += scaled_heat(*found, reader.geometry.shape, without_inconsistency=without_inconsistency)
        for kind in maps:
            part = None if found is None else (found[0], _map_of(found[1], kind))
            write_nifti_part(out / case_id / "average" / kind / _file_name(name), reader.geometry, part)
    total = float(sum(one.attention_voxels for one in scores))
    voxels = CaseScore(case_id=case_id, score=total, organs=tuple(scores))
    return TreeScore(voxels=voxels, size=size / reader.geometry.shape[2] if scores else 0.0)


def write_lists(out: Path, scores: Iterable[TreeScore]) -> None:
    """Write `priority.csv` and `attention_size.csv`, as published."""
    scored = list(scores)
    sizes = {one.voxels.case_id: one.size for one in scored}
    for name, rows in (
        ("priority.csv", priority_rows(one.voxels for one in scored)),
        ("attention_size.csv", attention_size_rows(sizes)),
    ):
        with writing(out / name) as part, part.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)


class _Reader:
    """Reads the files of one case, which must all lie on the first one's grid."""

    def __init__(self) -> None:
        self._first: tuple[Path, Geometry] | None = None

    @property
    def geometry(self) -> Geometry:
        """The case's grid, once a file was read."""
        assert self._first is not None
        return self._first[1]

    def read(self, path: Path) -> Part | None:
        if not path.is_file():
            cure = "predict the case again with --save masks,probabilities,entropy"
            raise UnreadableImageError(path, "there is no such file", cure)
        geometry, part = read_nifti_part(path)
        if self._first is None:
            self._first = path, geometry
        if not geometry.same_grid(self.geometry):
            seen = f"its shape is {geometry.shape} and that of {self._first[0]} {self.geometry.shape}"
            raise GridMismatchError(path, f"{seen}, or they lie apart", "predict the case again")
        return part


def _averages(
    tree: PublishedTree, case_id: str, reader: _Reader
) -> tuple[dict[str, Part | None], Bytes | None]:
    """Read the average masks: those of organs to score, and how many overlap organs hold each voxel."""
    folder = tree.masks(case_id)
    kept: dict[str, Part | None] = {}
    counts: Bytes | None = None
    for row in ORGANS:
        path = folder / _file_name(row.name)
        if not (row.overlap or row.name in tree.organs) or not path.is_file():
            continue
        part = reader.read(path)
        if counts is None:
            counts = np.zeros(reader.geometry.shape, dtype=np.uint8, order="F")
        if row.overlap and part is not None:
            counts[part[0]] += part[1] > 0
        if row.name in tree.organs:
            kept[row.name] = part
    return kept, counts


def _attention_of(
    name: str, heard: tuple[list[Part | None], list[Part | None]], average: Part | None, counts: Bytes | None
) -> _Found | None:
    """Work out one organ's attention in the box of all that is said of it; `None` where nothing is."""
    soft, entropies = heard
    box = joint_box(part and part[0] for part in (*soft, *entropies, average))
    if box is None:
        return None
    inside = _placed(box, average) > 0
    others = np.zeros_like(inside, dtype=np.uint8) if counts is None else counts[box]
    overlap = overlapped(inside, others, is_counted=organ(name).overlap)
    return box, organ_attention(_all_placed(box, soft), _all_placed(box, entropies), overlap)


def _all_placed(box: Box, parts: Sequence[Part | None]) -> list[Bytes]:
    return [_placed(box, part) for part in parts]


def _placed(box: Box, part: Part | None) -> Bytes:
    """Put a part into a larger box, zero around it."""
    if part is not None and part[0] == box:
        return part[1]
    shape = tuple(side.stop - side.start for side in box)
    result = np.zeros(shape, dtype=np.uint8, order="F")
    if part is not None:
        result[shifted(part[0], box, sign=-1)] = part[1]
    return result


def _score(name: str, found: _Found | None, geometry: Geometry) -> OrganScore:
    n_voxels = 0 if found is None else found[1].n_voxels
    heat = 0.0 if found is None else float(found[1].heat_sum)
    ml = n_voxels * geometry.voxel_ml
    return OrganScore(organ=name, attention_voxels=n_voxels, attention_ml=ml, heat=heat)


def _map_of(found: OrganAttention, kind: str) -> Bytes:
    if kind == "attention":
        return found.heat
    if kind == "overlap":
        return found.overlap.astype(np.uint8)
    return found.inconsistency if kind == "inconsistency" else found.uncertainty


def _file_name(name: str) -> str:
    return f"{organ(name).published_name}.nii.gz"
