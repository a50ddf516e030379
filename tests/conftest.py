"""What every test may use: the shared data, the command line, a small network, a small project."""

import json
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from omentum.measures.overlap import dice
from omentum.project.project import ADD_STAGE, Project, begin_project, opened, prediction_stage
from omentum.project.settings import Settings
from omentum.records import (
    Arrival,
    Case,
    LabelVersion,
    MaskFinding,
    MaskSource,
    NetworkRecord,
    Prediction,
    Revision,
    Says,
    Task,
    TaskState,
)
from omentum.volumes.boxes import BoxedArray, whole
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_masks, write_masks
from omentum.volumes.mask_hash import mask_sha256, organ_sha256s
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti, read_nifti_geometry, write_nifti
from omentum.volumes.probabilities import ProbabilityMaps, write_probabilities
from omentum.volumes.volume import Volume

TINY_MM = 8.0

hypothesis.settings.register_profile("steady", derandomize=True)  # the same examples everywhere
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real CTs and reference outputs beside the checkout; tests skip where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("OMENTUM_SHARED", default))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}")
    return folder


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Omentum = Callable[..., Ran]


@pytest.fixture
def omentum(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Omentum:
    """Run the command line in this process: `omentum("-C", project, "status")`."""
    from omentum.app.cli import main

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["omentum", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return run


def _untrained(folder: Path, seed: int) -> Path:
    """Write the weights of an untrained starter network at 8 mm: fast, and unsure everywhere."""
    from omentum.networks.network import NetworkSpec, build
    from omentum.networks.weights import save_network
    from omentum.volumes.labels import SUBSETS

    spec = NetworkSpec(
        architecture="starter",
        organs=SUBSETS["abdomenatlas-1.0"],
        spacing_mm=TINY_MM,
        window_voxels=(32, 32, 32),
    )
    path = folder / "weights.safetensors"
    save_network(path, build(spec, seed=seed))
    return path


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small untrained network."""
    return _untrained(tmp_path_factory.mktemp("tiny"), seed=7)


@pytest.fixture(scope="session")
def tiny_second_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of another, for a second opinion."""
    return _untrained(tmp_path_factory.mktemp("tiny-second"), seed=8)


@pytest.fixture(scope="session")
def stand_in(shared: Path) -> Callable[[str], dict[str, Any]]:
    """Function: `unet` or `swinunetr` to made-up tensors of the published layout, in its order."""
    import torch

    script = runpy.run_path(str(shared / "reference/make_checkpoint.py"))

    @cache
    def make(network: str) -> dict[str, Any]:
        layout = json.loads((shared / f"reference/checkpoints/layout_{network}.json").read_text())
        return {name: torch.from_numpy(value) for name, value in script["state"](layout, 1)}

    return lambda network: dict(make(network))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_weights: Path) -> Path:
    """A user's data folder of its own, with the network `tiny`."""
    folder = tmp_path / "home"
    monkeypatch.setenv("OMENTUM_HOME", str(folder))
    from omentum.networks.catalogue import add_model

    add_model(tiny_weights, "tiny")
    return folder


@pytest.fixture
def as_published() -> Callable[[Path], None]:
    """Function: let a project score as published.

    Untrained networks such as `tiny` are unsure of every voxel; expected errors of all take minutes.
    """

    def change(project: Path) -> None:
        settings = project / "omentum.toml"
        text = settings.read_text()
        assert 'scoring = "expected-error"' in text
        settings.write_text(text.replace('scoring = "expected-error"', 'scoring = "published"'))

    return change


@pytest.fixture
def home_of_two(home: Path, tiny_second_weights: Path) -> Path:
    """The same with a second network, `tiny-second`."""
    from omentum.networks.catalogue import add_model

    add_model(tiny_second_weights, "tiny-second")
    return home


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small made-up patients: `phantom_0000/ct.nii.gz` and `labels.nii.gz`, and so on."""
    from omentum.phantoms.cohort import write_cohort

    folder = tmp_path_factory.mktemp("cohort")
    write_cohort(folder, range(4), shape=(48, 44, 40), orientation="LPS")
    return folder


@pytest.fixture(scope="session")
def abdomens(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same patients, cut down to a part of the upper abdomen: at 3 mm, a tenth of a million voxels."""
    folder = tmp_path_factory.mktemp("abdomens")
    low, high = (13, 14, 15), (35, 30, 27)
    box = tuple(slice(*side) for side in zip(low, high, strict=True))
    for patient in cohort.iterdir():
        for name in ("ct.nii.gz", "labels.nii.gz"):
            whole_scan = read_nifti(patient / name)
            affine = whole_scan.geometry.affine.copy()
            affine[:3, 3] = whole_scan.geometry.to_mm(low)
            part = np.ascontiguousarray(whole_scan.voxels[box])
            write_nifti(folder / patient.name / name, Volume(part, Geometry(part.shape, affine)))
    return folder


@pytest.fixture(scope="session")
def label_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person of boxes in the ids of TotalSegmentator, with bones, at 8 mm, x to the right: `map.nii.gz`."""
    voxels = np.zeros((44, 32, 44), dtype=np.uint8)
    for value, (x, y, z) in {
        1: ((6, 14), (8, 18), (22, 32)),  # spleen
        2: ((28, 34), (8, 14), (14, 26)),  # right kidney
        3: ((10, 16), (8, 14), (12, 22)),  # left kidney
        5: ((18, 38), (12, 26), (24, 36)),  # liver
        29: ((20, 24), (2, 8), (2, 42)),  # a vertebra as long as the trunk
        92: ((2, 4), (4, 26), (8, 40)),  # a rib on the left
        104: ((40, 42), (4, 26), (8, 40)),  # a rib on the right
    }.items():
        voxels[slice(*x), slice(*y), slice(*z)] = value
    path = tmp_path_factory.mktemp("anatomy") / "map.nii.gz"
    write_nifti(path, Volume(voxels, Geometry(voxels.shape, np.diag([8.0, 8.0, 8.0, 1.0]))))
    return path


def _keep_case(workspace: Project, case_id: str, ct: Path) -> None:
    case = Case(
        case_id=case_id,
        patient_id=case_id,
        ct_path=ct,
        geometry=read_nifti_geometry(ct),
        source=f"scans/{case_id}.nii.gz",
    )
    with workspace.store.together():
        workspace.store.cases.add(case)
        workspace.store.arrivals.keep(Arrival(case_id=case_id, ct_sha256=file_sha256(ct)))
        workspace.store.ledger.mark_done(ADD_STAGE, case_id)


@pytest.fixture(scope="session")
def keep_case() -> Callable[[Project, str, Path], None]:
    """Function: keep a CT that lies in the project as a case: `keep_case(workspace, "a", path)`."""
    return _keep_case


HandIn = Callable[..., Revision]


def _hand_in(
    workspace: Project, case_id: str, name: str, mask: np.ndarray, task: Task | None = None, **changes: Any
) -> Revision:
    geometry = workspace.store.cases.get(case_id).geometry
    mask = np.asarray(mask, dtype=bool)
    sha256 = mask_sha256(mask, geometry)
    path = workspace.folder.revision_dir(case_id, name) / f"{sha256[:16]}.nii.gz"
    write_nifti(path, Volume(mask.astype(np.uint8), geometry))
    current = workspace.store.rounds.current()
    base = workspace.store.predictions.organ_hashes(current.network).get(case_id, {}).get(name)
    shown = np.zeros_like(mask)
    if base:
        shown = read_masks(workspace.folder.prediction_dir(case_id, current.network) / "masks.nii.gz").mask(
            name
        )
    revision = Revision(
        case_id=case_id,
        organ=name,
        path=path,
        sha256=sha256,
        round_number=task.round_number if task else current.number,
        reader="reader-1",
        says=Says.ACCEPTED if sha256 == base else Says.REVISED,
        base_sha256=base,
        base_source=MaskSource.PREDICTED if base else None,
        network=current.network,
        task_number=task.number if task else None,
        added_ml=np.count_nonzero(mask & ~shown) * geometry.voxel_ml,
        removed_ml=np.count_nonzero(shown & ~mask) * geometry.voxel_ml,
        dice_to_base=dice(shown, mask),
        time=datetime.now(UTC),
    )
    with workspace.store.together():
        kept = workspace.store.revisions.add(replace(revision, **changes))
        if task is not None and task.number is not None:
            workspace.store.tasks.set_state([task.number], TaskState.DONE)
    return kept


@pytest.fixture
def hand_in() -> HandIn:
    """Function: keep a mask as what a reader handed in: `hand_in(workspace, "a", "liver", mask, task)`."""
    return _hand_in


class Atlas:
    """A small open project in which predictions and revisions are made up, so that no network runs."""

    shape = (24, 20, 18)
    spacing_mm = 4.0
    organs = ("spleen", "liver", "pancreas")

    def __init__(self, root: Path, workspace: Project) -> None:
        self.root = root
        self.workspace = workspace

    def box(self, *sides: tuple[int, int]) -> np.ndarray:
        """Make a mask that is one box."""
        mask = np.zeros(self.shape, dtype=bool)
        mask[tuple(slice(*side) for side in sides)] = True
        return mask

    def write(self, path: Path, voxels: np.ndarray) -> Path:
        """Write voxels on the grid that every case here has."""
        affine = np.diag([-self.spacing_mm, -self.spacing_mm, self.spacing_mm, 1.0])
        write_nifti(path, Volume(voxels, Geometry(self.shape, affine)))
        return path

    def add(self, *case_ids: str, original: dict[str, np.ndarray] | None = None) -> None:
        """Add cases, all with the same original masks if there are any."""
        for case_id in case_ids:
            rng = np.random.default_rng(list(case_id.encode()))
            ct = self.write(self.folder(case_id) / "ct.nii.gz", _body(rng, self.shape))
            _keep_case(self.workspace, case_id, ct)
            if original is not None:
                self.label(case_id, original)

    def label(self, case_id: str, masks: dict[str, np.ndarray], *findings: MaskFinding) -> None:
        """Give a case another version of its original label."""
        store = self.workspace.store
        n_versions = len(store.labels.of_case(case_id))
        name = f"original_label.v{n_versions + 1}.nii.gz" if n_versions else "original_label.nii.gz"
        painted = sum(mask * organ(name).index for name, mask in masks.items())
        path = self.write(self.folder(case_id) / name, np.asarray(painted, dtype=np.uint8))
        version = LabelVersion(
            case_id=case_id,
            path=path,
            sha256=file_sha256(path),
            organs=tuple(masks),
            findings=findings,
            time=datetime.now(UTC),
        )
        store.labels.add(version)

    def folder(self, case_id: str) -> Path:
        """Give the folder of a case."""
        return self.workspace.folder.case_dir(case_id)

    def predict(
        self,
        case_id: str,
        masks: dict[str, np.ndarray],
        *,
        unsure: dict[str, np.ndarray] | None = None,
        weights: str = "w" * 64,
        network: str | None = None,
    ) -> None:
        """Note what the main network, or another, made of a case: sure masks, and voxels it is unsure of."""
        network = network or self.workspace.networks[0]
        folder = self.workspace.folder.prediction_dir(case_id, network)
        geometry = self.workspace.store.cases.get(case_id).geometry
        full = whole(self.shape)
        coded = MaskSet.build(geometry, self.organs, masks.items())
        write_masks(folder / "masks.nii.gz", coded)
        nothing = np.zeros(self.shape, dtype=bool)
        parts = {}
        for name in {**masks, **(unsure or {})}:
            values = masks.get(name, nothing) * np.uint8(255)
            values[(unsure or {}).get(name, nothing)] = 128
            parts[name] = BoxedArray(full, values)
        write_probabilities(folder / "probabilities.zarr.zip", ProbabilityMaps(geometry, self.organs, parts))
        prediction = Prediction(
            case_id=case_id,
            network=network,
            weights_sha256=weights,
            folder=folder,
            organs=self.organs,
            masks_sha256=file_sha256(folder / "masks.nii.gz"),
            made_with={"weights_sha256": weights, "organs": list(self.organs), "overlap": 0.5},
        )
        store = self.workspace.store
        with store.together():
            store.predictions.keep(prediction, organ_sha256s(coded))
            store.ledger.mark_done(prediction_stage(network), case_id)

    def find(self, case_id: str, *findings: MaskFinding) -> None:
        """Note what the plausibility rules say of what the main network made of a case."""
        predictions = self.workspace.store.predictions
        network = self.workspace.networks[0]
        made = predictions.of_case(case_id)[network]
        hashes = predictions.organ_hashes(network)[case_id]
        of_masks = [replace(one, mask_sha256=hashes.get(one.organ, "")) for one in findings]
        predictions.keep(replace(made, findings=tuple(of_masks)), hashes)

    def hand_in(self, case_id: str, name: str, mask: np.ndarray, **changes: Any) -> Revision:
        """Keep a mask as what a reader handed in for the open task of the organ, if there is one."""
        tasks = self.workspace.store.tasks.open_of(case_id, name)
        return _hand_in(self.workspace, case_id, name, mask, tasks[0] if tasks else None, **changes)

    def revise(self, folder: Path, case_id: str, name: str, mask: np.ndarray) -> Path:
        """Save a mask as a reader does."""
        return self.write(folder / case_id / f"{name}_revised.nii.gz", mask)

    def next_round(self, network: str, folder: Path | None = None) -> None:
        """End the round, and begin the next with a network of that name, as if it were tuned."""
        store = self.workspace.store
        current = store.rounds.current()
        tuned = NetworkRecord(
            name=network,
            folder=folder,
            weights_sha256="v" * 64,
            parent=current.network,
            round_number=current.number,
        )
        store.networks.add(tuned)
        store.rounds.finish(current.number)
        store.rounds.start(network)


def _body(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Make a CT of noise in air."""
    ct = np.full(shape, -1000, dtype=np.int16)
    ct[2:-2, 2:-2, :] = rng.normal(40, 20, (shape[0] - 4, shape[1] - 4, shape[2])).astype(np.int16)
    return ct


@pytest.fixture
def atlas(tmp_path: Path) -> Iterator[Atlas]:
    """An empty project that knows spleen, liver and pancreas; no patient is held out."""
    root = tmp_path / "atlas"
    settings = Settings(
        organs=Atlas.organs, networks=("made-up",), held_out_share=0.0, scoring="published", audit_share=0.0
    )
    begin_project(root, settings)
    with opened(root) as workspace:
        yield Atlas(tmp_path, workspace)


CUBE = np.ones((3, 3, 3))


def _opened(mask):
    return ndimage.binary_dilation(ndimage.binary_erosion(mask, CUBE, 2), CUBE, 2)


def _dense(soft, entropies, overlap):
    sigma = np.std(np.stack(soft) / 255, axis=0)
    entropy = sum(one / 255 for one in entropies) / len(entropies)
    inconsistency = np.where(_opened(sigma > 0.1), sigma, 0.0)
    uncertainty = np.where(_opened(entropy > 0.05), entropy, 0.0)
    total = inconsistency + uncertainty + overlap
    peak = total.max()
    heat = total / peak if peak else total
    return SimpleNamespace(
        inconsistency=inconsistency, uncertainty=uncertainty, binary=total > 0, peak=peak, heat=heat
    )


@pytest.fixture(scope="session")
def dense():
    """Function: `(soft, entropies, overlap)` to the attention maps as real numbers."""
    return _dense


class Reference:
    """Inputs and outputs of the published code on three small cases."""

    def __init__(self, folder):
        self.folder = folder
        self.expected = json.loads((folder / "expected.json").read_text())
        self._inputs = {}

    def inputs(self, case_id):
        if case_id not in self._inputs:
            stored = np.load(self.folder / f"input_{case_id}.npz")
            shape = tuple(stored["shape"].tolist())
            self._inputs[case_id] = {
                name: self.unpacked(stored[name], shape) if name.startswith("average/") else stored[name]
                for name in stored.files
            }
        return self._inputs[case_id]

    @staticmethod
    def unpacked(bits, shape):
        return np.unpackbits(bits)[: np.prod(shape)].reshape(shape).astype(bool)

    def write_tree(self, root, case_ids, networks, *, dtype=np.uint8):
        """Write the inputs as the published tree; the published code has masks of another type."""
        for case_id in case_ids:
            stored = self.inputs(case_id)
            for key in stored:
                if "/" not in key:
                    continue
                kind, *network, name = key.split("/")
                if kind == "average":
                    path = root / case_id / "average" / "segmentations"
                elif network and network[0] in networks:
                    path = root / case_id / "backbones" / network[0] / kind
                else:
                    continue
                path.mkdir(parents=True, exist_ok=True)
                voxels = stored[key].astype(dtype if kind == "average" else np.uint8)
                file_name = f"{organ(name).published_name}.nii.gz"
                nib.save(nib.Nifti1Image(voxels, stored["affine"]), path / file_name)
        return root


@pytest.fixture(scope="session")
def reference(shared):
    return Reference(shared / "reference" / "attention")
