"""The command that tunes the network on the revisions of a round."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omentum.app.console import bars, say_json
from omentum.app.options import AsJson, Device, RunnerName, Workers, device_named, project_of
from omentum.choices import REPLAY_RULES, TRAINABLE
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.phantoms.anatomy_map import AnatomyMap
    from omentum.records import NetworkRecord
    from omentum.tune.config import ContinualConfig, FullConfig

__all__ = ["tune"]


def tune(
    context: typer.Context,
    mode: Annotated[
        str, typer.Option(help="continual (heads of revised organs) or full (all weights).")
    ] = "continual",
    config: Annotated[Path | None, typer.Option(help="Settings in TOML.")] = None,
    trainable: Annotated[
        str | None, typer.Option(help=f"{', '.join(TRAINABLE)} (organ by organ, by cross-validation).")
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            "--architecture",
            "--network",
            help="Of fresh weights: starter, universal-unet, universal-swinunetr.",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Most steps.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same weights.")] = None,
    devices: Annotated[
        int | None, typer.Option(min=1, help="How many share each step; with --mode full.")
    ] = None,
    anatomy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IDS=FILE",
            help="Label map from which synthetic patients are made, such as totalsegmentator=map.nii.gz.",
        ),
    ] = None,
    replay: Annotated[
        float | None,
        typer.Option(help="Share of earlier cases of the same organ that is seen again, such as 0.1."),
    ] = None,
    replay_by: Annotated[str | None, typer.Option(help=f"Which of them: {', '.join(REPLAY_RULES)}.")] = None,
    device: Device = "auto",
    runner: RunnerName = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Tune the network on the revisions, and judge it. Example: omentum -C my-atlas tune --replay 0.1."""
    from omentum import loop
    from omentum.app.run_watch import note_run
    from omentum.app.say_verdict import said_of
    from omentum.app.tune_settings import tune_settings
    from omentum.tune.say_choices import choices_in_words

    options = {
        "trainable": trainable,
        "replay_share": replay,
        "replay_by": replay_by,
        "architecture": architecture,
        "steps": steps,
        "seed": seed,
        "devices": devices,
    }
    settings = tune_settings(mode, config, options)
    maps = _anatomy(anatomy or [], settings)
    device = device_named(device)
    with project_of(context, runner=runner, workers=workers) as project, bars() as progress:
        network = loop.tune(project, settings, maps=maps, device=device, progress=progress)
        verdict = loop.gate(project, device=device, progress=progress)
    made = {"network": network.name, "weights_sha256": network.weights_sha256}
    note_run(settings={"tuning": settings.model_dump(mode="json")}, results=made)
    if as_json:
        say_json({"folder": str(network.folder), **_story(network), "verdict": asdict(verdict)})
        return
    typer.echo(f"{network.name} is in {network.folder}")
    for line in choices_in_words(_story(network)):
        typer.echo(line)
    typer.echo(said_of(verdict))


def _story(network: "NetworkRecord") -> dict[str, Any]:
    """Read the record of a tuning."""
    assert network.folder is not None
    story: dict[str, Any] = json.loads((network.folder / "tune.json").read_text(encoding="utf-8"))
    return story


def _anatomy(texts: list[str], settings: "ContinualConfig | FullConfig") -> "list[AnatomyMap]":
    """Read label maps, each given as IDS=FILE."""
    if not texts:
        return []
    from omentum.phantoms.anatomy_map import read_anatomy
    from omentum.tune.config import FullConfig

    if not isinstance(settings, FullConfig):
        raise ConfigError("--anatomy", texts[0], "it goes with --mode full")
    if not settings.rendered_share:
        raise ConfigError(
            "--anatomy", texts[0], "it needs a rendered_share above 0 in the settings (--config)"
        )
    maps = []
    for text in texts:
        ids, _, file = text.partition("=")
        if not file:
            raise ConfigError("--anatomy", text, "it must be IDS=FILE, such as totalsegmentator=map.nii.gz")
        maps.append(read_anatomy(Path(file), ids))
    return maps
