"""Name the predicted masks of a release of another project by their networks, for import."""

from collections.abc import Sequence

from omentum.networks.catalogue import known_models
from omentum.predict.imported_predictions import UNKNOWN_WEIGHTS, ImportedFiles
from omentum.project.project import Project
from omentum.records import Failure, MaskSource
from omentum.records.released_cases import ReleasedOrigin, TracedMask

__all__ = ["released_predictions"]


def released_predictions(
    project: Project, released: Sequence[tuple[str, ReleasedOrigin, str]]
) -> tuple[list[ImportedFiles], tuple[Failure, ...]]:
    """Gather the predictions of released cases; a name that other weights have here gets their hash.

    Args:
        project: The project.
        released: Of each case its name here, what the release says, and where that lies, as the project may
            keep it.

    Returns:
        What to import, and the networks that were renamed, with the reason.
    """
    names = _Names(project)
    files, renamed = [], []
    for case_id, origin, where in released:
        for (network, weights), masks in _by_network(origin).items():
            name = names.name_of(network, weights)
            if name != network:
                why = f"kept as a prediction by {name}: {network} has other weights in this project"
                renamed.append(Failure(key=f"{case_id}/{network}", reason=why))
            files.append(
                ImportedFiles(
                    case_id=case_id,
                    network=name,
                    folder=origin.folder,
                    origin=where,
                    weights_sha256=weights,
                    organs=tuple(mask.organ for mask in masks),
                    time=max(mask.time for mask in masks),
                )
            )
    return files, tuple(renamed)


def _by_network(origin: ReleasedOrigin) -> dict[tuple[str, str], list[TracedMask]]:
    found: dict[tuple[str, str], list[TracedMask]] = {}
    for mask in origin.masks:
        if mask.source is MaskSource.PREDICTED:
            found.setdefault((mask.network, mask.weights_sha256), []).append(mask)
    return found


class _Names:
    """Gives each pair of name and known weights a name of its own in a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._weights: dict[str, set[str]] = {}

    def name_of(self, network: str, weights: str) -> str:
        """Give a network's own name, unless other weights have it here already."""
        if weights.startswith(UNKNOWN_WEIGHTS):
            return network
        here = self._weights.get(network) or self._weights_here(network)
        self._weights[network] = here or {weights}
        return network if self._weights[network] == {weights} else f"{network}-{weights[:8]}"

    def _weights_here(self, network: str) -> set[str]:
        own = known_models(self._project.folder.root / "networks").get(network)
        if own is None or network not in self._project.networks:
            kept = set(self._project.store.predictions.weights(network).values())
            return {one for one in kept if not one.startswith(UNKNOWN_WEIGHTS)}
        from omentum.networks.weights import load_network, tensors_sha256  # torch is slow to import

        return {tensors_sha256(load_network(own).state_dict())}
