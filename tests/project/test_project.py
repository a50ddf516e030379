from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ProjectError
from omentum.project.paths import create_project
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.records import Case, NetworkRecord, Prediction
from omentum.runners.in_process import InProcessRunner
from omentum.store.store import Store
from omentum.volumes.geometry import Geometry


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "atlas"
    begin_project(folder, Settings(networks=("first", "second")))
    return folder


def test_a_new_project_is_in_round_one_with_the_networks_of_its_settings(root):
    with opened(root) as workspace:
        current = workspace.store.rounds.current()
        assert (current.number, current.network, current.finished) == (1, "first", None)
        assert workspace.networks == ("first", "second")
        assert workspace.predictions("first") == {}
        assert isinstance(workspace.runner, InProcessRunner)
        assert workspace.folder.root == root


def test_opening_again_starts_no_other_round(root):
    for _ in range(2):
        with opened(root) as workspace:
            assert [one.number for one in workspace.store.rounds.all()] == [1]


def test_a_project_is_never_made_over_another(root):
    with pytest.raises(ProjectError, match="holds a project already"):
        begin_project(root, Settings())
    with opened(root) as workspace:
        assert workspace.settings.networks == ("first", "second")


def test_a_folder_without_a_project_is_refused_and_left_as_it_was(tmp_path):
    with pytest.raises(ProjectError, match="holds no project"), opened(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_project_whose_making_was_killed_before_its_first_round_begins_it_when_opened(tmp_path):
    create_project(tmp_path, Settings(networks=("first",)))
    with opened(tmp_path) as workspace:
        assert workspace.store.rounds.current().network == "first"


def note_tuned(workspace, name, parent):
    number = workspace.store.rounds.current().number
    record = NetworkRecord(name=name, folder=None, weights_sha256=name, parent=parent, round_number=number)
    workspace.store.networks.add(record)


def next_round(workspace, network):
    workspace.store.rounds.finish(workspace.store.rounds.current().number)
    workspace.store.rounds.start(network)


def with_networks(workspace, *names):
    return replace(workspace, settings=workspace.settings.changed(networks=names))


def test_each_network_is_replaced_by_the_one_tuned_from_it_last_and_the_others_stay(root):
    with opened(root) as workspace:
        for before, after in (("first", "first-r1"), ("first-r1", "first-r2")):
            note_tuned(workspace, after, parent=before)
            next_round(workspace, after)
            assert workspace.networks == (after, "second")


def test_one_network_alone_is_replaced_by_the_one_tuned_from_it(root):
    with opened(root) as workspace:
        alone = with_networks(workspace, "first")
        assert alone.networks == ("first",)
        note_tuned(workspace, "first-r1", parent="first")
        next_round(workspace, "first-r1")
        assert alone.networks == ("first-r1",)


def test_a_network_that_was_noted_before_a_kill_predicts_once_its_round_has_begun(root):
    with opened(root) as workspace:
        note_tuned(workspace, "first-r1", parent="first")
        assert workspace.networks == ("first", "second")
        workspace.store.rounds.finish(1)
        assert workspace.networks == ("first", "second")
        workspace.store.rounds.start("first-r1")
        assert workspace.networks == ("first-r1", "second")


def test_a_second_opinion_that_was_tuned_too_is_the_newest(root):
    with opened(root) as workspace:
        note_tuned(workspace, "second-r1", parent="second")
        note_tuned(workspace, "first-r1", parent="first")
        next_round(workspace, "first-r1")
        assert workspace.networks == ("first-r1", "second-r1")


@pytest.mark.parametrize(
    ("names", "predict"),
    [
        (("first",), ("first-r1",)),
        (("second", "first"), ("first-r1", "second")),
        (("second",), ("first-r1", "second")),
        (("first", "first-r1", "second", "third"), ("first-r1", "second", "third")),
    ],
)
def test_settings_may_change_between_two_commands_but_the_round_keeps_its_main_network(root, names, predict):
    with opened(root) as workspace:
        note_tuned(workspace, "first-r1", parent="first")
        next_round(workspace, "first-r1")
        assert with_networks(workspace, *names).networks == predict


def keep_predictions(workspace, *made):
    """Note that networks predicted cases: `(network, case_id)` each."""
    geometry = Geometry((8, 8, 8), np.eye(4))
    for network, case_id in made:
        folder = workspace.folder.prediction_dir(case_id, network)
        ct = workspace.folder.case_dir(case_id) / "ct.nii.gz"
        case = Case(case_id=case_id, patient_id="p", ct_path=ct, geometry=geometry, source="s")
        workspace.store.cases.add(case)
        prediction = Prediction(
            case_id=case_id, network=network, weights_sha256="abc", folder=folder, organs=("liver",)
        )
        workspace.store.predictions.keep(prediction, {})


def test_opinions_are_of_cases_that_all_networks_have_predicted_main_network_first(root):
    with opened(root) as workspace:
        keep_predictions(workspace, ("first", "a"), ("first", "b"), ("second", "b"), ("second", "c"))
        opinions = workspace.opinions()
        assert list(opinions) == ["b"]
        assert [one.network for one in opinions["b"]] == ["first", "second"]
        assert list(with_networks(workspace, "first").opinions()) == ["a", "b"]


def test_predictions_are_those_of_this_network_and_of_cases_that_take_part(root):
    with opened(root) as workspace:
        keep_predictions(workspace, ("first", "b"), ("second", "c"), ("first", "d"))
        workspace.store.cases.exclude("d", "upside down")
        (made,) = workspace.predictions("first").values()
        assert (made.case_id, made.network, made.weights_sha256) == ("b", "first", "abc")
        assert made.folder == root / "cases" / "b" / "networks" / "first"
        assert [one.case.case_id for one in workspace.standing()] == ["b", "c"]


def test_the_runner_may_be_chosen(root):
    runner = InProcessRunner()
    with opened(root, runner) as workspace:
        assert workspace.runner is runner


def test_the_database_is_closed_however_the_work_ends(root, monkeypatch):
    closed = []

    def close(store: Store) -> None:
        closed.append(store)

    monkeypatch.setattr(Store, "close", close)
    with pytest.raises(KeyError), opened(root) as workspace:
        raise KeyError
    assert closed == [workspace.store]


def test_unrevised_is_what_was_predicted_and_neither_original_nor_revised(atlas):
    liver = atlas.box((3, 9), (3, 9), (3, 9))
    atlas.add("a", "b", "not-predicted")
    atlas.add("labelled", original={"spleen": liver})
    for case_id in ("a", "b", "labelled"):
        atlas.predict(case_id, {"liver": liver})
    atlas.hand_in("b", "liver", liver)
    assert atlas.workspace.unrevised() == {
        "a": ("liver", "pancreas", "spleen"),
        "b": ("pancreas", "spleen"),
        "labelled": ("liver", "pancreas"),
    }


def test_unlearned_is_what_stands_as_revised_until_the_network_in_use_has_learned_that_mask(atlas):
    atlas.add("a")
    atlas.predict("a", {"liver": atlas.box((3, 9), (3, 9), (3, 9))})
    first = atlas.hand_in("a", "liver", atlas.box((3, 9), (3, 9), (3, 8)))
    assert atlas.workspace.unlearned() == [first]
    atlas.next_round("synthetic-r1")
    atlas.workspace.store.learned_masks.keep("synthetic-r1", {("a", "liver"): first.sha256})
    assert atlas.workspace.unlearned() == []
    second = atlas.hand_in("a", "liver", atlas.box((3, 9), (3, 9), (3, 7)), base_sha256=first.sha256)
    assert atlas.workspace.unlearned() == [second]
