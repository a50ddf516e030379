from dataclasses import replace

import pytest
import torch

from omentum.networks.extend_organs import add_adapters
from omentum.networks.weights import tensors_sha256
from omentum.tune import choose_fit as module
from omentum.tune.choose_fit import Lessons, choose_fit, fit_new_organ, fit_stack
from omentum.tune.fit_copies import Fit
from omentum.tune.fit_settings import FitSetting, schedule_for
from omentum.tune.samples import OrganSamples


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Fits take a few steps only."""
    fit = Fit(steps=60, learning_rate=1e-2)
    monkeypatch.setattr(module, "schedule_for", lambda n: replace(schedule_for(n), fit=fit))


def samples_of(network, case_id: str, labels: torch.Tensor | None = None) -> OrganSamples:
    """Voxels of a patient; the label says whether the first feature is above 0, where no other is given."""
    rng = torch.Generator().manual_seed(ord(case_id[-1]))
    features = torch.randn(8 + network.wide_channels, 800, generator=rng).half()
    return OrganSamples(
        organ="liver",
        case_id=case_id,
        features=features,
        contexts=torch.zeros(1, network.context_channels),
        starts=torch.tensor([0, 800]),
        labels=features[0] > 0 if labels is None else labels,
        stands_for=torch.ones(800),
    )


def lessons_of(samples, soft=(), patients=None) -> Lessons:
    cases = [one.case_id for one in samples]
    return Lessons(
        organ="liver",
        samples=samples,
        counts={case: 0.1 if case in soft else 1.0 for case in cases},
        patients=patients or {case: f"patient {case}" for case in cases},
        soft=frozenset(soft),
    )


def parents_labels(network, one: OrganSamples) -> torch.Tensor:
    with torch.no_grad():
        return network.heads(one.features[None, :8].float(), one.contexts, ["liver"])[0, 0] > 0


@pytest.fixture
def four(network) -> list[OrganSamples]:
    return [samples_of(network, name) for name in "abcd"]


def test_what_can_be_learned_is_learned_and_shown_on_patients_left_out(network, four):
    before = tensors_sha256(network.state_dict())
    choice = choose_fit(network, lessons_of(four), seed=0)
    assert choice.chosen is not None
    assert choice.chosen.gain.mean > 0.2
    assert choice.chosen.gain.n_patients == 4
    assert choice.tensors
    assert choice.chosen.gain.mean == max(one.gain.mean for one in choice.trials)
    assert tensors_sha256(network.state_dict()) == before, "the parent stays as it is"


def test_where_the_parent_is_right_it_stays(network, four):
    own = [replace(one, labels=parents_labels(network, one)) for one in four]
    choice = choose_fit(network, lessons_of(own), seed=0)
    assert choice.parent_dice == pytest.approx(1.0)
    assert choice.chosen is None
    assert not choice.tensors


def test_one_patient_is_too_few_however_many_cts_there_are(network, four):
    choice = choose_fit(network, lessons_of(four, patients=dict.fromkeys("abcd", "one")), seed=0)
    assert (choice.n_patients, choice.chosen, choice.trials) == (1, None, ())


def test_below_sixteen_patients_at_most_four_settings_are_tried(network, four):
    choice = choose_fit(network, lessons_of(four), seed=0)
    assert len({one.setting for one in choice.trials}) <= 4


def test_labels_of_the_parent_judge_nothing(network, four):
    choice = choose_fit(network, lessons_of(four, soft=("d",)), seed=0)
    assert choice.n_patients == 3
    assert all(one.gain.n_patients == 3 for one in choice.trials)


def test_two_cts_of_a_patient_are_judged_by_a_copy_that_saw_neither(network, four, monkeypatch):
    patients = {"a": "one", "b": "one", "c": "two", "d": "three"}
    seen = []
    fit = module.fit_copies

    def watched(copies, learn, batches, weights, *arguments, **options):
        seen.append(weights.counts)
        return fit(copies, learn, batches, weights, *arguments, **options)

    monkeypatch.setattr(module, "fit_copies", watched)
    choose_fit(network, lessons_of(four, patients=patients), seed=0)
    assert seen
    for counts in seen:
        assert torch.equal(counts[:, 0], counts[:, 1]), "a patient is left out as a whole"


@pytest.mark.parametrize("is_adapted", [False, True])
def test_an_adapter_that_the_parent_has_is_where_a_fit_begins(network, four, is_adapted):
    add_adapters(network, ["liver"])
    with torch.no_grad():
        network.organ_heads.adapters["liver"].up.weight.normal_(std=0.05)
    setting = FitSetting(trainable="heads+adapters" if is_adapted else "heads", pull=1.0)
    copies, begun = fit_stack(network, lessons_of(four), [setting], [frozenset()], Fit(steps=1), 0)
    assert begun.keys() == network.head_tensors("liver").keys()
    for name, value in network.head_tensors("liver").items():
        assert torch.equal(begun[name], value)
        assert torch.equal(copies.between(begun, 0.0).copied(0)[name], value)
        if "adapters" in name:
            assert torch.allclose(copies.copied(0)[name], value, atol=1e-4) is not is_adapted
    assert choose_fit(network, lessons_of(four), seed=0).parent_dice is not None


def test_a_new_organ_is_fitted_without_a_parent_to_stay_with(network, four, monkeypatch):
    setting, _ = module.NEW_ORGAN
    monkeypatch.setattr(module, "NEW_ORGAN", (setting, Fit(steps=20)))
    choice = fit_new_organ(network, lessons_of(four[:1]), seed=0)
    assert choice.tensors
    assert choice.trials == ()
    assert choice.parent_dice is None
