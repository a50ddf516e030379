"""The client of MONAI Label, as PyPI has it, works unchanged against the review server."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fixtures.page_atlas import PageAtlas, Wanted, page_atlas
from fixtures.running_server import running
from omentum.app.server.app import make_app, make_state
from omentum.project.accounts import add_person, make_token
from omentum.project.project import opened
from omentum.records.people import Role
from omentum.volumes.nifti import read_nifti

SESSION = Path(__file__).with_name("monai_label_session.py")
PASSWORD = "a long enough password"


@pytest.fixture
def python(client_python) -> Path:
    return client_python("monailabel==0.8.5", "requests==2.32.5", until=(3, 12))  # it needs the module cgi


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "atlas"
    wanted = [
        Wanted("a", orientation="LPS", turned_degrees=20.0),
        Wanted("b", orientation="RAS"),
        Wanted("c", orientation="PIL", organ="spleen"),
    ]
    page_atlas(root, *wanted)
    with opened(root) as project:
        add_person(project.store, "anna", [Role.ADMIN], password=PASSWORD)
        yield project


def worked(python: Path, *arguments: object) -> dict:
    command = [str(python), str(SESSION), *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_the_client_gets_tasks_and_its_labels_become_revisions(python, project, tmp_path, caplog):
    state = make_state(project, "nobody")
    text, token = make_token(project.store, "anna", "slicer")
    with running(make_app(state, 0, tmp_path / "no-page")) as url:
        by_token = worked(python, f"{url}/t/{text}", tmp_path)
        state.saves.drained()
        by_login = worked(python, url, tmp_path, "anna", PASSWORD)
        state.saves.drained()
        project.store.tokens.revoke(token.number, token.time, "anna")
        state.accounts.forget()
        with pytest.raises(AssertionError, match="401"):
            worked(python, f"{url}/t/{text}", tmp_path)
    assert (by_token["auth"], by_login["auth"], by_login["valid"]) == (False, True, True)
    assert by_token["info"]["labels"] == ["spleen", "kidney_right", "kidney_left", "liver"]
    assert (by_token["sample"]["id"], by_login["sample"]["id"]) == ("a", "b")
    assert by_token["ct"] == 352 + 2 * np.prod(PageAtlas.shape)
    assert by_token["datastore"] == ["a", "b", "c"]
    assert by_token["label"].endswith(".nii.gz")
    assert by_token["training"] is False
    for told in (by_token, by_login):
        assert len(told["saved"]["saves"]) == 1
        assert len(told["saved"]["unchanged"]) == 3
        refused = told["refused"]
        assert "omentum add" in refused["upload"]
        assert "omentum add" in refused["session"]
        assert "omentum tune" in refused["train"]
        assert "no training runs" in refused["stop"]
        assert "no organ is called 'livre' (did you mean liver?)" in refused["unknown name"]
    truth = PageAtlas.masks_of_all()["liver"]
    for case in ("a", "b"):
        (kept,) = project.store.revisions.of_case(case)
        assert (kept.organ, kept.reader) == ("liver", "anna")
        now = read_nifti(kept.path).voxels > 0
        assert np.count_nonzero(now != truth) == 1
        assert not (now & ~truth).any()
    assert text not in caplog.text
