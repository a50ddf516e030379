"""Commands on networks: which there are, what they are, one more, one less."""

from pathlib import Path
from typing import Annotated

import typer

from omentum.app.console import say_json, say_table
from omentum.settings import checked_name

__all__ = ["app"]

app = typer.Typer(help="Networks by name.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List the networks that `--network` takes. Example: omentum models list."""
    from omentum.networks.catalogue import known_models

    rows = [(name, str(path)) for name, path in sorted(known_models().items())]
    if as_json:
        say_json([{"name": name, "weights": path} for name, path in rows])
    else:
        say_table("", ["name", "weights"], rows)


@app.command()
def show(name: Annotated[str, typer.Argument(help="Name of a network.")]) -> None:
    """Tell what a network is. Example: omentum models show starter."""
    from omentum.networks.catalogue import find_weights
    from omentum.networks.weights import load_network, tensors_sha256

    path = find_weights(name)
    network = load_network(path)
    rows = [
        ("architecture", network.spec.architecture),
        ("organs", ", ".join(network.spec.organs)),
        ("voxels", f"{network.spec.spacing_mm:g} mm"),
        ("parameters", f"{sum(value.numel() for value in network.parameters()):,}"),
        ("weights (SHA-256)", tensors_sha256(network.state_dict())),
        ("file", str(path)),
    ]
    say_table(name, ["", ""], rows)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A weights file.")],
    name: Annotated[str, typer.Option("--as", help="Name that `--network` will take.")],
) -> None:
    """Check weights and keep them under a name. Example: omentum models add mine.safetensors --as mine."""
    from omentum.networks.catalogue import add_model

    kept = add_model(file, checked_name("--as", name))
    typer.echo(f"{name} is kept in {kept}")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of a network that was added.")]) -> None:
    """Remove weights that were added. Example: omentum models remove mine."""
    from omentum.networks.catalogue import remove_model

    remove_model(name)
    typer.echo(f"{name} is removed")
