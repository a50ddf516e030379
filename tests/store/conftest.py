"""A store in a folder of its own, and records to put in it."""

import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from omentum.records import Case, MaskSource, ReaderAnswer, Revision, Task
from omentum.store.store import Store
from omentum.volumes.geometry import Geometry

URL = "sqlite:///omentum.db"
AFFINE = np.array([[-0.7, 0, 0, 170.5], [0, -0.7, 0.01, 1 / 3], [0, 0.01, 2.5, -0.0], [0, 0, 0, 1]])


@pytest.fixture
def store(tmp_path):
    """An open store, empty."""
    with Store.open(URL, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """A project and the tasks that it exported, as an older version made them, untouched."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(Path(__file__).parent / "old_projects/schema_0004.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    return folder


@pytest.fixture
def old(unpacked, tmp_path):
    """A copy of both to work with: `project/` and `tasks/`."""
    shutil.copytree(unpacked, tmp_path / "old")
    return tmp_path / "old"


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
            "says": ReaderAnswer.REVISED,
            "base_sha256": "ba5e",
            "base_source": MaskSource.PREDICTED,
            "network": "starter",
            "minutes": 4.5,
            "added_ml": 1.25,
            "removed_ml": 0.0,
            "dice_to_base": 0.9,
            "time": datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        }
        return Revision(**{**plain, **changes})

    return make


@pytest.fixture
def task_of():
    """Makes a task of the first round."""

    def make(case_id: str = "a", rank: int = 1, organ: str = "liver", **changes: object) -> Task:
        plain = {"round_number": 1, "case_id": case_id, "organ": organ, "rank": rank}
        return Task(**{**plain, "attention_ml": 10.0 / rank, **changes})

    return make


@pytest.fixture
def busy_store(store, case_of):
    """A store in its first round, with the cases a, b and c."""
    return begun(store, case_of)


@pytest.fixture(params=["sqlite", "postgresql"])
def each_store(request, tmp_path, case_of):
    """The same on SQLite and on PostgreSQL."""
    url = URL if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with Store.open(url, tmp_path) as opened:
        yield begun(opened, case_of)


def begun(store: Store, case_of: Callable[[str], Case]) -> Store:
    """Begin the first round of a store that has three cases."""
    store.cases.add_all([case_of("c"), case_of("a"), case_of("b")])
    store.rounds.start("starter")
    return store
