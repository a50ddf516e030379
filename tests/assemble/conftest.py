"""Small cases with an original label, predicted masks that overlap, revisions, and what people decided."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from omentum.assemble.inputs import CaseInputs, inputs_of
from omentum.assemble.licences import SourceDataSet
from omentum.project.standing import CaseFacts
from omentum.records import (
    Arrival,
    Case,
    Decision,
    DecisionKind,
    LabelVersion,
    MaskFinding,
    MaskSource,
    Prediction,
    ReaderAnswer,
    Revision,
)
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import write_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti_geometry, write_nifti
from omentum.volumes.volume import Volume

AFFINE = np.array([[-1.5, 0, 0, 20], [0, 1.25, 0, -31], [0, 0, 3.0, 7.5], [0, 0, 0, 1.0]])
SHAPE = (20, 16, 12)
START = datetime(2026, 1, 1, tzinfo=UTC)

Masks = Mapping[str, np.ndarray]


class Maker:
    """Makes the files and records of cases in one project."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.n_revisions = 0

    def inputs(
        self,
        case: Case,
        prediction: Prediction | None = None,
        *revisions: Revision,
        decided: Mapping[str, MaskSource] | None = None,
        data_set: SourceDataSet | None = None,
        label_findings: tuple[MaskFinding, ...] = (),
    ) -> CaseInputs:
        """Gather what assembly needs, with the hashes that are kept when files come in."""
        label = None
        if case.original_label_path is not None:
            label = LabelVersion(
                case_id=case.case_id,
                path=case.original_label_path,
                sha256=file_sha256(case.original_label_path),
                organs=case.original_organs,
                findings=label_findings,
                time=START,
            )
        decisions = tuple(
            Decision(
                case_id=case.case_id,
                organ=name,
                kind=DecisionKind.PREFER,
                stands=source,
                by="chief",
                time=START,
            )
            for name, source in (decided or {}).items()
        )
        facts = CaseFacts(
            case=case, label=label, revisions=revisions, decisions=decisions, prediction=prediction
        )
        arrival = Arrival(case_id=case.case_id, ct_sha256=file_sha256(case.ct_path))
        return inputs_of(facts, data_set=data_set, arrival=arrival)

    def case(self, case_id: str = "c1", original: Masks | None = None, orientation: str = "LAS") -> Case:
        folder = self.project / "cases" / case_id
        seed = int(hashlib.sha256(case_id.encode()).hexdigest()[:8], 16)
        voxels = np.random.default_rng(seed).integers(-1000, 1000, SHAPE).astype(np.int16)
        ct = Volume(voxels, Geometry(SHAPE, AFFINE)).reoriented(orientation)
        write_nifti(folder / "ct.nii.gz", ct)
        geometry = read_nifti_geometry(folder / "ct.nii.gz")
        label_path = None
        if original is not None:
            labels = np.zeros(geometry.shape, dtype=np.uint8)
            for name, mask in original.items():
                labels[mask] = organ(name).index
            label_path = folder / "original_label.nii.gz"
            write_nifti(label_path, Volume(labels, geometry))
        return Case(
            case_id=case_id,
            patient_id=case_id,
            ct_path=folder / "ct.nii.gz",
            geometry=geometry,
            source="made",
            original_label_path=label_path,
            original_organs=tuple(original or ()),
        )

    def prediction(
        self, case: Case, masks: Masks, *findings: MaskFinding, network: str = "starter"
    ) -> Prediction:
        folder = case.ct_path.parent / "networks" / network
        parts = masks.items()
        coded = MaskSet.build(case.geometry, masks, parts)
        write_masks(folder / "masks.nii.gz", coded)
        return Prediction(
            case_id=case.case_id,
            network=network,
            weights_sha256="w" * 64,
            folder=folder,
            organs=coded.organs,
            masks_sha256=file_sha256(folder / "masks.nii.gz"),
            findings=findings,
            time=START,
        )

    def revision(
        self,
        case: Case,
        name: str,
        mask: np.ndarray,
        *findings: MaskFinding,
        round_number: int = 1,
        conflicts_with: int | None = None,
    ) -> Revision:
        self.n_revisions += 1
        sha256 = hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()
        path = case.ct_path.parent / "revisions" / name / f"{sha256}.nii.gz"
        write_nifti(path, Volume(mask, case.geometry))
        return Revision(
            case_id=case.case_id,
            organ=name,
            path=path,
            sha256=sha256,
            round_number=round_number,
            reader="reader-1",
            says=ReaderAnswer.REVISED,
            base_sha256="b" * 64,
            base_source=MaskSource.PREDICTED,
            minutes=2.0,
            dice_to_base=1.0,
            network="starter",
            findings=findings,
            conflicts_with=conflicts_with,
            time=START + timedelta(days=round_number),
            number=self.n_revisions,
        )


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "project")


@pytest.fixture
def blob() -> Callable[..., np.ndarray]:
    """Makes a ball-like mask that differs with its seed, and overlaps with others."""

    def call(seed: int, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
        rng = np.random.default_rng(seed)
        grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij"))
        centre = rng.uniform(-0.4, 0.4, 3)[:, None, None, None]
        return np.asarray(((grid - centre) ** 2).sum(axis=0) < rng.uniform(0.2, 0.5))

    return call
