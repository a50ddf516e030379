"""A store in a folder of its own, and records to put in it."""

from datetime import UTC, datetime

import numpy as np
import pytest

from omentum.records import Case, Revision
from omentum.store.store import Store
from omentum.volumes.geometry import Geometry

URL = "sqlite:///omentum.db"
AFFINE = np.array([[-0.7, 0, 0, 170.5], [0, -0.7, 0.01, 1 / 3], [0, 0.01, 2.5, -0.0], [0, 0, 0, 1]])


@pytest.fixture
def store(tmp_path):
    """An open store, empty."""
    with Store.open(URL, tmp_path) as opened:
        yield opened


@pytest.fixture
def case_of(tmp_path):
    """Makes a case of the project in `tmp_path`."""

    def make(case_id: str = "a", **changes: object) -> Case:
        plain = {
            "case_id": case_id,
            "patient_id": f"patient-of-{case_id}",
            "ct_path": tmp_path / "cases" / case_id / "ct.nii.gz",
            "geometry": Geometry((512, 512, 97), AFFINE),
            "source": f"/scans/{case_id}.nii.gz",
        }
        return Case(**{**plain, **changes})

    return make


@pytest.fixture
def revision_of(tmp_path):
    """Makes a revision of the project in `tmp_path`."""

    def make(**changes: object) -> Revision:
        plain = {
            "case_id": "a",
            "organ": "liver",
            "path": tmp_path / "cases/a/revisions/liver/f00.nii.gz",
            "sha256": "f00",
            "round_number": 1,
            "reader": "reader-1",
            "minutes": 4.5,
            "added_ml": 1.25,
            "removed_ml": 0.0,
            "dice_to_before": 0.9,
            "network": "starter",
            "time": datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        }
        return Revision(**{**plain, **changes})

    return make


@pytest.fixture
def busy_store(store, case_of):
    """A store in its first round, with the cases a, b and c."""
    store.cases.add_all([case_of("c"), case_of("a"), case_of("b")])
    store.rounds.start("starter")
    return store
