"""Show a catch trial as if its mask were a network's: what is known of its case is told in this way alone.

Every part of the program that shows a case to a reader takes what is known of it from here, so that none can
tell that a mask was planted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from omentum.errors import ReviewError
from omentum.project.catch_files import CatchFiles, catch_files
from omentum.project.project import Project
from omentum.project.standing import CaseFacts
from omentum.records import MaskSource, Prediction, Revision, Task, TaskState
from omentum.records.catch_trials import CatchReading, CatchTrial
from omentum.records.people import Role, may
from omentum.store.tasks import pool_of

__all__ = [
    "ShownTrial",
    "as_shown",
    "attention_path",
    "hot_spots_path",
    "restores_in_trial",
    "revision_of",
    "trial_files",
    "trials_hidden_from",
    "trials_in",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTrial:
    """A trial, with what one reader answered to it."""

    trial: CatchTrial
    round_number: int
    readings: tuple[CatchReading, ...] = ()


def trials_in(project: Project, task: Task, reader: str) -> list[ShownTrial]:
    """Give the trials that a reader of a task must not know of, by any mask of its case.

    Those are the task's own, and others that are open or that the reader had. A later task of the same organ
    shows what stands, as somebody asked for it.
    """
    trials = trials_hidden_from(project, task.case_id, reader, also=task.number)
    return [one for one in trials if not _is_asked_after(task, one.trial)]


def trials_hidden_from(
    project: Project, case_id: str, reader: str, *, also: int | None = None
) -> list[ShownTrial]:
    """Give the trials of a case that a reader must not know of: those that are open, or the reader had.

    Args:
        project: The project.
        case_id: The case.
        reader: Pseudonym.
        also: Task whose trial is given in any case, as it is what the reader is shown.
    """
    found = []
    for trial in project.store.catch_trials.of_case(case_id):
        is_hidden = _is_open(project, trial) or _had(project, trial, reader)
        if is_hidden or trial.task_number == also:
            found.append(_shown(project, trial, reader))
    return found


def restores_in_trial(project: Project, case_id: str, name: str, to: int | MaskSource, reader: str) -> bool:
    """Tell whether a reader asks to restore a mask of a trial's organ, by which nothing changes.

    Raises:
        ReviewError: As far as the reader is told, there is no such mask; or an admin asks who has not had the
            trial, and who must not be told that a mask was restored when none was.
    """
    trials = [one for one in trials_hidden_from(project, case_id, reader) if one.trial.organ == name]
    known = {reading.number for one in trials for reading in one.readings} | {MaskSource.PREDICTED}
    if trials and to not in known:
        told = f"revision {to}" if isinstance(to, int) else f"{to} mask to go back to"
        raise ReviewError(
            f"{name} in {case_id} has no {told}; "
            f"`omentum review history {case_id} {name}` lists what there is"
        )
    for one in trials:
        _require_no_admin(project, one.trial, reader)
    return bool(trials)


def as_shown(facts: CaseFacts, trials: Iterable[ShownTrial]) -> CaseFacts:
    """Give what is known of a case as the readers of trials in it are told: their organs were predicted."""
    for shown in trials:
        facts = _as_predicted(facts, shown)
    return facts


def revision_of(shown: ShownTrial, reading: CatchReading, network: str) -> Revision:
    """Describe a reading as a revision of what was shown, which it is for its reader alone."""
    trial = shown.trial
    return Revision(
        case_id=trial.case_id,
        organ=trial.organ,
        path=reading.path,
        sha256=reading.sha256,
        round_number=shown.round_number,
        reader=reading.reader,
        says=reading.says,
        base_sha256=trial.planted_sha256,
        base_source=MaskSource.PREDICTED,
        network=network,
        task_number=trial.task_number,
        minutes=reading.minutes,
        added_ml=reading.added_ml,
        removed_ml=reading.removed_ml,
        dice_to_base=reading.dice_to_base,
        findings=reading.findings,
        comment=reading.comment,
        time=reading.time,
        number=reading.number,
    )


def trial_files(project: Project, task: Task) -> CatchFiles | None:
    """Give the files of a task's trial; `None` where it is none."""
    trial = project.store.catch_trials.of_task(task.number or 0) if task.is_catch else None
    return None if trial is None else catch_files(trial)


def attention_path(project: Project, task: Task) -> Path:
    """Give the path of the attention map that a task shows, where it has one."""
    files = trial_files(project, task)
    return _attention_dir(project, task) / f"{task.organ}.nii.gz" if files is None else files.attention


def hot_spots_path(project: Project, task: Task) -> Path:
    """Give the path of the hot spots that a task shows, where it has any."""
    files = trial_files(project, task)
    return _attention_dir(project, task) / "hot_spots.json" if files is None else files.hot_spots


def _attention_dir(project: Project, task: Task) -> Path:
    return project.folder.attention_dir(task.case_id)


def _is_asked_after(task: Task, trial: CatchTrial) -> bool:
    return task.organ == trial.organ and (task.number or 0) > trial.task_number


def _require_no_admin(project: Project, trial: CatchTrial, reader: str) -> None:
    """Refuse an admin who is no reader of a trial."""
    person = project.store.people.get(reader)
    if person is None or not may(person.roles, Role.ADMIN) or _had(project, trial, reader):
        return
    raise ReviewError(
        f"no mask of {trial.organ} in {trial.case_id} is restored while task {trial.task_number} is open; "
        f"wait for its answer, or end it with `omentum review skip {trial.task_number} --why ...`"
    )


def _is_open(project: Project, trial: CatchTrial) -> bool:
    """Tell whether somebody has a trial or can still claim it: one of an earlier round no one can."""
    task = project.store.tasks.get(trial.task_number)
    if task is None or task.state is not TaskState.QUEUED:
        return task is not None and task.state.is_open
    return task.round_number == project.store.rounds.current().number


def _had(project: Project, trial: CatchTrial, reader: str) -> bool:
    task = project.store.tasks.get(trial.task_number)
    had = set() if task is None else project.store.leases.had(pool_of(task.round_number), reader)
    return str(trial.task_number) in had or bool(_readings(project, trial, reader))


def _shown(project: Project, trial: CatchTrial, reader: str) -> ShownTrial:
    task = project.store.tasks.get(trial.task_number)
    return ShownTrial(
        trial=trial,
        round_number=0 if task is None else task.round_number,
        readings=_readings(project, trial, reader),
    )


def _readings(project: Project, trial: CatchTrial, reader: str) -> tuple[CatchReading, ...]:
    found = project.store.catch_readings.of_trials([trial.number or 0])
    return tuple(one for one in found if one.reader == reader)


def _as_predicted(facts: CaseFacts, shown: ShownTrial) -> CaseFacts:
    name, case = shown.trial.organ, facts.case
    organs = tuple(one for one in case.original_organs if one != name)
    network = "" if facts.prediction is None else facts.prediction.network
    own = tuple(revision_of(shown, one, network) for one in shown.readings)
    revisions = sorted(
        [*(one for one in facts.revisions if one.organ != name), *own], key=lambda one: one.number or 0
    )
    label_path = case.original_label_path if organs else None
    return replace(
        facts,
        case=replace(case, original_organs=organs, original_label_path=label_path),
        label=facts.label if organs else None,
        revisions=tuple(revisions),
        prediction=_without_findings(facts.prediction, name),
        decisions=tuple(one for one in facts.decisions if one.organ != name),
        confirmations=tuple(one for one in facts.confirmations if one.organ != name),
    )


def _without_findings(made: Prediction | None, name: str) -> Prediction | None:
    """Leave out what the rules say of a network's own mask, as another is shown in its place."""
    if made is None:
        return None
    return replace(made, findings=tuple(one for one in made.findings if one.organ != name))
