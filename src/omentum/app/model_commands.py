"""Commands on networks: list, pull, show, add and remove them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omentum.app.console import say_json, say_table
from omentum.app.lazy import command_group
from omentum.app.options import AsJson, listed
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.networks.network import Network

__all__ = ["app"]

app = command_group("Networks by name.")

_HERE, _ELSEWHERE, _TO_PULL = "here", "ran elsewhere", "to pull"


@app.command("list")
def list_(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """List the networks that `--network` takes, and those to pull. Example: omentum models list."""
    from omentum.networks.catalogue import PUBLISHED, known_models
    from omentum.networks.mask_folders import known_mask_folders

    known = known_models(_project_networks(context))
    rows: list[dict[str, Any]] = [
        {"name": name, "state": _HERE, "weights": path} for name, path in sorted(known.items())
    ]
    rows += [
        {"name": name, "state": _ELSEWHERE, "weights": left.folder}
        for name, left in known_mask_folders().items()
    ]
    rows += [
        {"name": name, "state": _TO_PULL, "weights": None} for name in sorted(PUBLISHED) if name not in known
    ]
    if as_json:
        say_json(rows)
        return
    lines = [
        (row["name"], row["state"], str(row["weights"] or f"`omentum models pull {row['name']}`"))
        for row in rows
    ]
    say_table("", ["name", "state", "weights"], lines)


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="Name of a published network; `omentum models list`.")],
    url: Annotated[
        list[str] | None,
        typer.Option(help="Address to take it from, not the published ones; again for a second choice."),
    ] = None,
    kept_as: Annotated[
        str | None, typer.Option("--as", help="Name that `--network` will take. Default: its own.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Download it anew, and tell whether it changed.")
    ] = False,
) -> None:
    """Download a published network. Example: omentum models pull universal-unet."""
    from omentum.networks.catalogue import find_weights
    from omentum.networks.pull import pull_model
    from omentum.networks.weights import load_network

    with _byte_bars(name) as progress:
        is_new = pull_model(name, urls=url or (), kept_as=kept_as, again=again, on_progress=progress)
    kept = find_weights(kept_as or name)
    if is_new:
        typer.echo(f"{kept_as or name} is kept in {kept}: {_kind(load_network(kept))}")
    elif again:
        typer.echo(f"{kept_as or name} has not changed; it is in {kept}")
    else:
        typer.echo(f"{kept_as or name} is here already, in {kept}; `--again` downloads it anew")


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a network.")],
    as_json: AsJson = False,
) -> None:
    """Show what a network is. Example: omentum models show starter."""
    from omentum.networks.catalogue import PUBLISHED, find_weights, known_models
    from omentum.networks.mask_folders import known_mask_folders

    networks = _project_networks(context)
    if name in known_mask_folders():
        about = {"name": name, "state": _ELSEWHERE, **asdict(known_mask_folders()[name])}
    elif name in PUBLISHED and name not in known_models(networks):
        published = PUBLISHED[name]
        about = {
            "name": name,
            "state": _TO_PULL,
            "architecture": published.name,
            "parameters": published.parameters,
            "file": published.file,
            "addresses": list(published.urls),
            "pull_with": f"omentum models pull {name}",
        }
    else:
        about = {"name": name, "state": _HERE, **_about(find_weights(name, networks))}
    if as_json:
        say_json(about)
    else:
        say_table(
            name, ["", ""], [(key.replace("_", " "), _in_words(key, value)) for key, value in about.items()]
        )


@app.command()
def add(
    file: Annotated[
        Path,
        typer.Argument(help="A weights file: ours, or a published network's .pth; or a folder of masks."),
    ],
    name: Annotated[str, typer.Option("--as", help="Name that `--network` will take.")],
    organs: Annotated[
        str,
        typer.Option(
            help="Classes of a published file, in its order; of a folder, the organs that were segmented."
        ),
    ] = "",
    ids: Annotated[
        str, typer.Option(help="Of a folder: what values and file names mean, such as totalsegmentator.")
    ] = "",
) -> None:
    """Check weights, or a folder of masks, and keep them under a name.

    Example: omentum models add mine.safetensors --as mine.
    """
    from omentum.names import checked_name
    from omentum.networks.catalogue import add_model
    from omentum.networks.weights import load_network

    if file.is_dir():
        _add_files(file, name, ids, organs)
        return
    if ids:
        raise ConfigError("--ids", ids, "it goes with a folder of masks")
    kept = add_model(file, checked_name("--as", name), organs=listed(organs))
    typer.echo(f"{name} is kept in {kept}: {_kind(load_network(kept))}")


def _add_files(folder: Path, name: str, ids: str, organs: str) -> None:
    from omentum.networks.catalogue import AVERAGE, check_free
    from omentum.networks.mask_folders import keep_mask_folder
    from omentum.predict.mask_files import MaskFilesPredictor

    check_free(folder, name, is_average=any(folder.glob(f"*/{AVERAGE}/segmentations")))
    left = MaskFilesPredictor(name=name, folder=folder, ids=ids or "omentum", organs=listed(organs))
    keep_mask_folder(name, folder, left.ids, left.organs)
    typer.echo(f"{name} is the masks in {left.folder}, of {len(left.organs)} organs")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of a network that was added or pulled.")]) -> None:
    """Remove weights that were added or pulled. Example: omentum models remove mine."""
    from omentum.networks.catalogue import remove_model

    remove_model(name)
    typer.echo(f"{name} is removed")


def _project_networks(context: typer.Context) -> Path | None:
    """Give the folder of the project's networks, if the folder that was named is a project."""
    from omentum.project.paths import ProjectFolder

    folder = ProjectFolder(context.obj)
    return folder.root / "networks" if folder.settings_path.is_file() else None


def _kind(network: "Network") -> str:
    return f"{network.spec.architecture}, {len(network.spec.organs)} organs"


def _about(weights: Path) -> dict[str, Any]:
    from omentum.networks.catalogue import origin_of
    from omentum.networks.weights import load_network, tensors_sha256

    network, origin = load_network(weights), origin_of(weights)
    card = weights.with_name("model-card.md")
    return {
        "architecture": network.spec.architecture,
        "organs": network.spec.organs,
        "voxel_mm": network.spec.spacing_mm,
        "parameters": sum(value.numel() for value in network.parameters()),
        "weights_sha256": tensors_sha256(network.state_dict()),
        "weights": weights,
        "origin": asdict(origin) if origin else None,
        "model_card": card if card.is_file() else None,
    }


def _in_words(key: str, value: Any) -> str:
    match value:
        case None:
            return "-"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g} {key.rpartition('_')[2]}"
        case list() | tuple():
            return ", ".join(value)
        case dict():
            return "\n".join(f"{name}: {part}" for name, part in value.items() if part is not None)
    return str(value)


@contextmanager
def _byte_bars(name: str) -> Iterator[Callable[[str, int, int | None], None]]:
    """Say each address once; on a terminal, show how many bytes came and how many there will be."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False, soft_wrap=True),
        disable=not sys.stderr.isatty(),
    )
    tasks: dict[str, Any] = {}

    def tell(url: str, done: int, total: int | None) -> None:
        if url not in tasks:
            resumed = f", going on after {done / 1e6:.1f} MB" if done else ""
            progress.console.print(f"{name} from {url}{resumed}", markup=False)
            tasks[url] = progress.add_task(name, total=total)
        progress.update(tasks[url], completed=done, total=total)

    with progress:
        yield tell
