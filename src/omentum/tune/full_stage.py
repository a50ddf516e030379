"""Train the network of a round in full, from fresh weights or from its parent's."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from omentum.errors import ConfigError
from omentum.networks.network import Network, NetworkSpec, build
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.project.project import Project
from omentum.records import LabelledCase, MaskSource
from omentum.tune.checkpoint import is_of_another_run
from omentum.tune.config import FullConfig
from omentum.tune.devices import check_devices, run_on
from omentum.tune.full_training import FullRun, StepReport, run_key, taught_organs
from omentum.tune.held_out import HeldOutDice
from omentum.tune.new_organs import vouched_organs
from omentum.tune.prepared_cases import PreparedCase, prepared
from omentum.tune.run_record import TuneRun, network_in_use
from omentum.tune.tensorboard_log import TensorBoardLog

__all__ = ["CHECKPOINT", "train_in_round"]

CHECKPOINT = "checkpoint.pt"
"""Where training goes on after it was killed; gone once its network is noted."""
_SPACING_MM = 3.0
"""Of fresh weights whose settings do not say."""


def train_in_round(
    run: TuneRun, cases: Sequence[LabelledCase], config: FullConfig, maps: Sequence[AnatomyMap]
) -> tuple[Network, dict[str, Any]]:
    """Train all weights on cases that may be learned from, and on patients made up from label maps.

    Returns:
        The network, and what `tune.json` says of how it was made.

    Raises:
        ConfigError: Patches do not fit the network, or there are no such devices.
        TuneError: There is no label of any organ, or the loss is not finite.
    """
    check_devices(run.device, config.devices)
    network = _begun(run.project, cases, config)
    _check_patches(network, config)
    spacing_mm = network.spec.spacing_mm
    ready = _all_prepared(run, "prepare cases", cases, spacing_mm)
    look = _look(run, config, network)
    full = FullRun(
        network=network.to(run.device),
        cases=ready,
        config=config,
        checkpoint_path=run.folder / CHECKPOINT,
        maps=maps,
        validate=look if look.case_ids else None,
        validate_key=look.key,
    )
    organs = taught_organs(full)
    unknown = [name for name in network.spec.organs if name not in organs]
    _say_beforehand(run, full, unknown)
    with closing(TensorBoardLog(run.folder)) as board:
        outcome = run_on(run.device, full, _told(run, board))
    learned = {
        "mode": "full",
        "cases": [one.case_id for one in ready],
        "anatomy": [one.name for one in maps],
        "organs": list(organs),
        "organs_without_label": unknown,
        "held_out": {"cases": look.case_ids, "dice": outcome.best_dice, "step": outcome.best_step},
        "steps": outcome.steps,
        "device": run.device,
        "precision": outcome.precision,
    }
    return network, learned


def _check_patches(network: Network, config: FullConfig) -> None:
    sides, stride = config.patch_voxels, network.stride
    if any(side % stride for side in sides):
        rule = f"each side must be a multiple of {stride}, the stride of {network.spec.architecture}"
        raise ConfigError("patch_voxels", sides, rule)
    if network.context_per_window and all(side <= stride for side in sides):
        raise ConfigError("patch_voxels", sides, f"one side at least must be over {stride}, the stride")


def _look(run: TuneRun, config: FullConfig, network: Network) -> HeldOutDice:
    """Prepare the held-out references; none where training does not evaluate."""
    vouched = [
        replace(one, masks=tuple(mask for mask in one.masks if mask.source is not MaskSource.PREDICTED))
        for one in (run.held_out if config.validate_every else ())
    ]
    vouched = [one for one in vouched if one.masks]
    ready = _all_prepared(run, "held-out cases", vouched, network.spec.spacing_mm)
    return HeldOutDice(ready, network.spec.organs)


def _say_beforehand(run: TuneRun, full: FullRun, unknown: Sequence[str]) -> None:
    """Tell what a person may not expect, a line each, before the first step."""
    if is_of_another_run(full.checkpoint_path, run_key(full)):
        why = "it is of other data or settings, or damaged; training starts afresh"
        run.tell("kept checkpoint", 0, 0, why)
    if unknown:
        run.tell("no label", 0, 0, f"of {', '.join(unknown)}; what the network says of them is not learned")


def _told(run: TuneRun, board: TensorBoardLog) -> Callable[[StepReport], None]:
    def told(one: StepReport) -> None:
        curves = {"loss": one.loss, "learning rate": one.rate, "patches a second": one.patches_per_second}
        last = f"loss {one.loss:.3f}, rate {one.rate:.1e}, {one.patches_per_second:.1f} patches/s"
        if one.held_out_dice is not None:
            curves["held-out Dice"] = one.held_out_dice
            last += f", held-out Dice {one.held_out_dice:.3f}"
        board.write(one.step, curves)
        run.tell("train", one.step, one.steps, last)

    return told


def _begun(project: Project, cases: Sequence[LabelledCase], config: FullConfig) -> Network:
    """Give what full training begins with; the parent's weights may go on at another spacing."""
    if config.start == "fresh":
        return _fresh(project, cases, config)
    parent = network_in_use(project)
    network = build(parent.spec.changed(spacing_mm=config.spacing_mm or parent.spec.spacing_mm))
    network.load_state_dict(parent.state_dict())
    return network


def _fresh(project: Project, cases: Sequence[LabelledCase], config: FullConfig) -> Network:
    """Build untrained weights; an added organ without any label has no head."""
    waiting = project.settings.similar_to_new.keys() - vouched_organs(cases)
    spec = NetworkSpec(
        architecture=config.architecture,
        organs=tuple(name for name in project.settings.organs if name not in waiting),
        spacing_mm=config.spacing_mm or _SPACING_MM,
        window_voxels=config.window_voxels,
    )
    return build(spec, seed=config.seed)


def _all_prepared(
    run: TuneRun, what: str, cases: Sequence[LabelledCase], spacing_mm: float
) -> list[PreparedCase]:
    run.prepare(what, cases, spacing_mm)
    return [prepared(one, spacing_mm, run.project.folder.cache_dir) for one in cases]
