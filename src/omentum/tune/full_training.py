"""Records of full training: what it is given, the key that names a run, and reports of its steps."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import TuneError
from omentum.networks.network import Network
from omentum.networks.weights import tensors_sha256
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.phantoms.phantom import LABELLED
from omentum.records import MaskSource
from omentum.tune.config import FullConfig
from omentum.tune.prepared_cases import PreparedCase

__all__ = ["FullRun", "Outcome", "StepReport", "Validate", "Watch", "run_key", "taught_organs"]

Validate = Callable[[Network], float]
"""Measures a network in evaluation mode on held-out patients: their mean Dice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FullRun:
    """What a run of full training is given."""

    network: Network
    """Fresh, or to be trained on; on the CPU or a GPU."""
    cases: Sequence[PreparedCase]
    """All that it learns from, at its spacing."""
    config: FullConfig
    checkpoint_path: Path
    """Where the state is kept between steps; removed by the caller when all is stored."""
    maps: Sequence[AnatomyMap] = ()
    """Anatomy of real people, from which patients are made up on the fly."""
    validate: Validate | None = None
    """Asked each `validate_every` steps. With several devices it has to be one that pickle takes."""
    validate_key: str = ""
    """Names all that `validate` depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How a run goes."""

    step: int
    """Steps done."""
    steps: int
    loss: float
    rate: float
    """Of the learning, at this step."""
    patches_per_second: float
    """Over all devices, of late."""
    held_out_dice: float | None
    """Of the last look at held-out patients; `None` before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    steps: int
    """Steps done."""
    best_dice: float | None
    """Of held-out patients; `None` where there was no look."""
    best_step: int | None
    """Whose weights are kept; `None` without evaluations."""
    precision: str
    """Numbers that were computed in, by Fabric's name."""
    weights_sha256: tuple[str, ...]
    """What each device ended with; all the same."""


Watch = Callable[[StepReport], None]
"""Told after each step."""


def taught_organs(run: FullRun) -> tuple[str, ...]:
    """Give the network's organs that anything is known of.

    Raises:
        TuneError: There is none.
    """
    organs, config = run.network.spec.organs, run.config
    known = {
        name
        for case in run.cases
        for name, source in case.sources.items()
        if config.predicted_weight > 0 or source is not MaskSource.PREDICTED
    }
    known.update(LABELLED if config.rendered_share else ())
    taught = tuple(name for name in organs if name in known)
    if not taught:
        raise TuneError(
            f"no case has a label of {', '.join(organs)}; add cases with `--label`, or revise some"
        )
    return taught


def run_key(run: FullRun) -> str:
    """Name a run by all that its result depends on, so that no other run's checkpoint is taken up."""
    network = run.network
    parts = [tensors_sha256(network.state_dict()), run.config.model_dump_json(), network.spec.to_json()]
    parts += [case.key for case in run.cases] + [one.sha256 for one in run.maps]
    return hashlib.sha256("\n".join([*parts, run.validate_key]).encode()).hexdigest()
