import pytest
import torch

from omentum.networks.heads import Adapter
from omentum.tune.samples import OrganSamples
from omentum.tune.whitening import Whitening


@pytest.fixture
def correlated() -> OrganSamples:
    """Twelve wide channels that are mixtures of each other, far from 0, one of them nearly still."""
    rng = torch.Generator().manual_seed(0)
    mixed = torch.randn(12, 12, generator=rng) @ torch.randn(12, 3000, generator=rng) * 3.0 + 5.0
    mixed[3] *= 1e-4
    return OrganSamples(
        organ="liver",
        case_id="a",
        features=torch.cat([torch.randn(8, 3000, generator=rng), mixed]),
        contexts=torch.zeros(1, 4),
        starts=torch.tensor([0, 3000]),
        labels=torch.zeros(3000, dtype=torch.bool),
        stands_for=torch.ones(3000),
    )


def test_whitened_channels_vary_alike_in_all_directions_and_the_reduced_ones_stay(correlated):
    made = Whitening.of([correlated], torch.device("cpu"))(correlated.features[None])[0]
    assert torch.equal(made[:8], correlated.features[:8])
    before, after = (torch.linalg.eigvalsh(torch.cov(one[8:])) for one in (correlated.features, made))
    kept = before > 0.01 * before.mean()
    assert 4 < int(kept.sum()) < 12
    torch.testing.assert_close(after[kept], torch.ones(int(kept.sum())), atol=0.02, rtol=0)
    assert float(after[~kept].max()) < 1.0, "noise is not made as large as the rest"
    torch.testing.assert_close(made[8:].mean(dim=1), torch.zeros(12), atol=1e-3, rtol=0)


def test_an_adapter_says_the_same_of_whitened_features_once_it_is_turned(correlated):
    adapter = Adapter(12)
    with torch.no_grad():
        adapter.up.weight.normal_()
    whitening = Whitening.of([correlated], torch.device("cpu"))
    own = {f"adapters.liver.{name}": value for name, value in adapter.state_dict().items()}
    turned = whitening.to_whitened(own)
    other = Adapter(12)
    other.load_state_dict({name.removeprefix("adapters.liver."): value for name, value in turned.items()})
    wide = correlated.features[None, 8:, :50]
    with torch.no_grad():
        seen = whitening(correlated.features[None, :, :50])[:, 8:]
        torch.testing.assert_close(other(seen), adapter(wide), atol=1e-3, rtol=1e-3)
    for name, value in whitening.from_whitened(turned).items():
        torch.testing.assert_close(value, own[name], atol=1e-3, rtol=1e-3)
