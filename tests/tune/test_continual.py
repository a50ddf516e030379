import copy

import numpy as np
import pytest
import torch

from omentum.errors import TuneError
from omentum.measures.overlap import dice
from omentum.networks.infer import features_of, heads_of
from omentum.networks.weights import load_network, save_network, tensors_sha256
from omentum.tune import continual as continual_module
from omentum.tune.config import ContinualConfig
from omentum.tune.continual import tune_heads
from omentum.tune.samples import sample_case

CONFIG = ContinualConfig(steps=40, learning_rate=2e-2, samples_per_class=400)


@pytest.fixture
def samples(network, boxes):
    return sample_case(network, boxes, ["liver"], CONFIG, overlap=0.5)


@pytest.fixture
def tuned(network, samples):
    return tune_heads(copy.deepcopy(network), samples, {("liver", "a"): 1.0}, CONFIG)


def predicted(network, case, name: str) -> np.ndarray:
    features = features_of(network, case.hu.astype(np.float32))
    (probability,) = np.concatenate([slab for _, slab in heads_of(network, features, [name])], axis=-1)
    assert probability.shape == case.hu.shape
    return probability > 127


def test_the_organ_that_was_revised_is_found_better(network, tuned, boxes):
    truth = boxes.masks.mask("liver")
    before, after = (dice(predicted(one, boxes, "liver"), truth) for one in (network, tuned))
    assert after > before + 0.3


def test_every_other_tensor_is_equal_to_the_last_bit(network, tuned):
    before, after = network.state_dict(), tuned.state_dict()
    own = set(network.head_tensors("liver"))
    assert own
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(value, after[name]) is (name not in own)
    others = [
        tensors_sha256({key: value for key, value in one.items() if key not in own})
        for one in (before, after)
    ]
    assert others[0] == others[1]


def test_other_organs_have_the_same_logits_bit_for_bit_through_a_file(network, tuned, boxes, tmp_path):
    save_network(tmp_path / "w.safetensors", tuned)
    loaded = load_network(tmp_path / "w.safetensors")
    features = features_of(network, boxes.hu.astype(np.float32))
    again = features_of(loaded, boxes.hu.astype(np.float32))
    assert torch.equal(features.features, again.features)
    with torch.inference_mode():
        before = network.heads(features.features, features.context, network.spec.organs)
        after = loaded.heads(again.features, again.context, loaded.spec.organs)
    for k, name in enumerate(network.spec.organs):
        assert torch.equal(before[:, k], after[:, k]) is (name != "liver")


def test_tuning_twice_gives_the_same_weights(network, samples, tuned):
    again = tune_heads(copy.deepcopy(network), samples, {("liver", "a"): 1.0}, CONFIG)
    assert tensors_sha256(again.state_dict()) == tensors_sha256(tuned.state_dict())


def test_an_organ_is_tuned_alike_alone_and_beside_another(network, boxes, tuned):
    both = sample_case(network, boxes, ["liver", "spleen"], CONFIG, overlap=0.5)
    weights = {("liver", "a"): 1.0, ("spleen", "a"): 1.0}
    told = []
    two = tune_heads(network, both, weights, CONFIG, lambda *progress: told.append(progress))
    assert tensors_sha256(two.head_tensors("liver")) == tensors_sha256(tuned.head_tensors("liver"))
    assert [done for done, _, _ in told] == list(range(1, 81))
    assert {total for _, total, _ in told} == {80}
    for losses in (told[::2], told[1::2]):
        assert np.mean([loss for _, _, loss in losses[-5:]]) < 0.8 * losses[0][2]


def test_a_label_that_counts_nothing_is_never_drawn(network, samples, boxes, prepared_case):
    wrong = prepared_case(boxes.hu, {"liver": ~boxes.masks.mask("liver")}, case_id="b")
    misled = sample_case(network, wrong, ["liver"], CONFIG, overlap=0.5)
    weights = {("liver", "a"): 1.0, ("liver", "b"): 0.0}
    two = tune_heads(copy.deepcopy(network), [*samples, *misled], weights, CONFIG)
    one = tune_heads(copy.deepcopy(network), samples, weights, CONFIG)
    assert tensors_sha256(one.state_dict()) == tensors_sha256(two.state_dict())


def test_an_organ_that_is_nowhere_is_unlearned(network, tuned, boxes, prepared_case):
    case = prepared_case(boxes.hu, {"liver": np.zeros(boxes.hu.shape, dtype=bool)})
    samples = sample_case(network, case, ["liver"], CONFIG, overlap=0.5)
    before = predicted(tuned, boxes, "liver").sum()
    unlearned = tune_heads(tuned, samples, {("liver", "a"): 1.0}, CONFIG)
    assert predicted(unlearned, boxes, "liver").sum() < 0.1 * before


def test_the_network_comes_back_ready_to_predict_and_frozen(tuned):
    assert not tuned.training
    assert not any(parameter.requires_grad for parameter in tuned.parameters())


def test_without_samples_there_is_nothing_to_tune(network):
    with pytest.raises(TuneError, match="omentum review import"):
        tune_heads(network, [], {}, CONFIG)


def test_a_loss_that_is_no_number_stops_the_run(network, samples, monkeypatch):
    monkeypatch.setattr(continual_module, "partial_loss", lambda logits, *_rest: logits.sum() * float("nan"))
    with pytest.raises(TuneError, match="loss of liver became nan at step 0"):
        tune_heads(network, samples, {("liver", "a"): 1.0}, CONFIG)
