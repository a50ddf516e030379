"""One round in two halves, with people between them: the shipped network and recipe, on small CTs."""

import json
import shutil
from dataclasses import replace

import pytest

from fixtures.rounds import revise
from omentum import loop
from omentum.errors import ReleaseError, ReviewError
from omentum.project.project import opened
from omentum.records import TaskKind, TaskState
from omentum.records.promotions import GateOutcome
from omentum.score.audit_draw import audit_tasks


@pytest.fixture
def project(home, few_steps, scored_project, tmp_path):
    shutil.copytree(scored_project, tmp_path / "atlas")
    with opened(tmp_path / "atlas") as project:
        yield project


def test_the_first_half_ends_with_tasks_for_people(project, tmp_path):
    told = []
    half = loop.first_half(project, tmp_path / "tasks", top=3, progress=lambda step, *_: told.append(step))
    assert told == ["predict starter", "predict starter", "score", "score"]
    assert [task.rank for task in sorted(half.tasks, key=lambda task: task.rank)] == [1, 2, 3]
    states = [task.state for task in project.store.tasks.of_round(1)]
    assert states.count(TaskState.QUEUED) == len(states) - 3
    assert all((tmp_path / "tasks" / task.case_id / "task.json").is_file() for task in half.tasks)


def test_the_second_half_ends_with_a_network_that_is_judged_and_then_the_next_round_begins(
    project, abdomens, tmp_path
):
    half = loop.first_half(project, tmp_path / "tasks", top=2)
    minutes_of = revise(abdomens, half.tasks, tmp_path / "tasks")
    done = loop.second_half(project, tmp_path / "tasks", "V1", minutes_of=minutes_of)
    assert len(done.revisions) == 2
    assert {one.minutes for one in done.revisions} == set(minutes_of.values())
    assert done.release.n_cases == 2
    assert (done.network.name, done.network.parent) == ("starter-r1", "starter")
    assert done.verdict.outcome is GateOutcome.UNDECIDED, "nobody is held out"
    assert project.store.rounds.current().number == 1
    assert "fewer than 8 held-out patients" in done.report_path.read_text()
    loop.decide(project, accept=True, by="reader-1")
    current = project.store.rounds.current()
    assert (current.number, current.network) == (2, "starter-r1")
    report, path = loop.evaluate(project, truth=abdomens)
    assert [one.number for one in report.rounds] == [1]
    assert path.is_file()


@pytest.fixture
def of_two(home, few_steps, scored_project, tmp_path):
    """The same project with a second network, which has not predicted yet."""
    root = tmp_path / "atlas"
    shutil.copytree(scored_project, root)
    toml = root / "omentum.toml"
    toml.write_text(toml.read_text().replace('["starter"]', '["starter", "starter-second"]'))
    return root


def _heard(project):
    """Tell which networks, with which weights, had a say in the attention of every case."""
    folders = [project.folder.attention_dir(case.case_id) for case in project.store.cases.all()]
    said = [json.loads((folder / "hot_spots.json").read_text())["networks"] for folder in folders]
    assert said == [said[0]] * len(folders)
    return said[0]


def test_two_networks_have_a_say_in_every_round_and_the_first_alone_is_tuned(of_two, abdomens, tmp_path):
    with opened(of_two) as project:
        half = loop.first_half(project, tmp_path / "1", top=2)
        first = _heard(project)
        assert [*first] == ["starter", "starter-second"]
        revise(abdomens, half.tasks, tmp_path / "1")
        done = loop.second_half(project, tmp_path / "1", "V1")
        loop.decide(project, accept=True, by="reader-1")
        assert done.network.parent == "starter"
        assert {one.network for one in done.revisions} == {"starter"}

        loop.first_half(project, tmp_path / "2", top=1)
        second = _heard(project)
        assert second == {
            "starter-r1": done.network.weights_sha256,
            "starter-second": first["starter-second"],
        }
        assert all(batch.done == () for batch in loop.predict(project))
        report, _ = loop.evaluate(project, truth=abdomens)
        assert [one.network for one in report.rounds] == ["starter", "starter-r1"]

    toml = of_two / "omentum.toml"
    toml.write_text(toml.read_text().replace('["starter", "starter-second"]', '["starter"]'))
    with opened(of_two) as project:
        (predicted,) = loop.predict(project)
        assert predicted.done == ()
        assert len(loop.score(project).done) == 2
        assert _heard(project) == {"starter-r1": done.network.weights_sha256}


def test_without_a_revision_the_second_half_says_what_is_missing(project, tmp_path):
    loop.first_half(project, tmp_path / "tasks", top=2)
    with pytest.raises(ReviewError, match="_revised"):
        loop.second_half(project, tmp_path / "tasks", "V1")
    assert project.store.rounds.current().number == 1
    assert project.store.releases.all() == []


def test_a_second_half_that_was_killed_after_the_release_goes_on(project, abdomens, tmp_path, monkeypatch):
    half = loop.first_half(project, tmp_path / "tasks", top=1)
    revise(abdomens, half.tasks, tmp_path / "tasks")

    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(loop, "tune", killed)
        with pytest.raises(KeyboardInterrupt):
            loop.second_half(project, tmp_path / "tasks", "V1")
    assert loop.second_half(project, tmp_path / "tasks", "V1").network.name == "starter-r1"
    assert [release.version for release in project.store.releases.all()] == ["V1"]


def test_a_version_of_an_earlier_round_is_not_taken_for_this_one(project, abdomens, tmp_path):
    for number in (1, 2):
        half = loop.first_half(project, tmp_path / str(number), top=1)
        revise(abdomens, half.tasks, tmp_path / str(number))
        if number == 1:
            loop.second_half(project, tmp_path / "1", "V1")
            loop.decide(project, accept=True, by="reader-1")
    with pytest.raises(ReleaseError, match="already"):
        loop.second_half(project, tmp_path / "2", "V1")


def _audited(project, tasks_dir, minutes=2.0):
    """Run the first half, with an audit behind the first two tasks of the queue."""
    loop.predict(project)
    loop.score(project)
    tasks = project.store.tasks.of_round(1)
    queue = [one for one in tasks if one.kind is TaskKind.ATTENTION][:2]
    audits = audit_tasks(project, queue, minutes)
    project.store.tasks.replace(1, [*queue, *audits])
    tasks = loop.export_round(project, tasks_dir).tasks
    drawn = [(task.case_id, task.organ) for task in tasks if task.is_audit]
    assert drawn
    return tasks, drawn


def test_what_the_audit_drew_is_kept_and_released_but_learned_from_only_in_later_rounds(
    project, abdomens, tmp_path
):
    tasks, drawn = _audited(project, tmp_path / "1")
    revise(abdomens, tasks, tmp_path / "1")
    done = loop.second_half(project, tmp_path / "1", "V1")
    assert {(one.case_id, one.organ) for one in done.revisions} >= set(drawn)
    learned = json.loads((done.network.folder / "tune.json").read_text())["cases"]
    assert not {(case_id, name) for case_id, organs in learned.items() for name in organs} & set(drawn)
    for case_id, name in drawn:
        lineage = json.loads((done.release.folder / case_id / "lineage.json").read_text())
        assert lineage["organs"][name]["source"] == "revised"
    later = {(one.case.case_id, mask.organ) for one in project.standing() for mask in one.masks}
    assert set(drawn) <= later


def test_the_loop_stops_by_the_audit_and_says_so(project, abdomens, tmp_path):
    tasks, drawn = _audited(project, tmp_path / "1")
    assert loop.stop_rule(project).why.startswith(f"no bound: {len(drawn)} of {len(drawn)}")
    revise(abdomens, tasks, tmp_path / "1")
    easy = replace(project, settings=project.settings.changed(audit_bound=1.0))
    done = loop.second_half(easy, tmp_path / "1", "V1")
    assert done.stop.is_met
    assert "this round may be the last" in done.stop.why
    assert done.network is None
    assert project.store.rounds.current().number == 1
    assert "may be the last" not in loop.stop_rule(project).why  # by the bound of 5 %
    again = loop.second_half(easy, tmp_path / "1", "V1")
    assert (again.release, again.network) == (done.release, None)
    assert loop.second_half(project, tmp_path / "1", "V1").network.name == "starter-r1"


def test_with_a_bound_of_zero_rounds_go_on_for_ever(project, abdomens, tmp_path):
    tasks, _ = _audited(project, tmp_path / "1")
    revise(abdomens, tasks, tmp_path / "1")
    loop.import_round(project, tmp_path / "1")
    endless = replace(project, settings=project.settings.changed(audit_bound=0.0))
    stop = loop.stop_rule(endless)
    assert stop.audit.share is not None
    assert not stop.is_met
