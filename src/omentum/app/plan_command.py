"""The command that plans a run over many CTs: hours, GB and money, before any CT is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from omentum.app.console import say_json
from omentum.app.options import AsJson, project_of
from omentum.choices import KEEPS
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.measures.effort import CostModel
    from omentum.project.project import Project

__all__ = ["plan"]

_BY_MODEL = "model"


def plan(
    context: typer.Context,
    cases: Annotated[int | None, typer.Option(help="CTs. Default: those of the project.")] = None,
    gpus: Annotated[int, typer.Option(help="GPUs; 0 to compute on processors.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that read and write, and compute without GPUs. Default: one a GPU, else 1."
        ),
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="Name of a network; again for more. Default: the project's.")
    ] = None,
    keep: Annotated[
        str, typer.Option(help=f"Probabilities that stay: {', '.join(KEEPS)}. Default: the project's.")
    ] = "",
    revisit: Annotated[
        int | None,
        typer.Option(help="Cases that readers look at. Default: the queue's, or by their minutes."),
    ] = None,
    minutes_per_case: Annotated[
        str, typer.Option(help=f"Minutes of a reader for such a case; `{_BY_MODEL}` estimates them.")
    ] = "",
    price_gpu_hour: Annotated[float | None, typer.Option(help="Price of a GPU for an hour.")] = None,
    price_gb_month: Annotated[float | None, typer.Option(help="Price of a stored GB for a month.")] = None,
    currency: Annotated[str, typer.Option(help="Of both prices.")] = "EUR",
    for_programs: AsJson = False,
) -> None:
    """Plan a run: hours, GB and money. Example: omentum plan --cases 8448 --gpus 4 --price-gpu-hour 2.5."""
    from omentum.app.say_plan import plan_rows, say_plan
    from omentum.measures.effort import CostModel
    from omentum.project.known_costs import known_case_bytes, known_network_costs, revisited_cases
    from omentum.project.planning import PlanRequest, Prices, planned
    from omentum.project.settings import Settings
    from omentum.project.shipped_costs import shipped_score
    from omentum.score.round_queue import costs_of

    with _project_if_any(context) as project:
        if project is None and cases is None:
            raise ConfigError("--cases", None, "outside of a project, say how many CTs there are")
        settings = Settings() if project is None else project.settings
        prices = CostModel() if project is None else costs_of(project)[0]
        looked = revisited_cases(project, prices)
        n_cases = len(project.store.cases.all()) if project is not None and cases is None else cases or 0
        request = PlanRequest(
            n_cases=n_cases,
            n_gpus=gpus,
            n_workers=max(gpus, 1) if workers is None else workers,
            keep=keep or settings.keep,
            n_revisited=min(n_cases, looked.n_cases) if revisit is None else revisit,
            prices=Prices(gpu_hour=price_gpu_hour, gb_month=price_gb_month, currency=currency),
            minutes_per_case=_minutes(minutes_per_case, project, prices),
        )
        names = tuple(network or (settings.networks if project is None else project.networks))
        costs = [known_network_costs(project, name, on_gpu=gpus > 0) for name in names]
        sizes, source = known_case_bytes(project)
        made = planned(request, costs, score=shipped_score(settings.scoring), case_bytes=sizes)
    why_revisited = looked.source if revisit is None else "as asked"
    if for_programs:
        say_json(plan_rows(made, why_revisited=why_revisited, bytes_source=source))
    else:
        say_plan(made, why_revisited=why_revisited, bytes_source=source)


@contextmanager
def _project_if_any(context: typer.Context) -> "Iterator[Project | None]":
    """Open the project that the command is in, or that is named; `None` in a folder without one."""
    from omentum.project.paths import ProjectFolder

    is_named = context.obj.parts != ()
    if not is_named and not ProjectFolder(context.obj).settings_path.is_file():
        yield None
        return
    with project_of(context, looking=True) as project:
        yield project


def _minutes(text: str, project: "Project | None", prices: "CostModel") -> float | None:
    """Read minutes for a case; the model's are those of the queue, or of an opening and a look."""
    from omentum.score.round_queue import totals

    if not text:
        return None
    if text != _BY_MODEL:
        try:
            return float(text)
        except ValueError:
            rule = f"it must be a number of minutes, or `{_BY_MODEL}`"
            raise ConfigError("--minutes-per-case", text, rule) from None
    number = None if project is None else project.store.rounds.current().number
    queue = [] if project is None or number is None else project.store.tasks.of_round(number)
    summed = totals(queue)
    if summed["minutes"] is None:
        return prices.minutes(n_cases=1, n_looks=1)
    return float(summed["minutes"] / summed["cases"])
