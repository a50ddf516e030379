import numpy as np
import pytest
import torch

from omentum.errors import ConfigError, UnknownOrganError
from omentum.networks import infer
from omentum.networks.infer import Features, features_of, organ_probabilities


@pytest.fixture
def corner():
    """Air, and a body in one corner of 24 x 16 x 16 voxels."""
    hu = np.full((24, 16, 16), -1000, dtype=np.float32)
    hu[1:6, 2:7, 3:7] = 40
    return hu


def test_probabilities_are_the_sigmoid_of_the_heads_in_255ths(starter):
    network = starter()
    hu = np.random.default_rng(0).uniform(-300, 300, (18, 16, 20)).astype(np.float32)
    features = features_of(network, hu)
    organs = ("pancreas", "spleen", "liver")
    found = list(organ_probabilities(network, features, organs))
    with torch.inference_mode():
        logits = network.heads(features.features, features.context, organs)[0]
    expected = np.rint(1 / (1 + np.exp(-logits.double().numpy())) * 255)
    assert [name for name, _ in found] == list(organs)
    for (_, probability), wanted in zip(found, expected, strict=True):
        assert probability.dtype == np.uint8
        assert probability.shape == hu.shape
        assert np.abs(probability - wanted).max() <= 1  # a half may fall either way
        assert (probability != wanted).mean() < 0.001


def test_organs_asked_for_alone_have_the_same_probabilities(starter):
    network = starter()
    features = features_of(network, np.full((16, 16, 16), 30, dtype=np.float32))
    together = dict(organ_probabilities(network, features, network.spec.organs))
    for name in network.spec.organs:
        ((_, alone),) = organ_probabilities(network, features, [name])
        assert np.abs(alone.astype(int) - together[name]).max() <= 1


def test_voxels_taken_a_few_at_a_time_give_the_same(positions, corner, monkeypatch):
    network = positions()
    features = features_of(network, corner)
    at_once = dict(organ_probabilities(network, features, ["liver", "spleen"]))
    monkeypatch.setattr(infer, "_VOXELS_AT_ONCE", 1000)  # no divisor of 24 * 16 * 16
    for name, probability in organ_probabilities(network, features, ["liver", "spleen"]):
        assert np.array_equal(probability, at_once[name])


def test_probability_is_0_where_no_window_looked_and_nowhere_else(positions, corner):
    network = positions()
    torch.nn.init.zeros_(network.gain)  # one half everywhere
    features = features_of(network, corner)
    ((_, probability),) = organ_probabilities(network, features, ["liver"])
    looked = np.zeros(corner.shape, dtype=bool)
    looked[:12, :12, :12] = True  # windows of 8 with a step of 4 that hold any of the body
    assert np.array_equal(features.seen.numpy(), looked)
    assert np.array_equal(probability, np.where(looked, 128, 0))


def test_features_where_the_body_is_do_not_depend_on_windows_that_were_skipped(
    positions, corner, monkeypatch
):
    network = positions()
    skipped = features_of(network, corner)
    monkeypatch.setattr(infer, "BODY_HU", -2000)
    everything = features_of(network, corner)
    body = torch.from_numpy(corner > -500)
    assert everything.seen.all()
    assert not skipped.seen.all()
    assert torch.equal(skipped.features[0][:, body], everything.features[0][:, body])


def test_a_ct_of_air_alone_is_refused(starter):
    with pytest.raises(ConfigError, match="body in the CT"):
        features_of(starter(), np.full((16, 16, 16), -1000, dtype=np.float32))


def test_an_overlap_out_of_range_is_refused(positions, corner):
    with pytest.raises(ConfigError, match="overlap"):
        features_of(positions(), corner, overlap=1.0)


def test_the_context_is_computed_once_of_the_whole_volume(positions, corner):
    made = features_of(positions(), corner)
    assert float(made.context) == pytest.approx(corner.mean())


def test_an_organ_without_a_head_is_refused(starter):
    network = starter(organs=("liver",))
    features = Features(torch.zeros(1, 8, 4, 4, 4), torch.zeros(1, 32), torch.ones(4, 4, 4, dtype=torch.bool))
    with pytest.raises(UnknownOrganError, match="spleen"):
        list(organ_probabilities(network, features, ["liver", "spleen"]))


def test_volumes_whose_axes_were_turned_need_no_copy_by_the_caller(positions, corner):
    network = positions()
    turned = np.flip(corner.transpose(2, 0, 1), axis=1)
    one = features_of(network, turned)
    other = features_of(network, np.ascontiguousarray(turned))
    assert torch.equal(one.features, other.features)


def test_nothing_is_kept_for_gradients(starter):
    made = features_of(starter(), np.zeros((16, 16, 16), dtype=np.float32))
    assert not made.features.requires_grad
    assert made.features.dtype == torch.float32
