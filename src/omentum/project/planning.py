"""Plan a run over many CTs: hours, bytes and money, from what one case costs.

In:  costs of a case by each network (`case_costs`, `shipped_costs`); how many cases, and on what.
Out: one plan; pure arithmetic, no file is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omentum.choices import KEEPS
from omentum.errors import ConfigError
from omentum.project.case_costs import STEPS, NetworkCosts, Spread

__all__ = ["Plan", "PlanRequest", "Prices", "StagePlan", "Storage", "planned"]

_HOUR_S = 3600.0
_GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices, in one currency.

    Attributes:
        gpu_hour: Of one GPU for an hour; `None` where it is not known.
        gb_month: Of storing a GB (1e9 bytes) for a month; `None` where it is not known.
        currency: Its code, for people.
    """

    gpu_hour: float | None = None
    gb_month: float | None = None
    currency: str = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What is planned.

    Attributes:
        n_cases: CTs.
        n_gpus: GPUs; 0 to compute on processors.
        n_workers: Processes that read and write, and compute where there is no GPU.
        keep: Which probabilities stay once a case is scored, see `KEEPS`.
        n_revisited: Cases with a task in the queue, whose probabilities `revisit` keeps.
        prices: Prices.
        minutes_per_case: Of a reader for one case that is looked at; `None` where it is not asked.

    Raises:
        ConfigError: A number is too small, or `keep` is none of those known.
    """

    n_cases: int
    n_gpus: int
    n_workers: int
    keep: str = "all"
    n_revisited: int = 0
    prices: Prices = field(default_factory=Prices)
    minutes_per_case: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        least = {
            "--cases": (self.n_cases, 1),
            "--gpus": (self.n_gpus, 0),
            "--workers": (self.n_workers, 1),
            "--revisit": (self.n_revisited, 0),
        }
        for name, (value, limit) in least.items():
            if value < limit:
                raise ConfigError(name, value, f"it must be at least {limit}")
        if self.keep not in KEEPS:
            raise ConfigError("--keep", self.keep, f"it must be one of {', '.join(KEEPS)}")
        numbers = {
            "--price-gpu-hour": self.prices.gpu_hour,
            "--price-gb-month": self.prices.gb_month,
            "--minutes-per-case": self.minutes_per_case,
        }
        for name, number in numbers.items():
            if number is not None and not 0.0 <= number < float("inf"):
                raise ConfigError(name, number, "it must be a number from 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """What one stage takes, over all cases.

    Attributes:
        stage: `predict` or `score`.
        network: Whose predictions they are; empty for scores.
        seconds: Of each step for one case.
        at_once: How many cases are in each step at a time.
        bound_by: The step that takes longest over all cases; the others overlap with it.
        hours: What that step takes.
        is_at_most: Whether the figure is of a slower device, so that the run takes no longer.
        device: Where one case was measured.
        source: Where the figures come from, for people.
    """

    stage: str
    network: str
    seconds: Mapping[str, Spread]
    at_once: Mapping[str, int]
    bound_by: str
    hours: float
    is_at_most: bool
    device: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Bytes of the files of one kind, over all cases.

    Attributes:
        kind: `CT`, `masks`, `probabilities` or `attention`.
        network: Whose they are; empty where they are of the case.
        n_bytes: Of one case; `None` where nothing was measured.
        gb_at_most: Of all cases until they are scored.
        gb_kept: Of all cases once they are scored.
    """

    kind: str
    network: str
    n_bytes: Spread | None
    gb_at_most: float | None
    gb_kept: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan.

    Attributes:
        request: What was asked.
        stages: In their order; one after the other.
        storage: All kinds of files.
    """

    request: PlanRequest
    stages: tuple[StagePlan, ...]
    storage: tuple[Storage, ...]

    @property
    def hours(self) -> float:
        """Hours of all stages."""
        return sum(one.hours for one in self.stages)

    @property
    def gpu_hours(self) -> float:
        """GPUs times hours, while networks predict; waiting for reading and writing is paid for, too."""
        return self.request.n_gpus * sum(one.hours for one in self.stages if one.stage == "predict")

    @property
    def is_at_most(self) -> bool:
        """Whether hours, and what they cost, are those of a slower device."""
        return any(one.is_at_most for one in self.stages)

    @property
    def gb_at_most(self) -> float:
        """GB of all that is measured, until cases are scored."""
        return sum(one.gb_at_most or 0.0 for one in self.storage)

    @property
    def gb_kept(self) -> float:
        """GB of all that is measured, once cases are scored."""
        return sum(one.gb_kept or 0.0 for one in self.storage)

    @property
    def unmeasured(self) -> tuple[Storage, ...]:
        """Files whose size is not known, and which no sum contains."""
        return tuple(one for one in self.storage if one.n_bytes is None)

    @property
    def compute_price(self) -> float | None:
        """Price of the GPUs; `None` without their price, or without GPUs."""
        price = self.request.prices.gpu_hour
        return None if price is None or not self.request.n_gpus else price * self.gpu_hours

    @property
    def month_price(self) -> float | None:
        """Price of storing a month what is kept; `None` without a price."""
        price = self.request.prices.gb_month
        return None if price is None else price * self.gb_kept

    @property
    def reader_hours(self) -> float | None:
        """Hours of readers for all cases that are revisited; `None` if not asked."""
        minutes = self.request.minutes_per_case
        return None if minutes is None else minutes * self.request.n_revisited / 60


def planned(
    request: PlanRequest,
    networks: Sequence[NetworkCosts],
    *,
    score: tuple[Spread, str],
    case_bytes: Mapping[str, Spread],
) -> Plan:
    """Plan to predict and score cases.

    Steps of a stage overlap: while a network computes, the next CT is read and the last one's files are
    written. So a stage takes as long as its slowest step, given how many do each step at a time.

    Args:
        request: What is planned.
        networks: Costs of each network; they predict one after the other.
        score: Seconds to score a case on one core, and where they were measured.
        case_bytes: Bytes of a case's `CT` and `attention`.

    Example:
        >>> from omentum.project.case_costs import spread_of
        >>> seconds = {step: spread_of([value]) for step, value in zip(STEPS, (1.0, 9.0, 2.0))}
        >>> costs = NetworkCosts(network="unet", device="cpu", source="here", seconds=seconds)
        >>> request = PlanRequest(n_cases=3600, n_gpus=0, n_workers=3)
        >>> plan = planned(request, [costs], score=(spread_of([1.5]), "here"), case_bytes={})
        >>> [(one.stage, one.bound_by, one.hours) for one in plan.stages]
        [('predict', 'compute', 3.0), ('score', 'compute', 0.5)]
    """
    stages = [_stage("predict", request, one) for one in networks]
    seconds, source = score
    alone = PlanRequest(n_cases=request.n_cases, n_gpus=0, n_workers=request.n_workers)
    of_score = NetworkCosts(network="", device="cpu", source=source, seconds={"compute": seconds})
    stages.append(_stage("score", alone, of_score))
    of_networks = [
        _storage(request, kind, one.network, one.n_bytes.get(kind))
        for one in networks
        for kind in ("masks", "probabilities")
    ]
    of_cases = [_storage(request, kind, "", case_bytes.get(kind)) for kind in ("CT", "attention")]
    return Plan(request=request, stages=tuple(stages), storage=(*of_cases, *of_networks))


def _stage(stage: str, request: PlanRequest, costs: NetworkCosts) -> StagePlan:
    at_once = {step: request.n_workers for step in STEPS if step in costs.seconds}
    at_once["compute"] = request.n_gpus or request.n_workers
    hours = {step: costs.seconds[step].mean * request.n_cases / n / _HOUR_S for step, n in at_once.items()}
    bound_by = max(hours, key=lambda step: hours[step])
    return StagePlan(
        stage=stage,
        network=costs.network,
        seconds=costs.seconds,
        at_once=at_once,
        bound_by=bound_by,
        hours=hours[bound_by],
        is_at_most=bool(request.n_gpus) and not costs.is_on_gpu and stage == "predict",
        device=costs.device,
        source=costs.source,
    )


def _storage(request: PlanRequest, kind: str, network: str, n_bytes: Spread | None) -> Storage:
    kept = {"all": request.n_cases, "revisit": min(request.n_revisited, request.n_cases), "none": 0}
    n_kept = kept[request.keep] if kind == "probabilities" else request.n_cases
    per_case = None if n_bytes is None else n_bytes.mean / _GB
    return Storage(
        kind=kind,
        network=network,
        n_bytes=n_bytes,
        gb_at_most=None if per_case is None else per_case * request.n_cases,
        gb_kept=None if per_case is None else per_case * n_kept,
    )
