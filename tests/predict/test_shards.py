"""Shards of a project: journals beside a SQLite file, and how they are merged."""

import json
from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ConfigError, ProjectError
from omentum.incoming import add_cases
from omentum.predict.merge_shards import merge_shards
from omentum.predict.stage import predict_round
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.runners.shards import Shard
from omentum.volumes.mask_files import read_masks

pytestmark = pytest.mark.usefixtures("quick_pictures")
CASES = ("a", "b", "c", "d")


@pytest.fixture
def project(tmp_path, monkeypatch, write_weights, ct_file):
    """A project with four cases, a network of its own, and a user who has none."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    root = tmp_path / "atlas"
    begin_project(root, Settings(organs=("spleen", "liver"), networks=("bands",), overlap=0.25))
    write_weights(root / "networks" / "bands" / "weights.safetensors")
    with opened(root) as workspace:
        orientations = {"a": "LPS", "b": "SAR", "c": "RAS", "d": "PIR"}
        add_cases(workspace, [ct_file(f"{name}.nii.gz", one) for name, one in orientations.items()])
    return root


def _predict_shards(root, count=2):
    done = []
    for number in range(1, count + 1):
        with opened(root, shard=Shard(number, count)) as workspace:
            (batch,) = predict_round(workspace)
            done.append((batch.done, batch.skipped))
    return done


def _kept(root):
    with opened(root, looking=True) as workspace:
        return workspace.predictions("bands")


def test_shards_leave_the_database_alone_and_merging_notes_what_they_made(project, tmp_path):
    database = (project / "omentum.db").read_bytes()
    done = [case_id for batch, _ in _predict_shards(project) for case_id in batch]
    assert sorted(done) == list(CASES)
    assert (project / "omentum.db").read_bytes() == database
    assert _kept(project) == {}
    names = {path.name for path in (project / "shards").iterdir()}
    assert names == {"predict-bands-1-of-2.jsonl", "predict-bands-2-of-2.jsonl"}
    with opened(project) as workspace:
        batch = merge_shards(workspace)
        assert sorted(batch.done) == [f"{name}/bands" for name in CASES]
        assert (batch.skipped, batch.failed) == ((), ())
        again = merge_shards(workspace)
        assert (again.done, sorted(again.skipped)) == ((), sorted(batch.done))
        merged = workspace.predictions("bands")
        (batch,) = predict_round(workspace)
        assert batch.skipped == CASES, "what was merged is done"
        for name, one in merged.items():
            hashes = workspace.store.predictions.hashes_of(name, "bands")
            assert set(hashes) == set(read_masks(one.masks_path).organs)
        for case_id in CASES:
            workspace.store.predictions.forget(case_id, "bands")
            workspace.store.ledger.forget("predict bands", case_id)
        predict_round(workspace)
        alone = workspace.predictions("bands")
    assert {name: replace(one, time=None) for name, one in merged.items()} == {
        name: replace(one, time=None) for name, one in alone.items()
    }


def test_a_shard_that_runs_again_skips_what_its_journal_has_and_a_torn_line_is_done_again(project):
    first = _predict_shards(project)
    assert [set(batch) for batch, _ in first] == [set(skipped) for _, skipped in _predict_shards(project)]
    path = next(one for one in sorted((project / "shards").iterdir()) if one.read_text().count("\n") > 1)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
    torn = json.loads(lines[-1])["case"]
    assert [case_id for batch, _ in _predict_shards(project) for case_id in batch] == [torn]
    with opened(project) as workspace:
        assert sorted(merge_shards(workspace).done) == [f"{name}/bands" for name in CASES]


def test_lines_of_other_weights_settings_files_or_cases_are_refused_with_the_reason(project, write_weights):
    _predict_shards(project, count=1)
    (path,) = (project / "shards").iterdir()
    records = {one["case"]: one for one in map(json.loads, path.read_text().splitlines())}
    records["a"]["prediction"]["made_with"]["overlap"] = 0.75
    records["b"]["prediction"]["weights_sha256"] = "0" * 64
    other = json.loads(json.dumps(records["c"]).replace('"c"', '"z"'))
    (project / "cases/d/networks/bands/masks.nii.gz").write_bytes(b"damaged")
    failed = {"network": "bands", "case": "e", "reason": "no CT"}
    path.write_text("".join(json.dumps(one) + "\n" for one in (*records.values(), other, failed)))
    with opened(project) as workspace:
        batch = merge_shards(workspace, [path])
        failures = workspace.store.ledger.failures("predict bands")
    assert batch.done == ("c/bands",)
    reasons = {one.key: one.reason for one in batch.failed}
    assert "other settings than omentum.toml has now" in reasons["a/bands"]
    assert "predicted with weights 00000000, and bands has" in reasons["b/bands"]
    assert "this project has no such case" in reasons["z/bands"]
    assert "are not as they were written" in reasons["d/bands"]
    assert reasons["e/bands"] == "no CT"
    assert {one.key for one in failures} == {"a", "b", "d"}, "those of this project"


def test_a_case_that_fails_in_a_shard_is_noted_with_its_reason(project):
    ct = project / "cases" / "a" / "ct.nii.gz"
    ct.unlink()
    ct.write_bytes(b"no image")
    _predict_shards(project, count=1)
    with opened(project) as workspace:
        batch = merge_shards(workspace)
        assert sorted(batch.done) == ["b/bands", "c/bands", "d/bands"]
        assert [one.key for one in batch.failed] == ["a/bands"]
        assert [one.key for one in workspace.store.ledger.failures("predict bands")] == ["a"]


def test_what_is_no_journal_is_refused(project, tmp_path):
    (tmp_path / "other.jsonl").write_text("[1]\n")
    with opened(project) as workspace:
        with pytest.raises(ProjectError, match="is no record"):
            merge_shards(workspace, [tmp_path / "other.jsonl"])
        with pytest.raises(ProjectError, match="cannot be read"):
            merge_shards(workspace, [tmp_path / "none.jsonl"])


def test_networks_are_averaged_after_shards_are_merged(project):
    with (
        opened(project, shard=Shard(1, 2)) as workspace,
        pytest.raises(ConfigError, match="once the shards are merged"),
    ):
        predict_round(workspace, average=True)


def test_every_key_is_in_one_shard_and_shards_are_about_as_large():
    keys = [f"case-{number}" for number in range(4000)]
    parts = [[key for key in keys if Shard(number, 8).holds(key)] for number in range(1, 9)]
    assert sorted(key for part in parts for key in part) == sorted(keys)
    assert max(abs(len(part) - 500) for part in parts) < 4 * np.sqrt(500)
    assert Shard.named("3/64") == Shard(3, 64)
    for text in ("0/4", "5/4", "3", "a/b", "-1/4"):
        with pytest.raises(ConfigError, match="such as 3/64"):
            Shard.named(text)
