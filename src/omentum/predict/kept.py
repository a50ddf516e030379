"""Keep what was predicted: the prediction with its hashes and findings, and that it is done, at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from omentum.records import Prediction
from omentum.store.ledger import StageLedger
from omentum.store.store import Store

__all__ = ["Kept", "PredictionLedger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the database keeps of a prediction whose files are in place.

    Attributes:
        prediction: With the hash of its masks, and what the plausibility rules say.
        organ_sha256s: Hash of each organ's mask, by organ.
    """

    prediction: Prediction
    organ_sha256s: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PredictionLedger:
    """Keeps a prediction and that it is done in one transaction, as runners take it."""

    store: Store
    stage: StageLedger

    def done(self, key: str) -> bool:
        """Tell whether a case is done."""
        return self.stage.done(key)

    def mark_done(self, key: str, result: Kept) -> None:
        """Keep what was predicted of a case."""
        with self.store.together():
            self.store.predictions.keep(result.prediction, result.organ_sha256s)
            self.stage.mark_done(key, None)

    def mark_failed(self, key: str, reason: str) -> None:
        """Note why a case failed."""
        self.stage.mark_failed(key, reason)

    def forget(self, case_id: str, network: str) -> None:
        """Forget what a network made of a case, so that it will be predicted again."""
        with self.store.together():
            self.store.predictions.forget(case_id, network)
            self.stage.ledger.forget(self.stage.stage, case_id)
