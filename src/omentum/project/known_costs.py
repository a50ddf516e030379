"""Choose the figures by which a run is planned: this project's own if there are some, else shipped ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel
from omentum.project.case_costs import NetworkCosts, Spread, case_bytes, measured_costs
from omentum.project.project import Project
from omentum.project.settings import Settings
from omentum.project.shipped_costs import shipped_bytes, shipped_costs, shipped_networks

__all__ = [
    "RevisitedCases",
    "known_case_bytes",
    "known_network_costs",
    "known_probability_bytes",
    "revisited_cases",
]


def known_network_costs(project: Project | None, network: str, *, on_gpu: bool) -> NetworkCosts:
    """Give what a prediction by a network costs: as measured here, or of its parent, or as shipped.

    A network that was tuned has the architecture of its parent, so that it costs the same. Where there are
    figures of processors alone, they stand for a GPU, as the most that it takes.

    Args:
        project: The project; `None` outside of one.
        network: Its name.
        on_gpu: Whether figures of a GPU are wanted; those of a GPU never stand for processors.

    Raises:
        ConfigError: Nothing was measured that can stand for it.
    """
    for name in _with_parents(project, network):
        found = _found(project, name)
        fitting = [one for one in found if one.is_on_gpu == on_gpu]
        chosen = next(iter(fitting or [one for one in found if on_gpu]), None)
        if chosen is not None:
            return chosen
    rule = (
        "this project has no prediction of it that says what it took, and shipped figures are of "
        f"{', '.join(shipped_networks())}; predict a few cases with it first"
    )
    raise ConfigError("--network", network, rule)


def known_probability_bytes(project: Project, network: str) -> tuple[Spread, str] | None:
    """Give the bytes of a case's probabilities, and say where they were measured; `None` if unknown."""
    for name in _with_parents(project, network):
        for one in _found(project, name):
            if "probabilities" in one.n_bytes:
                return one.n_bytes["probabilities"], one.source
    return None


def _found(project: Project | None, network: str) -> list[NetworkCosts]:
    own = measured_costs(project, network) if project is not None else []
    shipped = shipped_costs(network)
    return [*own, *([] if shipped is None else [shipped])]


def _with_parents(project: Project | None, network: str) -> Iterator[str]:
    """Yield a network and those that it was tuned from, back to the first."""
    noted = {} if project is None else {one.name: one.parent for one in project.store.networks.all()}
    name: str | None = network
    while name is not None:
        yield name
        name = noted.pop(name, None)


def known_case_bytes(project: Project | None) -> tuple[dict[str, Spread], str]:
    """Give the bytes of a case's CT and attention maps, and say where they were measured."""
    own: Mapping[str, Spread] = {} if project is None else case_bytes(project)
    source = "measured in this project" if len(own) == 2 else "measured elsewhere"
    return {**shipped_bytes(), **own}, source


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisitedCases:
    """How many cases readers look at in a round.

    Attributes:
        n_cases: Their number.
        source: How it is known, for people.
    """

    n_cases: int
    source: str


def revisited_cases(project: Project | None, costs: CostModel) -> RevisitedCases:
    """Count the cases of the queue; before there is one, those for which the readers' minutes are enough.

    Args:
        project: The project; outside of one, a new project's settings hold.
        costs: The prices of a reader's work; a case takes at least its opening and one look.
    """
    if project is not None:
        number = project.store.rounds.current().number
        cases = {task.case_id for task in project.store.tasks.of_round(number)}
        if cases:
            return RevisitedCases(n_cases=len(cases), source=f"in the queue of round {number}")
    budget = (Settings() if project is None else project.settings).budget_minutes
    least = costs.minutes(n_cases=1, n_looks=1)
    n_cases = round(budget / least) if least > 0 else 0
    return RevisitedCases(n_cases=n_cases, source=f"at most, for {budget:g} minutes of readers")
