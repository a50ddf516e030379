"""Note for the report of a run with which settings and networks it worked."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from omentum.app.command_line import without_passwords
from omentum.app.run_record import NetworkUsed
from omentum.app.run_watch import note_run, reported

if TYPE_CHECKING:
    from omentum.project.project import Project

__all__ = ["note_predictor", "note_project"]


def note_project(project: "Project") -> None:
    """Note the settings of a project, and what weights its predictions are of; for the report, if any."""
    if not reported():
        return
    used = {
        NetworkUsed(name=name, weights_sha256=kept.weights_sha256 or None)
        for name in project.networks
        for kept in project.predictions(name).values()
    }
    settings = project.settings.model_dump(mode="json")
    note_run(
        settings=_without_passwords(settings),
        networks=sorted(used, key=lambda one: (one.name, one.weights_sha256 or "")),
    )


def note_predictor(made_with: Mapping[str, Any]) -> None:
    """Note with what a predictor works, as `Predictor.settings` gives it; for the report, if any."""
    if reported():
        note_run(settings=made_with, networks=list(_networks(made_with)))


def _networks(made_with: Mapping[str, Any]) -> Iterator[NetworkUsed]:
    """Name a network with its hash, or those that are averaged."""
    members = [one for one in made_with.get("networks", ()) if isinstance(one, Mapping)]
    for one in members or [made_with]:
        yield NetworkUsed(name=one["network"], weights_sha256=one.get("weights_sha256"))


def _without_passwords(settings: Any) -> Any:
    if isinstance(settings, dict):
        return {name: _without_passwords(value) for name, value in settings.items()}
    return without_passwords(settings) if isinstance(settings, str) else settings
