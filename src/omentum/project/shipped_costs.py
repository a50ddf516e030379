"""Give what a case costs where this project has measured nothing: figures of the shipped benchmark.

`benchmarks/case_costs.py` measures them, on one CT, and writes `shipped_costs.json`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from omentum.project.case_costs import CPU, NetworkCosts, Spread, spread_of

__all__ = [
    "NLST",
    "PublishedRun",
    "shipped_bytes",
    "shipped_costs",
    "shipped_networks",
    "shipped_score",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRun:
    """A published run over many CTs.

    Attributes:
        name: Of the CTs.
        source: Where it is published.
        n_cases: Number of CTs, at least.
        hours: From the first to the last, at most.
        n_machines: Machines that were used over the whole run, at least.
        usd: What all of it cost.
    """

    name: str
    source: str
    n_cases: int
    hours: float
    n_machines: int
    usd: float

    @property
    def cents_a_case(self) -> float:
        """US cents a CT."""
        return 100 * self.usd / self.n_cases


NLST = PublishedRun(
    name="NLST",
    source="Thiriveedhi et al. 2024, PMC11092813, abstract",
    n_cases=126_000,
    hours=9.0,
    n_machines=21_000,
    usd=1011.05,
)
"""TotalSegmentator and radiomics features on the CTs of the National Lung Screening Trial, in the cloud."""


def shipped_costs(network: str) -> NetworkCosts | None:
    """Give the shipped figures of a network; `None` where there are none."""
    found = _table()["networks"].get(network)
    if found is None:
        return None
    return NetworkCosts(
        network=network,
        device=CPU,
        source=_source(found),
        seconds={step: spread_of([value]) for step, value in found["seconds"].items()},
        n_bytes={kind: spread_of([value]) for kind, value in found["bytes"].items()},
    )


def shipped_bytes() -> dict[str, Spread]:
    """Give the shipped sizes of a case's CT and of its attention maps."""
    return {kind: spread_of([value]) for kind, value in _table()["bytes"].items()}


def shipped_score(scoring: str) -> tuple[Spread, str]:
    """Give the seconds of a scoring for one case on one core, and say where they were measured."""
    found = _table()["scores"][scoring]
    return spread_of([found["seconds"]]), _source(found)


def shipped_networks() -> tuple[str, ...]:
    """Name the networks of which there are shipped figures."""
    return tuple(_table()["networks"])


def _source(found: Mapping[str, Any]) -> str:
    shape = " x ".join(str(side) for side in found["shape"])
    return f"measured elsewhere: {found['machine']}, one CT of {shape}, {found['command']}"


@cache
def _table() -> dict[str, Any]:
    text = resources.files("omentum.project").joinpath("shipped_costs.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
