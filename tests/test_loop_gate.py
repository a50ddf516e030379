"""What the gate judges at the end of a round, and what a kill around it leaves to do."""

import shutil

import pytest

from fixtures.rounds import revise
from omentum import loop
from omentum.evaluate import gate
from omentum.project.project import opened
from omentum.records.promotions import GateOutcome


@pytest.fixture
def with_held_out(home, few_steps, scored_with_held_out, tmp_path, monkeypatch):
    """Two patients to learn from, and two held out with true labels; two are enough to judge by."""
    monkeypatch.setattr(gate, "LEAST_PATIENTS", 2)
    shutil.copytree(scored_with_held_out, tmp_path / "atlas")
    with opened(tmp_path / "atlas") as project:
        yield project


HALF_JUDGED = (["starter-r1"], ["phantom_0002"])


def _half_done(project, abdomens, tasks_dir):
    half = loop.first_half(project, tasks_dir, top=1)
    revise(abdomens, half.tasks, tasks_dir)


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

    project = with_held_out
    _half_done(project, abdomens, tmp_path / "1")
    with monkeypatch.context() as patched:
        if step == "evaluate":
            patched.setattr(loop, "evaluate", kill)
        elif step == "predict_held_out":
            patched.setattr(
                loop, "judge_round", lambda _space, _labelled, predict: kill(predict(*HALF_JUDGED))
            )
        else:
            noun, method = step.split(".")
            patched.setattr(getattr(project.store, noun), method, kill)
        with pytest.raises(Killed):
            loop.second_half(project, tmp_path / "1", "V1")
    assert project.store.rounds.current().number == 1
    weights = project.folder.network_dir("starter-r1") / "weights.safetensors"
    written = weights.stat().st_mtime_ns
    done = loop.second_half(project, tmp_path / "1", "V1")
    assert weights.stat().st_mtime_ns == written
    assert [one.version for one in project.store.releases.all()] == ["V1"]
    assert project.store.promotions.all() == [done.verdict]
    assert len(project.store.revisions.all()) == 1
    assert [one.number for one in project.store.rounds.all()] == [1, 2]


def test_a_round_whose_network_was_promoted_before_a_kill_begins_with_the_next_command(
    with_held_out, abdomens, tmp_path, monkeypatch
):
    project = with_held_out
    _half_done(project, abdomens, tmp_path / "1")
    with monkeypatch.context() as patched:
        patched.setattr(loop, "start_next_round", lambda _: None)
        loop.second_half(project, tmp_path / "1", "V1")
    assert project.store.rounds.current().number == 1
    half = loop.first_half(project, tmp_path / "2", top=1)
    assert {task.round_number for task in half.tasks} == {2}
