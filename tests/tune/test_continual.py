import copy

import numpy as np
import pytest
import torch

from omentum.errors import TuneError
from omentum.measures.overlap import dice
from omentum.networks.extend_organs import add_adapters
from omentum.networks.infer import compute_features, organ_probabilities, probabilities_of
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
    features = compute_features(network, case.hu.astype(np.float32))
    (probability,) = np.concatenate(
        [slab for _, slab in probabilities_of(network, features, [name])], axis=-1
    )
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
    features = compute_features(network, boxes.hu.astype(np.float32))
    again = compute_features(loaded, boxes.hu.astype(np.float32))
    assert torch.equal(features.features, again.features)
    with torch.inference_mode():
        before = network.heads(features.features, features.context, network.spec.organs)
        after = loaded.heads(again.features, again.context, loaded.spec.organs)
    for k, name in enumerate(network.spec.organs):
        assert torch.equal(before[:, k], after[:, k]) is (name != "liver")


def test_the_trunk_is_frozen(network, tuned):
    assert tensors_sha256(network.trunk_tensors()) == tensors_sha256(tuned.trunk_tensors())
    assert len(network.trunk_tensors()) == len(network.state_dict()) - 2 * len(network.spec.organs)


def test_heads_of_networks_with_a_context_a_window_are_tuned_as_they_predict(narrow, boxes):
    config = CONFIG.changed(steps=120, learning_rate=5e-3)
    samples = sample_case(narrow, boxes, ["liver"], config, overlap=0.5)
    before = copy.deepcopy(narrow)
    tune_heads(narrow, samples, {("liver", "a"): 1.0}, config)
    hu = boxes.hu.astype(np.float32)

    def found(network):
        slabs = organ_probabilities(network, hu, ("spleen", "liver"))
        return np.concatenate([slab for _, slab in slabs], axis=-1)

    first, second = found(before), found(narrow)
    truth = boxes.masks.mask("liver")
    assert dice(second[1] > 127, truth) > dice(first[1] > 127, truth) + 0.6
    assert np.array_equal(first[0], second[0]), "the spleen was not tuned"


def test_an_adapter_begins_as_nothing_and_leaves_other_organs_as_they_are_bit_for_bit(
    network, boxes, tmp_path
):
    hu = boxes.hu.astype(np.float32)
    plain = copy.deepcopy(network)
    add_adapters(network, ["liver"])
    with torch.inference_mode():
        one, other = (compute_features(net, hu) for net in (plain, network))
        before = plain.heads(one.features, one.context, plain.spec.organs)
        assert torch.equal(network.heads(other.features, other.context, network.spec.organs), before)
    config = CONFIG.changed(trainable="heads+adapters")
    samples = sample_case(network, boxes, ["liver"], config, overlap=0.5)
    assert samples[0].features.shape[0] == 8 + network.wide_channels
    tune_heads(network, samples, {("liver", "a"): 1.0}, config)
    assert float(network.organ_heads.adapters["liver"].up.weight.detach().abs().max()) > 0
    save_network(tmp_path / "w.safetensors", network)
    loaded = load_network(tmp_path / "w.safetensors")
    assert loaded.spec.adapters == ("liver",)
    with torch.inference_mode():
        made = compute_features(loaded, hu)
        after = loaded.heads(made.features, made.context, loaded.spec.organs)
    for k, name in enumerate(network.spec.organs):
        assert torch.equal(before[:, k], after[:, k]) is (name != "liver")
    unchanged = {key: value for key, value in plain.state_dict().items() if ".liver." not in key}
    kept = {key: value for key, value in loaded.state_dict().items() if ".liver." not in key}
    assert tensors_sha256(unchanged) == tensors_sha256(kept)


def test_an_adapter_finds_what_the_reduced_features_do_not_tell(network, boxes):
    with torch.no_grad():
        network.reduce[0].weight.zero_()
    config = CONFIG.changed(trainable="heads+adapters", steps=150)
    plain = sample_case(network, boxes, ["liver"], config, overlap=0.5)
    blind = tune_heads(copy.deepcopy(network), plain, {("liver", "a"): 1.0}, config)
    add_adapters(network, ["liver"])
    wide = sample_case(network, boxes, ["liver"], config, overlap=0.5)
    tune_heads(network, wide, {("liver", "a"): 1.0}, config)
    truth = boxes.masks.mask("liver")
    assert dice(predicted(blind, boxes, "liver"), truth) < 0.3
    assert dice(predicted(network, boxes, "liver"), truth) > 0.7


def test_heads_alone_leave_an_adapter_as_it_is(network, boxes):
    add_adapters(network, ["liver"])
    before = copy.deepcopy(network.organ_heads.adapters.state_dict())
    samples = sample_case(network, boxes, ["liver", "spleen"], CONFIG, overlap=0.5)
    assert [len(one.features) for one in samples] == [8 + network.wide_channels, 8]
    tune_heads(network, samples, {("liver", "a"): 1.0, ("spleen", "a"): 1.0}, CONFIG)
    assert tensors_sha256(before) == tensors_sha256(network.organ_heads.adapters.state_dict())


def test_who_watches_may_end_the_tuning(network, samples):
    seen = []

    def after(step, watched):
        seen.append((step, watched is network))
        return step == 3

    tune_heads(network, samples, {("liver", "a"): 1.0}, CONFIG, after=after)
    assert seen == [(1, True), (2, True), (3, True)]


def test_who_watches_has_all_threads(network, samples):
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        tune_heads(
            network,
            samples,
            {("liver", "a"): 1.0},
            CONFIG,
            after=lambda _step, _network: seen.append(torch.get_num_threads()),
        )
        assert set(seen) == {torch.get_num_threads()} == {2}
    finally:
        torch.set_num_threads(before)


def test_the_running_mean_of_the_weights_is_kept_where_asked(network, samples, tuned):
    config = CONFIG.changed(average_decay=0.9)
    averaged = tune_heads(copy.deepcopy(network), samples, {("liver", "a"): 1.0}, config)
    key = "organ_heads.controllers.liver.bias"
    begun, last, mean = (net.state_dict()[key] for net in (network, tuned, averaged))
    assert not torch.equal(last, mean)
    assert float((mean - last).norm()) < float((begun - last).norm())


def test_tuning_twice_gives_the_same_weights(network, samples, tuned):
    again = tune_heads(copy.deepcopy(network), samples, {("liver", "a"): 1.0}, CONFIG)
    assert tensors_sha256(again.state_dict()) == tensors_sha256(tuned.state_dict())


def test_an_organ_is_tuned_alike_alone_and_beside_another(network, boxes, tuned):
    both = sample_case(network, boxes, ["liver", "spleen"], CONFIG, overlap=0.5)
    weights = {("liver", "a"): 1.0, ("spleen", "a"): 1.0}
    told = []
    two = tune_heads(network, both, weights, CONFIG, lambda *progress: told.append(progress))
    assert tensors_sha256(two.head_tensors("liver")) == tensors_sha256(tuned.head_tensors("liver"))
    assert [done for _, done, _, _ in told] == list(range(1, 81))
    assert {(step, total) for step, _, total, _ in told} == {("tune heads", 80)}
    every = [float(note.removeprefix("loss ")) for *_, note in told]
    for losses in (every[::2], every[1::2]):
        assert np.mean(losses[-5:]) < 0.8 * losses[0]


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
    with pytest.raises(TuneError, match=r"liver became nan at step 0; lower learning_rate from 0\.02"):
        tune_heads(network, samples, {("liver", "a"): 1.0}, CONFIG)


def test_when_the_loss_is_no_number_the_last_good_head_is_kept(network, samples, monkeypatch):
    calls = []
    whole = continual_module.partial_loss

    def breaking(*arguments):
        calls.append(1)
        return whole(*arguments) * (float("inf") if len(calls) == 3 else 1.0)

    good = tune_heads(
        copy.deepcopy(network), samples, {("liver", "a"): 1.0}, CONFIG, after=lambda step, _: step == 1
    )
    monkeypatch.setattr(continual_module, "partial_loss", breaking)
    with pytest.raises(TuneError, match="inf at step 2"):
        tune_heads(network, samples, {("liver", "a"): 1.0}, CONFIG)
    assert tensors_sha256(network.state_dict()) == tensors_sha256(good.state_dict())
    assert not any(parameter.requires_grad for parameter in network.parameters())
