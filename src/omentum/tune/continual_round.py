"""How is a network of a round tuned? The heads of revised organs, on features of the frozen trunk.

In:  an open project, the cases that may be learned from, settings.
Out: the network, and what its story says of it.
"""

from collections.abc import Sequence
from typing import Any

import torch

from omentum.networks.network import Network
from omentum.records import LabelledCase
from omentum.tune.cache import OrganSamples, sample_case
from omentum.tune.config import ContinualConfig
from omentum.tune.continual import tune_heads
from omentum.tune.plan import learned_from
from omentum.tune.prepared import prepared
from omentum.tune.run import TuneRun, network_in_use

__all__ = ["tune_in_round"]


def tune_in_round(
    run: TuneRun, cases: Sequence[LabelledCase], config: ContinualConfig
) -> tuple[Network, dict[str, Any]]:
    """Tune the heads of the organs revised in this round on features of the frozen trunk.

    Args:
        run: Where, on what, and who is told.
        cases: Those that may be learned from.
        config: How.

    Returns:
        The network, and what `tune.json` says of how it was made.
    """
    workspace = run.workspace
    network = network_in_use(workspace).to(run.device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    plan = learned_from(workspace, cases, workspace.unlearned(), config, network.spec.organs)
    by_id = {one.case.case_id: one for one in cases}
    samples: list[OrganSamples] = []
    for done, (case_id, organs) in enumerate(sorted(plan.items()), start=1):
        ready = prepared(by_id[case_id], network.spec.spacing_mm, workspace.folder.cache_dir)
        samples += sample_case(network, ready, sorted(organs), config, overlap=workspace.settings.overlap)
        run.tell("cache features", done, len(plan), case_id)
    counted = {
        (organ, case_id): weight for case_id, organs in plan.items() for organ, weight in organs.items()
    }
    tune_heads(
        network, samples, counted, config,
        lambda done, total, loss: run.tell("tune heads", done, total, f"loss {loss:.3f}"),
    )  # fmt: skip
    seen = {case_id: sorted(organs) for case_id, organs in sorted(plan.items())}
    return network, {"mode": "continual", "organs": sorted({s.organ for s in samples}), "cases": seen}
