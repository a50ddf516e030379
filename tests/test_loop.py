"""One round in two halves, with people between them: the shipped network and recipe, on small CTs."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from omentum import loop
from omentum.errors import ReleaseError, ReviewError
from omentum.evaluate import gate
from omentum.exchange.importers.labels import OriginalLabel
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.records import TaskKind, TaskState
from omentum.records.promotions import GateOutcome
from omentum.review.simulated import SimulatedReader
from omentum.score.audit_draw import audit_tasks
from omentum.tune.config import ContinualConfig
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti


@pytest.fixture(scope="module")
def scored(abdomens, tmp_path_factory):
    """A project as users make it, with two cases to learn from: predicted and scored, made once."""
    root = tmp_path_factory.mktemp("loop") / "atlas"
    begin_project(root, Settings(networks=("starter",), held_out_share=0.0))
    with pytest.MonkeyPatch.context() as patched, opened(root) as workspace:
        patched.setenv("OMENTUM_HOME", str(root.parent / "home"))
        loop.add_cases(workspace, [abdomens / "phantom_0000", abdomens / "phantom_0001"])
        loop.predict(workspace)
        loop.score(workspace)
    return root


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """Tune by the default settings, but for the number of steps."""
    monkeypatch.setattr(loop, "ContinualConfig", partial(ContinualConfig, steps=20, samples_per_class=500))


@pytest.fixture
def workspace(home, scored, tmp_path):
    shutil.copytree(scored, tmp_path / "atlas")
    with opened(tmp_path / "atlas") as workspace:
        yield workspace


def _revise(cohort, tasks, folder):
    def truth(case_id, name):
        labels = read_nifti(cohort / case_id / "labels.nii.gz").voxels
        return np.asarray(labels == organ(name).index)

    return SimulatedReader(truth=truth, budget_minutes=1e6).revise(tasks, folder)


def test_the_first_half_ends_with_tasks_for_people(workspace, tmp_path):
    told = []
    half = loop.first_half(workspace, tmp_path / "tasks", top=3, progress=lambda step, *_: told.append(step))
    assert told == ["predict", "predict", "score", "score"]
    assert [task.rank for task in sorted(half.tasks, key=lambda task: task.rank)] == [1, 2, 3]
    states = [task.state for task in workspace.store.tasks.of_round(1)]
    assert states.count(TaskState.QUEUED) == len(states) - 3
    assert all((tmp_path / "tasks" / task.case_id / "task.json").is_file() for task in half.tasks)


def test_the_second_half_ends_with_a_network_that_is_judged_and_then_the_next_round_begins(
    workspace, abdomens, tmp_path
):
    half = loop.first_half(workspace, tmp_path / "tasks", top=2)
    minutes_of = _revise(abdomens, half.tasks, tmp_path / "tasks")
    done = loop.second_half(workspace, tmp_path / "tasks", "V1", minutes_of=minutes_of)
    assert len(done.revisions) == 2
    assert {one.minutes for one in done.revisions} == set(minutes_of.values())
    assert done.release.n_cases == 2
    assert (done.network.name, done.network.parent) == ("starter-r1", "starter")
    assert done.verdict.outcome is GateOutcome.UNDECIDED, "nobody is held out"
    assert workspace.store.rounds.current().number == 1
    assert "fewer than 8 held-out patients" in done.report_path.read_text()
    loop.decide(workspace, accept=True, by="reader-1")
    current = workspace.store.rounds.current()
    assert (current.number, current.network) == (2, "starter-r1")
    report, path = loop.evaluate(workspace, truth=abdomens)
    assert [one.number for one in report.rounds] == [1]
    assert path.is_file()


@pytest.fixture
def of_two(home, scored, tmp_path):
    """The same project with a second network, which has not predicted yet."""
    root = tmp_path / "atlas"
    shutil.copytree(scored, root)
    toml = root / "omentum.toml"
    toml.write_text(toml.read_text().replace('["starter"]', '["starter", "starter-second"]'))
    return root


def _heard(workspace):
    """Tell which networks, with which weights, had a say in the attention of every case."""
    folders = [workspace.folder.attention_dir(case.case_id) for case in workspace.store.cases.all()]
    said = [json.loads((folder / "hot_spots.json").read_text())["networks"] for folder in folders]
    assert said == [said[0]] * len(folders)
    return said[0]


def test_two_networks_have_a_say_in_every_round_and_the_first_alone_is_tuned(of_two, abdomens, tmp_path):
    with opened(of_two) as workspace:
        half = loop.first_half(workspace, tmp_path / "1", top=2)
        first = _heard(workspace)
        assert [*first] == ["starter", "starter-second"]
        _revise(abdomens, half.tasks, tmp_path / "1")
        done = loop.second_half(workspace, tmp_path / "1", "V1")
        loop.decide(workspace, accept=True, by="reader-1")
        assert done.network.parent == "starter"
        assert {one.network for one in done.revisions} == {"starter"}

        loop.first_half(workspace, tmp_path / "2", top=1)
        second = _heard(workspace)
        assert second == {
            "starter-r1": done.network.weights_sha256,
            "starter-second": first["starter-second"],
        }
        assert all(batch.done == () for batch in loop.predict(workspace))
        report, _ = loop.evaluate(workspace, truth=abdomens)
        assert [one.network for one in report.rounds] == ["starter", "starter-r1"]

    toml = of_two / "omentum.toml"
    toml.write_text(toml.read_text().replace('["starter", "starter-second"]', '["starter"]'))
    with opened(of_two) as workspace:
        (predicted,) = loop.predict(workspace)
        assert predicted.done == ()
        assert len(loop.score(workspace).done) == 2
        assert _heard(workspace) == {"starter-r1": done.network.weights_sha256}


def test_without_a_revision_the_second_half_says_what_is_missing(workspace, tmp_path):
    loop.first_half(workspace, tmp_path / "tasks", top=2)
    with pytest.raises(ReviewError, match="_revised"):
        loop.second_half(workspace, tmp_path / "tasks", "V1")
    assert workspace.store.rounds.current().number == 1
    assert workspace.store.releases.all() == []


def test_a_second_half_that_was_killed_after_the_release_goes_on(workspace, abdomens, tmp_path, monkeypatch):
    half = loop.first_half(workspace, tmp_path / "tasks", top=1)
    _revise(abdomens, half.tasks, tmp_path / "tasks")

    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(loop, "tune", killed)
        with pytest.raises(KeyboardInterrupt):
            loop.second_half(workspace, tmp_path / "tasks", "V1")
    assert loop.second_half(workspace, tmp_path / "tasks", "V1").network.name == "starter-r1"
    assert [release.version for release in workspace.store.releases.all()] == ["V1"]


def test_a_version_of_an_earlier_round_is_not_taken_for_this_one(workspace, abdomens, tmp_path):
    for number in (1, 2):
        half = loop.first_half(workspace, tmp_path / str(number), top=1)
        _revise(abdomens, half.tasks, tmp_path / str(number))
        if number == 1:
            loop.second_half(workspace, tmp_path / "1", "V1")
            loop.decide(workspace, accept=True, by="reader-1")
    with pytest.raises(ReleaseError, match="already"):
        loop.second_half(workspace, tmp_path / "2", "V1")


def _audited(workspace, tasks_dir, minutes=2.0):
    """Run the first half, with an audit behind the first two tasks of the queue."""
    loop.predict(workspace)
    loop.score(workspace)
    tasks = workspace.store.tasks.of_round(1)
    queue = [one for one in tasks if one.kind is TaskKind.ATTENTION][:2]
    audits = audit_tasks(workspace, queue, minutes)
    workspace.store.tasks.replace(1, [*queue, *audits])
    tasks = loop.export_round(workspace, tasks_dir).tasks
    drawn = [(task.case_id, task.organ) for task in tasks if task.is_audit]
    assert drawn
    return tasks, drawn


def test_what_the_audit_drew_is_kept_and_released_but_learned_from_only_in_later_rounds(
    workspace, abdomens, tmp_path
):
    tasks, drawn = _audited(workspace, tmp_path / "1")
    _revise(abdomens, tasks, tmp_path / "1")
    done = loop.second_half(workspace, tmp_path / "1", "V1")
    assert {(one.case_id, one.organ) for one in done.revisions} >= set(drawn)
    learned = json.loads((done.network.folder / "tune.json").read_text())["cases"]
    assert not {(case_id, name) for case_id, organs in learned.items() for name in organs} & set(drawn)
    for case_id, name in drawn:
        lineage = json.loads((done.release.folder / case_id / "lineage.json").read_text())
        assert lineage["organs"][name]["source"] == "revised"
    later = {(one.case.case_id, mask.organ) for one in workspace.standing() for mask in one.masks}
    assert set(drawn) <= later


def test_the_loop_stops_by_the_audit_and_says_so(workspace, abdomens, tmp_path):
    tasks, drawn = _audited(workspace, tmp_path / "1")
    assert loop.stop_rule(workspace).why.startswith(f"no bound: {len(drawn)} of {len(drawn)}")
    _revise(abdomens, tasks, tmp_path / "1")
    easy = replace(workspace, settings=workspace.settings.changed(audit_bound=1.0))
    done = loop.second_half(easy, tmp_path / "1", "V1")
    assert done.stop.is_met
    assert "this round may be the last" in done.stop.why
    assert done.network is None
    assert workspace.store.rounds.current().number == 1
    assert "may be the last" not in loop.stop_rule(workspace).why  # by the bound of 5 %
    again = loop.second_half(easy, tmp_path / "1", "V1")
    assert (again.release, again.network) == (done.release, None)
    assert loop.second_half(workspace, tmp_path / "1", "V1").network.name == "starter-r1"


def test_with_a_bound_of_zero_rounds_go_on_for_ever(workspace, abdomens, tmp_path):
    tasks, _ = _audited(workspace, tmp_path / "1")
    _revise(abdomens, tasks, tmp_path / "1")
    loop.import_round(workspace, tmp_path / "1")
    endless = replace(workspace, settings=workspace.settings.changed(audit_bound=0.0))
    stop = loop.stop_rule(endless)
    assert stop.audit.share is not None
    assert not stop.is_met


@pytest.fixture(scope="module")
def scored_with_held_out(abdomens, scored, tmp_path_factory):
    """The same project with two patients more, held out and with true labels; made once."""
    root = tmp_path_factory.mktemp("held-out") / "atlas"
    shutil.copytree(scored, root)

    def label(source):
        return OriginalLabel(path=source.path.parent / "labels.nii.gz", ids="omentum")

    with pytest.MonkeyPatch.context() as patched, opened(root) as workspace:
        patched.setenv("OMENTUM_HOME", str(root.parent / "home"))
        loop.add_cases(workspace, [abdomens / "phantom_0002", abdomens / "phantom_0003"], labels=label)
        workspace.store.cases.hold_out(["phantom_0002", "phantom_0003"])
        loop.predict(workspace)
        loop.score(workspace)
    return root


@pytest.fixture
def with_held_out(home, scored_with_held_out, tmp_path, monkeypatch):
    """Two patients to learn from, and two held out with true labels; two are enough to judge by."""
    monkeypatch.setattr(gate, "LEAST_PATIENTS", 2)
    shutil.copytree(scored_with_held_out, tmp_path / "atlas")
    with opened(tmp_path / "atlas") as workspace:
        yield workspace


HALF_JUDGED = (["starter-r1"], ["phantom_0002"])


def _half_done(workspace, abdomens, tasks_dir):
    half = loop.first_half(workspace, tasks_dir, top=1)
    _revise(abdomens, half.tasks, tasks_dir)


def test_both_networks_are_judged_on_the_same_held_out_masks_and_no_other_case_is_predicted(
    with_held_out, abdomens, tmp_path
):
    _half_done(with_held_out, abdomens, tmp_path / "1")
    done = loop.second_half(with_held_out, tmp_path / "1", "V1")
    (organ_name,) = {one.organ for one in done.revisions}
    assert done.verdict.outcome in (GateOutcome.PROMOTED, GateOutcome.KEPT_OUT)
    assert [(one.organ, one.n_patients) for one in done.verdict.organs] == [(organ_name, 2)]
    assert set(with_held_out.predictions("starter-r1")) == {"phantom_0002", "phantom_0003"}
    current = with_held_out.store.rounds.current()
    used = "starter-r1" if done.verdict.outcome is GateOutcome.PROMOTED else "starter"
    assert (current.number, current.network) == (2, used)
    assert "Verdict of the gate" in done.report_path.read_text()


@pytest.mark.parametrize("step", ["predict_held_out", "promotions.add", "evaluate", "rounds.turn"])
def test_a_second_half_killed_around_the_gate_goes_on_and_does_nothing_twice(
    with_held_out, abdomens, tmp_path, monkeypatch, step
):
    class Killed(BaseException):
        pass

    def kill(*_args, **_kwargs):
        raise Killed

    workspace = with_held_out
    _half_done(workspace, abdomens, tmp_path / "1")
    with monkeypatch.context() as patched:
        if step == "evaluate":
            patched.setattr(loop, "evaluate", kill)
        elif step == "predict_held_out":
            patched.setattr(
                loop, "judge_round", lambda _space, _labelled, predict: kill(predict(*HALF_JUDGED))
            )
        else:
            noun, method = step.split(".")
            patched.setattr(getattr(workspace.store, noun), method, kill)
        with pytest.raises(Killed):
            loop.second_half(workspace, tmp_path / "1", "V1")
    assert workspace.store.rounds.current().number == 1
    weights = workspace.folder.network_dir("starter-r1") / "weights.safetensors"
    written = weights.stat().st_mtime_ns
    done = loop.second_half(workspace, tmp_path / "1", "V1")
    assert weights.stat().st_mtime_ns == written
    assert [one.version for one in workspace.store.releases.all()] == ["V1"]
    assert workspace.store.promotions.all() == [done.verdict]
    assert len(workspace.store.revisions.all()) == 1
    assert [one.number for one in workspace.store.rounds.all()] == [1, 2]


def test_a_round_whose_network_was_promoted_before_a_kill_begins_with_the_next_command(
    with_held_out, abdomens, tmp_path, monkeypatch
):
    workspace = with_held_out
    _half_done(workspace, abdomens, tmp_path / "1")
    with monkeypatch.context() as patched:
        patched.setattr(loop, "start_next_round", lambda _: None)
        loop.second_half(workspace, tmp_path / "1", "V1")
    assert workspace.store.rounds.current().number == 1
    half = loop.first_half(workspace, tmp_path / "2", top=1)
    assert {task.round_number for task in half.tasks} == {2}
