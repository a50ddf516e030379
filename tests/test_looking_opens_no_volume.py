"""Commands that only look open no volume and hash no file, so that they are fast in a project of any size."""

import builtins
import io
from pathlib import Path

import pytest

from omentum import loop
from omentum.records import MaskFinding
from omentum.tune.config import ContinualConfig
from omentum.tune.training_plan import learned_from
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.nifti import read_nifti

SEVERE = MaskFinding(organ="liver", rule="side", said="on the left", severity=1.0, holds=True, error_ml=9.0)

LOOKING = [
    ("status", "--cases"),
    ("status", "--json"),
    ("organs", "list"),
    ("assemble", "--plan"),
    ("assemble", "--plan", "--json"),
    ("cases", "list"),
    ("review", "list"),
    ("review", "history", "revised", "liver"),
    ("release", "list"),
]


@pytest.fixture
def project(atlas):
    """A project with masks from every source, one held back, a queue, a task that is out, and a release."""
    liver, smaller = atlas.box((3, 9), (3, 9), (3, 9)), atlas.box((3, 9), (3, 9), (3, 8))
    for case_id in ("predicted", "revised", "held", "excluded"):
        atlas.add(case_id)
    atlas.add("original", original={"liver": liver})
    for case in atlas.workspace.store.cases.all():
        atlas.predict(case.case_id, {"liver": liver})
    atlas.find("held", SEVERE)
    atlas.workspace.store.cases.exclude("excluded", "upside down")
    loop.assemble(atlas.workspace, "V1")
    loop.score(atlas.workspace)
    atlas.hand_in("revised", "liver", smaller)
    return atlas


@pytest.fixture
def opened_files(project, monkeypatch):
    """The files of cases and releases that were opened."""
    found = []
    real = builtins.open

    def noting(file, *args, **kwargs):
        if isinstance(file, str | Path) and {"cases", "releases"} & set(Path(file).parts):
            found.append(Path(file))
        return real(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", noting)
    monkeypatch.setattr(io, "open", noting)
    return found


def test_a_volume_that_is_read_or_hashed_would_be_noted(project, opened_files):
    ct = project.folder("held") / "ct.nii.gz"
    read_nifti(ct)
    n_read = len(opened_files)
    file_sha256(ct)
    assert len(opened_files) > n_read > 0
    assert set(opened_files) == {ct}


def test_commands_that_look_open_no_file_of_a_case(project, opened_files, omentum):
    root = project.workspace.folder.root
    for asked in LOOKING:
        ran = omentum("-C", root, *asked)
        assert ran.code == 0, (asked, ran.err)
        assert opened_files == [], asked


def test_what_tuning_will_learn_from_is_planned_without_opening_a_file(project, opened_files, monkeypatch):
    given = []
    monkeypatch.setattr(
        "omentum.tune.stage.tune_round", lambda _workspace, cases, *_, **__: given.extend(cases)
    )
    config = ContinualConfig()
    loop.tune(project.workspace, config)
    plan = learned_from(project.workspace, given, project.workspace.unlearned(), config, ("liver",))
    assert "revised" in plan
    assert "held" not in plan
    assert opened_files == []
