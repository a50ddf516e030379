import math

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


@pytest.fixture
def rare():
    """Labels of organs in a third, a twelfth and a hundred-and-twentieth of all voxels."""
    labels = torch.zeros(SHAPE, dtype=torch.bool)
    labels[:, 0, :2] = True
    labels[0, 1, 0] = True
    labels[1, 2, 3, 2, :2] = True
    return labels


def boosted_entropy(logits, labels, weights) -> list[float]:
    """Cross-entropy of each organ by a plain loop over voxels, positives counted as at least a tenth."""
    entropies = []
    for k in range(logits.shape[1]):
        rows = [
            (float(logit), bool(is_inside), float(weights[item, k]))
            for item in range(len(logits))
            for logit, is_inside in zip(logits[item, k].ravel(), labels[item, k].ravel(), strict=True)
        ]
        n_all, n_inside = sum(w for _, _, w in rows), sum(w for _, is_inside, w in rows if is_inside)
        boost = min(max(0.1 * n_all / n_inside, 1.0), 20.0) if n_inside else 1.0
        costs = [
            w * (boost * math.log1p(math.exp(-x)) if is_inside else math.log1p(math.exp(x)))
            for x, is_inside, w in rows
        ]
        entropies.append(sum(costs) / n_all)
    return entropies


def test_where_all_is_known_it_is_monais_dice_loss_of_the_batch_plus_boosted_cross_entropy(logits, rare):
    dice = DiceLoss(sigmoid=True, batch=True, smooth_nr=SMOOTH_VOXELS, smooth_dr=SMOOTH_VOXELS)
    entropy = np.mean(boosted_entropy(logits, rare, torch.ones(2, 3)))
    ours = partial_loss(logits, rare, torch.ones(2, 3))
    assert float(ours) == pytest.approx(float(dice(logits, rare.float())) + entropy, rel=1e-5)


def test_where_organs_are_large_nothing_is_boosted(logits, labels):
    dice = DiceLoss(sigmoid=True, batch=True, smooth_nr=SMOOTH_VOXELS, smooth_dr=SMOOTH_VOXELS)
    entropy = F.binary_cross_entropy_with_logits(logits, labels.float())
    ours = partial_loss(logits, labels, torch.ones(2, 3))
    torch.testing.assert_close(ours, dice(logits, labels.float()) + entropy)


@pytest.mark.parametrize(
    ("n_inside", "boost"), [(1, 20.0), (50, 20.0), (100, 10.0), (900, 10 / 9), (5000, 1)]
)
def test_voxels_inside_count_as_a_tenth_of_all_but_at_most_20_times_each(n_inside, boost):
    logits = torch.zeros(1, 1, 10_000, requires_grad=True)
    labels = torch.arange(10_000)[None, None] < n_inside
    with torch.no_grad():  # of the Dice loss, the same for each voxel inside and each outside
        both, total = 0.5 * n_inside + SMOOTH_VOXELS / 2, 5000 + n_inside + SMOOTH_VOXELS
        outside, inside = 2 * both / total**2 / 4, (2 * both / total**2 - 2 / total) / 4
    partial_loss(logits, labels, torch.ones(1, 1)).backward()
    assert float(logits.grad[0, 0, 0]) == pytest.approx(-0.5 * boost / 10_000 + inside, rel=1e-3)
    assert float(logits.grad[0, 0, -1]) == pytest.approx(0.5 / 10_000 + outside, rel=1e-3)


def test_an_organ_that_is_in_no_patch_has_no_dice_loss(logits, labels):
    labels[:, 1] = False
    without = partial_loss(logits[:, 1:2], labels[:, 1:2], torch.ones(2, 1))
    torch.testing.assert_close(without, F.softplus(logits[:, 1]).mean())


def test_an_organ_that_is_in_one_patch_pays_dice_for_its_false_voxels_in_the_other(logits, labels):
    labels[1] = False
    sure = logits.clone()
    sure[1] = 12.0
    quiet = logits.clone()
    quiet[1] = -12.0
    ones = torch.ones(2, 3)
    plain = F.softplus(sure[1]).mean() / 2 - F.softplus(quiet[1]).mean() / 2
    assert partial_loss(sure, labels, ones) - partial_loss(quiet, labels, ones) > plain + 0.1


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


def test_a_label_that_counts_less_is_as_if_fewer_voxels_had_it(logits, rare):
    weights = torch.tensor([[1.0, 0.3, 0.3], [0.3, 1.0, 0.3]])
    dice_losses = []
    for k in range(3):
        each = weights[:, k, None, None, None]
        probability, truth = logits[:, k].sigmoid(), rare[:, k]
        both, total = (probability * truth * each).sum(), ((probability + truth) * each).sum()
        dice_losses.append(float(1 - (2 * both + SMOOTH_VOXELS) / (total + SMOOTH_VOXELS)))
    per_organ = np.array(dice_losses) + boosted_entropy(logits, rare, weights)
    expected = np.average(per_organ, weights=weights.sum(0).numpy())
    assert float(partial_loss(logits, rare, weights)) == pytest.approx(expected, rel=1e-5)


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
