"""How many voxel samples a second do heads learn from?

Run: python benchmarks/tune_speed.py [--quick]. Ours: `tune_heads`, from runs of samples in random order, in
one thread. Other: 16,384 voxels of one case gathered at random at each step; in one thread or in as many as
the machine has, whichever is faster here. Both do the same sums: features to logits, loss, gradient, step of
AdamW; the other takes one context for a step even where each window has its own. Time is for a million
samples; on a machine that others use too, both sides lose.
"""

import os
import statistics
import time

import numpy as np
import torch

from measure import asked, options, report
from omentum.networks.network import Network, NetworkSpec, build
from omentum.networks.weights import load_network  # noqa: F401  (registers every architecture)
from omentum.tune.config import ContinualConfig
from omentum.tune.continual import tune_heads
from omentum.tune.head_batches import VOXELS_A_STEP
from omentum.tune.losses import partial_loss
from omentum.tune.samples import OrganSamples

NETWORKS = ("starter", "universal-unet", "universal-swinunetr")
N_VOXELS, N_CASES, N_WINDOWS = 60_000, 12, 100


def main(quick: bool) -> None:
    names = NETWORKS[:1] if quick else NETWORKS
    steps, rows = (100 if quick else 400), {}
    for name in names:
        network = build(NetworkSpec(architecture=name, organs=("liver",), spacing_mm=3.0)).eval()
        samples = made_up(network)
        row = {
            "ours": ours(network, samples, steps),
            "other_in_all_threads": other(network, samples, steps, threads=os.cpu_count() or 1),
            "other_in_one_thread": other(network, samples, steps, threads=1),
        }
        rows[name] = {key: round(1e6 * taken / VOXELS_A_STEP, 4) for key, taken in row.items()}
        print(f"{name}, seconds a million samples: {rows[name]}")
    first, *others = rows["starter"].values()
    rates = {name: round(1 / row["ours"], 2) * 1e6 for name, row in rows.items()}
    figures = {"samples_a_second": rates, "seconds": rows, "load_before": round(os.getloadavg()[0], 1)}
    report("tune_speed", ours=first, other=min(others), unit="s", quick=quick, **figures)


def made_up(network: Network) -> list[OrganSamples]:
    """Give samples as the cache would: numbers do not matter here, sizes do."""
    source = torch.Generator().manual_seed(0)
    n_groups = N_WINDOWS if network.context_per_window else 1
    return [
        OrganSamples(
            organ="liver",
            case_id=str(case),
            features=torch.randn(8, N_VOXELS, generator=source).half(),
            contexts=torch.randn(n_groups, network.context_channels, generator=source),
            starts=torch.linspace(0, N_VOXELS, n_groups + 1).long(),
            labels=torch.rand(N_VOXELS, generator=source) < 0.3,
            stands_for=torch.rand(N_VOXELS, generator=source) * 100,
        )
        for case in range(N_CASES)
    ]


def ours(network: Network, samples: list[OrganSamples], steps: int) -> float:
    """Give the median seconds of a step."""
    ended: list[float] = []

    def after(_step: int, _network: Network) -> bool:
        ended.append(time.perf_counter())
        return False

    weights = {(one.organ, one.case_id): 1.0 for one in samples}
    tune_heads(network, samples, weights, ContinualConfig(steps=steps), after=after)
    return statistics.median(np.diff(ended).tolist())


def other(network: Network, samples: list[OrganSamples], steps: int, *, threads: int) -> float:
    """Give the median seconds of a step of the plain loop."""
    torch.set_num_threads(threads)
    network.requires_grad_(False)
    trained = list(network.organ_heads.controllers["liver"].requires_grad_(True).parameters())
    optimizer = torch.optim.AdamW(trained, lr=5e-3, weight_decay=0.0)
    taken = []
    for step in range(steps):
        started = time.perf_counter()
        rng = np.random.default_rng([0, step])
        sample = samples[int(rng.integers(len(samples)))]
        index = torch.from_numpy(rng.integers(len(sample.labels), size=VOXELS_A_STEP))
        features = sample.features[:, index].float()[None]
        logits = network.heads(features, sample.contexts[:1], ["liver"])
        labels, stands_for = (one[index][None, None] for one in (sample.labels, sample.stands_for))
        loss = partial_loss(logits, labels, torch.ones(1, 1), stands_for)
        if not bool(torch.isfinite(loss)):
            raise ArithmeticError(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
