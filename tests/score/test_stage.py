from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ProjectError
from omentum.records import TaskState
from omentum.score import stage as score_module
from omentum.score.published_case import heat_path
from omentum.score.stage import score_round
from omentum.volumes.nifti import read_nifti


@pytest.fixture
def large(atlas):
    return atlas.box((3, 15), (3, 15), (3, 15))


@pytest.fixture
def small(atlas):
    return atlas.box((3, 11), (3, 11), (3, 11))


@pytest.fixture
def predicted(atlas, large, small):
    """Three cases: nothing to see in `a`, a little in `b`, two organs in `c`."""
    atlas.add("a", "b", "c")
    atlas.predict("a", {"liver": small})
    atlas.predict("b", {}, unsure={"liver": small})
    atlas.predict("c", {}, unsure={"liver": small, "spleen": large})
    return atlas


def queue(workspace) -> list[tuple[str, str]]:
    number = workspace.store.rounds.current().number
    return [(task.case_id, task.organ) for task in workspace.store.tasks.of_round(number)]


def tasks(workspace):
    return [replace(task, number=None) for task in workspace.store.tasks.of_round(1)]


def test_what_networks_are_unsure_of_comes_first_and_what_they_are_sure_of_never(predicted):
    told = []
    batch = score_round(predicted.workspace, progress=lambda *step: told.append(step))
    assert batch.done == ("a", "b", "c")
    assert [(n_done, note) for _, n_done, _, note in told] == [(1, "a"), (2, "b"), (3, "c")]
    assert queue(predicted.workspace) == [("c", "spleen"), ("c", "liver"), ("b", "liver")]
    assert [task.rank for task in predicted.workspace.store.tasks.of_round(1)] == [1, 2, 3]


def test_attention_is_measured_in_millilitres_and_shown_where_it_is(predicted, small):
    score_round(predicted.workspace)
    scores = {one.case_id: one for one in predicted.workspace.store.scores.of_round(1)}
    (liver,) = (one for one in scores["b"].organs if one.organ == "liver")
    assert liver.attention_voxels == small.sum()
    assert liver.attention_ml == pytest.approx(small.sum() * 4.0**3 / 1000)
    heat = read_nifti(heat_path(predicted.workspace.folder.attention_dir("b"), "liver")).voxels
    np.testing.assert_array_equal(heat > 0, small)
    assert scores["a"].score == 0
    assert not heat_path(predicted.workspace.folder.attention_dir("a"), "liver").exists()


def test_scoring_again_does_no_work_and_keeps_the_queue(predicted, monkeypatch):
    score_round(predicted.workspace)
    first = tasks(predicted.workspace)
    monkeypatch.setattr(score_module, "score_published_case", None)
    again = score_round(predicted.workspace)
    assert (again.done, again.skipped) == ((), ("a", "b", "c"))
    assert tasks(predicted.workspace) == first


def test_a_run_that_was_killed_goes_on_with_what_was_not_scored(predicted, monkeypatch):
    calls = []
    original = score_module.score_published_case

    def dies_at_b(case, *rest, **named):
        calls.append(case.case_id)
        if calls == ["a", "b"]:
            raise KeyboardInterrupt
        return original(case, *rest, **named)

    monkeypatch.setattr(score_module, "score_published_case", dies_at_b)
    with pytest.raises(KeyboardInterrupt):
        score_round(predicted.workspace)
    assert score_round(predicted.workspace).skipped == ("a",)
    assert calls == ["a", "b", "b", "c"]
    assert queue(predicted.workspace) == [("c", "spleen"), ("c", "liver"), ("b", "liver")]


def test_nothing_predicted_is_refused(atlas):
    atlas.add("a")
    with pytest.raises(ProjectError, match="omentum predict"):
        score_round(atlas.workspace)


def test_a_case_that_is_not_predicted_yet_waits(predicted):
    predicted.add("d")
    assert score_round(predicted.workspace).done == ("a", "b", "c")


def test_a_case_predicted_with_other_weights_is_scored_anew_and_no_other(predicted, large):
    score_round(predicted.workspace)
    predicted.predict("b", {}, unsure={"liver": large}, weights="v" * 64)
    again = score_round(predicted.workspace)
    assert (again.done, again.skipped) == (("b",), ("a", "c"))
    assert queue(predicted.workspace) == [("c", "spleen"), ("c", "liver"), ("b", "liver")]
    scores = {one.case_id: one.score for one in predicted.workspace.store.scores.of_round(1)}
    assert scores["b"] == large.sum()


def test_a_case_whose_prediction_was_taken_back_leaves_the_queue(predicted):
    score_round(predicted.workspace)
    predicted.workspace.store.predictions.forget("c", "synthetic")
    score_round(predicted.workspace)
    assert queue(predicted.workspace) == [("b", "liver")]


def test_organs_that_the_data_set_annotates_are_not_queued(atlas, large, small):
    atlas.add("a", original={"liver": large})
    atlas.predict("a", {}, unsure={"liver": large, "spleen": small})
    score_round(atlas.workspace)
    assert queue(atlas.workspace) == [("a", "spleen")]


def test_organs_revised_in_this_round_stay_and_those_of_earlier_rounds_are_left_out(predicted, large, small):
    score_round(predicted.workspace)
    predicted.hand_in("c", "spleen", large)
    predicted.predict("c", {}, unsure={"liver": small, "spleen": large}, weights="u" * 64)
    assert score_round(predicted.workspace).done == ("c",)
    (scored,) = (one for one in predicted.workspace.store.scores.of_round(1) if one.case_id == "c")
    assert {one.organ for one in scored.organs} == {"spleen", "liver", "pancreas"}
    states = {(one.case_id, one.organ): one.state for one in predicted.workspace.store.tasks.of_round(1)}
    assert states["c", "spleen"] is TaskState.DONE

    predicted.next_round("synthetic-r1")
    predicted.predict("c", {}, unsure={"liver": small, "spleen": large}, weights="v" * 64)
    assert score_round(predicted.workspace).done == ("c",)
    assert queue(predicted.workspace) == [("c", "liver")]
    assert {one.round_number for one in predicted.workspace.store.tasks.of_round(1)} == {1}


def test_a_case_that_cannot_be_scored_is_set_aside_and_the_others_go_on(predicted):
    folder = predicted.workspace.folder.prediction_dir("b", "synthetic")
    (folder / "masks.nii.gz").write_bytes(b"nothing")
    batch = score_round(predicted.workspace)
    assert batch.done == ("a", "c")
    assert [failure.key for failure in batch.failed] == ["b"]
    assert queue(predicted.workspace) == [("c", "spleen"), ("c", "liver")]


def with_networks(atlas, *names):
    settings = atlas.workspace.settings.changed(networks=names)
    atlas.workspace = replace(atlas.workspace, settings=settings)


def attention(atlas):
    """Give the voxels of the liver of `a` that need attention, as the score and the heat map have them."""
    number = atlas.workspace.store.rounds.current().number
    (scored,) = atlas.workspace.store.scores.of_round(number)
    (liver,) = (one for one in scored.organs if one.organ == "liver")
    heat = heat_path(atlas.workspace.folder.attention_dir("a"), "liver")
    return liver.attention_voxels, read_nifti(heat).voxels > 0 if heat.exists() else None


@pytest.fixture
def two(atlas, small):
    """A case of which two networks are sure: one that there is a liver, the other that there is none."""
    with_networks(atlas, "synthetic", "second")
    atlas.add("a")
    atlas.predict("a", {"liver": small})
    atlas.predict("a", {"liver": np.zeros_like(small)}, network="second")
    return atlas


def test_where_two_networks_disagree_is_found_in_every_round(two, small):
    score_round(two.workspace)
    n_voxels, heat = attention(two)
    assert n_voxels == small.sum()
    np.testing.assert_array_equal(heat, small)

    moved = np.roll(small, 6, axis=0)
    two.next_round("synthetic-r1")
    two.predict("a", {"liver": moved})
    assert score_round(two.workspace).done == ("a",)
    assert two.workspace.networks == ("synthetic-r1", "second")
    n_voxels, heat = attention(two)
    assert n_voxels == moved.sum()
    np.testing.assert_array_equal(heat, moved)


def test_in_a_new_round_no_case_is_scored_before_all_networks_predicted_it(two, small):
    score_round(two.workspace)
    two.next_round("synthetic-r1")
    with pytest.raises(ProjectError, match="synthetic-r1 and second"):
        score_round(two.workspace)
    two.add("b")
    two.predict("a", {"liver": small})
    two.predict("b", {"liver": small})
    assert score_round(two.workspace).done == ("a",)


def test_a_second_network_may_be_removed_and_come_back_and_cases_are_scored_anew(two, small):
    score_round(two.workspace)
    with_networks(two, "synthetic")
    assert score_round(two.workspace).done == ("a",)
    assert attention(two) == (0, None)
    assert queue(two.workspace) == []
    with_networks(two, "synthetic", "second")
    assert score_round(two.workspace).done == ("a",)
    assert attention(two)[0] == small.sum()
    assert queue(two.workspace) == [("a", "liver")]
