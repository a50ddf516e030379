"""Gather the figures of a round: what the database knows, and the agreement that was measured last.

Agreement is measured from volumes, by `omentum evaluate`, and kept in `rounds/<n>/figures.json`; the rest is
counted whenever it is asked for.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omentum.evaluate.audit import audit_result
from omentum.evaluate.report_data import RoundFigures
from omentum.evaluate.summary import OrganMeans, Summary
from omentum.project.project import Project
from omentum.records import Round
from omentum.records.promotions import GateOutcome, Promotion
from omentum.volumes.atomic import write_json

__all__ = ["KeptAgreement", "keep_agreement", "kept_agreement", "round_figures", "verdict_of"]

_FILE = "figures.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAgreement:
    """The agreement that was measured last."""

    compared_with: str = ""
    """What the predictions were compared with, as the end of a sentence; empty where nothing was measured."""
    summaries: Mapping[int, Summary]
    """By round; those that could not be compared are left out."""


def round_figures(project: Project, one: Round, summary: Summary | None) -> RoundFigures:
    """Give the figures of a round.

    Args:
        project: The project.
        one: The round.
        summary: Agreement of its predictions with original and revised masks, where it was measured.
    """
    store = project.store
    revisions = store.revisions.of_round(one.number)
    minutes = [revision.minutes for revision in revisions if revision.minutes is not None]
    attention_ml = store.scores.attention_ml(one.number)
    return RoundFigures(
        number=one.number,
        network=one.network,
        summary=summary,
        minutes=sum(minutes) if minutes else None,
        attention_ml=attention_ml,
        n_tasks=None if attention_ml is None else sum(store.tasks.counts(one.number).values()),
        n_revised=len(revisions),
        added_ml=sum(revision.added_ml or 0.0 for revision in revisions),
        removed_ml=sum(revision.removed_ml or 0.0 for revision in revisions),
        n_cases_read=len({revision.case_id for revision in revisions}),
        audit_share=audit_result(project, one.number).share,
    )


def verdict_of(promotions: Sequence[Promotion], round_number: int) -> Promotion | None:
    """Give the last verdict on the network that a round ends with.

    Args:
        promotions: All of the project, in order.
        round_number: The round.
    """
    said = [one for one in promotions if one.round_number == round_number]
    judged = [one for one in said if one.outcome is not GateOutcome.ROLLED_BACK]
    return judged[-1] if judged else None


def keep_agreement(folder: Path, rounds: Sequence[RoundFigures], compared_with: str) -> None:
    """Keep the agreement of all rounds in the folder of the last one."""
    measured = {str(one.number): asdict(one.summary) for one in rounds if one.summary is not None}
    write_json(folder / _FILE, {"compared_with": compared_with, "rounds": measured})


def kept_agreement(project: Project, rounds: Sequence[Round]) -> KeptAgreement:
    """Read the agreement that was measured last; empty where none was.

    Args:
        project: The project.
        rounds: All of it, by rising number.
    """
    for one in reversed(rounds):
        path = project.folder.round_dir(one.number) / _FILE
        if path.is_file():
            told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            summaries = {int(number): _summary(fields) for number, fields in told["rounds"].items()}
            return KeptAgreement(compared_with=told["compared_with"], summaries=summaries)
    return KeptAgreement(summaries={})


def _summary(fields: Mapping[str, Any]) -> Summary:
    organs = tuple(OrganMeans(**one) for one in fields["organs"])
    return Summary(**{**fields, "organs": organs})
