import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import TuneError
from omentum.networks.weights import load_network, tensors_sha256
from omentum.predict.stage import predict_round
from omentum.records import MaskFinding
from omentum.tune import continual_stage as continual_round
from omentum.tune import full_stage as full_round
from omentum.tune.config import ContinualConfig, FullConfig
from omentum.tune.full_training import Outcome
from omentum.tune.stage import tune_round
from omentum.tune.training_plan import learned_from

HEADS = ContinualConfig(steps=8, samples_per_class=300, learning_rate=2e-2)
ALL = FullConfig(
    steps=3,
    patch_voxels=(16, 16, 16),
    window_voxels=(32, 32, 32),
    spacing_mm=8.0,
    checkpoint_every=2,
)
HELD_OUT = "phantom_0003"


class Killed(BaseException):
    """Stands for a kill: nothing in the package catches it."""


def tuned(project, config=HEADS, progress=None):
    return tune_round(project, project.standing(), config, progress=progress)


def story_of(record) -> dict:
    return json.loads((record.folder / "tune.json").read_text())


def rounds(project) -> list[tuple[int, str, bool]]:
    return [(one.number, one.network, one.finished is not None) for one in project.store.rounds.all()]


def test_tuning_notes_a_network_and_the_round_goes_on_until_it_is_judged(project, revise, tiny_weights):
    revise("liver", "phantom_0000")
    told = []
    record = tuned(project, progress=lambda *progress: told.append(progress))
    assert (record.name, record.parent, record.round_number) == ("tiny-r1", "tiny", 1)
    assert record.folder == project.folder.root / "networks" / "tiny-r1"
    names = ["model-card.md", "tune.json", "weights.safetensors"]
    assert sorted(path.name for path in record.folder.iterdir()) == names
    assert project.store.networks.all() == [record]
    assert rounds(project) == [(1, "tiny", False)]
    assert project.networks == ("tiny",), "it is not in use before it is judged"
    assert list(dict.fromkeys(what for what, *_ in told)) == ["prepare cases", "cache features", "tune heads"]
    assert told[-1][:3] == ("tune heads", 8, 8)

    before, after = load_network(tiny_weights), load_network(record.folder / "weights.safetensors")
    assert tensors_sha256(after.state_dict()) == record.weights_sha256
    own = set(before.head_tensors("liver"))
    differ = {key for key, value in before.state_dict().items() if not value.equal(after.state_dict()[key])}
    assert differ == own


def test_what_was_done_is_written_beside_the_weights(project, revise):
    revise("liver", "phantom_0000")
    revise("spleen", "phantom_0001")
    record = tuned(project)
    story = story_of(record)
    assert (story["mode"], story["parent"], story["round"]) == ("continual", "tiny", 1)
    assert story["organs"] == ["liver", "spleen"]
    assert story["weights_sha256"] == record.weights_sha256
    assert story["config"]["steps"] == 8
    assert record.weights_sha256 in (record.folder / "model-card.md").read_text()


def test_a_patient_that_is_held_out_is_never_learned_from(project, revise):
    revise("liver", "phantom_0000", HELD_OUT)
    story = story_of(tuned(project, ContinualConfig(steps=2, samples_per_class=50, replay_share=1.0)))
    assert sorted(story["cases"]) == ["phantom_0000", "phantom_0001", "phantom_0002"]
    assert not list(project.folder.cache_dir.glob(f"{HELD_OUT}*"))
    project.store.rounds.turn(1, "tiny-r1")
    story = story_of(tuned(project, ALL))
    assert story["cases"] == ["phantom_0000"], "in round 2 nothing is predicted, and one case revised"


def test_what_a_network_learned_is_kept_with_it_mask_by_mask(project, revise):
    revise("liver", "phantom_0000")
    tuned(project, HEADS.changed(replay_least=1, replay_share=0.0, replay_limit=1))
    store = project.store
    sha256s = {
        (one.case.case_id, mask.organ): mask.sha256 for one in project.standing() for mask in one.masks
    }
    learned = store.learned_masks.of_network("tiny-r1")
    assert learned == {("phantom_0000", "liver"): sha256s["phantom_0000", "liver"]}
    assert [one.key for one in project.unlearned()] == [("phantom_0000", "liver")], "by the network in use"
    store.rounds.turn(1, "tiny-r1")
    assert project.unlearned() == []
    revise("liver", "phantom_0000")
    assert project.unlearned() == [], "the same mask is no new lesson"


def test_a_mask_that_is_held_back_is_not_learned(project, revise):
    revise("liver", "phantom_0000", "phantom_0001")
    (first, _) = project.store.revisions.all()
    severe = MaskFinding(organ="liver", rule="extreme_volume", said="too large", severity=1.0, holds=True)
    project.store.revisions.keep_findings(first.number, [severe])
    cases = [one for one in project.standing() if not one.case.held_out]
    plan = learned_from(project, cases, project.unlearned(), HEADS, ("liver",))
    assert plan["phantom_0001"] == {"liver": 1.0}
    assert "phantom_0000" not in plan


def test_planning_what_to_learn_opens_no_volume(project, revise, monkeypatch):
    revise("liver", "phantom_0000")
    monkeypatch.setattr(nib, "load", None)
    cases = [one for one in project.standing() if not one.case.held_out]
    assert learned_from(project, cases, project.unlearned(), HEADS, ("liver",))


def test_without_a_revision_of_a_patient_to_learn_from_nothing_is_tuned(project, revise):
    with pytest.raises(TuneError, match="round 1 has no revision"):
        tuned(project)
    revise("liver", HELD_OUT)
    with pytest.raises(TuneError, match="held-out"):
        tuned(project)
    assert rounds(project) == [(1, "tiny", False)]
    assert project.store.networks.all() == []
    assert not (project.folder.root / "networks").exists()


def test_what_a_network_that_was_kept_out_had_learned_is_learned_in_the_next_round(project, revise):
    revise("liver", "phantom_0000")
    tuned(project)
    project.store.rounds.turn(1, "tiny")
    record = tuned(project)
    assert (record.name, record.parent) == ("tiny-r2", "tiny")
    assert story_of(record)["organs"] == ["liver"]


@pytest.mark.parametrize("config", [HEADS, ALL], ids=["continual", "full"])
def test_a_patient_on_both_sides_of_the_split_is_refused(project, revise, config):
    revise("liver", "phantom_0000")
    labelled = project.standing()
    patient_id = labelled[0].case.patient_id
    split = [replace(one, case=replace(one.case, patient_id=patient_id)) for one in labelled]
    with pytest.raises(TuneError, match=f"1 patients .{patient_id}. are held out and learned from"):
        tune_round(project, split, config)


@pytest.mark.parametrize("config", [HEADS, ALL], ids=["continual", "full"])
def test_a_held_out_patient_is_refused_under_whatever_case(project, revise, config):
    revise("liver", "phantom_0000")
    labelled = {one.case.case_id: one for one in project.standing()}
    kept = labelled.pop(HELD_OUT)
    patient_id = kept.case.patient_id
    another = replace(kept, case=replace(kept.case, case_id="another", held_out=False))
    for wrong in (another, replace(kept, case=replace(kept.case, held_out=False))):
        with pytest.raises(TuneError, match=f"1 patients .{patient_id}. are held out and learned from"):
            tune_round(project, [*labelled.values(), wrong], config)


def test_revisions_of_earlier_rounds_are_not_tuned_on_again(project, revise):
    revise("liver", "phantom_0000")
    tuned(project)
    project.store.rounds.turn(1, "tiny-r1")
    with pytest.raises(TuneError, match="round 2 has no revision"):
        tuned(project)
    revise("spleen", "phantom_0001")
    record = tuned(project)
    assert (record.name, record.parent) == ("tiny-r2", "tiny-r1")
    assert story_of(record)["organs"] == ["spleen"]


def test_the_next_prediction_is_made_by_the_new_network(project, revise):
    revise("liver", "phantom_0000")
    record = tuned(project)
    project.store.rounds.turn(1, record.name)
    (batch,) = predict_round(project)
    assert len(batch.done) == 4
    made = project.predictions("tiny-r1")
    assert {one.weights_sha256 for one in made.values()} == {record.weights_sha256}


def test_killed_between_files_and_database_the_same_call_ends_in_the_same_network(
    project, revise, monkeypatch
):
    revise("liver", "phantom_0000")
    with monkeypatch.context() as patched:
        patched.setattr(project.store.networks, "add", _killing)
        with pytest.raises(Killed):
            tuned(project)
    path = project.folder.network_dir("tiny-r1") / "weights.safetensors"
    sha256 = tensors_sha256(load_network(path).state_dict())
    record = tuned(project)
    assert record.weights_sha256 == sha256
    assert tensors_sha256(load_network(path).state_dict()) == sha256
    assert [one.name for one in project.store.networks.all()] == ["tiny-r1"]


def _killing(*_arguments):
    raise Killed


def test_a_network_that_is_noted_is_never_made_anew_whatever_changed_since(project, revise, monkeypatch):
    revise("liver", "phantom_0000")
    tuned(project)
    (noted,) = project.store.networks.all()
    revise("liver", "phantom_0001")
    monkeypatch.setattr(continual_round, "tune_heads", None)
    assert tuned(project, ContinualConfig(seed=5)) == noted


def test_the_order_in_which_cases_come_changes_no_bit(project, revise, monkeypatch):
    revise("liver", "phantom_0000", "phantom_0001")
    labelled = project.standing()
    with monkeypatch.context() as patched:
        patched.setattr(project.store.networks, "add", _killing)
        with pytest.raises(Killed):
            tune_round(project, labelled, HEADS)
    path = project.folder.network_dir("tiny-r1") / "weights.safetensors"
    first = path.read_bytes()
    assert tune_round(project, labelled[::-1], HEADS).folder == path.parent
    assert path.read_bytes() == first


def test_full_training_makes_a_network_from_every_label_there_is(project, tiny_weights):
    record = tuned(project, ALL)
    story = story_of(record)
    assert story["mode"] == "full"
    assert story["cases"] == ["phantom_0000", "phantom_0001", "phantom_0002"]
    keys = {(case_id, name) for case_id in story["cases"] for name in project.settings.organs}
    assert project.store.learned_masks.of_network("tiny-r1").keys() == keys
    assert story["config"]["patch_voxels"] == [16, 16, 16]
    network = load_network(record.folder / "weights.safetensors")
    assert network.spec.organs == project.settings.organs
    assert network.spec.spacing_mm == 8.0
    assert record.weights_sha256 != tensors_sha256(load_network(tiny_weights).state_dict())
    assert not (record.folder / "checkpoint.pt").exists()


def test_full_training_that_was_killed_goes_on_from_its_checkpoint_until_it_is_noted(project, monkeypatch):
    steps = []

    def die_at(step):
        def progress(what, done, *_):
            if what == "train":
                steps.append(done)
                if done == step:
                    raise Killed

        return progress

    with pytest.raises(Killed):
        tuned(project, ALL, die_at(3))
    with monkeypatch.context() as patched:
        patched.setattr(project.store.networks, "add", _killing)
        with pytest.raises(Killed):
            tuned(project, ALL, die_at(None))
    record = tuned(project, ALL, die_at(None))
    assert steps == [1, 2, 3, 3, 3], "all that was lost is what came after the last checkpoint"
    assert not (record.folder / "checkpoint.pt").exists()
    weights = load_network(record.folder / "weights.safetensors")
    assert tensors_sha256(weights.state_dict()) == record.weights_sha256
    assert all(np.isfinite(value.numpy()).all() for value in weights.state_dict().values())


def test_without_any_label_there_is_nothing_to_train_on(project):
    for case_id in project.predictions("tiny"):
        project.store.predictions.forget(case_id, "tiny")
    with pytest.raises(TuneError, match="no case has a label"):
        tuned(project, ALL)
    assert rounds(project) == [(1, "tiny", False)]


def test_full_training_goes_on_from_the_network_in_use_where_asked(
    project, revise, tiny_weights, monkeypatch
):
    revise("liver", "phantom_0000")
    begun = []
    ended = Outcome(steps=0, best_dice=None, best_step=None, precision="32-true", weights_sha256=())

    def run_on(_device, run, _watch):
        begun.append(run.network.state_dict())
        return ended

    monkeypatch.setattr(full_round, "run_on", run_on)
    tuned(project, ALL.changed(start="parent"))
    assert tensors_sha256(begun[0]) == tensors_sha256(load_network(tiny_weights).state_dict())
