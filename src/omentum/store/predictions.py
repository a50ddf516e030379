"""Keep what networks made of cases: with which weights and settings, and the hashes of the masks."""

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from omentum.records import Prediction
from omentum.store.cases import require_cases
from omentum.store.record_table import RecordTable, has_findings
from omentum.store.tables import CaseRow, PredictionRow

__all__ = ["Predictions"]

_TABLE = PredictionRow.__table__
_HASHES = select(_TABLE.c.organ_sha256s).where(
    _TABLE.c.case_id == bindparam("case_id"), _TABLE.c.network == bindparam("network")
)
"""Made once, as each next task asks it."""


class Predictions(RecordTable[Prediction]):
    """The predictions of a project; the folder of each follows from its case and network."""

    record_type, row_type, order = Prediction, PredictionRow, ("case_id", "network")

    def keep(self, prediction: Prediction, organ_sha256s: Mapping[str, str]) -> None:
        """Keep a prediction whose files are in place, instead of what the network made before.

        Args:
            prediction: Whose `time` is now where it has none.
            organ_sha256s: Hash of each organ's mask, by organ.

        Raises:
            UnknownCaseError: There is no such case.
        """
        with self._database.writing() as session:
            require_cases(session, [prediction.case_id])
            session.merge(
                PredictionRow(
                    **self._values(prediction, time=prediction.time or datetime.now(UTC)),
                    settings_sha256=_settings_sha256(prediction.made_with),
                    organ_sha256s=dict(organ_sha256s),
                )
            )

    def forget(self, case_id: str, network: str) -> None:
        """Forget the prediction of a network for a case; its files stay."""
        self._delete(PredictionRow.case_id == case_id, PredictionRow.network == network)

    def of_network(self, network: str) -> dict[str, Prediction]:
        """Give what a network made of every case that it has predicted, by case."""
        return {one.case_id: one for one in self._equal(network=network)}

    def of_case(self, case_id: str) -> dict[str, Prediction]:
        """Give what every network made of a case, by network."""
        return {one.network: one for one in self._equal(case_id=case_id)}

    def of_cases(self, network: str, case_ids: Collection[str]) -> dict[str, Prediction]:
        """Give what a network made of some cases, by case."""
        return {one.case_id: one for one in self._of_cases(case_ids, PredictionRow.network == network)}

    def cases_with_findings(self, network: str) -> set[str]:
        """Give the cases of which the rules say something about what a network made, or about the CT."""
        asked = select(PredictionRow.case_id).where(
            PredictionRow.network == network, has_findings(PredictionRow.findings)
        )
        with self._database.reading() as session:
            return set(session.scalars(asked))

    def count_complete(self, networks: Collection[str]) -> int:
        """Count the cases that take part and that all of these networks, each named once, have predicted."""
        made = select(func.count()).where(
            PredictionRow.case_id == CaseRow.case_id, PredictionRow.network.in_(networks)
        )
        asked = select(func.count()).select_from(CaseRow).where(CaseRow.excluded_why.is_(None))
        with self._database.reading() as session:
            return session.scalar(asked.where(made.scalar_subquery() == len(networks))) or 0

    def not_by_weights(self, network: str, weights_sha256: str) -> set[str]:
        """Give the cases that take part and that a network has not predicted, or with other weights."""
        made = and_(PredictionRow.case_id == CaseRow.case_id, PredictionRow.network == network)
        weights = PredictionRow.weights_sha256
        asked = select(CaseRow.case_id).outerjoin(PredictionRow, made).where(CaseRow.excluded_why.is_(None))
        with self._database.reading() as session:
            return set(session.scalars(asked.where(or_(weights.is_(None), weights != weights_sha256))))

    def networks_by_case(self) -> dict[str, tuple[str, ...]]:
        """Give the networks that have predicted each case, sorted, by case."""
        return self._grouped(PredictionRow.case_id, PredictionRow.network)

    def weights(self, network: str) -> dict[str, str]:
        """Give the hash of the weights with which a network predicted each case, by case."""
        of_network = PredictionRow.network == network
        return dict(self._pairs(PredictionRow.case_id, PredictionRow.weights_sha256, of_network))

    def organ_hashes(self, network: str) -> dict[str, dict[str, str]]:
        """Give the hash of each organ's mask as a network predicted it, by case and organ, where kept."""
        of_network = PredictionRow.network == network
        return dict(self._pairs(PredictionRow.case_id, PredictionRow.organ_sha256s, of_network))

    def hashes_of(self, case_id: str, network: str) -> dict[str, str]:
        """Give the hash of each organ's mask as a network predicted it in one case, where kept."""

        def ask(session: Session) -> dict[str, str]:
            return session.scalar(_HASHES, {"case_id": case_id, "network": network}) or {}

        return dict(self._database.read_once(("organ_sha256s", case_id, network), ask))

    def keep_hashes(
        self, case_id: str, network: str, masks_sha256: str, organ_sha256s: Mapping[str, str]
    ) -> None:
        """Keep the hashes of a prediction, which an older version of the program did not."""
        one = PredictionRow.case_id == case_id, PredictionRow.network == network
        self._change(*one, masks_sha256=masks_sha256, organ_sha256s=dict(organ_sha256s))

    def _record(self, row: Any, **instead: Any) -> Prediction:
        # Joined at once: of thousands of rows that is much of what reading them takes.
        folder = self._database.paths.root / f"cases/{row.case_id}/networks/{row.network}"
        return super()._record(row, folder=folder, **instead)


def _settings_sha256(made_with: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(dict(made_with), sort_keys=True).encode()).hexdigest()
