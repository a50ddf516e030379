import json
from dataclasses import replace

import pytest

from omentum.evaluate.gate_stage import judge_round, start_next_round
from omentum.networks.weights import load_network, tensors_sha256
from omentum.records.promotions import GateOutcome
from omentum.tune import choose_fit as choose_fit_module
from omentum.tune.config import ContinualConfig
from omentum.tune.fit_copies import Fit
from omentum.tune.fit_settings import schedule_for
from omentum.tune.say_choices import choices_in_words
from omentum.tune.stage import tune_round

CONFIG = ContinualConfig(samples_per_class=300)
TAUGHT = ("phantom_0000", "phantom_0001", "phantom_0002")
HELD_OUT = "phantom_0003"


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Fits take a few steps only."""
    fit = Fit(steps=30, learning_rate=2e-2)
    monkeypatch.setattr(choose_fit_module, "schedule_for", lambda n: replace(schedule_for(n), fit=fit))


def tuned(project, config=CONFIG):
    return tune_round(project, project.standing(), config)


def story_of(record) -> dict:
    return json.loads((record.folder / "tune.json").read_text())


def test_an_organ_that_gains_is_changed_and_every_other_tensor_stays(project, revise, tiny_weights):
    revise("liver", *TAUGHT)
    revise("spleen", "phantom_0000")
    record = tuned(project)
    story = story_of(record)
    assert story["organs"] == ["liver"]
    assert story["cases"] == {case_id: ["liver"] for case_id in TAUGHT}
    liver, spleen = story["choices"]
    assert (liver["organ"], liver["is_changed"], liver["n_patients"]) == ("liver", True, 3)
    assert liver["gain"] > liver["threshold"] > 0
    assert (spleen["organ"], spleen["is_changed"], spleen["n_patients"]) == ("spleen", False, 1)

    before, after = load_network(tiny_weights), load_network(record.folder / "weights.safetensors")
    assert set(after.spec.adapters) <= {"liver"}
    own = set(before.head_tensors("liver"))
    changed = {key for key, value in before.state_dict().items() if not value.equal(after.state_dict()[key])}
    assert changed <= own
    assert after.head_tensors("liver").keys() != before.head_tensors("liver").keys() or changed


def test_what_was_chosen_is_said_in_words_in_the_model_card_too(project, revise):
    revise("liver", *TAUGHT)
    revise("spleen", "phantom_0000")
    record = tuned(project)
    liver, spleen = choices_in_words(story_of(record))
    assert liver.startswith("Liver: heads")
    assert "standard error" in liver
    assert spleen == (
        "Spleen: kept as it was; 1 patient has a mask of it that people vouch for, and it takes 2 to tell"
    )
    card = (record.folder / "model-card.md").read_text()
    assert liver in card
    assert spleen in card


def test_where_no_organ_gains_the_network_is_its_parent_and_the_gate_keeps_it_out(
    project, revise, tiny_weights
):
    revise("liver", "phantom_0000")
    record = tuned(project)
    assert record.weights_sha256 == tensors_sha256(load_network(tiny_weights).state_dict())
    assert story_of(record)["cases"] == {}
    assert story_of(record)["cache_bytes"]["taken"] == 0, "where nothing can be chosen no trunk runs"
    verdict = judge_round(project, project.standing(), predict=lambda *_: pytest.fail("nothing to predict"))
    assert verdict.outcome is GateOutcome.KEPT_OUT
    assert "kept every organ as it was" in verdict.why
    start_next_round(project)
    revise("liver", "phantom_0002")
    assert story_of(tuned(project))["choices"][0]["n_patients"] == 2, "what taught nothing teaches again"


def test_a_held_out_patient_is_in_no_fold(project, revise, monkeypatch):
    revise("liver", *TAUGHT, HELD_OUT)
    seen = []
    split = choose_fit_module.patient_folds

    def watched(patients, *arguments, **options):
        seen.append(dict(patients))
        return split(patients, *arguments, **options)

    monkeypatch.setattr(choose_fit_module, "patient_folds", watched)
    tuned(project)
    assert seen
    assert all(set(one) == set(TAUGHT) for one in seen)


def test_masks_that_the_audit_drew_are_in_no_fold(project, revise):
    revise("liver", *TAUGHT)
    labelled = project.standing()
    drawn = ("phantom_0001", "liver")
    kept = [
        replace(one, masks=tuple(mask for mask in one.masks if (one.case.case_id, mask.organ) != drawn))
        for one in labelled
    ]
    (liver,) = story_of(tune_round(project, kept, CONFIG))["choices"]
    assert liver["n_patients"] == 2


def test_an_organ_that_was_not_revised_in_this_round_is_not_looked_at(project, revise):
    revise("liver", *TAUGHT)
    tuned(project)
    project.store.rounds.turn(1, "tiny-r1")
    revise("spleen", "phantom_0000")
    assert [one["organ"] for one in story_of(tuned(project))["choices"]] == ["spleen"]


def test_settings_given_by_hand_are_taken_and_nothing_is_chosen(project, revise):
    revise("liver", "phantom_0000")
    story = story_of(tuned(project, ContinualConfig(steps=3, samples_per_class=100)))
    assert story["organs"] == ["liver"]
    assert "choices" not in story


def test_the_same_seed_chooses_the_same(project, revise, monkeypatch):
    revise("liver", *TAUGHT)
    first = tuned(project)
    choices = story_of(first)["choices"]
    project.store.rounds.turn(1, "tiny")
    again = tuned(project)
    assert story_of(again)["choices"] == choices
    assert again.weights_sha256 == first.weights_sha256
