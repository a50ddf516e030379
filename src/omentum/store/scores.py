"""Keep how much attention each case needs in each round."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from omentum.records import CaseScore, OrganScore
from omentum.store.cases import require_cases
from omentum.store.convert import record_of, row_values
from omentum.store.record_table import RecordTable
from omentum.store.rounds import require_round
from omentum.store.score_state import begin_score_state, score_state
from omentum.store.tables import CaseRow, CaseScoreRow, OrganScoreRow

__all__ = ["Scores"]

_AT_ONCE = 50_000
"""Rows that are in memory at once."""


class Scores(RecordTable[CaseScore]):
    """The scores of all rounds."""

    record_type, row_type, order = CaseScore, CaseScoreRow, ("case_id",)

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
            begin_score_state(session)
            for score in scores:
                session.execute(
                    delete(CaseScoreRow).where(
                        CaseScoreRow.round_number == round_number, CaseScoreRow.case_id == score.case_id
                    )
                )
            cases = [self._values(score, round_number=round_number) for score in scores]
            organs = [
                {
                    **row_values(organ, OrganScoreRow, self._database.paths),
                    **{"round_number": round_number, "case_id": score.case_id, "place": place},
                }
                for score in scores
                for place, organ in enumerate(score.organs)
            ]
            for table, rows in ((CaseScoreRow, cases), (OrganScoreRow, organs)):
                if rows:
                    session.execute(insert(table), rows)

    def of_round(self, round_number: int) -> list[CaseScore]:
        """Give the scores of a round, of cases that take part, by falling score; equals by name."""
        with self._database.reading() as session:
            organs = self._organs(session, round_number)
            of_it = select(CaseScoreRow).join(CaseRow, CaseRow.case_id == CaseScoreRow.case_id)
            of_it = of_it.where(CaseScoreRow.round_number == round_number, CaseRow.excluded_why.is_(None))
            cases = session.scalars(of_it)
            return [
                self._record(row, organs=tuple(organs.get(row.case_id, ())))
                for row in sorted(cases, key=lambda row: (-row.score, row.case_id))
            ]

    def attention_ml(self, round_number: int) -> float | None:
        """Sum up the attention of a round over cases that take part; `None` where nothing was scored."""
        asked = select(func.count(), func.sum(OrganScoreRow.attention_ml)).join(
            CaseRow, CaseRow.case_id == OrganScoreRow.case_id
        )
        asked = asked.where(OrganScoreRow.round_number == round_number, CaseRow.excluded_why.is_(None))
        with self._database.reading() as session:
            n_organs, attention_ml = session.execute(asked).one()
            return float(attention_ml) if n_organs else None

    def errors_ml(self, round_number: int) -> dict[tuple[str, str], float]:
        """Give the expected error of each organ in a round, where it is estimated, by case and organ."""
        asked = select(OrganScoreRow.case_id, OrganScoreRow.organ, OrganScoreRow.error_ml).where(
            OrganScoreRow.round_number == round_number, OrganScoreRow.error_ml.is_not(None)
        )
        with self._database.reading() as session:
            rows = session.execute(asked)
            return {(case_id, organ): ml for case_id, organ, ml in rows if ml is not None}

    def losses(
        self, round_number: int, case_ids: Sequence[str], organs: Sequence[str]
    ) -> npt.NDArray[np.float64]:
        """Give what is expected of some organs of some cases in a round.

        Returns:
            Expected error (in mL) and expected loss of Dice, shape `(case, organ, 2)`; NaN where not both are
            estimated.
        """
        row = OrganScoreRow
        asked = select(row.case_id, row.organ, row.error_ml, row.dice_loss).where(
            row.round_number == round_number, row.error_ml.is_not(None), row.dice_loss.is_not(None)
        )
        place_of = {case_id: place for place, case_id in enumerate(case_ids)}
        column_of = {name: column for column, name in enumerate(organs)}
        losses = np.full((len(case_ids), len(organs), 2), np.nan)
        with self._database.reading() as session:
            for some in session.execute(asked).partitions(_AT_ONCE):
                known = [one for one in some if one[0] in place_of and one[1] in column_of]
                places = [place_of[one[0]] for one in known]
                columns = [column_of[one[1]] for one in known]
                losses[places, columns] = [one[2:] for one in known] if known else np.empty((0, 2))
        return losses

    def state(self) -> str:
        """Name what all scores and audits are now: what was computed under another name is out of date."""
        return self._database.read_once("score state", score_state)

    def _organs(self, session: Session, round_number: int) -> dict[str, list[OrganScore]]:
        of_it = select(OrganScoreRow).where(OrganScoreRow.round_number == round_number)
        organs: dict[str, list[OrganScore]] = {}
        for row in session.scalars(of_it.order_by(OrganScoreRow.place)):
            score = record_of(OrganScore, row, self._database.paths)
            organs.setdefault(row.case_id, []).append(score)
        return organs
