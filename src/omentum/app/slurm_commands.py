"""Commands that write scripts for Slurm, a scheduler of clusters."""

from pathlib import Path
from typing import Annotated

import typer

from omentum.app.lazy import command_group

__all__ = ["app"]

app = command_group("Scripts that run a project on a Slurm cluster.")


@app.callback()
def group() -> None:
    """Keep `predict` a command of its own, as a group of one command would be that command."""


@app.command()
def predict(
    context: typer.Context,
    array: Annotated[int, typer.Option(min=1, help="Parts that the cases are divided into, one a job.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The script.")] = Path("predict.sbatch"),
    partition: Annotated[str, typer.Option(help="Of the cluster.")] = "",
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of a job.")] = 0,
    cpus: Annotated[int, typer.Option(min=1, help="Processors of a job.")] = 4,
    memory: Annotated[str, typer.Option(help="Memory of a job, such as 16G.")] = "",
    time: Annotated[str, typer.Option(help="Longest time of a job, such as 04:00:00.")] = "",
    setup: Annotated[
        list[str] | None,
        typer.Option(help="Command that runs first, such as `module load cuda`; repeatable."),
    ] = None,
    network: Annotated[list[str] | None, typer.Option(help="Name of a network; again for more.")] = None,
) -> None:
    """Write a script for sbatch. Example: omentum -C my-atlas slurm predict --array 64 --gpus 1."""
    from omentum.app.slurm_script import SlurmJob, predict_script
    from omentum.project.paths import open_project
    from omentum.project.project import is_shareable
    from omentum.volumes.atomic import write_text

    folder, settings = open_project(context.obj)
    job = SlurmJob(
        n_parts=array,
        partition=partition,
        gpus=gpus,
        cpus=cpus,
        memory=memory,
        time=time,
        setup=tuple(setup or ()),
    )
    write_text(out, predict_script(job, folder.root.resolve(), tuple(network or ())))
    typer.echo(f"send it off with: sbatch {out}")
    if not is_shareable(settings):
        typer.echo(f"and note the results afterwards: omentum -C {folder.root} ledger merge")
