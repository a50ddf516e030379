"""Commands on a project as a whole: make one, fill it, see how far it is; and the demonstration."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from omentum import loop
from omentum.app.add_command import add, datalist
from omentum.app.console import bars, say_json, say_table
from omentum.exchange.batch import ADD_STAGE
from omentum.project.project import Workspace, new_workspace, opened
from omentum.project.settings import Settings
from omentum.waiting import Waiting, waiting

__all__ = ["add_to"]


def init(
    folder: Annotated[Path, typer.Argument(help="Made if missing.")] = Path(),
    organs: Annotated[
        str, typer.Option(help="Organs to annotate, or names of subsets, with commas between.")
    ] = "abdomenatlas-1.0",
    network: Annotated[
        list[str] | None,
        typer.Option(
            help="Network that predicts; again for a second opinion. "
            "Not said: starter, with starter-second where there is one."
        ),
    ] = None,
    held_out: Annotated[float, typer.Option(help="Share of patients kept for evaluation.")] = 0.2,
) -> None:
    """Make a project. Example: omentum init my-atlas --organs liver,spleen."""
    from omentum.networks.catalogue import default_networks, find_weights
    from omentum.networks.left_files import known_files

    networks = tuple(network or default_networks())
    for k, name in enumerate(networks):
        if k == 0 or name not in known_files():  # the first is tuned, which takes weights
            find_weights(name)
    settings = Settings(organs=tuple(organs.split(",")), networks=networks, held_out_share=held_out)
    new_workspace(folder, settings)
    typer.echo(f"made {folder}; next: omentum -C {folder} add CT...")


def status(
    context: typer.Context,
    cases: Annotated[bool, typer.Option("--cases", help="List the cases.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show how far a project is and what waits for whom. Example: omentum -C my-atlas status."""
    with opened(context.obj) as workspace:
        due = waiting(workspace)
        summary = _summary(workspace, due)
        summary["case_list"] = (
            [_case_line(workspace, case_id) for case_id in _case_ids(workspace)] if cases else []
        )
    if as_json:
        say_json(summary)
        return
    shown = [
        (name, value)
        for name, value in summary.items()
        if not isinstance(value, list | dict) and name != "next"
    ]
    say_table(
        str(context.obj.resolve().name), ["", ""], [(name.replace("_", " "), str(v)) for name, v in shown]
    )
    if cases:
        columns = list(summary["case_list"][0]) if summary["case_list"] else []
        say_table("cases", columns, [list(line.values()) for line in summary["case_list"]])
    for stage, failures in summary["failed"].items():
        for key, reason in failures.items():
            typer.echo(f"set aside in {stage}: {key}: {reason}")
    if summary["label_findings"]:
        n_cases = len(summary["label_findings"])
        typer.echo(f"original labels of {n_cases} cases can hardly be right; --json names organs and reasons")
    for one in due:
        typer.echo(str(one))


def _case_ids(workspace: Workspace) -> list[str]:
    return [case.case_id for case in workspace.store.cases.all()]


def _case_line(workspace: Workspace, case_id: str) -> dict[str, Any]:
    case = workspace.store.cases.get(case_id)
    spacing = " x ".join(f"{edge:.3g}" for edge in case.geometry.spacing_mm)
    return {
        "case": case_id,
        "shape": " x ".join(map(str, case.geometry.shape)),
        "spacing (mm)": spacing,
        "axes": case.geometry.orientation,
        "original organs": len(case.original_organs),
        "held out": "yes" if case.held_out else "",
    }


def _summary(workspace: Workspace, due: list[Waiting]) -> dict[str, Any]:
    store = workspace.store
    current = store.rounds.current()
    states = Counter(task.state.value for task in store.tasks.of_round(current.number))
    revisions = [one for one in store.revisions.all() if one.round_number == current.number]
    n_cases = len(store.cases.all())
    n_predicted = len(workspace.opinions())
    failures = store.ledger.failures_by_stage()
    return {
        "round": current.number,
        "network": current.network,
        "second_opinion": ", ".join(workspace.networks[1:]) or "none",
        "cases": n_cases,
        "predicted": n_predicted,
        "tasks_queued": states["queued"],
        "tasks_exported": states["exported"],
        "tasks_done": states["done"],
        "revisions_in_round": len(revisions),
        "minutes_in_round": sum(one.minutes or 0.0 for one in revisions),
        "releases": ", ".join(release.version for release in store.releases.all()) or "none",
        "audit": loop.stop_rule(workspace).why,
        "label_findings": {case_id: found for case_id, found in _label_findings(workspace).items() if found},
        "failed": {stage: {one.key: one.reason for one in found} for stage, found in failures.items()},
        "waiting": [asdict(one) for one in due],
        "next": due[0].command,
    }


def _label_findings(workspace: Workspace) -> dict[str, list[str]]:
    """Give what the plausibility rules say of original labels, by case; nothing was changed for it."""
    details = workspace.store.ledger.details(ADD_STAGE)
    return {case_id: detail.get("label_findings", []) for case_id, detail in details.items()}


def demo(
    folder: Annotated[
        Path, typer.Option("--out", "-o", help="Made anew; an old demonstration is replaced.")
    ] = Path("demo"),
    n_cases: Annotated[int, typer.Option("--cases", min=4, help="Made-up patients.")] = 12,
) -> None:
    """Run two rounds on made-up patients with a simulated reader. Example: omentum demo."""
    from omentum.app.demo import run_demo

    run_demo(folder, n_cases)


def phantoms(
    folder: Annotated[Path, typer.Argument(help="Gets a folder for each made-up patient.")],
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many.")] = 12,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first; the next has the next.")] = 0,
    style: Annotated[str, typer.Option(help="easy, mixed or hard.")] = "mixed",
) -> None:
    """Make synthetic CTs with true labels. Example: omentum phantoms cohort -n 12."""
    from omentum.phantoms.cohort import write_cohort

    with bars() as tell:
        for done, seed in enumerate(range(first_seed, first_seed + number), start=1):
            (case,) = write_cohort(folder, [seed], style=style)
            tell("make", done, number, case.name)
    typer.echo(f"made {number} patients in {folder}, each with ct.nii.gz and labels.nii.gz")


def add_to(app: typer.Typer) -> None:
    """Offer these commands."""
    for command in (init, add, datalist, status, phantoms, demo):
        app.command()(command)
