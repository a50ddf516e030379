"""Import predictions that another system made: masks of an AbdomenAtlas tree.

In:  folders `<case>/backbones/<network>/` of cases that an open project has.
Out: predictions on disk and in the database as ours are, with `origin`, which says where they came from. The
     weights are not known, so that in place of their hash there is `files:` and the hash of the files.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from omentum.errors import ImageError, UnreadableImageError
from omentum.networks.catalogue import known_models
from omentum.networks.left_files import known_files
from omentum.predict.kept import Kept, PredictionLedger
from omentum.predict.mask_files import FilesNetwork
from omentum.predict.masks_from_probabilities import Decided
from omentum.predict.predict_case import case_steps, is_predicted
from omentum.predict.predictors import Predicted
from omentum.project.findings import confirmed_ct_rules
from omentum.project.project import Project, prediction_stage
from omentum.records import Batch, Case, Failure, Prediction
from omentum.runners.runner import Progress
from omentum.runners.steps import Steps
from omentum.volumes.volume import Volume

__all__ = ["KeptBefore", "LeftBefore", "kept_before", "take_left"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBefore:
    """What one network left of one case.

    Attributes:
        case_id: Of a case of the project.
        network: Its name.
        folder: Holds `segmentations/`, perhaps `soft_pred/` and `entropy/`.
        origin: Where that is, as the project may keep it.
    """

    case_id: str
    network: str
    folder: Path
    origin: str


def take_left(
    project: Project,
    left: Sequence[LeftBefore],
    *,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Batch, tuple[Failure, ...]]:
    """Take predictions of the project's organs; what was taken before is not taken twice.

    Returns:
        What became of them, by `<case_id>/<network>`; a file that cannot be used is among the failed, by its
        organ, though the rest was taken. And those left alone with the reason: the project has a prediction
        of its own, the network runs here, or there is none of the organs.
    """
    done: list[str] = []
    skipped: list[str] = []
    failed: list[Failure] = []
    alone: list[Failure] = []
    for network, group in groupby(sorted(left, key=_order), key=lambda one: one.network):
        own = list(group)
        reasons = _why_left(project, network, own)
        alone += [Failure(key=str(one.folder), reason=reason) for one, reason in reasons.items()]
        fit = [one for one in own if one not in reasons]
        batch = _taken(project, network, fit, progress)
        done += [f"{case_id}/{network}" for case_id in batch.done]
        skipped += [f"{case_id}/{network}" for case_id in batch.skipped]
        failed += [Failure(key=f"{one.key}/{network}", reason=one.reason) for one in batch.failed]
        kept = project.store.predictions.of_network(network)
        failed += [
            Failure(key=f"{one.case_id}/{network}/{name}", reason=reason)
            for one in fit
            if one.case_id in kept
            for name, reason in kept[one.case_id].unusable.items()
        ]
    return Batch(done=tuple(done), skipped=tuple(skipped), failed=tuple(failed)), tuple(alone)


def _order(one: LeftBefore) -> tuple[str, str]:
    return one.network, one.case_id


def _why_left(project: Project, network: str, left: Sequence[LeftBefore]) -> dict[LeftBefore, str]:
    """Say what is left alone and why: what runs here is not mixed with what others made by that name."""
    if network in project.networks and network in known_models(project.folder.root / "networks"):
        why = (
            f"{network} predicts in this project, and nobody knows whether this is by the same weights; "
            "run `omentum predict`, or give the folder another name"
        )
        return dict.fromkeys(left, why)
    kept = project.store.predictions.of_network(network)
    reasons = {}
    for one in left:
        if one.case_id in kept and not kept[one.case_id].origin:
            reasons[one] = f"this project has predicted {one.case_id} with {network} itself"
            continue
        try:
            _files(project, one).find(one.folder.name)
        except ImageError:
            reasons[one] = "none of its files is of an organ of this project"
    return reasons


def _files(project: Project, one: LeftBefore) -> FilesNetwork:
    return FilesNetwork(name=one.network, folder=one.folder.parent, organs=project.settings.organs)


def _taken(
    project: Project,
    network: str,
    left: Sequence[LeftBefore],
    progress: Callable[[Progress], None] | None,
) -> Batch:
    store = project.store
    ledger = PredictionLedger(store, store.ledger.of(prediction_stage(network)))
    by_case = {one.case_id: one for one in left}

    def folder_of(case_id: str) -> Path:
        return project.folder.prediction_dir(case_id, network)

    opinion = _LeftOpinion(network, {one.case_id: (_files(project, one), one) for one in left})
    kept = store.predictions.of_network(network)
    for case_id in by_case.keys() & kept.keys():
        is_same = kept[case_id].source_stamp == _seen(project, by_case[case_id])
        if not is_same or not is_predicted(folder_of(case_id)):
            ledger.forget(case_id, network)
    steps = case_steps(opinion, folder_of, confirmed=confirmed_ct_rules(store.confirmations.all()))

    def write(case: Case, made: Any) -> Kept:
        seen = _seen(project, by_case[case.case_id])
        written = steps.write(case, made)
        prediction = replace(
            written.prediction,
            origin=by_case[case.case_id].origin,
            source_stamp=seen,
            unusable=opinion.unusable.pop(case.case_id, {}),
        )
        return replace(written, prediction=prediction)

    return project.runner.run(
        [store.cases.get(case_id) for case_id in by_case],
        Steps(read=steps.read, compute=steps.compute, write=write),
        key=lambda case: case.case_id,
        ledger=ledger,
        progress=progress,
    )


def _seen(project: Project, one: LeftBefore) -> str:
    """Hash names, sizes and times of the files, and the organs asked for; no file is read."""
    found = hashlib.sha256(",".join(project.settings.organs).encode())
    for path in _files(project, one).find(one.folder.name).paths:
        known = path.stat()
        name = path.relative_to(one.folder).as_posix()
        found.update(f"{name}\0{known.st_size}\0{known.st_mtime_ns}\0".encode())
    return found.hexdigest()


class _LeftOpinion:
    """What a network left in a tree.

    Args:
        name: The network's.
        left: By case, its files and where they are.
    """

    def __init__(self, name: str, left: Mapping[str, tuple[FilesNetwork, LeftBefore]]) -> None:
        self.name = name
        self.unusable: dict[str, dict[str, str]] = {}
        self._left = left

    @property
    def organs(self) -> tuple[str, ...]:
        """Those that were looked for."""
        return next((files.organs for files, _ in self._left.values()), ())

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Opinion.settings`."""
        files, one = self._left[case_id]
        return {
            "network": self.name,
            "weights_sha256": f"files:{files.sha256(one.folder.name)}",
            "organs": list(files.organs),
            "imported_from": one.origin,
        }

    def predict(self, ct: Volume, case_id: str) -> Predicted:
        """See `Opinion.predict`; files that cannot be used are left out, and kept in `unusable`.

        Raises:
            UnreadableImageError: That are all.
        """
        files, one = self._left[case_id]
        unusable = self.unusable[case_id] = dict[str, str]()

        def tell(name: str, error: ImageError) -> None:
            unusable[name] = str(error)

        maps, masks = files.read(one.folder.name, ct.geometry, tell)
        if not masks.organs:
            raise UnreadableImageError(
                one.folder, f"no file of it can be used: {next(iter(unusable.values()))}", "export it anew"
            )
        entropies = files.read_entropies(one.folder.name, ct.geometry, tell)
        decided = Decided(masks=masks, removed_ml={}, notes=())
        return Predicted(maps=maps, decided=decided, seconds={}, entropies=entropies)


class KeptBefore:
    """A network that cannot run here, by what of it came in with a tree.

    Args:
        name: The network's.
        kept: What came in, by case.
    """

    def __init__(self, name: str, kept: Mapping[str, Prediction]) -> None:
        self.name = name
        self._kept = kept

    @property
    def organs(self) -> tuple[str, ...]:
        """Those that were looked for in any case."""
        names = (name for made in self._kept.values() for name in made.made_with["organs"])
        return tuple(dict.fromkeys(names))

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Opinion.settings`: what is kept stays as it is."""
        if case_id not in self._kept:
            raise self._not_here(case_id)
        return dict(self._kept[case_id].made_with)

    def predict(self, ct: Volume, case_id: str) -> Predicted:
        """See `Opinion.predict`; there is nothing that could be made anew."""
        del ct
        raise self._not_here(case_id)

    def _not_here(self, case_id: str) -> UnreadableImageError:
        seen = f"the tree had nothing of it by {self.name}, which has no weights here"
        cure = "add the tree again, or take the network out of `networks` in omentum.toml"
        return UnreadableImageError(case_id, seen, cure)


def kept_before(project: Project, name: str) -> KeptBefore | None:
    """Give the network of that name if all there is of it came in with a tree; else `None`."""
    if name in known_files() or name in known_models(project.folder.root / "networks"):
        return None
    kept = project.store.predictions.of_network(name)
    before = {case_id: made for case_id, made in kept.items() if made.origin}
    return KeptBefore(name, before) if before else None
