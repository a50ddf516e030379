from dataclasses import replace

import pytest

from omentum.errors import ProjectError
from omentum.project.paths import create_project
from omentum.project.project import new_workspace, opened, prediction_stage
from omentum.project.settings import Settings
from omentum.records import NetworkRecord
from omentum.review.round import import_round
from omentum.runners.in_process import InProcessRunner
from omentum.store.store import Store


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "atlas"
    new_workspace(folder, Settings(networks=("first", "second")))
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
        new_workspace(root, Settings())
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
    return replace(workspace, settings=replace(workspace.settings, networks=names))


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


def test_opinions_are_of_cases_that_all_networks_have_predicted_main_network_first(root):
    detail = {"weights_sha256": "abc", "organs": ["liver"], "overlap": 0.5}
    with opened(root) as workspace:
        for network, case_id in (("first", "a"), ("first", "b"), ("second", "b"), ("second", "c")):
            workspace.store.ledger.mark_done(prediction_stage(network), case_id, detail)
        opinions = workspace.opinions()
        assert list(opinions) == ["b"]
        assert [one.network for one in opinions["b"]] == ["first", "second"]
        assert list(with_networks(workspace, "first").opinions()) == ["a", "b"]


def test_predictions_are_those_noted_as_done_by_this_network(root):
    detail = {"weights_sha256": "abc", "organs": ["liver", "spleen"], "overlap": 0.5}
    with opened(root) as workspace:
        ledger = workspace.store.ledger
        ledger.mark_done(prediction_stage("first"), "b", detail)
        ledger.mark_done(prediction_stage("second"), "c", detail)
        ledger.mark_failed(prediction_stage("first"), "a", "no CT")
        (made,) = workspace.predictions("first").values()
        assert (made.case_id, made.network, made.weights_sha256) == ("b", "first", "abc")
        assert made.organs == ("liver", "spleen")
        assert made.folder == root / "cases" / "b" / "networks" / "first"


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


def test_unrevised_is_what_was_predicted_and_neither_original_nor_revised(atlas, tmp_path):
    liver = atlas.box((3, 9), (3, 9), (3, 9))
    atlas.add("a", "b", "not-predicted")
    atlas.add("labelled", original={"spleen": liver})
    for case_id in ("a", "b", "labelled"):
        atlas.predict(case_id, {"liver": liver})
    atlas.revise(tmp_path / "tasks", "b", "liver", liver)
    import_round(atlas.workspace, tmp_path / "tasks")
    assert atlas.workspace.unrevised() == {
        "a": ("liver", "pancreas", "spleen"),
        "b": ("pancreas", "spleen"),
        "labelled": ("liver", "pancreas"),
    }
