"""Keep the verdicts about networks: promoted, kept out or rolled back, by whom and why.

None is ever changed or removed: the last one about a network stands.
"""

from dataclasses import replace

from omentum.records.audit_log import LogAction
from omentum.records.promotions import Promotion
from omentum.store.record_table import ListedTable
from omentum.store.rounds import require_round
from omentum.store.tables import PromotionRow

__all__ = ["Promotions"]


class Promotions(ListedTable[Promotion]):
    """The verdicts and decisions of a project, in the order in which they were made."""

    record_type, row_type, order = Promotion, PromotionRow, ("number",)

    def add(self, promotion: Promotion) -> Promotion:
        """Add one; the same again, at any time, changes nothing and gives the first.

        Raises:
            ProjectError: There is no such round.
        """
        stands = self.of_network(promotion.round_number, promotion.network)
        if stands is not None and replace(stands, time=promotion.time) == promotion:
            return stands
        with self._database.writing() as session:
            require_round(session, promotion.round_number)
            session.add(PromotionRow(**self._values(promotion)))
            about = {
                "instead_of": promotion.instead_of,
                "network": promotion.network,
                "outcome": promotion.outcome,
                "round": promotion.round_number,
                "text": self._database.aliases.of_text(promotion.why),
            }
            self._log(session, promotion.by, LogAction.PROMOTION, about)
        return promotion

    def of_network(self, round_number: int, network: str) -> Promotion | None:
        """Give the last verdict about a network in a round; `None` where there is none."""
        found = self._equal(round_number=round_number, network=network)
        return found[-1] if found else None
