"""Keep what a reader hands in, measured against the mask that was shown, and say whether it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from omentum.errors import GridMismatchError, ReviewError
from omentum.measures.overlap import changed_ml, dice
from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case
from omentum.records import DecisionKind, MaskFinding, ReaderAnswer, Revision, Task
from omentum.review.activity import measured_minutes
from omentum.review.catch_readings import read_trial, trial_read_by
from omentum.review.check_revisions import findings_of_new
from omentum.review.conflicting_readings import contradicted, measure_agreement
from omentum.review.decide import decided_already, decision_for, keep_decision
from omentum.review.handed_in import HandIn, HandInResult
from omentum.review.history import why_not_standing
from omentum.review.shown_masks import ShownMask, find_base, likely_base
from omentum.review.task_states import settle_tasks
from omentum.review.tasks import required_task
from omentum.store.tasks import pool_of
from omentum.volumes.labels import organ
from omentum.volumes.mask_hash import mask_sha256
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

__all__ = ["accept", "hand_in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A hand-in whose file is in place."""

    hand_in: HandIn
    revision: Revision
    task: Task | None


def hand_in(project: Project, hand_ins: Sequence[HandIn]) -> list[HandInResult]:
    """Keep masks of one case that came in together.

    Args:
        project: The project.
        hand_ins: Of one case, each of another organ.

    Returns:
        What became of each, in order.

    Raises:
        UnknownCaseError: There is no such case.
        UnknownOrganError: There is no such organ.
        GridMismatchError: A mask has another shape than the CT.
        ReviewError: There is no such task, a task is of another organ, or two masks are of one organ.
    """
    if not hand_ins:
        return []
    case_id = hand_ins[0].case_id
    if len({one.organ for one in hand_ins}) < len(hand_ins) or any(
        one.case_id != case_id for one in hand_ins
    ):
        raise ReviewError("masks that come in together are of one case, and each of another organ")
    trials = [trial_read_by(project, one) for one in hand_ins]
    real = iter(_kept_all(project, [one for one, trial in zip(hand_ins, trials, strict=True) if not trial]))
    return [
        next(real) if trial is None else read_trial(project, trial, one)
        for one, trial in zip(hand_ins, trials, strict=True)
    ]


def _kept_all(project: Project, hand_ins: Sequence[HandIn]) -> list[HandInResult]:
    """Keep masks of one case as revisions."""
    if not hand_ins:
        return []
    case_id = hand_ins[0].case_id
    facts = facts_of_case(project, case_id)
    drafts = [_drafted(project, facts, one) for one in hand_ins]
    new = [one for one in drafts if _known(facts, one) is None]
    masks = {one.revision.organ: one.hand_in.mask for one in new}
    sha256s = {one.revision.organ: one.revision.sha256 for one in new}
    findings = findings_of_new(facts, masks, sha256s) if new else {}
    for one in new:
        measure_agreement(project, facts, one.revision, one.task)
    with project.store.together():
        kept = [_kept(project, one, findings.get(one.revision.organ, ())) for one in drafts]
        facts = facts_of_case(project, case_id)
    return [
        HandInResult(revision=revision, why_not=why_not_standing(facts, revision), is_known=is_known)
        for revision, is_known in kept
    ]


def accept(project: Project, number: int, reader: str, *, minutes: float | None = None) -> HandInResult:
    """Say that the mask which a task shows is right as it is.

    Args:
        project: The project.
        number: Of the task.
        reader: Pseudonym.
        minutes: Time it took; what was measured at the task if `None`.

    Raises:
        ReviewError: There is no such task, it is about a whole CT, or the mask that it shows is not known
            or gone.
    """
    task = required_task(project, number)
    if task.is_of_ct:
        raise ReviewError(f"task {number} is about a whole CT; answer it with `omentum review confirm`")
    base = None
    if task.shown_sha256 is not None:
        facts = facts_of_case(project, task.case_id)
        base = find_base(project, facts, task.organ, task.shown_sha256, network=task.network)
    if base is None:
        raise ReviewError(
            f"the mask that task {number} shows is not known; claim the task, look at it, and accept it then"
        )
    accepted = HandIn(
        case_id=task.case_id,
        organ=task.organ,
        mask=base.mask,
        reader=reader,
        task_number=number,
        minutes=minutes,
    )
    return hand_in(project, [accepted])[0]


def _drafted(project: Project, facts: CaseFacts, one: HandIn) -> _Draft:
    """Measure a mask, and put its file in place."""
    case, name = facts.case, organ(one.organ).name
    if one.mask.shape != case.geometry.shape:
        seen = f"its shape is {one.mask.shape}, the CT's {case.geometry.shape}"
        raise GridMismatchError(f"mask of {name} in {case.case_id}", seen, "draw it on the CT's grid")
    task = _task_of(project, one, name)
    if task is not None:
        one = replace(
            one,
            base_sha256=one.base_sha256 or task.shown_sha256,
            network=one.network or task.network,
            round_number=one.round_number or task.round_number,
        )
    time = datetime.now(UTC)
    if one.minutes is None and task is not None and task.number is not None:
        one = replace(one, minutes=measured_minutes(project, task.number, one.reader, until=time))
    sha256, current = mask_sha256(one.mask, case.geometry), project.store.rounds.current().number
    path = project.folder.revision_dir(case.case_id, name) / f"{sha256}.nii.gz"
    revision = Revision(
        case_id=case.case_id,
        organ=name,
        path=path,
        sha256=sha256,
        round_number=min(one.round_number or current, current),
        reader=one.reader,
        says=ReaderAnswer.REVISED if one.mask.any() else ReaderAnswer.ABSENT,
        task_number=None if task is None else task.number,
        minutes=one.minutes,
        comment=one.comment,
        origin=one.origin,
        time=time,
    )
    revision = _measured(project, facts, one, revision)
    if not path.exists():
        write_nifti(path, Volume(one.mask, case.geometry))
        path.chmod(0o444)
    return _Draft(hand_in=one, revision=revision, task=task)


def _task_of(project: Project, one: HandIn, name: str) -> Task | None:
    if one.task_number is None:
        return None
    task = project.store.tasks.get(one.task_number)
    if task is None or task.key != (one.case_id, name):
        seen = "there is no such task" if task is None else f"that is of {task.organ} in {task.case_id}"
        raise ReviewError(
            f"a mask of {name} in {one.case_id} was handed in for task {one.task_number}, and {seen}; "
            "`omentum review list` shows the tasks"
        )
    return task


def _measured(project: Project, facts: CaseFacts, one: HandIn, revision: Revision) -> Revision:
    """Compare a mask with what was shown, if that is known and still there; else with what likely was.

    A mask that equals what was likely shown was accepted; what a release says of a mask is kept.
    """
    if one.traced is not None:
        told = one.traced
        says = told.says or revision.says
        return replace(
            revision, says=says, base_sha256=told.base_sha256, network=told.network, time=told.time
        )
    network, name = one.network or project.networks[0], revision.organ
    sha256 = one.base_sha256 if one.shown is None else mask_sha256(one.shown, facts.case.geometry)
    if sha256 is not None:
        base = find_base(project, facts, name, sha256, network=network)
        if base is None and one.shown is not None:
            base = ShownMask(mask=one.shown, source=None)
    else:
        base = likely_base(facts_of_case(project, facts.case.case_id, network=network), name)
        if base is not None and one.mask.any() and np.array_equal(base.mask, one.mask):
            sha256 = revision.sha256
    is_accepted = revision.sha256 == sha256 and one.mask.any()
    revision = replace(
        revision,
        network=network,
        says=ReaderAnswer.ACCEPTED if is_accepted else revision.says,
        base_sha256=sha256,
        base_source=None if base is None or sha256 is None else base.source,
    )
    if base is None:
        return revision
    added_ml, removed_ml = changed_ml(base.mask, one.mask, facts.case.geometry.voxel_ml)
    return replace(revision, added_ml=added_ml, removed_ml=removed_ml, dice_to_base=dice(base.mask, one.mask))


def _known(facts: CaseFacts, draft: _Draft) -> Revision | None:
    """Find what the same reader handed in last for the same task, if it is the same mask."""
    new = draft.revision
    own = [
        one
        for one in facts.revisions_of(new.organ)
        if one.reader == new.reader and one.task_number == new.task_number
    ]
    return own[-1] if own and own[-1].sha256 == new.sha256 else None


def _kept(project: Project, draft: _Draft, findings: tuple[MaskFinding, ...]) -> tuple[Revision, bool]:
    """Note a draft with all that follows from it; tell whether it was known."""
    store, new = project.store, draft.revision
    facts = facts_of_case(project, new.case_id)
    known = _known(facts, draft)
    is_adjudication = draft.hand_in.is_aside and draft.hand_in.decides
    if is_adjudication and not store.tasks.await_decision(new.case_id, new.organ):
        if known is None:
            raise decided_already(new.case_id, new.organ)
        return known, True
    if known is None:
        conflict = None if draft.hand_in.decides else contradicted(project, facts, new, draft.task)
        kept = store.revisions.add(replace(new, findings=findings, conflicts_with=conflict))
    else:
        kept = known
    if draft.hand_in.decides:
        decision = decision_for(kept, DecisionKind.ADJUDICATE, by=kept.reader, why=kept.comment)
        keep_decision(project, facts, decision)
    if known is None or draft.hand_in.decides:
        _end_reading(project, draft)
    return kept, known is not None


def _end_reading(project: Project, draft: _Draft) -> None:
    """Note that a reader is done with the task; without one, with the round's open tasks of the organ."""
    store, new = project.store, draft.revision
    tasks = [draft.task] if draft.task is not None else store.tasks.open_of(new.case_id, new.organ)
    if draft.task is None:
        is_aside = draft.hand_in.is_aside
        tasks = [one for one in tasks if one.round_number == new.round_number and not is_aside]
        tasks = [one for one in tasks if not one.is_catch]
    for task in tasks:
        store.leases.end(pool_of(task.round_number), str(task.number), draft.hand_in.holder or new.reader)
    settle_tasks(project, new.case_id, new.organ, read=tasks)
