import numpy as np
import pytest
import torch
from monai.losses import DiceLoss
from torch.nn import functional as F

from omentum.tune.losses import partial_loss

SHAPE = (2, 3, 6, 5, 4)
SMOOTH_VOXELS = 16.0


@pytest.fixture
def logits():
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)) * 3


@pytest.fixture
def labels():
    return torch.rand(SHAPE, generator=torch.Generator().manual_seed(1)) > 0.7


def test_where_all_is_known_it_is_monais_dice_loss_plus_cross_entropy(logits, labels):
    dice = DiceLoss(sigmoid=True, smooth_nr=SMOOTH_VOXELS, smooth_dr=SMOOTH_VOXELS)(logits, labels.float())
    entropy = F.binary_cross_entropy_with_logits(logits, labels.float())
    ours = partial_loss(logits, labels, torch.ones(2, 3))
    torch.testing.assert_close(ours, dice + entropy)


def test_an_unknown_organ_has_no_gradient_at_all_and_no_say(logits, labels):
    logits.requires_grad_()
    weights = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    loss = partial_loss(logits, labels, weights)
    loss.backward()
    assert logits.grad[0, 1].abs().max() == 0
    assert logits.grad[1, 2].abs().max() == 0
    for item, organ in ((0, 0), (0, 2), (1, 0), (1, 1)):
        assert logits.grad[item, organ].abs().min() > 0
    flipped = labels.clone()
    flipped[0, 1] = ~flipped[0, 1]
    flipped[1, 2] = ~flipped[1, 2]
    assert partial_loss(logits, flipped, weights) == loss


def test_a_label_that_counts_less_pulls_less(logits, labels):
    alone = [partial_loss(logits[:, k : k + 1], labels[:, k : k + 1], torch.ones(2, 1)) for k in (0, 1)]
    both = partial_loss(logits[:, :2], labels[:, :2], torch.tensor([[1.0, 0.3], [1.0, 0.3]]))
    torch.testing.assert_close(both, (alone[0] + 0.3 * alone[1]) / 1.3)


def test_nothing_known_is_a_loss_of_0_with_no_gradient(logits, labels):
    logits.requires_grad_()
    loss = partial_loss(logits, labels, torch.zeros(2, 3))
    loss.backward()
    assert loss == 0
    assert logits.grad.abs().max() == 0


@pytest.mark.parametrize("logit", [-1e4, -30.0, 0.0, 30.0, 1e4])
@pytest.mark.parametrize("is_there", [False, True])
def test_sure_logits_and_organs_that_are_nowhere_or_everywhere_stay_finite(logit, is_there):
    logits = torch.full(SHAPE, logit, requires_grad=True)
    loss = partial_loss(logits, torch.full(SHAPE, is_there), torch.ones(2, 3))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_an_organ_that_is_nowhere_costs_nothing_where_nothing_is_predicted():
    loss = partial_loss(torch.full(SHAPE, -1e4), torch.zeros(SHAPE, dtype=torch.bool), torch.ones(2, 3))
    assert loss == 0


def test_half_precision_logits_are_summed_in_full(logits, labels):
    half = logits.to(torch.bfloat16)
    loss = partial_loss(half, labels, torch.ones(2, 3))
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, partial_loss(half.float(), labels, torch.ones(2, 3)))


def test_voxels_that_stand_for_one_each_change_nothing(logits, labels):
    plain = partial_loss(logits, labels, torch.ones(2, 3))
    torch.testing.assert_close(partial_loss(logits, labels, torch.ones(2, 3), torch.ones(SHAPE)), plain)


def test_a_stratified_sample_estimates_the_loss_of_all_voxels():
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"))
    distance = np.linalg.norm(grid - 20, axis=0).ravel()
    truth = distance < 8
    logits = torch.from_numpy((9 - distance) / 2 + rng.normal(0, 1, truth.size)).float()[None, None]
    labels = torch.from_numpy(truth)[None, None]
    everything = float(partial_loss(logits, labels, torch.ones(1, 1)))
    strata = [np.flatnonzero(part) for part in (truth, ~truth & (distance < 12), distance >= 12)]
    estimates = []
    for _ in range(200):
        picks = [rng.choice(part, 500) for part in strata]
        index = torch.from_numpy(np.concatenate(picks))
        stands_for = torch.from_numpy(np.repeat([len(part) / 500 for part in strata], 500)).float()
        sampled = partial_loss(
            logits[..., index], labels[..., index], torch.ones(1, 1), stands_for[None, None]
        )
        estimates.append(float(sampled))
    error = 3 * np.std(estimates) / len(estimates) ** 0.5
    assert np.mean(estimates) == pytest.approx(everything, abs=error + 0.002 * everything)
    unweighted = float(partial_loss(logits[..., index], labels[..., index], torch.ones(1, 1)))
    assert abs(unweighted - everything) > 0.05 * everything, "the sample alone is far off"
