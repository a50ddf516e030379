import json
from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ConfigError, LabelValueError, ProjectError
from omentum.evaluate.stage import evaluate_round
from omentum.score.stage import score_round


@pytest.fixture
def liver(atlas):
    return atlas.box((3, 11), (3, 11), (3, 11))


@pytest.fixture
def half(atlas):
    """Half of the liver: Dice 2/3 with the whole."""
    return atlas.box((3, 7), (3, 11), (3, 11))


@pytest.fixture
def compared(atlas, liver, half):
    """Originals of `a` (held out, predicted well) and `b` (predicted half); `c` is just predicted."""
    atlas.add("a", "b", original={"liver": liver})
    atlas.add("c")
    atlas.workspace.store.cases.hold_out(["a"])
    atlas.predict("a", {"liver": liver})
    atlas.predict("b", {"liver": half})
    atlas.predict("c", {"liver": half})
    return atlas


def evaluated(atlas, truth=None):
    return evaluate_round(atlas.workspace, atlas.workspace.standing(), truth=truth)


def truth_of(atlas, folder, case_ids, mask):
    for case_id in case_ids:
        atlas.write(folder / case_id / "labels.nii.gz", mask.astype(np.uint8) * 6)
    return folder


def test_patients_that_were_kept_are_compared_and_no_others(compared):
    report, path = evaluated(compared)
    (figures,) = report.rounds
    assert (figures.summary.n_cases, figures.summary.dice) == (1, 1.0)
    assert "of 1 cases of patients kept for evaluation" in report.compared_with
    assert path == compared.workspace.folder.round_dir(1) / "report.html"
    assert path.read_text().startswith("<!doctype html>")
    assert report.n_cases == 3


def test_where_no_patient_was_kept_all_with_a_reference_are_compared_and_the_report_says_so(compared):
    compared.workspace.store.cases.hold_out(["a"], held_out=False)
    report, _ = evaluated(compared)
    summary = report.rounds[0].summary
    assert (summary.n_cases, summary.dice) == (2, pytest.approx((1 + 2 / 3) / 2))
    assert "no patient kept for evaluation has any" in report.compared_with


def test_a_predicted_mask_is_never_a_reference(atlas, liver):
    atlas.add("a")
    atlas.predict("a", {"liver": liver})
    report, _ = evaluated(atlas)
    assert report.rounds[0].summary is None
    assert "of 0 cases" in report.compared_with


def test_of_a_revised_case_just_the_revised_organ_is_compared(compared, liver):
    compared.workspace.store.cases.hold_out(["a"], held_out=False)
    compared.workspace.store.cases.hold_out(["c"])
    compared.hand_in("c", "liver", liver, minutes=4.0)
    report, _ = evaluated(compared)
    (figures,) = report.rounds
    assert [one.organ for one in figures.summary.organs] == ["liver"]
    assert figures.summary.dice == pytest.approx(2 / 3)
    assert (figures.minutes, figures.n_revised) == (4.0, 1)
    assert figures.added_ml == pytest.approx(4 * 8 * 8 * 0.064)
    assert figures.removed_ml == 0.0
    assert [one.case_id for one in report.revisions] == ["c"]


def test_true_labels_may_stand_in_for_masks_of_the_project(compared, tmp_path, half):
    truth = truth_of(compared, tmp_path / "truth", ["a"], half)
    compared.write(truth / "c.nii.gz", half.astype(np.uint8) * 6)
    report, _ = evaluated(compared, truth=truth)
    assert "true labels of 1 cases of patients kept" in report.compared_with
    assert report.rounds[0].summary.of("liver").dice == pytest.approx(2 / 3)
    compared.workspace.store.cases.hold_out(["a"], held_out=False)
    report, _ = evaluated(compared, truth=truth)
    assert report.rounds[0].summary.n_cases == 2
    assert report.rounds[0].summary.of("liver").dice == pytest.approx((2 / 3 + 1) / 2)


def test_true_labels_count_for_cases_that_no_network_in_use_has_predicted_yet(compared, tmp_path, half):
    truth = truth_of(compared, tmp_path / "truth", ["c"], half)
    compared.next_round("synthetic-r1")
    report, _ = evaluated(compared, truth=truth)
    assert report.rounds[0].summary.n_cases == 1
    assert report.rounds[0].summary.of("liver").dice == 1.0


def test_a_folder_without_true_labels_of_any_case_is_refused(compared, tmp_path):
    with pytest.raises(ConfigError, match="truth"):
        evaluated(compared, truth=tmp_path / "nowhere")


def test_rounds_stand_side_by_side_and_the_last_that_predicted_is_reported(compared, liver, half, tmp_path):
    compared.workspace.store.cases.hold_out(["b"])
    score_round(compared.workspace)
    compared.next_round("synthetic-r1")
    one, path = evaluated(compared)
    assert [figures.number for figures in one.rounds] == [1]
    assert path.parent.name == "1"
    for case_id in ("a", "b", "c"):
        compared.predict(case_id, {"liver": liver}, weights="v" * 64)
    both, path = evaluated(compared)
    assert path.parent.name == "2"
    assert [(figures.number, figures.network) for figures in both.rounds] == [
        (1, "synthetic"),
        (2, "synthetic-r1"),
    ]
    assert [figures.summary.dice for figures in both.rounds] == [pytest.approx(5 / 6), 1.0]
    assert (both.rounds[0].attention_ml, both.rounds[1].attention_ml) == (0.0, None)


def test_the_worst_cases_are_shown_first_and_the_queue_is_that_of_the_round(compared, half):
    compared.workspace.store.cases.hold_out(["b"])
    compared.predict("c", {}, unsure={"liver": half | np.roll(half, 4, axis=0)})
    score_round(compared.workspace)
    report, _ = evaluated(compared)
    assert [picture.case_id for picture in report.previews] == ["b", "a"]
    assert [task.case_id for task in report.queue] == ["c"]


def test_how_the_network_of_the_round_was_tuned_is_told(compared, liver, tmp_path):
    folder = compared.workspace.folder.network_dir("synthetic-r1")
    folder.mkdir(parents=True)
    story = {"mode": "continual", "organs": ["liver"], "cases": {"b": ["liver"]}, "seconds": 12.3}
    (folder / "tune.json").write_text(json.dumps(story))
    compared.next_round("synthetic-r1", folder)
    for case_id in ("a", "b"):
        compared.predict(case_id, {"liver": liver}, weights="v" * 64)
    report, path = evaluated(compared)
    assert (report.tuning.network, report.tuning.parent) == ("synthetic-r1", "synthetic")
    assert report.tuning.organs == ("liver",)
    assert ("Learned from", "1 cases, after round 1") in report.tuning.facts
    assert "synthetic-r1" in path.read_text()


def test_surfaces_are_compared_at_the_tolerance_of_the_settings(compared, liver):
    compared.predict("a", {"liver": np.roll(liver, 1, axis=0)})
    near, _ = evaluated(compared)
    settings = compared.workspace.settings.changed(surface_tolerance_mm=5.0)
    far, _ = evaluate_round(replace(compared.workspace, settings=settings), compared.workspace.standing())
    assert near.rounds[0].summary.surface_dice < 0.95
    assert far.rounds[0].summary.surface_dice == 1.0


def test_nothing_predicted_is_refused(atlas, liver):
    atlas.add("a", original={"liver": liver})
    with pytest.raises(ProjectError, match="omentum predict"):
        evaluated(atlas)


def test_true_labels_with_unknown_ids_are_refused(atlas, tmp_path):
    atlas.add("a")
    atlas.predict("a", {"liver": atlas.box((2, 9), (2, 9), (2, 9))})
    atlas.write(tmp_path / "truth" / "a.nii.gz", atlas.box((2, 9), (2, 9), (2, 9)).astype(np.uint8) * 77)
    with pytest.raises(LabelValueError, match="77"):
        evaluate_round(atlas.workspace, atlas.workspace.standing(), truth=tmp_path / "truth")
