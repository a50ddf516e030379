"""Import predictions of an AbdomenAtlas tree, or of a release of another project, into a project.

They are kept as our own are, with `origin`. Where the weights are unknown, `files:` and the hash of the files
stand in their place.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from omentum.errors import ImageError, UnreadableImageError
from omentum.networks.catalogue import known_models
from omentum.networks.mask_folders import known_mask_folders
from omentum.predict.mask_files import MaskFilesPredictor
from omentum.predict.predict_case import case_ledger, is_predicted, predict_cases
from omentum.predict.predictors import PredictedCase
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
    project: Project, files: Iterable[ImportedFiles], *, progress: Progress | None = None
) -> tuple[Batch, tuple[Failure, ...]]:
    """Import predictions of the project's organs; those that are imported already are skipped.

    Returns:
        What was done, by `<case_id>/<network>`; a file that cannot be used is among the failed, by its organ,
        though the others were imported. And the folders that were not imported, with the reason: the project
        has a prediction of its own, the network runs here, or it has none of the organs.
    """
    batches: list[Batch] = []
    refused: list[Failure] = []
    in_order = sorted(files, key=attrgetter("network", "case_id"))
    for network, group in groupby(in_order, key=attrgetter("network")):
        tree = _TreePredictor(network, project.settings.organs, {one.case_id: one for one in group})
        kept = project.store.predictions.of_network(network)
        known = [key for key, one in tree.files.items() if _is_kept(kept.get(key), one)]
        batches.append(Batch(done=(), skipped=tuple(f"{key}/{network}" for key in known), failed=()))
        new = [key for key in tree.files if key not in known]
        reasons = _reasons_not_to_import(project, tree, new)
        refused += [Failure(key=str(tree.files[key].folder), reason=why) for key, why in reasons.items()]
        usable = [key for key in new if key not in reasons]
        batches.append(_import_network(project, tree, usable, progress))
    joined = Batch(
        done=tuple(key for batch in batches for key in batch.done),
        skipped=tuple(key for batch in batches for key in batch.skipped),
        failed=tuple(one for batch in batches for one in batch.failed),
    )
    return joined, tuple(refused)


def _is_kept(kept: Prediction | None, one: ImportedFiles) -> bool:
    """Return whether the project has what these very weights predicted of a case."""
    return (
        kept is not None
        and bool(one.weights_sha256)
        and kept.weights_sha256 == one.weights_sha256
        and set(one.organs) <= set(kept.organs)
    )


class _TreePredictor:
    """Reads the predictions of one network from a tree or a release.

    Args:
        name: The network's.
        organs: The project's, for files that do not say what was predicted.
        files: By case.
    """

    def __init__(self, name: str, organs: Sequence[str], files: Mapping[str, ImportedFiles]) -> None:
        self.name = name
        self.organs = tuple(organs)
        self.files = files

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`."""
        one = self.files[case_id]
        own = self._reader(case_id).settings(one.folder.name)
        weights_sha256 = one.weights_sha256 or f"{UNKNOWN_WEIGHTS}{own['weights_sha256']}"
        return {**own, "weights_sha256": weights_sha256, "imported_from": one.origin}

    def predict(self, ct: Volume, case_id: str) -> PredictedCase:
        """See `Predictor.predict`.

        Raises:
            UnreadableImageError: No file can be used.
        """
        one, stamp = self.files[case_id], self.stamp(case_id)
        made = self._reader(case_id).predict(ct, one.folder.name)
        if not made.masks.organs:
            seen = f"no file of it can be used: {next(iter(made.unusable.values()))}"
            raise UnreadableImageError(one.folder, seen, "export it anew")
        return replace(made, origin=one.origin, source_stamp=stamp, time=one.time)

    def stamp(self, case_id: str) -> str:
        """Hash names, sizes and times of the files, and the organs asked for; no file is read.

        Raises:
            UnreadableImageError: None of the files is of an organ that is asked for.
        """
        folder, reader = self.files[case_id].folder, self._reader(case_id)
        found = hashlib.sha256(",".join(reader.organs).encode())
        for path in reader.find(folder.name).paths:
            known = path.stat()
            name = path.relative_to(folder).as_posix()
            found.update(f"{name}\0{known.st_size}\0{known.st_mtime_ns}\0".encode())
        return found.hexdigest()

    def _reader(self, case_id: str) -> MaskFilesPredictor:
        one = self.files[case_id]
        return MaskFilesPredictor(
            name=self.name,
            folder=one.folder.parent,
            organs=one.organs or self.organs,
            skips_unusable=True,
        )


def _reasons_not_to_import(project: Project, tree: _TreePredictor, case_ids: Sequence[str]) -> dict[str, str]:
    """Never mix the predictions of a network that runs here with imported ones of the same name."""
    here = known_models(project.folder.root / "networks")
    files = [tree.files[case_id] for case_id in case_ids]
    if tree.name in project.networks and tree.name in here and not _are_of(here[tree.name], files):
        reason = (
            f"{tree.name} predicts in this project, and whether these files come from the same weights is "
            "unknown; run `omentum predict`, or give the folder another name"
        )
        return dict.fromkeys(case_ids, reason)
    kept = project.store.predictions.of_network(tree.name)
    reasons = {}
    for case_id in case_ids:
        other, weights = kept.get(case_id), tree.files[case_id].weights_sha256
        if other is not None and not other.origin and other.weights_sha256 != weights:
            reasons[case_id] = f"this project has predicted {case_id} with {tree.name} itself"
            continue
        try:
            tree.stamp(case_id)
        except ImageError:
            reasons[case_id] = "none of its files is of an organ of this project"
    return reasons


def _are_of(weights: Path, files: Sequence[ImportedFiles]) -> bool:
    """Return whether all predictions are known to be of the weights of a network that runs here."""
    said = {one.weights_sha256 for one in files}
    if len(said) != 1 or "" in said:
        return False
    from omentum.networks.weights import load_network, tensors_sha256  # torch is slow to import

    return said == {tensors_sha256(load_network(weights).state_dict())}


def _import_network(
    project: Project, tree: _TreePredictor, case_ids: Sequence[str], progress: Progress | None
) -> Batch:
    """Import the predictions of one network that are new or have changed."""
    network, predictions = tree.name, project.store.predictions
    kept = predictions.of_network(network)
    stale = [
        case_id
        for case_id in case_ids
        if case_id in kept
        and (
            kept[case_id].source_stamp != tree.stamp(case_id)
            or not is_predicted(project.folder.prediction_dir(case_id, network))
        )
    ]
    cases = [project.store.cases.get(case_id) for case_id in case_ids]
    ledger = case_ledger(project, tree, stale=stale)
    batch = predict_cases(project, cases, tree, ledger=ledger, step="predictions", progress=progress)
    kept = predictions.of_network(network)
    unusable = [
        Failure(key=f"{case_id}/{network}/{name}", reason=reason)
        for case_id in case_ids
        if case_id in kept
        for name, reason in kept[case_id].unusable.items()
    ]
    return Batch(
        done=tuple(f"{case_id}/{network}" for case_id in batch.done),
        skipped=tuple(f"{case_id}/{network}" for case_id in batch.skipped),
        failed=(*(replace(one, key=f"{one.key}/{network}") for one in batch.failed), *unusable),
    )


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
