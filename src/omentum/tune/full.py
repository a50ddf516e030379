"""Train all weights: patches of every case, partial labels, a running mean of the weights."""

from collections.abc import Callable, Sequence
from pathlib import Path

from omentum.networks.network import Network
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.tune.config import FullConfig
from omentum.tune.devices import run_on
from omentum.tune.full_training import FullRun, StepReport
from omentum.tune.prepared_cases import PreparedCase

__all__ = ["train_full"]

Progress = Callable[[int, int, float], None]
"""Told the steps done, the steps in all, and the loss."""


def train_full(
    network: Network,
    cases: Sequence[PreparedCase],
    config: FullConfig,
    checkpoint_path: Path,
    progress: Progress | None = None,
    *,
    maps: Sequence[AnatomyMap] = (),
) -> Network:
    """Train every weight of a network, in place, on the device that it is on.

    See `devices.run_on` for several devices, and for looks at held-out patients.

    Args:
        network: Fresh, or to be trained on; on the CPU or a GPU.
        cases: All that it learns from, at its spacing.
        config: How.
        checkpoint_path: Where the state is kept between steps; removed by the caller when all is stored.
        progress: Told after each step.
        maps: Anatomy of real people, from which patients are made up on the fly.

    Returns:
        The network in evaluation mode, with the running mean of its weights.

    Raises:
        TuneError: No label of any organ is there to learn from, or the loss is not finite.
    """

    def told(report: StepReport) -> None:
        if progress is not None:
            progress(report.step, report.steps, report.loss)

    run = FullRun(network=network, cases=cases, config=config, checkpoint_path=checkpoint_path, maps=maps)
    run_on(str(next(network.parameters()).device), run, told)
    return network
