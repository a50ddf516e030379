import json

import pytest

from omentum.errors import TuneError
from omentum.records import CaseScore, OrganScore
from omentum.tune.config import ContinualConfig
from omentum.tune.stage import tune_round
from omentum.tune.training_plan import learned_from
from omentum.volumes.mask_files import read_masks

HELD_OUT = "phantom_0003"
HEADS = ContinualConfig(steps=8, samples_per_class=300, learning_rate=2e-2, replay_least=0)


def tuned(project, config=HEADS):
    return tune_round(project, project.standing(), config)


def story_of(record) -> dict:
    return json.loads((record.folder / "tune.json").read_text())


@pytest.mark.parametrize("rule", ["importance", "random", "none"])
def test_what_is_replayed_goes_by_the_rule(project, revise, rule):
    revise("liver", "phantom_0000")
    config = HEADS.changed(replay_by=rule, replay_share=0.5)
    cases = [one for one in project.standing() if not one.case.held_out]
    plan = learned_from(project, cases, project.unlearned(), config, ("liver",))
    assert plan.pop("phantom_0000") == {"liver": 1.0}
    assert len(plan) == (0 if rule == "none" else 1)


@pytest.mark.parametrize(("share", "limit", "n_replayed"), [(0.25, 3, 2), (0.0, 3, 0), (1.0, 1, 2)])
def test_however_few_were_revised_some_others_are_replayed(project, revise, share, limit, n_replayed):
    revise("liver", "phantom_0000")
    config = ContinualConfig(trainable="heads", replay_share=share, replay_limit=limit, replay_least=2)
    cases = [one for one in project.standing() if not one.case.held_out]
    plan = learned_from(project, cases, project.unlearned(), config, ("liver",))
    assert len(plan) == 1 + n_replayed


def test_a_revision_of_an_organ_that_the_network_has_no_head_for_is_nothing_to_tune(project, revise):
    revise("colon", "phantom_0000")
    with pytest.raises(TuneError):
        tuned(project)


def test_masks_that_people_vouch_for_are_replayed_before_predicted_ones(project, revise, keep_prediction):
    everything = ContinualConfig(steps=1, samples_per_class=50, replay_share=0.5, replay_least=0)
    revise("liver", "phantom_0001")
    tuned(project, everything)
    project.store.rounds.turn(1, "tiny-r1")
    _predicted_again(project, keep_prediction)
    revise("liver", "phantom_0000")
    assert set(story_of(tuned(project, everything))["cases"]) == {"phantom_0000", "phantom_0001"}


def test_where_the_fit_is_chosen_all_revised_masks_teach_and_revised_cases_teach_what_was_predicted_there(
    project, revise
):
    chosen = ContinualConfig()
    revise("liver", "phantom_0001")
    tuned(project)
    project.store.rounds.turn(1, "tiny-r1")
    revise("liver", "phantom_0000")
    cases = [one for one in project.standing() if not one.case.held_out]
    plan = learned_from(project, cases, project.unlearned(), chosen, ("liver",))
    assert plan == {case_id: {"liver": 1.0} for case_id in ("phantom_0000", "phantom_0001")}
    project.store.rounds.turn(2, "tiny")
    cases = [one for one in project.standing() if not one.case.held_out]
    plan = learned_from(project, cases, project.unlearned(), chosen, ("liver",))
    assert "phantom_0002" not in plan, "nobody revised anything there"
    revise("spleen", "phantom_0002")
    cases = [one for one in project.standing() if not one.case.held_out]
    plan = learned_from(project, cases, project.unlearned(), chosen, ("liver", "spleen"))
    assert plan.pop("phantom_0002") == {"liver": chosen.predicted_weight, "spleen": 1.0}
    assert {organs["liver"] for organs in plan.values()} == {1.0}


def test_an_organ_that_is_asked_for_needs_a_label(project, revise):
    revise("liver", "phantom_0000")
    with pytest.raises(TuneError, match="spleen has no mask that people vouch for"):
        tuned(project, HEADS.changed(organs=("liver", "spleen")))
    (one,) = project.store.rounds.all()
    assert (one.number, one.network, one.finished) == (1, "tiny", None)


def test_of_predicted_masks_those_that_drew_least_attention_are_seen_again(project, revise):
    revise("liver", "phantom_0000")
    scores = [
        CaseScore(
            case_id=case_id,
            score=ml,
            organs=(OrganScore(organ="liver", attention_voxels=1, attention_ml=ml, priority=1.0),),
        )
        for case_id, ml in (("phantom_0001", 1.0), ("phantom_0002", 2.0), (HELD_OUT, 3.0))
    ]
    project.store.scores.replace(1, scores)
    seen = story_of(tuned(project))["cases"]
    assert seen == {"phantom_0000": ["liver"], "phantom_0001": ["liver"]}


def _predicted_again(project, keep_prediction):
    name = project.store.rounds.current().network
    for case_id, made in project.predictions("tiny").items():
        keep_prediction(project, case_id, name, read_masks(made.masks_path), weights="v" * 64)
