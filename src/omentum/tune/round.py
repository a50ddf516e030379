"""What does tuning do in a round? A new network from the revisions, or from every label there is.

In:  an open project, and the mask that stands for each organ of each case (loop).
Out: `networks/<name>-r<round>/` with weights, `tune.json` and a model card; the next round begins with it.
"""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from omentum.errors import TuneError
from omentum.networks.catalogue import WEIGHTS_FILE, find_weights
from omentum.networks.network import Network, NetworkSpec, build
from omentum.networks.weights import load_network, save_network
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.records import LabelledCase, MaskSource, NetworkRecord, Revision
from omentum.tune.board import Board
from omentum.tune.cache import OrganSamples, sample_case
from omentum.tune.config import ContinualConfig, FullConfig
from omentum.tune.continual import tune_heads
from omentum.tune.full import train_full
from omentum.tune.model_card import write_model_card
from omentum.tune.prepared import PreparedCase, prepared
from omentum.tune.replay import replayed
from omentum.tune.schedule import rate_at
from omentum.volumes.atomic import sweep, write_json
from omentum.volumes.labels import organs_named
from omentum.workspace import Workspace

__all__ = ["tune_round"]

Progress = Callable[[str, int, int, str], None]
"""Told what is being done, steps done, steps in all, and how it goes."""
_CHECKPOINT = "checkpoint.pt"
_SPACING_MM = 3.0
"""Of fresh weights whose settings do not say."""
_ROUND = re.compile(r"-r\d+$")


def tune_round(
    workspace: Workspace,
    labelled: Sequence[LabelledCase],
    config: ContinualConfig | FullConfig,
    *,
    maps: Sequence[AnatomyMap] = (),
    device: str = "cpu",
    progress: Progress | None = None,
) -> NetworkRecord:
    """Tune the network in use, and begin the next round with what comes out.

    Called again after a kill, it goes on from the last checkpoint; a network that was noted is not made anew.

    Args:
        workspace: The project.
        labelled: Every case with the mask that stands for each organ; patients kept for evaluation are
            left out here.
        config: `ContinualConfig` tunes the heads of the organs revised in this round; `FullConfig`
            trains all weights afresh on all labels.
        maps: Anatomy of real people, from which full training makes up patients.
        device: Where to train.
        progress: Told of the work.

    Raises:
        TuneError: There is nothing to learn from, or the loss is not finite.
    """
    current = workspace.store.rounds.current()
    noted = {one.name: one for one in workspace.store.networks.all()}
    folder = _folder(workspace)
    cases = [one for one in labelled if not one.case.held_out]
    tell = progress or (lambda _what, _done, _total, _last: None)
    record = noted.get(folder.name) or _made(workspace, cases, config, maps, device, tell)
    workspace.store.networks.add(record)
    (folder / _CHECKPOINT).unlink(missing_ok=True)
    sweep(folder)
    workspace.store.rounds.finish(current.number)
    workspace.store.rounds.start(folder.name)
    return record


def _folder(workspace: Workspace) -> Path:
    """Name the network that this round ends with: by the one that the project began with, and the round."""
    current = workspace.store.rounds.current()
    is_ours = any(one.name == current.network for one in workspace.store.networks.all())
    base = _ROUND.sub("", current.network) if is_ours else current.network
    return workspace.folder.network_dir(f"{base}-r{current.number}")


def _made(
    workspace: Workspace,
    cases: Sequence[LabelledCase],
    config: ContinualConfig | FullConfig,
    maps: Sequence[AnatomyMap],
    device: str,
    tell: Progress,
) -> NetworkRecord:
    """Tune a network, and write all its files."""
    current, folder = workspace.store.rounds.current(), _folder(workspace)
    started = time.perf_counter()
    if isinstance(config, FullConfig):
        network, learned = _full(workspace, cases, config, maps, device, tell)
    else:
        network, learned = _continual(workspace, cases, config, device, tell)
    sha256 = save_network(folder / WEIGHTS_FILE, network.cpu(), numbers=config.kept_as)
    story = {
        "name": folder.name,
        "parent": current.network,
        "round": current.number,
        "weights_sha256": sha256,
        "seconds": round(time.perf_counter() - started, 1),
        **learned,
        "config": asdict(config),
    }
    write_json(folder / "tune.json", story)
    write_model_card(folder / "model-card.md", network.spec, story)
    return NetworkRecord(
        name=folder.name,
        folder=folder,
        weights_sha256=sha256,
        parent=current.network,
        round_number=current.number,
    )


def _full(
    workspace: Workspace,
    cases: Sequence[LabelledCase],
    config: FullConfig,
    maps: Sequence[AnatomyMap],
    device: str,
    tell: Progress,
) -> tuple[Network, dict[str, Any]]:
    network = _begun(workspace, config).to(device)
    ready = _prepared(workspace, cases, network.spec.spacing_mm, tell)
    folder = _folder(workspace)
    with closing(Board(folder)) as board:

        def told(done: int, total: int, loss: float) -> None:
            rate = config.learning_rate * rate_at(done - 1, total, config.warm_up_share)
            board.write(done, {"loss": loss, "learning rate": rate})
            tell("train", done, total, f"loss {loss:.3f}")

        train_full(network, ready, config, folder / _CHECKPOINT, told, maps=maps)
    learned = {"cases": [one.case_id for one in ready], "anatomy": [one.name for one in maps]}
    return network, {"mode": "full", **learned}


def _begun(workspace: Workspace, config: FullConfig) -> Network:
    """Give what full training begins with; the parent's weights may go on at another spacing."""
    if config.start == "fresh":
        return _fresh(workspace, config)
    parent = _current(workspace)
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


def _current(workspace: Workspace) -> Network:
    """Load the network that predicts in this round."""
    name = workspace.store.rounds.current().network
    return load_network(find_weights(name, workspace.folder.root / "networks"))


def _continual(
    workspace: Workspace, cases: Sequence[LabelledCase], config: ContinualConfig, device: str, tell: Progress
) -> tuple[Network, dict[str, Any]]:
    current = workspace.store.rounds.current()
    network = _current(workspace).to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    revised = [one for one in workspace.store.revisions.all() if one.round_number == current.number]
    plan = _plan(workspace, cases, revised, config, network.spec.organs)
    by_id = {one.case.case_id: one for one in cases}
    samples: list[OrganSamples] = []
    for done, (case_id, organs) in enumerate(sorted(plan.items()), start=1):
        ready = prepared(by_id[case_id], network.spec.spacing_mm, workspace.folder.cache_dir)
        samples += sample_case(network, ready, sorted(organs), config, overlap=workspace.settings.overlap)
        tell("cache features", done, len(plan), case_id)
    counted = {
        (organ, case_id): weight for case_id, organs in plan.items() for organ, weight in organs.items()
    }
    tune_heads(
        network, samples, counted, config,
        lambda done, total, loss: tell("tune heads", done, total, f"loss {loss:.3f}"),
    )  # fmt: skip
    seen = {case_id: sorted(organs) for case_id, organs in sorted(plan.items())}
    return network, {"mode": "continual", "organs": sorted({s.organ for s in samples}), "cases": seen}


def _plan(
    workspace: Workspace,
    cases: Sequence[LabelledCase],
    revised: Sequence[Revision],
    config: ContinualConfig,
    known: Sequence[str],
) -> dict[str, dict[str, float]]:
    """Decide for each case which organs' labels are learned from, and what they count.

    Masks that people vouch for are replayed first, those that drew most attention before the others; then
    predicted ones, those that drew least before the others, for the rest are probably wrong.
    """
    current = workspace.store.rounds.current().number
    attention = _attention(workspace)
    sources = {(one.case.case_id, mask.organ): mask.source for one in cases for mask in one.masks}
    fresh = {(one.case_id, one.organ) for one in revised if (one.case_id, one.organ) in sources}
    if config.organs:
        wanted = {row.name for row in organs_named(config.organs)}
        vouched = {key for key, source in sources.items() if source is not MaskSource.PREDICTED}
        fresh = {(case_id, name) for case_id, name in vouched if name in wanted}
    organs = sorted({name for _, name in fresh} & set(known))
    if not organs:
        cure = "import one with `omentum review import FOLDER`; held-out patients are never learned from"
        raise TuneError(f"round {current} has no revision to tune on; {cure}")
    plan: dict[str, dict[str, float]] = defaultdict(dict)
    for name in organs:
        earlier = [case_id for case_id, organ in sources if organ == name and (case_id, name) not in fresh]
        is_guess = {case_id: sources[case_id, name] is MaskSource.PREDICTED for case_id in earlier}
        drawn = {case_id: attention.get((case_id, name), 0.0) for case_id in earlier}
        importance = {one: -1.0 - drawn[one] if is_guess[one] else drawn[one] for one in earlier}
        own = [case_id for case_id, organ in fresh if organ == name]
        replay = replayed(earlier, importance, config.replay_share)[: config.replay_limit * len(own)]
        for case_id in own + replay:
            plan[case_id][name] = config.predicted_weight if is_guess.get(case_id) else 1.0
    return plan


def _attention(workspace: Workspace) -> dict[tuple[str, str], float]:
    """Give the attention in mL that each organ of each case drew when it was last scored."""
    return {
        (score.case_id, organ.organ): organ.attention_ml
        for one in workspace.store.rounds.all()
        for score in workspace.store.scores.of_round(one.number)
        for organ in score.organs
    }


def _prepared(
    workspace: Workspace, cases: Sequence[LabelledCase], spacing_mm: float, tell: Progress
) -> list[PreparedCase]:
    ready = []
    for done, one in enumerate(cases, start=1):
        ready.append(prepared(one, spacing_mm, workspace.folder.cache_dir))
        tell("prepare cases", done, len(cases), one.case.case_id)
    return ready
