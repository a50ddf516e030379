"""What is Continual Tuning without a cache? Patches through the frozen trunk at every step, as published.

In:  a network, cases, organs, settings.
Out: the network with those organs' heads tuned. Patches, augmentation, loss and optimiser are those of the
     package's other modes; the trunk runs without gradients, for the published code wastes time on them.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing

import torch

from omentum.networks.network import Network
from omentum.tune.case_buffer import CasePool
from omentum.tune.config import FullConfig
from omentum.tune.losses import partial_loss
from omentum.tune.patches import Patches, draw
from omentum.tune.prepared_cases import PreparedCase
from omentum.tune.schedule import rate_at
from tuning.ours import Judged

__all__ = ["tune_uncached"]


def tune_uncached(
    network: Network,
    learned: Mapping[str, tuple[PreparedCase, float]],
    organs: Sequence[str],
    config: FullConfig,
    judged: Judged,
) -> Network:
    """Tune heads, the trunk computed anew at each step.

    Args:
        network: Its other tensors stay as they are.
        learned: Cases with labels of all `organs`, and what those count, by case.
        organs: To tune.
        config: Steps, patches, rate; `checkpoint_every` says how often it is judged.
        judged: Told of the steps.
    """
    network.eval().requires_grad_(False)
    trained = [one for key, one in network.named_parameters() if any(f".{name}." in key for name in organs)]
    for parameter in trained:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=0.0)
    cases = [case for case, _ in learned.values()]
    with closing(CasePool(cases, (), organs, network.spec.spacing_mm, config)) as pool:
        for step in range(config.steps):
            optimizer.param_groups[0]["lr"] = config.learning_rate * rate_at(step, config.steps)
            loss = _loss(network, draw(pool, organs, step, config), organs)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if (step + 1) % config.checkpoint_every == 0:
                judged(step + 1, network)
    return network.requires_grad_(False)


def _loss(network: Network, patches: Patches, organs: Sequence[str]) -> torch.Tensor:
    device = next(network.parameters()).device
    with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16):
        features, context = network.trunk(patches.hu.to(device))
        if not network.context_per_window:
            context = network.context_of(patches.overviews.to(device))
    logits = network.heads(features.float(), context.float(), organs)
    return partial_loss(logits, patches.labels.to(device), patches.weights.to(device))
