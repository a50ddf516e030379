"""Prepared cases from arrays, and synthetic patients with the true masks of some organs."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

import omentum.networks.starter  # noqa: F401  (registers its architecture)
from omentum.networks.network import Network, NetworkSpec, build
from omentum.networks.universal_unet import UniversalUNet
from omentum.phantoms.rendered import Pair
from omentum.project.project import Project, begin_project, opened, prediction_stage
from omentum.project.settings import Settings
from omentum.records import Case, LabelledCase, MaskSource, Prediction, StandingMask
from omentum.tune import case_buffer as pool
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.atomic import copy
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import write_masks
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti, read_nifti_geometry

ORGANS = ("spleen", "liver", "pancreas")
SPACING_MM = 8.0
HELD_OUT = "phantom_0003"

Sources = Mapping[str, MaskSource]


def _prepared_case(
    hu: np.ndarray,
    masks: Mapping[str, np.ndarray],
    *,
    case_id: str = "a",
    sources: Sources | None = None,
) -> PreparedCase:
    geometry = Geometry(hu.shape, np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0]))
    coded = MaskSet.build(geometry, masks, masks.items())
    return PreparedCase(
        case_id=case_id,
        hu=hu.astype(np.int16),
        masks=coded,
        sources=dict(sources or dict.fromkeys(masks, MaskSource.ORIGINAL)),
        key=case_id,
    )


@pytest.fixture(scope="session")
def prepared_case() -> Callable[..., PreparedCase]:
    """Makes a prepared case from Hounsfield units and one mask an organ."""
    return _prepared_case


@pytest.fixture
def boxes(prepared_case) -> PreparedCase:
    """A liver of 60 HU and a spleen of 160 HU in fat, 32 x 32 x 32 voxels; of the pancreas nobody knows."""
    rng = np.random.default_rng(3)
    liver, spleen = np.zeros((2, 32, 32, 32), dtype=bool)
    liver[18:28, 8:22, 8:22] = True
    spleen[4:10, 6:14, 10:20] = True
    hu = rng.normal(-80, 10, liver.shape) + 140 * liver + 240 * spleen
    return prepared_case(hu, {"liver": liver, "spleen": spleen})


@pytest.fixture
def network() -> Network:
    """An untrained starter network for three organs."""
    spec = NetworkSpec(
        architecture="starter", organs=ORGANS, spacing_mm=SPACING_MM, window_voxels=(32, 32, 32)
    )
    return build(spec, seed=5).eval()


@pytest.fixture
def narrow() -> Network:
    """An untrained universal U-Net with few channels; each of its windows has a context of its own."""
    spec = NetworkSpec(
        architecture="universal-unet", organs=ORGANS, spacing_mm=SPACING_MM, window_voxels=(16, 16, 16)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return UniversalUNet(spec, width=16).eval()


@pytest.fixture
def rendered(monkeypatch) -> list[int]:
    """Makes rendering cheap: a liver of as many HU as the seed ends in, in noise; collects the seeds."""
    seeds = []

    def render_pair(seed, _maps, spacing_mm, *, made_share):
        seeds.append(seed)
        labels = np.zeros((24, 24, 24), dtype=np.uint8)
        labels[6:18, 6:18, 6:18] = organ("liver").index
        hu = np.random.default_rng(seed).normal(-80, 10, labels.shape).astype(np.int16)
        hu[labels > 0] = seed % 1000
        return Pair(hu, labels, Geometry(labels.shape, np.diag([spacing_mm] * 3 + [1.0])))

    monkeypatch.setattr(pool, "render_pair", render_pair)
    return seeds


@pytest.fixture(scope="session")
def labelled_patient(cohort) -> Callable[..., LabelledCase]:
    """Gives a synthetic patient with the true masks of some organs."""

    def give(number: int, organs: tuple[str, ...] = ORGANS) -> LabelledCase:
        folder: Path = cohort / f"phantom_{number:04d}"
        case = Case(
            case_id=folder.name,
            patient_id=folder.name,
            ct_path=folder / "ct.nii.gz",
            geometry=read_nifti_geometry(folder / "ct.nii.gz"),
            source=str(folder),
        )
        masks = tuple(
            StandingMask(
                organ=organ(name).name,
                source=MaskSource.ORIGINAL,
                path=folder / "labels.nii.gz",
                sha256="0" * 64,
            )
            for name in organs
        )
        return LabelledCase(case=case, masks=masks)

    return give


@pytest.fixture
def one_thread():
    """As many threads as the killed run has, for sums depend on how they are split."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _keep_prediction(
    project: Project, case_id: str, network: str, masks: MaskSet, weights: str = "w" * 64
) -> None:
    folder = project.folder.prediction_dir(case_id, network)
    write_masks(folder / "masks.nii.gz", masks)
    made = Prediction(
        case_id=case_id,
        network=network,
        weights_sha256=weights,
        folder=folder,
        organs=masks.organs,
        masks_sha256=file_sha256(folder / "masks.nii.gz"),
    )
    with project.store.together():
        project.store.predictions.keep(made, organ_sha256s(masks))
        project.store.ledger.mark_done(prediction_stage(network), case_id)


@pytest.fixture(scope="session")
def keep_prediction() -> Callable[..., None]:
    """Function: keep masks as what a network made of a case."""
    return _keep_prediction


@pytest.fixture
def project(home, cohort, tmp_path, keep_case, keep_prediction):
    """Four synthetic patients with true masks as predictions; the last is held out."""
    begin_project(tmp_path / "atlas", Settings(networks=("tiny",), held_out_share=0.0))
    with opened(tmp_path / "atlas") as project:
        for folder in sorted(cohort.iterdir()):
            ct = project.folder.case_dir(folder.name) / "ct.nii.gz"
            copy(folder / "ct.nii.gz", ct)
            keep_case(project, folder.name, ct)
        project.store.cases.hold_out([HELD_OUT])
        for case in project.store.cases.all():
            labels = read_nifti(cohort / case.case_id / "labels.nii.gz").voxels
            masks = MaskSet.from_labels(labels, case.geometry, project.settings.organs)
            keep_prediction(project, case.case_id, "tiny", masks)
        yield project


@pytest.fixture
def revise(project, cohort, hand_in):
    """Takes the true mask of an organ of some cases as a reader's."""

    def take(name: str, *case_ids: str):
        for case_id in case_ids:
            labels = read_nifti(cohort / case_id / "labels.nii.gz").voxels
            hand_in(project, case_id, name, labels == organ(name).index)

    return take
