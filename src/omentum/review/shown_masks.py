"""Say which mask a reader is shown of an organ, and find masks that were shown by their hashes."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import ImageError, ReviewError
from omentum.project.catch_files import CatchFiles
from omentum.project.ct_findings import ct_findings_of
from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case, standing_case
from omentum.records import HeldBackMask, MaskFinding, MaskSource, StandingMask, Task
from omentum.review.catch_view import trial_files
from omentum.review.task_file import ShownOrgan
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_masks
from omentum.volumes.mask_hash import mask_sha256
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti

__all__ = [
    "ShownCase",
    "ShownMask",
    "find_base",
    "likely_base",
    "shown_case",
    "shown_masks",
    "shown_sha256",
]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownMask:
    """A mask that was shown to a reader.

    Attributes:
        mask: Its voxels `(x, y, z)` on the CT's grid.
        source: Where it came from; `None` if that is unknown.
    """

    mask: Mask
    source: MaskSource | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownCase:
    """What readers of one case are shown.

    Attributes:
        masks: What the network made of the case, with the masks of `organs` in their place.
        masks_sha256: Hash of the network's file of masks; `None` where it made none of the case.
        organs: The masks that are to be looked at, by organ.
        ct_findings: What was found of the whole CT and no person has confirmed.
        trials: Files of catch trials, by organ, whose attention is shown in the place of the case's.
    """

    masks: MaskSet
    masks_sha256: str | None
    organs: Mapping[str, ShownOrgan]
    ct_findings: tuple[MaskFinding, ...] = ()
    trials: Mapping[str, CatchFiles] = field(default_factory=dict)


def likely_base(facts: CaseFacts, name: str) -> ShownMask | None:
    """Give the mask that a reader of an organ began with if the reader did not name it.

    It is what the network made, else the original label; `None` where neither is there.
    """
    prediction, label = facts.prediction, facts.case.original_label_path
    if prediction is not None and name in prediction.organs and prediction.masks_path.is_file():
        return ShownMask(mask=read_masks(prediction.masks_path).mask(name), source=MaskSource.PREDICTED)
    if label is not None and name in facts.case.original_organs and label.is_file():
        return ShownMask(mask=_labelled(label, organ(name).index), source=MaskSource.ORIGINAL)
    return None


def shown_sha256(project: Project, facts: CaseFacts, name: str) -> str | None:
    """Give the hash of the mask that a reader of an organ is shown now; `None` where there is none.

    It is what stands or is held back. A file is read only where its hash was not kept.
    """
    chosen = _chosen(facts, name)
    if chosen is None:
        return None
    return _kept_sha256(project, facts, chosen) or mask_sha256(_read(facts, chosen), facts.case.geometry)


def shown_case(project: Project, tasks: Iterable[Task], network: str) -> ShownCase:
    """Give what readers of tasks of one case are shown: for each organ what stands or is held back.

    Where several readers are to revise a task, each is shown what the first one was.

    Raises:
        ReviewError: The network's masks of the case are gone, or the mask of a task.
    """
    tasks = list(tasks)
    facts = facts_of_case(project, tasks[0].case_id, network=network)
    found = ct_findings_of(facts, project.store.arrivals.of_case(facts.case.case_id))
    prediction = facts.prediction
    if prediction is None or not prediction.masks_path.is_file():
        if any(not task.is_of_ct for task in tasks):
            raise ReviewError(
                f"{network} has no prediction of {facts.case.case_id} any more; "
                "run `omentum predict` and `omentum score` again"
            )
        nothing = MaskSet.build(facts.case.geometry, (), ())
        return ShownCase(masks=nothing, masks_sha256=None, organs={}, ct_findings=found)
    organs: dict[str, ShownOrgan] = {}
    replaced: dict[str, Mask] = {}
    trials = {task.organ: files for task in tasks if (files := trial_files(project, task)) is not None}
    for task in tasks:
        if not task.is_of_ct:
            organs[task.organ], mask = _of_task(project, facts, task)
            if mask is not None:
                replaced[task.organ] = mask
    masks = shown_masks(read_masks(prediction.masks_path), replaced)
    sha256 = prediction.masks_sha256 or file_sha256(prediction.masks_path)
    return ShownCase(masks=masks, masks_sha256=sha256, organs=organs, ct_findings=found, trials=trials)


def shown_masks(predicted: MaskSet, replaced: Mapping[str, Mask]) -> MaskSet:
    """Put masks that a person drew in the place of what a network predicted, as `labels.nii.gz` has them."""
    for name in sorted(replaced):
        predicted = predicted.replaced(name, replaced[name])
    return predicted


def find_base(
    project: Project, facts: CaseFacts, name: str, sha256: str, *, network: str = ""
) -> ShownMask | None:
    """Find the mask of an organ by its hash; `None` where it is no longer there.

    It may be what a network predicted or a catch trial shows, a revision, or one version of the original
    label. A file that is gone or cannot be read is passed over.
    """
    ways = (
        partial(_of_trial, project, facts, name, sha256),
        partial(_of_prediction, project, facts, name, sha256, network),
        partial(_of_revision, facts, name, sha256),
        partial(_of_label, project, facts, name, sha256),
    )
    for look in ways:
        with suppress(ImageError, OSError):
            if (found := look()) is not None:
                return found
    return None


def _of_task(project: Project, facts: CaseFacts, task: Task) -> tuple[ShownOrgan, Mask | None]:
    """Give what is shown of a task's organ, and its voxels where they are not the network's."""
    shown = ShownOrgan(organ=task.organ)
    trial = project.store.catch_trials.of_task(task.number or 0) if task.is_catch else None
    if trial is not None:
        shown = replace(shown, base_sha256=trial.planted_sha256, base_source=MaskSource.PREDICTED)
        return shown, _labelled(trial.path, 1)
    if task.n_readings > 1 and task.shown_sha256 is not None:
        base = find_base(project, facts, task.organ, task.shown_sha256, network=task.network)
        if base is not None:
            shown = replace(shown, base_sha256=task.shown_sha256, base_source=base.source)
            return shown, None if base.source is MaskSource.PREDICTED else base.mask
    chosen = _chosen(facts, task.organ)
    if chosen is None:
        return shown, np.zeros(facts.case.geometry.shape, dtype=bool)
    sha256, is_predicted = _kept_sha256(project, facts, chosen), chosen.source is MaskSource.PREDICTED
    mask = None if sha256 and is_predicted else _read(facts, chosen)
    if mask is not None:
        sha256 = sha256 or mask_sha256(mask, facts.case.geometry)
    shown = replace(shown, base_sha256=sha256, base_source=chosen.source)
    return shown, None if is_predicted else mask


def _kept_sha256(project: Project, facts: CaseFacts, chosen: StandingMask | HeldBackMask) -> str | None:
    """Give the hash of a mask that was kept when it was written; `None` where none was."""
    if chosen.source is MaskSource.REVISED and chosen.revision is not None:
        return chosen.revision.sha256
    if chosen.source is MaskSource.PREDICTED and facts.prediction is not None:
        hashes = project.store.predictions.hashes_of(facts.case.case_id, facts.prediction.network)
        return hashes.get(chosen.organ)
    return None


def _chosen(facts: CaseFacts, name: str) -> StandingMask | HeldBackMask | None:
    labelled = standing_case(facts)
    stands = next((one for one in labelled.masks if one.organ == name), None)
    return stands or next((one for one in labelled.held if one.organ == name), None)


def _read(facts: CaseFacts, chosen: StandingMask | HeldBackMask) -> Mask:
    """Read the mask that stands or is held back; one whose file is gone raises `ReviewError`."""
    name = chosen.organ
    match chosen.source:
        case MaskSource.PREDICTED:
            assert facts.prediction is not None
            _require(facts.prediction.masks_path)
            return read_masks(facts.prediction.masks_path).mask(name)
        case MaskSource.ORIGINAL:
            assert facts.case.original_label_path is not None
            return _labelled(facts.case.original_label_path, organ(name).index)
        case MaskSource.REVISED:
            assert chosen.revision is not None
            return _labelled(chosen.revision.path, 1)


def _labelled(path: Path, value: int) -> Mask:
    _require(path)
    return np.asarray(read_nifti(path).voxels == value)


def _require(path: Path) -> None:
    if not path.is_file():
        raise ReviewError(f"{path} is gone; bring it back, or run the step that wrote it again")


def _of_prediction(
    project: Project, facts: CaseFacts, name: str, sha256: str, network: str
) -> ShownMask | None:
    case_id = facts.case.case_id
    made = project.store.predictions.of_case(case_id).get(network) if network else facts.prediction
    if made is None or name not in made.organs or not made.masks_path.is_file():
        return None
    kept = project.store.predictions.hashes_of(case_id, made.network).get(name, sha256)
    if kept != sha256:
        return None
    mask = read_masks(made.masks_path).mask(name)
    is_it = mask_sha256(mask, facts.case.geometry) == sha256
    return ShownMask(mask=mask, source=MaskSource.PREDICTED) if is_it else None


def _of_trial(project: Project, facts: CaseFacts, name: str, sha256: str) -> ShownMask | None:
    """Find the mask of a catch trial, which is shown as a prediction."""
    for trial in project.store.catch_trials.of_case(facts.case.case_id):
        if (trial.organ, trial.planted_sha256) == (name, sha256) and trial.path.is_file():
            return ShownMask(mask=_labelled(trial.path, 1), source=MaskSource.PREDICTED)
    return None


def _of_revision(facts: CaseFacts, name: str, sha256: str) -> ShownMask | None:
    found = next((one for one in facts.revisions_of(name) if one.sha256 == sha256), None)
    if found is None or not found.path.is_file():
        return None
    return ShownMask(mask=_labelled(found.path, 1), source=MaskSource.REVISED)


def _of_label(project: Project, facts: CaseFacts, name: str, sha256: str) -> ShownMask | None:
    for version in reversed(project.store.labels.of_case(facts.case.case_id)):
        if name in version.organs and version.path.is_file():
            mask = _labelled(version.path, organ(name).index)
            if mask_sha256(mask, facts.case.geometry) == sha256:
                return ShownMask(mask=mask, source=MaskSource.ORIGINAL)
    return None
