"""Import predictions of an AbdomenAtlas tree, or of a release of another project, into a project.

They are kept as our own are, with `origin`. Where the weights are unknown, `files:` and the hash of the files
stand in their place.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from omentum.errors import ImageError, UnreadableImageError
from omentum.networks.catalogue import known_models
from omentum.networks.mask_folders import known_mask_folders
from omentum.predict.mask_files import MaskFilesPredictor
from omentum.predict.predict_case import is_predicted, predict_cases
from omentum.predict.predictors import ImportSource, PredictedCase
from omentum.project.project import Project
from omentum.records import Batch, Failure, Prediction
from omentum.runners.runner import Progress
from omentum.volumes.volume import Volume

__all__ = [
    "UNKNOWN_WEIGHTS",
    "ImportedFiles",
    "ImportedPredictor",
    "import_predictions",
    "imported_predictor",
]

UNKNOWN_WEIGHTS = "files:"
"""Begins what stands in place of the hash of weights that are not known: the hash of the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFiles:
    """The files that one network made of one case.

    Attributes:
        case_id: Of a case of the project.
        network: Its name.
        folder: Holds `segmentations/`, perhaps `soft_pred/` and `entropy/`.
        origin: Where that is, as the project may keep it.
        weights_sha256: Of the network; empty if unknown.
        organs: What it predicted; the project's organs if unknown.
        time: When it did; `None` if unknown.
    """

    case_id: str
    network: str
    folder: Path
    origin: str
    weights_sha256: str = ""
    organs: tuple[str, ...] = ()
    time: datetime | None = None


def import_predictions(
    project: Project, left: Sequence[ImportedFiles], *, progress: Progress | None = None
) -> tuple[Batch, tuple[Failure, ...]]:
    """Import predictions of the project's organs; those that are imported already are skipped.

    Returns:
        What was done, by `<case_id>/<network>`; a file that cannot be used is among the failed, by its organ,
        though the others were imported. And the folders that were not imported, with the reason: the project
        has a prediction of its own, the network runs here, or it has none of the organs.
    """
    done: list[str] = []
    skipped: list[str] = []
    failed: list[Failure] = []
    refused: list[Failure] = []
    for network, group in groupby(sorted(left, key=_order), key=lambda one: one.network):
        of_network = list(group)
        kept = project.store.predictions.of_network(network)
        known = [one for one in of_network if _is_kept(kept.get(one.case_id), one)]
        skipped += [f"{one.case_id}/{network}" for one in known]
        own = [one for one in of_network if one not in known]
        reasons = _reasons_not_to_import(project, network, own)
        refused += [Failure(key=str(one.folder), reason=reason) for one, reason in reasons.items()]
        usable = [one for one in own if one not in reasons]
        batch = _import_network(project, network, usable, progress)
        done += [f"{case_id}/{network}" for case_id in batch.done]
        skipped += [f"{case_id}/{network}" for case_id in batch.skipped]
        failed += [Failure(key=f"{one.key}/{network}", reason=one.reason) for one in batch.failed]
        kept = project.store.predictions.of_network(network)
        failed += [
            Failure(key=f"{one.case_id}/{network}/{name}", reason=reason)
            for one in usable
            if one.case_id in kept
            for name, reason in kept[one.case_id].unusable.items()
        ]
    return Batch(done=tuple(done), skipped=tuple(skipped), failed=tuple(failed)), tuple(refused)


def _is_kept(kept: Prediction | None, one: ImportedFiles) -> bool:
    """Return whether the project has what these very weights predicted of a case."""
    return (
        kept is not None
        and bool(one.weights_sha256)
        and kept.weights_sha256 == one.weights_sha256
        and set(one.organs) <= set(kept.organs)
    )


def _order(one: ImportedFiles) -> tuple[str, str]:
    return one.network, one.case_id


def _reasons_not_to_import(
    project: Project, network: str, left: Sequence[ImportedFiles]
) -> dict[ImportedFiles, str]:
    """Never mix the predictions of a network that runs here with imported ones of the same name."""
    here = known_models(project.folder.root / "networks")
    if network in project.networks and network in here and not _are_of(here[network], left):
        reason = (
            f"{network} predicts in this project, and whether these files come from the same weights is "
            "unknown; run `omentum predict`, or give the folder another name"
        )
        return dict.fromkeys(left, reason)
    kept = project.store.predictions.of_network(network)
    reasons = {}
    for one in left:
        other = kept.get(one.case_id)
        if other is not None and not other.origin and other.weights_sha256 != one.weights_sha256:
            reasons[one] = f"this project has predicted {one.case_id} with {network} itself"
            continue
        try:
            _files(project, one).find(one.folder.name)
        except ImageError:
            reasons[one] = "none of its files is of an organ of this project"
    return reasons


def _files(project: Project, one: ImportedFiles) -> MaskFilesPredictor:
    organs = one.organs or project.settings.organs
    return MaskFilesPredictor(name=one.network, folder=one.folder.parent, organs=organs)


def _are_of(weights: Path, left: Sequence[ImportedFiles]) -> bool:
    """Return whether all predictions are known to be of the weights of a network that runs here."""
    said = {one.weights_sha256 for one in left}
    if len(said) != 1 or "" in said:
        return False
    from omentum.networks.weights import load_network, tensors_sha256  # torch is slow to import

    return said == {tensors_sha256(load_network(weights).state_dict())}


def _import_network(
    project: Project, network: str, left: Sequence[ImportedFiles], progress: Progress | None
) -> Batch:
    by_case = {one.case_id: one for one in left}
    stamps = {one.case_id: _stamp(project, one) for one in left}
    kept = project.store.predictions.of_network(network)
    return predict_cases(
        project,
        [project.store.cases.get(case_id) for case_id in by_case],
        _TreePredictor(network, {one.case_id: (_files(project, one), one) for one in left}, stamps),
        stale=[
            case_id
            for case_id in by_case.keys() & kept.keys()
            if kept[case_id].source_stamp != stamps[case_id]
            or not is_predicted(project.folder.prediction_dir(case_id, network))
        ],
        step="predictions",
        progress=progress,
    )


def _stamp(project: Project, one: ImportedFiles) -> str:
    """Hash names, sizes and times of the files, and the organs asked for; no file is read."""
    found = hashlib.sha256(",".join(one.organs or project.settings.organs).encode())
    for path in _files(project, one).find(one.folder.name).paths:
        known = path.stat()
        name = path.relative_to(one.folder).as_posix()
        found.update(f"{name}\0{known.st_size}\0{known.st_mtime_ns}\0".encode())
    return found.hexdigest()


class _TreePredictor:
    """Reads the predictions of one network from a tree.

    Args:
        name: The network's.
        left: By case, its files and where they are.
        stamps: By case, see `ImportSource`.
    """

    def __init__(
        self,
        name: str,
        left: Mapping[str, tuple[MaskFilesPredictor, ImportedFiles]],
        stamps: Mapping[str, str],
    ) -> None:
        self.name = name
        self.organs = next((files.organs for files, _ in left.values()), ())
        self._left, self._stamps = left, stamps

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`."""
        files, one = self._left[case_id]
        own = files.settings(one.folder.name)
        weights_sha256 = one.weights_sha256 or f"{UNKNOWN_WEIGHTS}{own['weights_sha256']}"
        return {**own, "weights_sha256": weights_sha256, "imported_from": one.origin}

    def predict(self, ct: Volume, case_id: str) -> PredictedCase:
        """See `Predictor.predict`.

        Raises:
            UnreadableImageError: No file can be used.
        """
        files, one = self._left[case_id]
        unusable: dict[str, str] = {}
        made = files.predict(ct, one.folder.name, lambda name, error: unusable.update({name: str(error)}))
        if not made.masks.organs:
            seen = f"no file of it can be used: {next(iter(unusable.values()))}"
            raise UnreadableImageError(one.folder, seen, "export it anew")
        stamp = self._stamps[case_id]
        source = ImportSource(origin=one.origin, stamp=stamp, unusable=unusable, time=one.time)
        return replace(made, imported=source)


class ImportedPredictor:
    """Stands for a network that cannot run here, with the predictions that were imported of it.

    Args:
        name: The network's.
        kept: Its imported predictions, by case.
    """

    def __init__(self, name: str, kept: Mapping[str, Prediction]) -> None:
        self.name = name
        self.organs = tuple(
            dict.fromkeys(name for made in kept.values() for name in made.made_with["organs"])
        )
        self._kept = kept

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`: imported predictions are never stale."""
        if case_id not in self._kept:
            raise self._not_imported(case_id)
        return dict(self._kept[case_id].made_with)

    def predict(self, ct: Volume, case_id: str) -> PredictedCase:
        """Raise `UnreadableImageError`: without weights it predicts no further case."""
        del ct
        raise self._not_imported(case_id)

    def _not_imported(self, case_id: str) -> UnreadableImageError:
        seen = f"no prediction of it by {self.name} was imported, and that network has no weights here"
        cure = "add the tree again, or take the network out of `networks` in omentum.toml"
        return UnreadableImageError(case_id, seen, cure)


def imported_predictor(project: Project, name: str) -> ImportedPredictor | None:
    """Return a network of which there are imported predictions only; `None` for any other."""
    if name in known_mask_folders() or name in known_models(project.folder.root / "networks"):
        return None
    kept = project.store.predictions.of_network(name)
    imported = {case_id: made for case_id, made in kept.items() if made.origin}
    return ImportedPredictor(name, imported) if imported else None
