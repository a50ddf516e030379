"""How is a network of a round trained in full? On every label, from fresh weights or from the parent's.

In:  an open project, the cases that may be learned from, settings, the network's folder.
Out: the network, and what its story says of it.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from omentum.networks.network import Network, NetworkSpec, build
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.records import LabelledCase
from omentum.tune.board import Board
from omentum.tune.config import FullConfig
from omentum.tune.full import train_full
from omentum.tune.prepared import PreparedCase, prepared
from omentum.tune.run import TuneRun, network_in_use
from omentum.tune.schedule import rate_at
from omentum.workspace import Workspace

__all__ = ["CHECKPOINT", "train_in_round"]

CHECKPOINT = "checkpoint.pt"
"""Where training goes on after it was killed; gone once its network is noted."""
_SPACING_MM = 3.0
"""Of fresh weights whose settings do not say."""


def train_in_round(
    run: TuneRun, cases: Sequence[LabelledCase], config: FullConfig, maps: Sequence[AnatomyMap]
) -> tuple[Network, dict[str, Any]]:
    """Train all weights on every label, from checkpoint to checkpoint.

    Args:
        run: Where, on what, and who is told.
        cases: Those that may be learned from.
        config: How.
        maps: Anatomy of real people, from which patients are made up.

    Returns:
        The network, and what `tune.json` says of how it was made.
    """
    network = _begun(run.workspace, config).to(run.device)
    ready = _all_prepared(run, cases, network.spec.spacing_mm)
    with closing(Board(run.folder)) as board:

        def told(done: int, total: int, loss: float) -> None:
            rate = config.learning_rate * rate_at(done - 1, total, config.warm_up_share)
            board.write(done, {"loss": loss, "learning rate": rate})
            run.tell("train", done, total, f"loss {loss:.3f}")

        train_full(network, ready, config, run.folder / CHECKPOINT, told, maps=maps)
    learned = {"cases": [one.case_id for one in ready], "anatomy": [one.name for one in maps]}
    return network, {"mode": "full", **learned}


def _begun(workspace: Workspace, config: FullConfig) -> Network:
    """Give what full training begins with; the parent's weights may go on at another spacing."""
    if config.start == "fresh":
        return _fresh(workspace, config)
    parent = network_in_use(workspace)
    network = build(replace(parent.spec, spacing_mm=config.spacing_mm or parent.spec.spacing_mm))
    network.load_state_dict(parent.state_dict())
    return network


def _fresh(workspace: Workspace, config: FullConfig) -> Network:
    spec = NetworkSpec(
        architecture=config.architecture,
        organs=workspace.settings.organs,
        spacing_mm=config.spacing_mm or _SPACING_MM,
        window_voxels=config.window_voxels,
    )
    return build(spec, seed=config.seed)


def _all_prepared(run: TuneRun, cases: Sequence[LabelledCase], spacing_mm: float) -> list[PreparedCase]:
    ready = []
    for done, one in enumerate(cases, start=1):
        ready.append(prepared(one, spacing_mm, run.workspace.folder.cache_dir))
        run.tell("prepare cases", done, len(cases), one.case.case_id)
    return ready
