"""Prepare cases for training: HU and labels at the network's spacing, once, kept on disk.

A file's name is a hash of all that it depends on, so it is never stale.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.networks.grid import network_geometry, to_network_grid, to_network_mask
from omentum.project.read_masks import read_chosen
from omentum.records import LabelledCase, MaskSource
from omentum.runners.memory_ledger import MemoryLedger
from omentum.runners.runner import Progress, Runner
from omentum.tune.merge_lesions import hosts_filled
from omentum.volumes.atomic import writing
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["PreparedCase", "fill_cache", "prepared", "to_int16"]

_N_INDICES = len(ORGANS) + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedCase:
    """One case as training sees it.

    Attributes:
        case_id: The case.
        hu: int16 Hounsfield units `(x, y, z)`, axes turned to RAS+.
        masks: Labels on the same grid; an organ holds its tumours.
        sources: Where each known organ's label comes from.
        key: Hash of all that it was made from.
    """

    case_id: str
    hu: npt.NDArray[np.int16]
    masks: MaskSet
    sources: dict[str, MaskSource]
    key: str


def fill_cache(
    runner: Runner,
    cases: Sequence[LabelledCase],
    spacing_mm: float,
    cache_dir: Path,
    *,
    step: str,
    progress: Progress | None = None,
) -> None:
    """Prepare cases where the runner works; `prepared` raises the error of one that cannot be used.

    Args:
        runner: Where the work runs.
        cases: To prepare.
        spacing_mm: Of the network.
        cache_dir: Gets a file for each case.
        step: Name of the work, for `progress`.
        progress: Called with each case.
    """
    runner.run(
        cases,
        partial(_prepare, spacing_mm, cache_dir),
        key=lambda one: one.case.case_id,
        ledger=MemoryLedger[Path](),
        step=step,
        progress=progress,
    )


def prepared(labelled: LabelledCase, spacing_mm: float, cache_dir: Path) -> PreparedCase:
    """Bring a case to a grid of the network's spacing, or find it in the cache."""
    case, path = labelled.case, _prepare(spacing_mm, cache_dir, labelled)
    with np.load(path) as stored:
        hu, codes, table = stored["hu"], stored["codes"], stored["table"]
    sets = tuple(tuple(np.flatnonzero(row).tolist()) for row in table)
    sources = {mask.organ: mask.source for mask in labelled.masks}
    masks = MaskSet(codes, sets, tuple(sources), network_geometry(case.geometry, spacing_mm))
    return PreparedCase(
        case_id=case.case_id, hu=hu, masks=masks, sources=sources, key=_key(labelled, spacing_mm)
    )


def _prepare(spacing_mm: float, cache_dir: Path, labelled: LabelledCase) -> Path:
    """Write a case's file, unless it is there."""
    case = labelled.case
    path = cache_dir / f"{case.case_id}-{_key(labelled, spacing_mm)}.npz"
    if not path.is_file():
        hu = to_int16(to_network_grid(read_ct(case.ct_path), spacing_mm).voxels)
        masks = _masks(labelled, spacing_mm)
        table = np.array([[index in members for index in range(_N_INDICES)] for members in masks.sets])
        with writing(path) as part, part.open("wb") as stream:
            np.savez_compressed(stream, hu=hu, codes=masks.codes, table=table)
    return path


def to_int16(hu: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int16]:
    """Round Hounsfield units to whole numbers."""
    return np.asarray(np.rint(hu.clip(-32768, 32767)), dtype=np.int16)


def _masks(labelled: LabelledCase, spacing_mm: float) -> MaskSet:
    geometry = network_geometry(labelled.case.geometry, spacing_mm)
    names = [mask.organ for mask in labelled.masks]
    parts = ((name, to_network_mask(mask, spacing_mm)) for name, mask in _volumes(labelled))
    return MaskSet.build(geometry, names, parts)


def _volumes(labelled: LabelledCase) -> Iterator[tuple[str, Volume]]:
    """Read one mask after another on the CT's grid, hosts with their tumours.

    They are joined there, since on a coarser grid a voxel that both share may have too little of either.
    """
    read = ((chosen.organ, mask) for chosen, mask in read_chosen(labelled))
    names = {mask.organ for mask in labelled.masks}
    if not any(names.intersection(organ(name).hosts) for name in names):
        yield from read
        return
    grid = labelled.case.geometry
    apart = MaskSet.build(grid, names, ((name, mask.voxels) for name, mask in read))
    joined = hosts_filled(apart, {mask.organ: mask.source for mask in labelled.masks})
    for name in joined.organs:
        yield name, Volume(joined.mask(name), grid)


def _key(labelled: LabelledCase, spacing_mm: float) -> str:
    affine = labelled.case.geometry.affine.tobytes().hex()
    chosen = sorted(f"{mask.organ}|{mask.source}|{mask.sha256}" for mask in labelled.masks)
    text = "\n".join([labelled.case.source, affine, f"{spacing_mm:g}", "hosts hold tumours", *chosen])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
