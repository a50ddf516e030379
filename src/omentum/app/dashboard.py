"""Gather what the dashboard shows of a project.

Every figure is asked of the function that `status`, `score`, `audit` and the report ask. No volume is opened,
and the number of questions to the database does not rise with the number of cases.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from omentum.app.dashboard_figures import (
    CtFinding,
    Dashboard,
    Due,
    ErrorLeft,
    OrganProgress,
    QueueProgress,
    ReaderMinutes,
    RoundLine,
)
from omentum.app.dashboard_tables import dashboard_tables
from omentum.app.status import confirm_command, gather, summary
from omentum.evaluate.audit import StopRule
from omentum.evaluate.round_figures import kept_agreement, round_figures, verdict_of
from omentum.project.project import Project
from omentum.records import LabelledCase, MaskSource, Task, TaskState
from omentum.score.round_queue import totals
from omentum.volumes.labels import organs_named

__all__ = ["MOST_FINDINGS", "dashboard"]

MOST_FINDINGS = 200
"""Of CTs, in the list; their number is told."""


def dashboard(project: Project) -> Dashboard:
    """Gather what the dashboard shows; the project may be open for reading only."""
    gathered = gather(project)
    told, labelled = summary(project, gathered=gathered), gathered.labelled
    errors_ml = _errors_ml(project, labelled)
    tasks = project.store.tasks.of_round(told["round"])
    rounds, compared_with = _rounds(project)
    found = _ct_findings(told)
    return Dashboard(
        project=project.folder.root.absolute().name,
        made=datetime.now(UTC),
        round=told["round"],
        network=told["network"],
        n_cases=told["cases"],
        n_excluded=told["cases_excluded"],
        n_predicted=told["predicted"],
        n_held=len(told["held"]),
        n_mask_findings=len(told["findings"]) - len(found),
        n_conflicts=len(told["conflicts"]),
        due=tuple(Due(**one) for one in told["waiting"]),
        organs=_organs(project, labelled, tasks, errors_ml),
        queue=_queue(told, tasks),
        n_ct_findings=len(found),
        ct_findings=tuple(found[:MOST_FINDINGS]),
        error_left=_error_left(gathered.stop, errors_ml),
        rounds=rounds,
        compared_with=compared_with,
        readers=_readers(project, told["round"]),
        tables=dashboard_tables(project),
    )


def _errors_ml(project: Project, labelled: Sequence[LabelledCase]) -> dict[str, float] | None:
    """Sum up the expected error of predicted masks that stand, by organ; `None` if it is not estimated."""
    scored = project.store.scores.errors_ml(project.store.rounds.current().number)
    if not scored:
        return None
    found: dict[str, float] = defaultdict(float)
    for one in labelled:
        for mask in one.masks:
            if mask.source is MaskSource.PREDICTED:
                found[mask.organ] += scored.get((one.case.case_id, mask.organ), 0.0)
    return dict(found)


def _organs(
    project: Project,
    labelled: Sequence[LabelledCase],
    tasks: Sequence[Task],
    errors_ml: Mapping[str, float] | None,
) -> tuple[OrganProgress, ...]:
    stand = Counter((mask.organ, mask.source) for one in labelled for mask in one.masks)
    held = Counter(mask.organ for one in labelled for mask in one.held)
    n_open = Counter(task.organ for task in tasks if task.state.is_open)
    n_done = Counter(task.organ for task in tasks if task.state is TaskState.DONE)
    names = {*project.settings.organs, *held, *(organ for organ, _ in stand)}
    return tuple(
        OrganProgress(
            organ=row.name,
            name=row.display_name,
            colour=row.colour,
            n_original=stand[row.name, MaskSource.ORIGINAL],
            n_revised=stand[row.name, MaskSource.REVISED],
            n_predicted=stand[row.name, MaskSource.PREDICTED],
            n_held=held[row.name],
            n_unknown=len(labelled) - held[row.name] - sum(stand[row.name, source] for source in MaskSource),
            n_open=n_open[row.name],
            n_done=n_done[row.name],
            error_ml=None if errors_ml is None else errors_ml.get(row.name, 0.0),
        )
        for row in organs_named(names)
    )


def _queue(told: Mapping[str, Any], tasks: Sequence[Task]) -> QueueProgress:
    left_out = told["left_out_by_budget"]
    counts = {state.value: told[f"tasks_{state.value.replace(' ', '_')}"] for state in TaskState}
    return QueueProgress(
        counts=counts,
        minutes_open=totals([task for task in tasks if task.state.is_open])["minutes"],
        n_left_out=left_out["tasks"],
        minutes_left_out=left_out["minutes"],
        budget_minutes=left_out["budget_minutes"],
    )


def _ct_findings(told: Mapping[str, Any]) -> list[CtFinding]:
    found = [
        CtFinding(
            case=one["case"],
            rule=one["rule"],
            said=one["said"],
            severity=one["severity"],
            command=confirm_command(one["rule"], one["case"]),
        )
        for one in told["findings"]
        if one["source"] == "ct"
    ]
    return sorted(found, key=lambda one: (-one.severity, one.case, one.rule))


def _error_left(stop: StopRule, errors_ml: Mapping[str, float] | None) -> ErrorLeft:
    return ErrorLeft(
        expected_ml=None if errors_ml is None else sum(errors_ml.values()),
        share=stop.audit.share,
        said=stop.why,
        is_last_round=stop.is_met,
        n_drawn=stop.audit.n_drawn,
        n_back=stop.audit.n_done,
    )


def _rounds(project: Project) -> tuple[tuple[RoundLine, ...], str]:
    rounds, promotions = project.store.rounds.all(), project.store.promotions.all()
    agreement = kept_agreement(project, rounds)
    lines = []
    for one in rounds:
        figures = round_figures(project, one, agreement.summaries.get(one.number))
        verdict, means = verdict_of(promotions, one.number), figures.summary
        lines.append(
            RoundLine(
                number=one.number,
                network=one.network,
                dice=means.dice if means else None,
                surface_dice=means.surface_dice if means else None,
                n_compared=means.n_cases if means else 0,
                minutes=figures.minutes,
                attention_ml=figures.attention_ml,
                n_tasks=figures.n_tasks,
                n_revised=figures.n_revised,
                added_ml=figures.added_ml,
                removed_ml=figures.removed_ml,
                verdict=verdict.outcome.value if verdict else None,
                verdict_network=verdict.network if verdict else None,
                verdict_why=verdict.why if verdict else None,
            )
        )
    return tuple(lines), agreement.compared_with


def _readers(project: Project, round_number: int) -> tuple[ReaderMinutes, ...]:
    revisions = project.store.revisions.all()
    at_work = project.store.activities.seconds_by_reader()
    n_revisions: Counter[str] = Counter(one.reader for one in revisions)
    minutes: dict[str, float] = defaultdict(float)
    in_round: dict[str, float] = defaultdict(float)
    for one in revisions:
        minutes[one.reader] += one.minutes or 0.0
        in_round[one.reader] += (one.minutes or 0.0) * (one.round_number == round_number)
    now = {one.number for one in project.store.catch_trials.of_round(round_number)}
    for reading in project.store.catch_readings.all():  # a count that stands still would tell of a trial
        n_revisions[reading.reader] += 1
        minutes[reading.reader] += reading.minutes or 0.0
        in_round[reading.reader] += (reading.minutes or 0.0) * (reading.trial_number in now)
    return tuple(
        ReaderMinutes(
            reader=reader,
            n_revisions=n_revisions[reader],
            minutes=minutes[reader],
            minutes_in_round=in_round[reader],
            minutes_at_work=at_work.get(reader, 0.0) / 60.0,
        )
        for reader in sorted({*n_revisions, *at_work})
    )
