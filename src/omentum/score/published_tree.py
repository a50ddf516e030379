"""Score the attention of cases in an AbdomenAtlas-8K folder tree, and write maps and lists as published.

One organ is held at a time, as the box of its files, beside one byte a voxel that counts overlap organs.

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
from omentum.abdomenatlas.tree import PublishedTree, organ_file
from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.records import CaseScore, OrganScore
from omentum.score.published_case import attention_score
from omentum.score.queue import attention_size_rows, priority_rows
from omentum.volumes.atomic import writing
from omentum.volumes.boxes import BoxedArray, BoxedBytes, bytes_inside, joint_box
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.nifti_slices import read_nifti_part, write_nifti_part

__all__ = ["MAPS", "TreeScore", "attend_case", "write_lists"]

MAPS = ("attention", "inconsistency", "uncertainty", "overlap")
"""Maps that can be written of an organ; the first always is."""

Bytes = npt.NDArray[np.uint8]
_Found = tuple[Box, OrganAttention]


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

    Networks without a file of an organ do not count for it; an organ without any file is left out.

    Args:
        tree: The tree.
        case_id: Its folder there.
        out: Gets `<case>/average/<map>/<organ>.nii.gz`, uint8 with the CT's affine, for every organ that is
            scored; all zeros if it needs no attention.
        maps: Some of `MAPS`.
        without_inconsistency: See `scaled_heat`.

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
        networks = [one for one in tree.networks if tree.file(case_id, one, "soft_pred", name).is_file()]
        if not networks:
            continue
        soft = [reader.read(tree.file(case_id, one, "soft_pred", name)) for one in networks]
        entropies = [reader.read(tree.file(case_id, one, "entropy", name)) for one in networks]
        found = _attention_of(name, (soft, entropies), averages.get(name), counts)
        scores.append(attention_score(name, found and found[1], reader.geometry))
        if found is not None:
            size += scaled_heat(*found, reader.geometry.shape, without_inconsistency=without_inconsistency)
        for kind in maps:
            part = None if found is None else BoxedArray(found[0], _map_of(found[1], kind))
            write_nifti_part(out / case_id / "average" / kind / organ_file(name), reader.geometry, part)
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
    """Reads the files of one case; all must be on the grid of the first."""

    def __init__(self) -> None:
        self._first: tuple[Path, Geometry] | None = None

    @property
    def geometry(self) -> Geometry:
        """The case's grid; call `read` first."""
        assert self._first is not None
        return self._first[1]

    def read(self, path: Path) -> BoxedBytes | None:
        if not path.is_file():
            cure = "predict the case again with --save masks,probabilities,entropy"
            raise UnreadableImageError(path, "the file does not exist", cure)
        geometry, part = read_nifti_part(path)
        if self._first is None:
            self._first = path, geometry
        if not geometry.same_grid(self.geometry):
            seen = f"its shape is {geometry.shape} and that of {self._first[0]} {self.geometry.shape}"
            raise GridMismatchError(path, f"{seen}, or they lie apart", "predict the case again")
        return part


def _averages(
    tree: PublishedTree, case_id: str, reader: _Reader
) -> tuple[dict[str, BoxedBytes | None], Bytes | None]:
    """Read the average masks of organs to score, and count the overlap organs of each voxel."""
    folder = tree.masks(case_id)
    kept: dict[str, BoxedBytes | None] = {}
    counts: Bytes | None = None
    for row in ORGANS:
        path = folder / organ_file(row.name)
        if not (row.overlap or row.name in tree.organs) or not path.is_file():
            continue
        part = reader.read(path)
        if counts is None:
            counts = np.zeros(reader.geometry.shape, dtype=np.uint8, order="F")
        if row.overlap and part is not None:
            counts[part.box] += part.values > 0
        if row.name in tree.organs:
            kept[row.name] = part
    return kept, counts


def _attention_of(
    name: str,
    given: tuple[list[BoxedBytes | None], list[BoxedBytes | None]],
    average: BoxedBytes | None,
    counts: Bytes | None,
) -> _Found | None:
    """Compute one organ's attention in the box of all its files; `None` if all are empty."""
    soft, entropies = given
    box = joint_box(part and part.box for part in (*soft, *entropies, average))
    if box is None:
        return None
    inside = bytes_inside(box, average) > 0
    others = np.zeros_like(inside, dtype=np.uint8) if counts is None else counts[box]
    overlap = overlapped(inside, others, is_counted=organ(name).overlap)
    return box, organ_attention(
        [bytes_inside(box, one) for one in soft], [bytes_inside(box, one) for one in entropies], overlap
    )


def _map_of(found: OrganAttention, kind: str) -> Bytes:
    maps = {
        "attention": found.heat,
        "inconsistency": found.inconsistency,
        "uncertainty": found.uncertainty,
        "overlap": found.overlap,
    }
    return np.asarray(maps[kind], dtype=np.uint8)
