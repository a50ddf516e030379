import numpy as np
import pytest
import torch

from omentum.measures.overlap import dice
from omentum.networks.infer import organ_probabilities
from omentum.tune.config import ContinualConfig
from omentum.tune.sampled_dice import logits_at_samples, sampled_dice
from omentum.tune.samples import OrganSamples, sample_case
from omentum.tune.stacked_heads import StackedHeads, starting_tensors

ALL = ContinualConfig(samples_per_class=10**6, shell_mm=10.0)


@pytest.fixture
def liver(network) -> StackedHeads:
    """The network's own head of the liver, which draws about half of everything."""
    tensors, _ = starting_tensors(network, "liver", adapted=False, seed=0)
    tensors["organ_heads.controllers.liver.bias"][-1] = 0.0
    network.load_state_dict({**network.state_dict(), **tensors})
    return StackedHeads("liver", tensors, 1, slope=network.organ_heads.slope)


def whole_dice(network, boxes) -> float:
    (slab,) = [made for _, made in organ_probabilities(network, boxes.hu.astype(np.float32), ("liver",))]
    return dice(slab[0] > 127, boxes.masks.mask("liver"))


def test_of_all_voxels_it_is_the_dice_of_the_whole_volume(network, boxes, liver):
    (samples,) = sample_case(network, boxes, ["liver"], ALL, overlap=0.5)
    (estimate,) = sampled_dice(logits_at_samples(liver, samples), samples)
    assert 0.02 < estimate < 0.98
    assert estimate == pytest.approx(whole_dice(network, boxes), abs=2e-3)


def test_few_voxels_estimate_it_without_bias_false_ones_far_away_too(network, boxes, liver):
    found = []
    for seed in range(20):
        config = ContinualConfig(samples_per_class=200, shell_mm=10.0, seed=seed)
        (samples,) = sample_case(network, boxes, ["liver"], config, overlap=0.5)
        found += sampled_dice(logits_at_samples(liver, samples), samples)
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - whole_dice(network, boxes)) < 3 * error + 1e-3


def test_an_organ_that_is_nowhere_is_right_where_nothing_is_drawn():
    samples = OrganSamples(
        organ="liver",
        case_id="a",
        features=torch.zeros(8, 2),
        contexts=torch.zeros(1, 4),
        starts=torch.tensor([0, 2]),
        labels=torch.tensor([False, False]),
        stands_for=torch.tensor([1.0, 9.0]),
    )
    assert sampled_dice(torch.tensor([[-1.0, -1.0], [-1.0, 1.0]]), samples) == [1.0, 0.0]


def test_voxels_are_judged_in_the_context_of_their_window(narrow, boxes):
    config = ContinualConfig(samples_per_class=200, shell_mm=10.0)
    (samples,) = sample_case(narrow, boxes, ["liver"], config, overlap=0.5)
    tensors, _ = starting_tensors(narrow, "liver", adapted=False, seed=0)
    copies = StackedHeads("liver", tensors, 2, slope=narrow.organ_heads.slope)
    made = logits_at_samples(copies, samples)
    for group, (low, high) in enumerate(zip(samples.starts[:-1], samples.starts[1:], strict=True)):
        with torch.no_grad():
            own = narrow.heads(
                samples.features[None, :, low:high].float(), samples.contexts[group : group + 1], ["liver"]
            )
        torch.testing.assert_close(made[:, low:high], own[0].expand(2, -1), atol=1e-5, rtol=1e-4)
