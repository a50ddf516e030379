"""Print a plan: two tables and a few sentences for people, one object for programs."""

from dataclasses import asdict
from typing import Any

import typer

from omentum.app.console import counted, say_table
from omentum.project.case_costs import STEPS, Spread
from omentum.project.planning import Plan, StagePlan, Storage
from omentum.project.shipped_costs import NLST

__all__ = ["plan_rows", "say_plan"]

_STAGES = ("Stage", "Network", *(f"{step}, s" for step in STEPS), "Slowest", "Hours")
_FILES = ("Files", "Network", "MB a case", "GB until scored", "GB kept")
_MB = 1e6


def plan_rows(plan: Plan, *, why_revisited: str, bytes_source: str) -> dict[str, Any]:
    """Give a plan for programs; sizes in bytes and GB (1e9 bytes), money in the currency that was named.

    Args:
        plan: The plan.
        why_revisited: How the number of revisited cases is known.
        bytes_source: Where the sizes of CTs and attention maps were measured.
    """
    return {
        "asked": {**asdict(plan.request), "why_revisited": why_revisited},
        "stages": [asdict(one) for one in plan.stages],
        "storage": [asdict(one) for one in plan.storage],
        "case_bytes_source": bytes_source,
        "hours": plan.hours,
        "gpu_hours": plan.gpu_hours,
        "gb_until_scored": plan.gb_at_most,
        "gb_kept": plan.gb_kept,
        "unmeasured": [{"kind": one.kind, "network": one.network} for one in plan.unmeasured],
        "compute_price": plan.compute_price,
        "month_price": plan.month_price,
        "reader_hours": plan.reader_hours,
        "published": {**asdict(NLST), "us_cents_a_case": NLST.cents_a_case},
    }


def say_plan(plan: Plan, *, why_revisited: str, bytes_source: str) -> None:
    """Print a plan for people; arguments as of `plan_rows`."""
    asked = plan.request
    where = counted(asked.n_gpus, "GPU") if asked.n_gpus else "processors alone"
    title = f"{counted(asked.n_cases, 'CT')}, {where}, {_processes(asked.n_workers)}"
    say_table(f"{title}; seconds a case: median (10-90 %)", _STAGES, [_stage_row(one) for one in plan.stages])
    say_table("Files: median (10-90 %)", _FILES, [_file_row(one) for one in plan.storage])
    kept = {
        "all": "all probabilities stay",
        "revisit": f"probabilities of {counted(asked.n_revisited, 'case')} stay ({why_revisited})",
        "none": "no probabilities stay",
    }
    typer.echo(
        f"In all {_at_most(plan)}{plan.hours:.1f} h. Files: {plan.gb_at_most:.1f} GB until cases are scored, "
        f"then {plan.gb_kept:.1f} GB, as {kept[asked.keep]}; releases come on top."
    )
    for line in (
        *_sources(plan, bytes_source),
        *_caveats(plan),
        *_money(plan),
        *_readers(plan, why_revisited),
    ):
        typer.echo(line)
    typer.echo(_beside_published(plan))


def _at_most(plan: Plan) -> str:
    return "at most " if plan.is_at_most else ""


def _processes(n: int) -> str:
    return counted(n, "process") if n == 1 else f"{n} processes"


def _stage_row(one: StagePlan) -> tuple[object, ...]:
    steps = [_spread(one.seconds.get(step)) for step in STEPS]
    at_most = "at most " if one.is_at_most else ""
    return one.stage, one.network, *steps, one.bound_by, f"{at_most}{one.hours:.2f}"


def _file_row(one: Storage) -> tuple[object, ...]:
    size = "not known" if one.n_bytes is None else _spread(one.n_bytes, _MB)
    return one.kind, one.network, size, _gb(one.gb_at_most), _gb(one.gb_kept)


def _gb(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _spread(spread: Spread | None, unit: float = 1.0) -> str:
    """Write a median with its range; of one case there is none.

    Example:
        >>> from omentum.project.case_costs import spread_of
        >>> _spread(spread_of([1.0, 2.0, 4.0])), _spread(spread_of([2.5]))
        ('2 (1.2-3.6)', '2.5')
    """
    if spread is None:
        return ""
    median, low, high = (f"{value / unit:.3g}" for value in (spread.median, spread.low, spread.high))
    return median if spread.n == 1 else f"{median} ({low}-{high})"


def _sources(plan: Plan, bytes_source: str) -> list[str]:
    lines = [f"{f'{one.stage} {one.network}'.strip()}: {one.source}, on {one.device}." for one in plan.stages]
    return [*lines, f"Sizes of CTs and attention maps: {bytes_source}."]


def _caveats(plan: Plan) -> list[str]:
    lines = []
    if plan.is_at_most:
        lines.append(
            "No figure of a GPU is known for a network above, so its time is that of processors, as the most "
            "that it takes; predict a few cases on the GPU, then plan again."
        )
    if plan.unmeasured:
        names = ", ".join(f"{one.kind} of {one.network}" for one in plan.unmeasured)
        lines.append(
            f"The sizes of {names} are not known and in no sum; predict a few cases, then plan again."
        )
    return lines


def _money(plan: Plan) -> list[str]:
    lines, currency = [], plan.request.prices.currency
    if plan.compute_price is not None:
        a_case = plan.compute_price / plan.request.n_cases
        lines.append(
            f"GPUs: {_at_most(plan)}{plan.gpu_hours:.1f} h x {plan.request.prices.gpu_hour:g} {currency} = "
            f"{plan.compute_price:.2f} {currency}, {a_case:.4f} {currency} a CT."
        )
    if plan.month_price is not None:
        lines.append(f"Storage: {plan.month_price:.2f} {currency} a month.")
    return lines


def _readers(plan: Plan, why_revisited: str) -> list[str]:
    if plan.reader_hours is None:
        return []
    asked = plan.request
    cases = f"{counted(asked.n_revisited, 'case')} ({why_revisited})"
    return [f"Readers: {cases} x {asked.minutes_per_case:.1f} min = {plan.reader_hours:.1f} h."]


def _beside_published(plan: Plan) -> str:
    ours = plan.request.n_cases / plan.hours if plan.hours else float("inf")
    return (
        f"On paper: {ours:.0f} CTs an hour by this plan. {NLST.name}: {NLST.n_cases} CTs in under "
        f"{NLST.hours:g} h on over {NLST.n_machines} machines, {NLST.cents_a_case:.1f} US cents a CT, "
        f"by another network on other CTs ({NLST.source})."
    )
