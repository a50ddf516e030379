"""How much attention does each case need, in each round?

In:  scores, as a round computes them (score).
Out: the scores of a round, the neediest case first.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from omentum.records import CaseScore, OrganScore
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.rounds import require_round
from omentum.store.tables import CaseRow, CaseScoreRow, OrganScoreRow

__all__ = ["Scores"]


class Scores:
    """The scores of all rounds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, round_number: int, scores: Iterable[CaseScore]) -> None:
        """Keep the scores of these cases in place of what they had in the round; other cases keep theirs.

        Raises:
            ProjectError: There is no such round.
            UnknownCaseError: There is no such case.
        """
        scores = list(scores)
        with self._database.writing() as session:
            require_round(session, round_number)
            require_cases(session, (score.case_id for score in scores))
            for score in scores:
                session.execute(
                    delete(CaseScoreRow).where(
                        CaseScoreRow.round_number == round_number, CaseScoreRow.case_id == score.case_id
                    )
                )
            cases = [_case_values(round_number, score) for score in scores]
            organs = [values for score in scores for values in _organ_values(round_number, score)]
            for table, rows in ((CaseScoreRow, cases), (OrganScoreRow, organs)):
                if rows:
                    session.execute(insert(table), rows)

    def of_round(self, round_number: int) -> list[CaseScore]:
        """Give the scores of a round, of cases that take part, by falling score; equals by name."""
        with self._database.reading() as session:
            organs = _organs(session, round_number)
            of_it = select(CaseScoreRow).join(CaseRow, CaseRow.case_id == CaseScoreRow.case_id)
            of_it = of_it.where(CaseScoreRow.round_number == round_number, CaseRow.excluded_why.is_(None))
            cases = session.scalars(of_it)
            return [
                CaseScore(
                    case_id=row.case_id,
                    score=row.score,
                    organs=tuple(organs.get(row.case_id, ())),
                    signature=row.signature,
                    made_from=row.made_from,
                )
                for row in sorted(cases, key=lambda row: (-row.score, row.case_id))
            ]


def _organs(session: Session, round_number: int) -> dict[str, list[OrganScore]]:
    of_it = select(OrganScoreRow).where(OrganScoreRow.round_number == round_number)
    organs: dict[str, list[OrganScore]] = {}
    for row in session.scalars(of_it.order_by(OrganScoreRow.place)):
        score = OrganScore(
            organ=row.organ,
            attention_voxels=row.attention_voxels,
            attention_ml=row.attention_ml,
            heat=row.heat,
            predicted_ml=row.predicted_ml,
            entropy_ml=row.entropy_ml,
            error_ml=row.error_ml,
            dice_loss=row.dice_loss,
            spots_ml=tuple(row.spots_ml),
            reasons=tuple(row.reasons),
        )
        organs.setdefault(row.case_id, []).append(score)
    return organs


def _case_values(round_number: int, score: CaseScore) -> dict[str, Any]:
    return {
        "round_number": round_number,
        "case_id": score.case_id,
        "score": float(score.score),
        "signature": score.signature,
        "made_from": dict(score.made_from),
    }


def _organ_values(round_number: int, score: CaseScore) -> list[dict[str, Any]]:
    # Numbers may come as NumPy's, which databases do not take.
    return [
        {
            "round_number": round_number,
            "case_id": score.case_id,
            "organ": organ.organ,
            "place": place,
            "attention_voxels": int(organ.attention_voxels),
            "attention_ml": float(organ.attention_ml),
            "heat": float(organ.heat),
            "predicted_ml": float(organ.predicted_ml),
            "entropy_ml": float(organ.entropy_ml),
            "error_ml": None if organ.error_ml is None else float(organ.error_ml),
            "dice_loss": None if organ.dice_loss is None else float(organ.dice_loss),
            "spots_ml": [float(one) for one in organ.spots_ml],
            "reasons": list(organ.reasons),
        }
        for place, organ in enumerate(score.organs)
    ]
