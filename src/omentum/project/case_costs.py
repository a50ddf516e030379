"""Measure what a case costs, in seconds and bytes, from what this project has kept of its predictions."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from omentum.project.kept_probabilities import dropped_probabilities
from omentum.project.project import Project
from omentum.records import Prediction

__all__ = ["BYTES", "CPU", "STEPS", "NetworkCosts", "Spread", "case_bytes", "measured_costs", "spread_of"]

STEPS = ("read", "compute", "write")
"""Steps of a prediction; they overlap from case to case."""
BYTES = ("masks", "probabilities")
"""What the files of a prediction are: `masks` are all but the probabilities, with pictures and summaries."""
CPU = "cpu"
"""Device of a network that runs on processors."""
_MOST_CASES = 400
"""Most cases of a network that are looked at, evenly over all, as each costs a few accesses to the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One figure over several cases.

    Attributes:
        mean: By which totals are computed.
        median: Half of the cases have no more.
        low: A tenth of the cases has no more.
        high: A tenth of the cases has no less.
        n: Number of cases.
    """

    mean: float
    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCosts:
    """What a prediction by one network costs.

    Attributes:
        network: Its name.
        device: What it ran on: `cpu`, or the name of a GPU.
        source: Where it was measured, for people.
        seconds: Of each step, see `STEPS`.
        n_bytes: Of each kind of files, see `BYTES`.
        is_measured_here: Whether the figures are this project's own.
    """

    network: str
    device: str
    source: str
    seconds: Mapping[str, Spread]
    n_bytes: Mapping[str, Spread] = field(default_factory=dict)
    is_measured_here: bool = False

    @property
    def is_on_gpu(self) -> bool:
        """Whether the network ran on a GPU."""
        return self.device != CPU


def spread_of(values: Sequence[float]) -> Spread:
    """Sum up one figure over cases; tenths are interpolated between cases.

    Example:
        >>> spread_of([1.0, 2.0, 3.0, 4.0, 10.0])
        Spread(mean=4.0, median=3.0, low=1.4, high=7.6, n=5)
    """
    ordered = sorted(values)
    return Spread(
        mean=statistics.fmean(ordered),
        median=statistics.median(ordered),
        low=_tenth(ordered, 1),
        high=_tenth(ordered, 9),
        n=len(ordered),
    )


def _tenth(ordered: Sequence[float], tenths: int) -> float:
    whole, rest = divmod(tenths * (len(ordered) - 1), 10)
    steps = [*pairwise(ordered), (ordered[-1], ordered[-1])]
    low, high = steps[whole]
    return round(low + (high - low) * rest / 10, 9)


def measured_costs(project: Project, network: str) -> list[NetworkCosts]:
    """Measure what predictions by a network cost here, a record for each device; most cases first.

    Predictions that were imported do not count, nor those whose summary is gone or does not say the device.
    """
    of_device: dict[str, list[tuple[Prediction, dict[str, Any]]]] = defaultdict(list)
    made = [one for one in project.predictions(network).values() if not one.origin]
    for prediction in _evenly(made):
        summary = _summary(prediction.summary_path)
        if summary.get("device") and _steps(summary):
            of_device[str(summary["device"])].append((prediction, summary))
    costs = [_costs(network, device, found) for device, found in of_device.items()]
    return sorted(costs, key=lambda one: -one.seconds["compute"].n)


def _evenly(made: Sequence[Prediction]) -> list[Prediction]:
    n = min(len(made), _MOST_CASES)
    return [made[k * len(made) // n] for k in range(n)]


def _summary(path: Path) -> dict[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


def _steps(summary: Mapping[str, Any]) -> dict[str, float]:
    """Give the seconds of each step; empty where the summary does not have them."""
    seconds = summary.get("seconds", {})
    try:
        read, write = float(seconds["read"]), float(seconds["write"])
        return {"read": read, "compute": float(seconds["total"]) - read - write, "write": write}
    except (KeyError, TypeError, ValueError):
        return {}


def _costs(network: str, device: str, found: Sequence[tuple[Prediction, Mapping[str, Any]]]) -> NetworkCosts:
    steps = [_steps(summary) for _, summary in found]
    sizes = [_prediction_bytes(prediction) for prediction, _ in found]
    n = "1 case" if len(found) == 1 else f"{len(found)} cases"
    return NetworkCosts(
        network=network,
        device=device,
        source=f"measured in this project, {n}",
        seconds={step: spread_of([one[step] for one in steps]) for step in STEPS},
        n_bytes={kind: spread_of([one[kind] for one in sizes]) for kind in BYTES},
        is_measured_here=True,
    )


def _prediction_bytes(prediction: Prediction) -> dict[str, float]:
    """Measure the files of a prediction, by kind; probabilities that were dropped count as they were."""
    name = prediction.probabilities_path.name
    sizes = _sizes(prediction.folder)
    dropped = dropped_probabilities(prediction)
    probabilities = sizes.pop(name, 0) if dropped is None else dropped.n_bytes
    return {"masks": sum(sizes.values()), "probabilities": probabilities}


def case_bytes(project: Project) -> dict[str, Spread]:
    """Measure the CT of each case, and its attention maps if it is scored; what no case has is left out."""
    cases = project.store.cases.all()
    n = min(len(cases), _MOST_CASES)
    looked = [cases[k * len(cases) // n] for k in range(n)]
    cts = [one.ct_path.stat().st_size for one in looked if one.ct_path.is_file()]
    attention = [sum(_sizes(project.folder.attention_dir(one.case_id)).values()) for one in looked]
    found = {"CT": cts, "attention": [size for size in attention if size]}
    return {kind: spread_of(sizes) for kind, sizes in found.items() if sizes}


def _sizes(folder: Path) -> dict[str, int]:
    """Give the size of each file in a folder, by name; a link counts as what it leads to."""
    paths: Iterable[Path] = folder.iterdir() if folder.is_dir() else ()
    return {path.name: path.stat().st_size for path in paths if path.is_file()}
