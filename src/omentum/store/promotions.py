"""Which networks were promoted, kept out or gone back to, by whom and why?

In:  verdicts of the gate, decisions of people.
Out: all of them in the order in which they fell. None is ever changed or removed: the last one about a
     network stands.
"""

from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from omentum.records.promotions import OrganGain, Promotion, Verdict
from omentum.store.database import Database
from omentum.store.rounds import require_round
from omentum.store.tables import PromotionRow

__all__ = ["Promotions"]


class Promotions:
    """The verdicts and decisions of a project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, promotion: Promotion) -> Promotion:
        """Add one; the same again, whatever its time, changes nothing and gives the first.

        Raises:
            ProjectError: There is no such round.
        """
        stands = self.of_network(promotion.round_number, promotion.network)
        if stands is not None and _said(stands) == _said(promotion):
            return stands
        with self._database.writing() as session:
            require_round(session, promotion.round_number)
            session.add(_row(promotion))
        return promotion

    def all(self) -> list[Promotion]:
        """Give all of them, in the order in which they fell."""
        with self._database.reading() as session:
            return [
                _record(row) for row in session.scalars(select(PromotionRow).order_by(PromotionRow.number))
            ]

    def of_network(self, round_number: int, network: str) -> Promotion | None:
        """Give what was said last of a network in a round; `None` where nobody said anything."""
        said = [one for one in self.all() if (one.round_number, one.network) == (round_number, network)]
        return said[-1] if said else None


def _said(promotion: Promotion) -> dict[str, Any]:
    return {name: value for name, value in asdict(promotion).items() if name != "time"}


def _row(promotion: Promotion) -> PromotionRow:
    return PromotionRow(
        round_number=promotion.round_number,
        network=promotion.network,
        instead_of=promotion.instead_of,
        outcome=promotion.outcome.value,
        by=promotion.by,
        why=promotion.why,
        time=promotion.time,
        organs=[asdict(one) for one in promotion.organs],
    )


def _record(row: PromotionRow) -> Promotion:
    return Promotion(
        round_number=row.round_number,
        network=row.network,
        instead_of=row.instead_of,
        outcome=Verdict(row.outcome),
        by=row.by,
        why=row.why,
        time=row.time,
        organs=tuple(_organ(one) for one in row.organs),
    )


def _organ(values: dict[str, Any]) -> OrganGain:
    return OrganGain(
        **{
            **values,
            "differences": tuple(values["differences"]),
            "outcome": Verdict(values["outcome"]),
        }
    )
