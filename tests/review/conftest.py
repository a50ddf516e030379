"""A small case with three predicted organs, two of which overlap; a project with a queue of three tasks."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from omentum.records import Case, MaskSource, Task
from omentum.review.folder_export import export_round
from omentum.review.shown_masks import ShownCase
from omentum.review.task_file import ShownOrgan
from omentum.volumes.geometry import Geometry
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti, read_nifti_geometry, write_nifti
from omentum.volumes.volume import Volume

AFFINE = np.array([[-1.5, 0, 0, 20], [0, 1.25, 0, -31], [0, 0, 3.0, 7.5], [0, 0, 0, 1.0]])
SHAPE = (20, 16, 12)
VOXEL_ML = 0.064


@pytest.fixture
def case(tmp_path: Path) -> Case:
    path = tmp_path / "cases" / "c1" / "ct.nii.gz"
    voxels = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)
    write_nifti(path, Volume(voxels, Geometry(SHAPE, AFFINE)))
    return Case(
        case_id="c1", patient_id="p1", ct_path=path, geometry=read_nifti_geometry(path), source="made"
    )


@pytest.fixture
def box() -> Callable[..., np.ndarray]:
    """Makes a mask that is one box."""

    def make(*sides: tuple[int, int]) -> np.ndarray:
        mask = np.zeros(SHAPE, dtype=bool)
        mask[tuple(slice(*side) for side in sides)] = True
        return mask

    return make


@pytest.fixture
def masks(case, box) -> MaskSet:
    parts = [
        ("liver", box((2, 12), (2, 12), (2, 9))),
        ("gall_bladder", box((10, 14), (5, 9), (3, 6))),
    ]
    return MaskSet.build(case.geometry, ["liver", "gall_bladder", "spleen"], parts)


def shown_of(masks: MaskSet) -> ShownCase:
    """Show all organs of a map as a network predicted them."""
    organs = {
        name: ShownOrgan(organ=name, base_sha256=sha256, base_source=MaskSource.PREDICTED)
        for name, sha256 in organ_sha256s(masks).items()
    }
    return ShownCase(masks=masks, masks_sha256="m" * 64, organs=organs)


@pytest.fixture
def shown(masks) -> ShownCase:
    return shown_of(masks)


@pytest.fixture
def tasks() -> list[Task]:
    return [
        Task(round_number=1, case_id="c1", organ=organ, rank=rank, attention_ml=1.0, number=rank)
        for rank, organ in enumerate(["liver", "spleen"], start=1)
    ]


@pytest.fixture
def attention_dir(case) -> Path:
    folder = case.ct_path.parent / "attention"
    heat = np.zeros(SHAPE, dtype=np.uint8)
    heat[3, 3, 3] = 200
    write_nifti(folder / "liver.nii.gz", Volume(heat, case.geometry))
    spots = [{"organ": organ, "volume_ml": 0.1} for organ in ("liver", "liver", "liver", "pancreas")]
    (folder / "hot_spots.json").write_text(json.dumps({"hot_spots": spots}))
    return folder


@pytest.fixture
def liver(atlas) -> np.ndarray:
    """As large as no rule holds it back."""
    return atlas.box((3, 19), (3, 17), (2, 17))


@pytest.fixture
def spleen(atlas) -> np.ndarray:
    return atlas.box((19, 23), (4, 14), (4, 14))


@pytest.fixture
def drawn(liver) -> np.ndarray:
    """The liver with one slab more and one less, as a reader corrects it."""
    mask = liver.copy()
    mask[:, :, 16], mask[2, 3:17, 2:16] = False, True
    return mask


@pytest.fixture
def queued(atlas, liver, spleen):
    """Liver and spleen of `a`, then the spleen of `b`, are in the queue; `c` needs nobody."""
    atlas.add("a", "b", "c")
    atlas.predict("a", {"liver": liver, "spleen": spleen})
    atlas.predict("b", {"spleen": spleen})
    atlas.predict("c", {"liver": liver})
    store = atlas.workspace.store
    store.tasks.replace(
        1,
        [
            Task(
                round_number=1, case_id=case_id, organ=name, rank=rank, attention_ml=1.0, network="synthetic"
            )
            for rank, (case_id, name) in enumerate(
                [("a", "liver"), ("a", "spleen"), ("b", "spleen")], start=1
            )
        ],
    )
    return atlas


@pytest.fixture
def exported(queued, tmp_path) -> Path:
    """All three tasks, exported for anna."""
    export_round(queued.workspace, tmp_path / "tasks", reader="anna")
    return tmp_path / "tasks"


def states(workspace) -> dict[tuple[str, str], str]:
    return {(task.case_id, task.organ): task.state.value for task in workspace.store.tasks.of_round(1)}


def told(imported) -> dict[str, str]:
    return {one.key: one.reason for one in imported.set_aside}


def painted(mask: np.ndarray, path: Path) -> None:
    """Paint a liver anew in a label map that was exported."""
    labels = read_nifti(path)
    voxels = labels.voxels.copy()
    voxels[voxels == 6] = 0
    voxels[mask] = 6
    write_nifti(path, Volume(voxels, labels.geometry))
