"""Note for the report of a run with which settings and networks it worked."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from omentum.app.command_line import without_passwords
from omentum.app.run_record import NetworkUsed
from omentum.app.run_watch import note_run, reported
from omentum.errors import ImageError

if TYPE_CHECKING:
    from omentum.predict.predictors import Predictor
    from omentum.project.project import Project

__all__ = ["note_predictor", "note_project"]


def note_project(project: "Project") -> None:
    """Note the settings of a project, and what weights its predictions are of; for the report, if any."""
    if reported():
        kept = {
            (name, one.weights_sha256)
            for name in project.networks
            for one in project.predictions(name).values()
        }
        settings = project.settings.model_dump(mode="json")
        note_run(settings=_without_passwords(settings), networks=_networks(kept))


def note_predictor(predictor: "Predictor", case_ids: Iterable[str]) -> None:
    """Note with what a predictor works, as a case that it can predict tells; for the report, if any."""
    if not reported():
        return
    for case_id in case_ids:
        with suppress(ImageError):
            made_with = predictor.settings(case_id)
            members = [one for one in made_with.get("networks", ()) if isinstance(one, Mapping)]
            kept = [(one["network"], one["weights_sha256"]) for one in members or [made_with]]
            note_run(settings=made_with, networks=_networks(kept))
            return


def _networks(kept: Iterable[tuple[str, str]]) -> list[NetworkUsed]:
    """Name networks with the hashes of their weights; masks that another program made have none."""
    from omentum.networks.mask_folders import known_mask_folders
    from omentum.predict.imported_predictions import UNKNOWN_WEIGHTS

    by_others = known_mask_folders()
    used = {
        NetworkUsed(
            name=name,
            weights_sha256=None if name in by_others or sha256.startswith(UNKNOWN_WEIGHTS) else sha256,
        )
        for name, sha256 in kept
    }
    return sorted(used, key=lambda one: (one.name, one.weights_sha256 or ""))


def _without_passwords(settings: Any) -> Any:
    if isinstance(settings, dict):
        return {name: _without_passwords(value) for name, value in settings.items()}
    return without_passwords(settings) if isinstance(settings, str) else settings
