"""Commands on the organs of a project: which there are and who knows them; one more."""

from collections import Counter
from typing import Annotated, Any

import typer

from omentum.app.console import say_json, say_table
from omentum.app.options import AsJson, listed
from omentum.errors import ConfigError
from omentum.project.paths import ProjectFolder, change_settings
from omentum.project.project import Project, opened
from omentum.records import MaskSource
from omentum.volumes.labels import organ

__all__ = ["app"]

app = typer.Typer(help="Organs of a project.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """List the organs of a project, who predicts them, and in how many cases people drew them.

    Example: omentum -C my-atlas organs list.
    """
    with opened(context.obj, looking=True) as project:
        rows = _rows(project)
    if as_json:
        say_json(rows)
        return
    lines = [(row["organ"], ", ".join(row["known_to"]) or "nobody yet", row["cases"]) for row in rows]
    say_table("", ["organ", "predicted by", "cases drawn by people"], lines)


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of the label table.")],
    similar: Annotated[
        str,
        typer.Option(
            "--from",
            help="Organs whose heads it begins as (the mean, if several); not said: the most similar.",
        ),
    ] = "",
) -> None:
    """Add an organ, which networks learn once people drew it.

    Example: omentum -C my-atlas organs add duodenum --from stomach.
    """
    name, path = organ(name).name, ProjectFolder(context.obj).settings_path
    others = [organ(one).name for one in listed(similar)]
    with opened(context.obj) as project:
        settings = project.settings
    if name in settings.organs:
        raise ConfigError("NAME", name, "it is one of the project's organs already; `omentum organs list`")
    text = f"{name}={'+'.join(others)}" if others else name
    change_settings(path, {"organs": (*settings.organs, name), "new_organs": (*settings.new_organs, text)})
    typer.echo(
        f"{name} is an organ of {context.obj}; next: draw it in some cases, "
        f"`omentum -C {context.obj} review import FOLDER`, then `omentum -C {context.obj} tune`"
    )


def _rows(project: Project) -> list[dict[str, Any]]:
    from omentum.networks.catalogue import known_models
    from omentum.networks.weights import read_spec

    weights = known_models(project.folder.root / "networks")
    specs = {name: read_spec(weights[name]) for name in project.networks if name in weights}
    drawn = Counter(
        mask.organ
        for one in project.standing()
        for mask in one.masks
        if mask.source is not MaskSource.PREDICTED
    )
    return [
        {
            "organ": name,
            "known_to": [network for network, spec in specs.items() if spec and name in spec.organs],
            "cases": drawn[name],
        }
        for name in project.settings.organs
    ]
