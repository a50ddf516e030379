"""Commands on a project as a whole: make one, show its status; synthetic patients and the demonstration."""

from pathlib import Path
from typing import Annotated

import typer

from omentum.app.console import bars, say_json, say_table
from omentum.app.options import AsJson, listed, project_of
from omentum.choices import PHANTOM_SITES, PHANTOM_STYLES

__all__ = ["demo", "init", "phantoms", "status"]

_STYLES = f"One of {', '.join(PHANTOM_STYLES)}, or a site: {', '.join(PHANTOM_SITES)}."


def init(
    folder: Annotated[Path, typer.Argument(help="Made if missing.")] = Path(),
    organs: Annotated[
        str, typer.Option(help="Organs to annotate, or names of subsets, with commas between.")
    ] = "abdomenatlas-1.0",
    network: Annotated[
        list[str] | None,
        typer.Option(
            help="Network that predicts; again for a second one. "
            "Default: starter, with starter-second where there is one."
        ),
    ] = None,
    held_out: Annotated[float, typer.Option(help="Share of patients kept for evaluation.")] = 0.2,
) -> None:
    """Make a project. Example: omentum init my-atlas --organs liver,spleen."""
    from omentum.networks.catalogue import default_networks, find_weights
    from omentum.networks.mask_folders import known_mask_folders
    from omentum.project.project import begin_project
    from omentum.project.settings import Settings

    networks = tuple(network or default_networks())
    for k, name in enumerate(networks):
        if k == 0 or name not in known_mask_folders():  # the first is tuned, which takes weights
            find_weights(name)
    settings = Settings(organs=listed(organs), networks=networks, held_out_share=held_out)
    begin_project(folder, settings)
    typer.echo(f"made {folder}; next: omentum -C {folder} add CT...")


def status(
    context: typer.Context,
    cases: Annotated[bool, typer.Option("--cases", help="List the cases.")] = False,
    patients: Annotated[
        bool, typer.Option("--patients", help="Say which cases count as one patient, and why.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show what all programs work on, until Ctrl-C is pressed.")
    ] = False,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks, with --watch.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Show how far a project is and what waits for whom. Example: omentum -C my-atlas status."""
    if watch:
        from omentum.app.watch import watch_project

        with project_of(context, looking=True) as project:
            watch_project(project, every_s=every, as_json=as_json)
        return
    from omentum.app.next_steps import NextStep
    from omentum.app.say_patients import say_patients
    from omentum.app.say_status import say_status
    from omentum.app.status import case_lines, summary
    from omentum.project.patients import patient_summary

    with project_of(context, looking=True) as project:
        told = summary(project)
        told["case_list"] = case_lines(project) if cases else []
        told["patient_list"] = patient_summary(project) if patients else {}
    if as_json:
        say_json(told)
        return
    say_status(str(context.obj.resolve().name), told)
    if cases:
        columns = list(told["case_list"][0]) if told["case_list"] else []
        say_table("cases", columns, [list(line.values()) for line in told["case_list"]])
    if patients:
        say_patients(told["patient_list"])
    for due in told["waiting"]:
        typer.echo(str(NextStep(**due)))


def demo(
    folder: Annotated[
        Path, typer.Option("--out", "-o", help="Made anew; an old demonstration is replaced.")
    ] = Path("demo"),
    n_cases: Annotated[int, typer.Option("--cases", min=4, help="Synthetic patients to read.")] = 15,
) -> None:
    """Run three rounds at a synthetic site with a simulated reader. Example: omentum demo."""
    from omentum.app.demo import run_demo

    run_demo(folder, n_cases)


def phantoms(
    folder: Annotated[Path, typer.Argument(help="Gets a folder for each synthetic patient.")],
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many.")] = 12,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first; the next has the next.")] = 0,
    style: Annotated[str, typer.Option(help=_STYLES)] = "mixed",
) -> None:
    """Make synthetic CTs with true labels. Example: omentum phantoms cohort -n 12."""
    from omentum.phantoms.cohort import write_cohort

    with bars() as progress:
        for done, seed in enumerate(range(first_seed, first_seed + number), start=1):
            (case,) = write_cohort(folder, [seed], style=style)
            progress("make", done, number, case.name)
    typer.echo(f"made {number} patients in {folder}, each with ct.nii.gz and labels.nii.gz")
