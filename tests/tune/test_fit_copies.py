from dataclasses import replace

import pytest
import torch

from omentum.errors import TuneError
from omentum.tune.fit_copies import CopyWeights, Fit, fit_copies
from omentum.tune.head_batches import HeadBatches
from omentum.tune.samples import OrganSamples
from omentum.tune.stacked_heads import StackedHeads, starting_tensors

FIT = Fit(steps=20)


def samples_of(network, case_id: str, seed: int, *, at: float = 0.0) -> OrganSamples:
    """Voxels whose label says whether the first feature is above a value."""
    rng = torch.Generator().manual_seed(seed)
    features = torch.randn(8 + network.wide_channels, 600, generator=rng).half()
    return OrganSamples(
        organ="liver",
        case_id=case_id,
        features=features,
        contexts=torch.zeros(1, network.context_channels),
        starts=torch.tensor([0, 600]),
        labels=features[0] > at,
        stands_for=torch.ones(600),
    )


def fitted(network, samples, counts, pulls, *, soft=None, fit=FIT, adapted=True):
    begun, learn = starting_tensors(network, "liver", adapted=adapted, seed=0)
    copies = StackedHeads("liver", begun, len(pulls), slope=network.organ_heads.slope)
    weights = CopyWeights(
        counts=torch.tensor(counts, dtype=torch.float32),
        pulls=torch.tensor(pulls),
        soft=torch.tensor(soft or [False] * len(samples)),
    )
    batches = HeadBatches(samples, [1.0] * len(samples), 0, n_voxels=256)
    fit_copies(copies, learn, batches, weights, fit, seed=0)
    return begun, copies


@pytest.fixture
def three(network) -> list[OrganSamples]:
    return [samples_of(network, name, seed) for seed, name in enumerate("abc")]


def test_copies_say_what_the_networks_own_heads_say(network, three):
    begun, _ = starting_tensors(network, "liver", adapted=True, seed=0)
    copies = StackedHeads("liver", begun, 2, slope=network.organ_heads.slope)
    features, contexts = three[0].features.float()[None], three[0].contexts
    with torch.no_grad():
        own = network.heads(features[:, :8], contexts, ["liver"])[:, 0]
        torch.testing.assert_close(copies.logits(features, contexts), own.expand(2, -1, -1))


def test_a_copy_learns_as_if_it_were_alone(network, three):
    _, both = fitted(network, three, [[1, 1, 0], [1, 0, 1]], [0.0, 0.1])
    _, alone = fitted(network, three, [[1, 0, 1]], [0.1])
    for name, value in both.copied(1).items():
        torch.testing.assert_close(value, alone.copied(0)[name], atol=1e-4, rtol=1e-3)


def test_a_case_that_is_left_out_teaches_nothing(network, three):
    wrong = replace(three[2], labels=~three[2].labels)
    counts = [[1, 1, 0], [1, 1, 1]]
    _, right = fitted(network, three, counts, [0.0, 0.0])
    _, other = fitted(network, [*three[:2], wrong], counts, [0.0, 0.0])
    first, second = right.copied(0), other.copied(0)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(right.copied(1)[name], other.copied(1)[name]) for name in first)


def test_a_stronger_pull_keeps_weights_nearer_to_the_parents(network, three):
    begun, copies = fitted(network, three, [[1, 1, 1]] * 3, [0.0, 1.0, 100.0])
    away = [
        sum(float(((value - begun[name]) ** 2).sum()) for name, value in copies.copied(copy).items())
        for copy in range(3)
    ]
    assert away[0] > away[1] > away[2] > 0.0


def test_heads_alone_leave_adapters_as_they_are(network, three):
    begun, copies = fitted(network, three, [[1, 1, 1]], [0.0], adapted=False)
    assert begun.keys() == copies.values.keys()
    assert not any("adapters" in name for name in begun)


def test_a_case_taught_by_the_parent_holds_a_head_where_it_is(network, three):
    begun, soft = fitted(
        network, three, [[1, 1, 1]], [0.0], soft=[True] * 3, fit=replace(FIT, gain_noise=0.0)
    )
    _, hard = fitted(network, three, [[1, 1, 1]], [0.0], fit=replace(FIT, gain_noise=0.0))
    features, contexts = three[0].features.float()[None], three[0].contexts
    parent = StackedHeads("liver", begun, 1, slope=network.organ_heads.slope)

    def moved(copies):
        return float((copies.logits(features, contexts) - parent.logits(features, contexts)).abs().mean())

    assert moved(soft) < 0.3 * moved(hard)


def test_a_loss_that_is_no_number_ends_the_fit(network, three):
    bad = replace(three[0], stands_for=torch.full((600,), float("nan")))
    with pytest.raises(TuneError, match="nothing was written"):
        fitted(network, [bad, *three[1:]], [[1, 1, 1]], [0.0])


def test_between_parent_and_child_lies_what_is_asked_for(network, three):
    begun, copies = fitted(network, three, [[1, 1, 1]], [0.0])
    assert all(value.equal(begun[name]) for name, value in copies.between(begun, 0.0).copied(0).items())
    for name, value in copies.between(begun, 0.5).copied(0).items():
        torch.testing.assert_close(value, (begun[name] + copies.copied(0)[name]) / 2)
