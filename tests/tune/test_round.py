import json
from dataclasses import replace

import numpy as np
import pytest

from omentum.assemble.round import labelled_cases
from omentum.errors import TuneError
from omentum.exchange.batch import add_cases
from omentum.networks.weights import load_network, tensors_sha256
from omentum.predict.round import predict_round
from omentum.records import CaseScore, OrganScore
from omentum.review.round import import_round
from omentum.settings import Settings
from omentum.tune import cache as cache_module
from omentum.tune import continual_round, full_round
from omentum.tune.config import ContinualConfig, FullConfig
from omentum.tune.round import tune_round
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_masks, write_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume
from omentum.workspace import new_workspace, opened, prediction_stage

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


@pytest.fixture
def workspace(home, cohort, tmp_path):
    """Four made-up patients with true masks as predictions; the last is held out."""
    new_workspace(tmp_path / "atlas", Settings(networks=("tiny",), held_out_share=0.0))
    with opened(tmp_path / "atlas") as workspace:
        add_cases(workspace, [cohort])
        workspace.store.cases.hold_out([HELD_OUT])
        for case in workspace.store.cases.all():
            labels = read_nifti(cohort / case.case_id / "labels.nii.gz").voxels
            masks = MaskSet.from_labels(labels, case.geometry, workspace.settings.organs)
            folder = workspace.folder.prediction_dir(case.case_id, "tiny")
            write_masks(folder / "masks.nii.gz", masks)
            detail = {"weights_sha256": "w" * 64, "organs": list(masks.organs), "overlap": 0.5}
            workspace.store.ledger.mark_done(prediction_stage("tiny"), case.case_id, detail)
        yield workspace


@pytest.fixture
def revise(workspace, cohort, tmp_path):
    """Takes the true mask of an organ of some cases as a reader's."""

    def take(name: str, *case_ids: str):
        folder = tmp_path / f"tasks-{workspace.store.rounds.current().number}"
        for case_id in case_ids:
            labels = read_nifti(cohort / case_id / "labels.nii.gz")
            mask = Volume(labels.voxels == organ(name).index, labels.geometry)
            write_nifti(folder / case_id / f"{name}_revised.nii.gz", mask)
        import_round(workspace, folder)

    return take


def tuned(workspace, config=HEADS, progress=None):
    return tune_round(workspace, labelled_cases(workspace), config, progress=progress)


def story_of(record) -> dict:
    return json.loads((record.folder / "tune.json").read_text())


def rounds(workspace) -> list[tuple[int, str, bool]]:
    return [(one.number, one.network, one.finished is not None) for one in workspace.store.rounds.all()]


def test_a_round_ends_with_a_network_that_the_next_one_begins_with(workspace, revise, tiny_weights):
    revise("liver", "phantom_0000")
    told = []
    record = tuned(workspace, progress=lambda *progress: told.append(progress))
    assert (record.name, record.parent, record.round_number) == ("tiny-r1", "tiny", 1)
    assert record.folder == workspace.folder.root / "networks" / "tiny-r1"
    names = ["model-card.md", "tune.json", "weights.safetensors"]
    assert sorted(path.name for path in record.folder.iterdir()) == names
    assert workspace.store.networks.all() == [record]
    assert rounds(workspace) == [(1, "tiny", True), (2, "tiny-r1", False)]
    assert workspace.networks == ("tiny-r1",)
    assert list(dict.fromkeys(what for what, *_ in told)) == ["prepare cases", "cache features", "tune heads"]
    assert told[-1][:3] == ("tune heads", 8, 8)

    before, after = load_network(tiny_weights), load_network(record.folder / "weights.safetensors")
    assert tensors_sha256(after.state_dict()) == record.weights_sha256
    own = set(before.head_tensors("liver"))
    differ = {key for key, value in before.state_dict().items() if not value.equal(after.state_dict()[key])}
    assert differ == own


def test_what_was_done_is_written_beside_the_weights(workspace, revise):
    revise("liver", "phantom_0000")
    revise("spleen", "phantom_0001")
    record = tuned(workspace)
    story = story_of(record)
    assert (story["mode"], story["parent"], story["round"]) == ("continual", "tiny", 1)
    assert story["organs"] == ["liver", "spleen"]
    assert story["weights_sha256"] == record.weights_sha256
    assert story["config"]["steps"] == 8
    assert record.weights_sha256 in (record.folder / "model-card.md").read_text()


def test_of_predicted_masks_those_that_drew_least_attention_are_seen_again(workspace, revise):
    revise("liver", "phantom_0000")
    scores = [
        CaseScore(
            case_id=case_id,
            score=ml,
            organs=(OrganScore(organ="liver", attention_voxels=1, attention_ml=ml, heat=1.0),),
        )
        for case_id, ml in (("phantom_0001", 1.0), ("phantom_0002", 2.0), (HELD_OUT, 3.0))
    ]
    workspace.store.scores.replace(1, scores)
    seen = story_of(tuned(workspace))["cases"]
    assert seen == {"phantom_0000": ["liver"], "phantom_0001": ["liver"]}


def test_a_patient_that_is_held_out_is_never_learned_from(workspace, revise):
    revise("liver", "phantom_0000", HELD_OUT)
    story = story_of(tuned(workspace, ContinualConfig(steps=2, samples_per_class=50, replay_share=1.0)))
    assert sorted(story["cases"]) == ["phantom_0000", "phantom_0001", "phantom_0002"]
    assert not list(workspace.folder.cache_dir.glob(f"{HELD_OUT}*"))
    story = story_of(tuned(workspace, ALL))
    assert story["cases"] == ["phantom_0000"], "in round 2 nothing is predicted, and one case revised"


def test_without_a_revision_of_a_patient_to_learn_from_nothing_is_tuned(workspace, revise):
    with pytest.raises(TuneError, match="round 1 has no revision"):
        tuned(workspace)
    revise("liver", HELD_OUT)
    with pytest.raises(TuneError, match="held-out"):
        tuned(workspace)
    assert rounds(workspace) == [(1, "tiny", False)]
    assert workspace.store.networks.all() == []
    assert not (workspace.folder.root / "networks").exists()


def test_a_revision_of_an_organ_that_the_network_has_no_head_for_is_nothing_to_tune(workspace, revise):
    revise("colon", "phantom_0000")
    with pytest.raises(TuneError):
        tuned(workspace)


def test_revisions_of_earlier_rounds_are_not_tuned_on_again(workspace, revise):
    revise("liver", "phantom_0000")
    tuned(workspace)
    with pytest.raises(TuneError, match="round 2 has no revision"):
        tuned(workspace)
    revise("spleen", "phantom_0001")
    record = tuned(workspace)
    assert (record.name, record.parent) == ("tiny-r2", "tiny-r1")
    assert story_of(record)["organs"] == ["spleen"]


def test_the_next_prediction_is_made_by_the_new_network(workspace, revise):
    revise("liver", "phantom_0000")
    record = tuned(workspace)
    (batch,) = predict_round(workspace)
    assert len(batch.done) == 4
    made = workspace.predictions("tiny-r1")
    assert {one.weights_sha256 for one in made.values()} == {record.weights_sha256}


@pytest.mark.parametrize(("noun", "method"), [("networks", "add"), ("rounds", "finish"), ("rounds", "start")])
def test_killed_between_files_and_database_the_same_call_ends_in_the_same_network(
    workspace, revise, monkeypatch, noun, method
):
    revise("liver", "phantom_0000")
    with monkeypatch.context() as patched:
        patched.setattr(getattr(workspace.store, noun), method, _killing)
        with pytest.raises(Killed):
            tuned(workspace)
    path = workspace.folder.network_dir("tiny-r1") / "weights.safetensors"
    sha256 = tensors_sha256(load_network(path).state_dict())
    record = tuned(workspace)
    assert record.weights_sha256 == sha256
    assert tensors_sha256(load_network(path).state_dict()) == sha256
    assert rounds(workspace) == [(1, "tiny", True), (2, "tiny-r1", False)]
    assert [one.name for one in workspace.store.networks.all()] == ["tiny-r1"]


def _killing(*_arguments):
    raise Killed


def test_a_network_that_is_noted_is_never_made_anew_whatever_changed_since(workspace, revise, monkeypatch):
    revise("liver", "phantom_0000")
    with monkeypatch.context() as patched:
        patched.setattr(workspace.store.rounds, "finish", _killing)
        with pytest.raises(Killed):
            tuned(workspace)
    (noted,) = workspace.store.networks.all()
    revise("liver", "phantom_0001")
    monkeypatch.setattr(continual_round, "tune_heads", None)
    assert tuned(workspace, ContinualConfig(seed=5)) == noted
    assert workspace.store.rounds.current().network == "tiny-r1"


def test_the_order_in_which_cases_come_changes_no_bit(workspace, revise, monkeypatch):
    revise("liver", "phantom_0000", "phantom_0001")
    labelled = labelled_cases(workspace)
    with monkeypatch.context() as patched:
        patched.setattr(workspace.store.networks, "add", _killing)
        with pytest.raises(Killed):
            tune_round(workspace, labelled, HEADS)
    path = workspace.folder.network_dir("tiny-r1") / "weights.safetensors"
    first = path.read_bytes()
    assert tune_round(workspace, labelled[::-1], HEADS).folder == path.parent
    assert path.read_bytes() == first


def test_full_training_makes_a_network_from_every_label_there_is(workspace, tiny_weights):
    record = tuned(workspace, ALL)
    story = story_of(record)
    assert story["mode"] == "full"
    assert story["cases"] == ["phantom_0000", "phantom_0001", "phantom_0002"]
    assert story["config"]["patch_voxels"] == [16, 16, 16]
    network = load_network(record.folder / "weights.safetensors")
    assert network.spec.organs == workspace.settings.organs
    assert network.spec.spacing_mm == 8.0
    assert record.weights_sha256 != tensors_sha256(load_network(tiny_weights).state_dict())
    assert not (record.folder / "checkpoint.pt").exists()
    assert workspace.networks == ("tiny-r1",)


def test_full_training_that_was_killed_goes_on_from_its_checkpoint_until_it_is_noted(workspace, monkeypatch):
    steps = []

    def die_at(step):
        def progress(what, done, *_):
            if what == "train":
                steps.append(done)
                if done == step:
                    raise Killed

        return progress

    with pytest.raises(Killed):
        tuned(workspace, ALL, die_at(3))
    with monkeypatch.context() as patched:
        patched.setattr(workspace.store.networks, "add", _killing)
        with pytest.raises(Killed):
            tuned(workspace, ALL, die_at(None))
    record = tuned(workspace, ALL, die_at(None))
    assert steps == [1, 2, 3, 3, 3], "all that was lost is what came after the last checkpoint"
    assert rounds(workspace) == [(1, "tiny", True), (2, "tiny-r1", False)]
    assert not (record.folder / "checkpoint.pt").exists()
    weights = load_network(record.folder / "weights.safetensors")
    assert tensors_sha256(weights.state_dict()) == record.weights_sha256
    assert all(np.isfinite(value.numpy()).all() for value in weights.state_dict().values())


def test_without_any_label_there_is_nothing_to_train_on(workspace):
    for case_id in workspace.predictions("tiny"):
        workspace.store.ledger.forget(prediction_stage("tiny"), case_id)
    with pytest.raises(TuneError, match="no case has a label"):
        tuned(workspace, ALL)
    assert rounds(workspace) == [(1, "tiny", False)]


def test_full_training_goes_on_from_the_network_in_use_where_asked(
    workspace, revise, tiny_weights, monkeypatch
):
    revise("liver", "phantom_0000")
    begun = []
    monkeypatch.setattr(full_round, "train_full", lambda made, *_, **__: begun.append(made.state_dict()))
    tuned(workspace, replace(ALL, start="parent"))
    assert tensors_sha256(begun[0]) == tensors_sha256(load_network(tiny_weights).state_dict())


def test_masks_that_people_vouch_for_are_replayed_before_predicted_ones(workspace, revise):
    everything = ContinualConfig(steps=1, samples_per_class=50, replay_share=0.5)
    revise("liver", "phantom_0001")
    tuned(workspace, everything)
    _predicted_again(workspace)
    revise("liver", "phantom_0000")
    assert set(story_of(tuned(workspace, everything))["cases"]) == {"phantom_0000", "phantom_0001"}


def test_a_new_organ_gets_a_head_once_it_was_drawn_and_every_other_tensor_stays(
    workspace, revise, tiny_weights
):
    workspace = _with_new(workspace, "colon=stomach")
    revise("colon", "phantom_0000")
    record = tuned(workspace)
    story = story_of(record)
    assert story["organs"] == ["colon"]
    assert story["new_organs"] == {"colon": ["stomach"]}
    assert story["cases"] == {"phantom_0000": ["colon"]}
    before = load_network(tiny_weights).state_dict()
    network = load_network(record.folder / "weights.safetensors")
    assert set(network.head_tensors("colon")) == network.state_dict().keys() - before.keys()
    assert all(value.equal(network.state_dict()[key]) for key, value in before.items())
    predict_round(workspace)
    assert all("colon" in one.organs for one in workspace.predictions(record.name).values())


def test_a_new_organ_is_learned_beside_what_was_revised(workspace, revise):
    workspace = _with_new(workspace, "colon")
    revise("liver", "phantom_0001")
    revise("colon", "phantom_0000", "phantom_0001")
    story = story_of(tuned(workspace))
    assert story["organs"] == ["colon", "liver"]
    assert story["cases"]["phantom_0001"] == ["colon", "liver"]


def test_a_new_organ_that_nobody_drew_waits(workspace, revise):
    workspace = _with_new(workspace, "colon")
    with pytest.raises(TuneError, match="colon has no mask that people vouch for; draw it in some cases"):
        tuned(workspace)
    revise("liver", "phantom_0000")
    record = tuned(workspace)
    assert story_of(record)["organs"] == ["liver"]
    assert "colon" not in load_network(record.folder / "weights.safetensors").spec.organs


def test_an_organ_that_is_asked_for_needs_a_label(workspace, revise):
    revise("liver", "phantom_0000")
    with pytest.raises(TuneError, match="spleen has no mask that people vouch for"):
        tuned(workspace, replace(HEADS, organs=("liver", "spleen")))
    assert rounds(workspace) == [(1, "tiny", False)]


def test_adapters_are_learned_where_asked_and_predict_from_the_file(workspace, revise, tiny_weights):
    revise("liver", "phantom_0000")
    record = tuned(workspace, replace(HEADS, trainable="heads+adapters"))
    network = load_network(record.folder / "weights.safetensors")
    assert network.spec.adapters == ("liver",)
    before = load_network(tiny_weights)
    for name in before.spec.organs:
        is_same = all(
            value.equal(network.state_dict()[key]) for key, value in before.head_tensors(name).items()
        )
        assert is_same is (name != "liver")
    (batch,) = predict_round(workspace)
    assert len(batch.done) == 4


def test_a_second_run_takes_features_from_the_first_ones_cache(workspace, revise, monkeypatch):
    revise("liver", "phantom_0000")
    with monkeypatch.context() as patched:
        patched.setattr(workspace.store.networks, "add", _killing)
        with pytest.raises(Killed):
            tuned(workspace)
    monkeypatch.setattr(cache_module, "sample_case", None)
    record = tuned(workspace)
    told = story_of(record)["cache_bytes"]
    files = list((workspace.folder.cache_dir / "features").iterdir())
    assert sum(path.stat().st_size for path in files) == told["taken"] <= told["at_most"]


def _with_new(workspace, text: str):
    settings = workspace.settings
    name = text.partition("=")[0]
    grown = replace(settings, organs=(*settings.organs, name), new_organs=(text,))
    return replace(workspace, settings=grown)


def _predicted_again(workspace):
    name = workspace.store.rounds.current().network
    for case_id, made in workspace.predictions("tiny").items():
        masks = read_masks(made.masks_path)
        detail = {"weights_sha256": "v" * 64, "organs": list(made.organs), "overlap": 0.5}
        write_masks(workspace.folder.prediction_dir(case_id, name) / "masks.nii.gz", masks)
        workspace.store.ledger.mark_done(prediction_stage(name), case_id, detail)
