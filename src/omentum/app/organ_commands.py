"""Commands on the organs of a project: list them, and add one."""

from collections import Counter
from typing import Annotated, Any

import typer

from omentum.app.console import say_json, say_table
from omentum.app.lazy import command_group
from omentum.app.options import AsJson, listed, project_of
from omentum.errors import ConfigError
from omentum.project.project import Project

__all__ = ["app"]

app = command_group("Organs of a project.")


@app.command("list")
def list_(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """List the organs of a project, the networks that predict them, and the cases with a manual mask.

    Example: omentum -C my-atlas organs list.
    """
    with project_of(context, looking=True) as project:
        rows = _rows(project)
    if as_json:
        say_json(rows)
        return
    lines = [(row["organ"], ", ".join(row["known_to"]) or "none yet", row["cases"]) for row in rows]
    say_table("", ["organ", "predicted by", "cases with a manual mask"], lines)


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of the label table.")],
    similar: Annotated[
        str,
        typer.Option(
            "--from",
            help="Organs whose heads it starts from (their mean, if several). Default: the most similar.",
        ),
    ] = "",
) -> None:
    """Add an organ, which networks learn once there are manual masks of it.

    Example: omentum -C my-atlas organs add duodenum --from stomach.
    """
    from omentum.project.paths import ProjectFolder
    from omentum.project.settings import change_settings
    from omentum.volumes.labels import organ

    name, path = organ(name).name, ProjectFolder(context.obj).settings_path
    others = [organ(one).name for one in listed(similar)]
    with project_of(context) as project:
        settings = project.settings
    if name in settings.organs:
        raise ConfigError("NAME", name, "it is one of the project's organs already; `omentum organs list`")
    text = f"{name}={'+'.join(others)}" if others else name
    change_settings(path, {"organs": (*settings.organs, name), "new_organs": (*settings.new_organs, text)})
    typer.echo(
        f"{name} is an organ of {context.obj}; next: draw it in some cases, "
        f"`omentum -C {context.obj} review import FOLDER`, then `omentum -C {context.obj} tune`"
    )


def _rows(project: "Project") -> list[dict[str, Any]]:
    from omentum.networks.catalogue import known_models, organs_of
    from omentum.records import MaskSource

    weights = known_models(project.folder.root / "networks")
    organs = {name: organs_of(weights[name]) for name in project.networks if name in weights}
    drawn = Counter(
        mask.organ
        for one in project.standing()
        for mask in one.masks
        if mask.source is not MaskSource.PREDICTED
    )
    return [
        {
            "organ": name,
            "known_to": [network for network, known in organs.items() if name in known],
            "cases": drawn[name],
        }
        for name in project.settings.organs
    ]
