"""How are the heads of revised organs tuned? On cached features, every other tensor left as it is.

In:  a network and samples of its features (cache).
Out: the network with new heads for those organs; every other tensor equal to the last bit.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from omentum.errors import TuneError
from omentum.networks.network import Network
from omentum.tune.cache import OrganSamples
from omentum.tune.config import ContinualConfig
from omentum.tune.losses import partial_loss
from omentum.tune.schedule import rate_at

__all__ = ["tune_heads"]

Progress = Callable[[int, int, float], None]
_VOXELS_A_STEP = 1 << 14


def tune_heads(
    network: Network,
    samples: Sequence[OrganSamples],
    weights: Mapping[tuple[str, str], float],
    config: ContinualConfig,
    progress: Progress | None = None,
) -> Network:
    """Tune one head after another, in place.

    Args:
        network: Its trunk stays frozen, as do the heads of organs without samples.
        samples: Of each organ to tune, from revised and replayed cases.
        weights: What the label of an organ in a case counts, by `(organ, case_id)`.
        config: How.
        progress: Told steps done, steps in all, loss.

    Returns:
        The network in evaluation mode.

    Raises:
        TuneError: There are no samples, or the loss is not finite.
    """
    if not samples:
        raise TuneError("no organ has a revision to tune on; import one with `omentum review import FOLDER`")
    network.eval().requires_grad_(False)
    organs = sorted({sample.organ for sample in samples})
    for k, name in enumerate(organs):
        own = [sample for sample in samples if sample.organ == name]
        counted = [weights[name, sample.case_id] for sample in own]
        before = k * config.steps, len(organs) * config.steps
        _tune_one(network, own, counted, config, _shifted(progress, before))
    return network.eval()


def _tune_one(
    network: Network, samples: Sequence[OrganSamples], weights: Sequence[float], config: ContinualConfig,
    progress: Progress,
) -> None:  # fmt: skip
    name = samples[0].organ
    device = next(network.parameters()).device
    trained = [value for key, value in network.named_parameters() if f".{name}." in key]
    for parameter in trained:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=0.0)
    chance = np.array(weights) / sum(weights)
    for step in range(config.steps):
        rng = np.random.default_rng([config.seed, step])
        sample = samples[int(rng.choice(len(samples), p=chance))]
        optimizer.param_groups[0]["lr"] = config.learning_rate * rate_at(step, config.steps)
        loss = _loss(network, sample, rng, device)
        if not bool(torch.isfinite(loss)):
            raise TuneError(
                f"the loss of {name} became {float(loss.detach())} at step {step}; lower learning_rate"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress(step + 1, config.steps, float(loss.detach()))
    for parameter in trained:
        parameter.requires_grad_(False)


def _loss(
    network: Network, sample: OrganSamples, rng: np.random.Generator, device: torch.device
) -> torch.Tensor:
    index = torch.from_numpy(rng.integers(len(sample.labels), size=_VOXELS_A_STEP))
    features = sample.features[:, index].float()[None].to(device)
    logits = network.heads(features, sample.context[None].to(device), [sample.organ])
    labels = sample.labels[index][None, None].to(device)
    stands_for = sample.stands_for[index][None, None].to(device)
    return partial_loss(logits, labels, torch.ones(1, 1, device=device), stands_for)


def _shifted(progress: Progress | None, before: tuple[int, int]) -> Progress:
    done, total = before

    def tell(step: int, _steps: int, loss: float) -> None:
        if progress is not None:
            progress(done + step, total, loss)

    return tell
