"""Keep what networks made of cases: with which weights and settings, and the hashes of the masks."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update

from omentum.records import Prediction
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.findings import finding_rows, findings_of
from omentum.store.paths import Paths
from omentum.store.tables import PredictionRow

__all__ = ["Predictions"]


class Predictions:
    """The predictions of a project.

    Args:
        database: Where they are kept.
        paths: Of the project; a prediction's folder follows from its case and network.
    """

    def __init__(self, database: Database, paths: Paths) -> None:
        self._database = database
        self._paths = paths

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
            session.merge(PredictionRow(**_values(prediction), organ_sha256s=dict(organ_sha256s)))

    def forget(self, case_id: str, network: str) -> None:
        """Forget what a network made of a case; its files are no matter of the database."""
        key = PredictionRow.case_id == case_id, PredictionRow.network == network
        with self._database.writing() as session:
            session.execute(delete(PredictionRow).where(*key))

    def of_network(self, network: str) -> dict[str, Prediction]:
        """Give what a network made of every case that it has predicted, by case."""
        with self._database.reading() as session:
            rows = session.scalars(select(PredictionRow).where(PredictionRow.network == network))
            return {row.case_id: self._record(row) for row in sorted(rows, key=lambda row: row.case_id)}

    def of_case(self, case_id: str) -> dict[str, Prediction]:
        """Give what every network made of a case, by network."""
        with self._database.reading() as session:
            rows = session.scalars(select(PredictionRow).where(PredictionRow.case_id == case_id))
            return {row.network: self._record(row) for row in sorted(rows, key=lambda row: row.network)}

    def networks_by_case(self) -> dict[str, tuple[str, ...]]:
        """Give the networks that have predicted each case, sorted, by case."""
        found: dict[str, list[str]] = {}
        asked = select(PredictionRow.case_id, PredictionRow.network)
        with self._database.reading() as session:
            for case_id, network in session.execute(asked):
                found.setdefault(case_id, []).append(network)
        return {case_id: tuple(sorted(networks)) for case_id, networks in found.items()}

    def weights(self, network: str) -> dict[str, str]:
        """Give the hash of the weights with which a network predicted each case, by case."""
        asked = select(PredictionRow.case_id, PredictionRow.weights_sha256)
        with self._database.reading() as session:
            found = session.execute(asked.where(PredictionRow.network == network))
            return {case_id: sha256 for case_id, sha256 in found}  # noqa: C416

    def counts(self) -> dict[str, int]:
        """Count the cases that each network has predicted."""
        asked = select(PredictionRow.network, func.count()).group_by(PredictionRow.network)
        with self._database.reading() as session:
            return {network: n for network, n in session.execute(asked)}  # noqa: C416

    def organ_hashes(self, network: str) -> dict[str, dict[str, str]]:
        """Give the hash of each organ's mask as a network predicted it, by case and organ, where kept."""
        asked = select(PredictionRow.case_id, PredictionRow.organ_sha256s)
        with self._database.reading() as session:
            found = session.execute(asked.where(PredictionRow.network == network))
            return {case_id: hashes for case_id, hashes in found}  # noqa: C416

    def hashes_of(self, case_id: str, network: str) -> dict[str, str]:
        """Give the hash of each organ's mask as a network predicted it in one case, where kept."""
        with self._database.reading() as session:
            row = session.get(PredictionRow, (case_id, network))
            return {} if row is None else dict(row.organ_sha256s)

    def keep_hashes(
        self, case_id: str, network: str, masks_sha256: str, organ_sha256s: Mapping[str, str]
    ) -> None:
        """Keep the hashes of a prediction, which an older version of the program did not."""
        row = update(PredictionRow).where(PredictionRow.case_id == case_id, PredictionRow.network == network)
        with self._database.writing() as session:
            session.execute(row.values(masks_sha256=masks_sha256, organ_sha256s=dict(organ_sha256s)))

    def _record(self, row: PredictionRow) -> Prediction:
        return Prediction(
            case_id=row.case_id,
            network=row.network,
            weights_sha256=row.weights_sha256,
            folder=self._paths.root / Path("cases", row.case_id, "networks", row.network),
            organs=tuple(row.organs),
            masks_sha256=row.masks_sha256,
            made_with=row.made_with,
            origin=row.origin,
            source_stamp=row.source_stamp,
            unusable=row.unusable,
            findings=findings_of(row.findings),
            time=row.time,
        )


def _values(prediction: Prediction) -> dict[str, Any]:
    made_with = dict(prediction.made_with)
    return {
        "case_id": prediction.case_id,
        "network": prediction.network,
        "weights_sha256": prediction.weights_sha256,
        "masks_sha256": prediction.masks_sha256,
        "settings_sha256": hashlib.sha256(json.dumps(made_with, sort_keys=True).encode()).hexdigest(),
        "made_with": made_with,
        "organs": list(prediction.organs),
        "origin": prediction.origin,
        "source_stamp": prediction.source_stamp,
        "unusable": dict(prediction.unusable),
        "findings": finding_rows(prediction.findings),
        "time": prediction.time or datetime.now(UTC),
    }
