"""Probabilities that were dropped once cases were scored are made again where they are needed alone."""

import pytest

from omentum import loop
from omentum.incoming import add_cases
from omentum.predict.stage import predict_round
from omentum.project.kept_probabilities import with_keep
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.probabilities import read_probabilities

pytestmark = pytest.mark.usefixtures("quick_pictures")

ORGANS = ("spleen", "liver")


@pytest.fixture
def root(tmp_path, monkeypatch, write_weights, ct_file):
    """A project with two cases and two networks, that keeps no probabilities; nothing is predicted."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    root = tmp_path / "atlas"
    settings = {"scoring": "published", "held_out_share": 0.0, "audit_share": 0.0, "gate_share": 0.0}
    begin_project(root, Settings(organs=ORGANS, networks=("one", "two"), keep="none", **settings))
    for name, gain in (("one", 0.5), ("two", 0.02)):
        write_weights(root / "networks" / name / "weights.safetensors", gain=gain)
    with opened(root) as project:
        add_cases(project, [ct_file("a.nii.gz"), ct_file("b.nii.gz", orientation="SAR")])
    return root


def there(project, network):
    made = project.predictions(network)
    return {case_id for case_id, one in made.items() if one.probabilities_path.is_file()}


def files(project, network):
    """Give masks and probabilities of each case; a file of probabilities also holds the time."""
    made = project.predictions(network)
    return {case_id: (file_sha256(one.masks_path), _values(one)) for case_id, one in made.items()}


def _values(prediction):
    parts = read_probabilities(prediction.probabilities_path).parts
    return {name: (box, values.tobytes()) for name, (box, values) in parts.items()}


def test_what_was_dropped_is_not_predicted_again_while_its_score_stands(root):
    with opened(root) as project:
        predict_round(project)
        loop.score(project)
        assert there(project, "one") == there(project, "two") == set()
        assert [batch.skipped for batch in predict_round(project)] == [("a", "b"), ("a", "b")]
        assert loop.score(project).skipped == ("a", "b")


def test_a_round_that_scores_again_gets_them_again_as_they_were(root):
    with opened(root) as project:
        predict_round(project)
        before = files(project, "one")
        loop.score(project)
        project.store.rounds.finish(1)
        project.store.rounds.start("one")
        failed = loop.score(project).failed
        assert all("`omentum predict` makes them again" in one.reason for one in failed)
        assert [batch.done for batch in predict_round(project, case_ids=["b"])] == [("b",), ("b",)]
        assert there(project, "one") == {"b"}, "no other case is looked at"
        assert [batch.done for batch in predict_round(project)] == [("a",), ("a",)]
        assert files(project, "one") == before
        assert loop.score(project).done == ("a", "b")


def test_a_network_that_changes_brings_back_those_of_the_others(root, write_weights):
    with opened(root) as project:
        predict_round(project)
        loop.score(project)
        write_weights(root / "networks" / "two" / "weights.safetensors", gain=0.03)
        assert [batch.done for batch in predict_round(project)] == [("a", "b"), ("a", "b")]
        assert loop.score(project).done == ("a", "b")


def test_a_network_that_does_not_predict_in_the_round_is_left_as_it_is(root):
    with opened(root) as project:
        predict_round(project)
        loop.score(project)
        (batch,) = predict_round(project, networks=["two"])
        assert batch.skipped == ("a", "b")


def test_an_average_that_is_asked_for_later_brings_back_what_it_is_made_from(root):
    with opened(root) as project:
        predict_round(project)
        loop.score(project)
        batches = predict_round(project, average=True)
        assert [batch.done for batch in batches] == [("a", "b")] * 3
        assert [batch.skipped for batch in predict_round(project, average=True)] == [("a", "b")] * 3


def test_an_average_stands_when_what_it_was_made_from_is_dropped(root):
    with opened(root) as project:
        predict_round(project, average=True)
        loop.score(project)
        for network in ("one", "two", "average"):
            assert there(project, network) == set()
        assert [batch.skipped for batch in predict_round(project, average=True)] == [("a", "b")] * 3
        assert loop.score(project).skipped == ("a", "b")


def test_with_all_kept_from_now_on_what_was_dropped_comes_back_only_where_it_is_needed(root):
    with opened(root) as project:
        predict_round(project)
        loop.score(project)
        kept = with_keep(project, "all")
        assert [batch.skipped for batch in predict_round(kept)] == [("a", "b"), ("a", "b")]
