"""Note predictions in a project's database; any number of programs that predict alike share the cases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omentum.errors import ImageError, OutdatedRunError
from omentum.predict.aims import newest_aim
from omentum.predict.made_alike import made_alike
from omentum.predict.predictors import Predictor
from omentum.project.project import Project, prediction_stage
from omentum.project.result_ledger import ResultLedger
from omentum.records import Prediction

__all__ = ["PredictionLedger", "WrittenPrediction", "forget_stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPrediction:
    """A prediction whose files are in place.

    Attributes:
        prediction: With the hash of its masks, and the findings of the plausibility rules.
        organ_sha256s: Hash of each organ's mask, by organ.
    """

    prediction: Prediction
    organ_sha256s: Mapping[str, str]


class PredictionLedger(ResultLedger):
    """The ledger of a network's predictions, for one run of a program.

    Once a program has begun that predicts otherwise, this one claims no case and keeps no prediction.

    Args:
        project: The project.
        network: The network.
        aim: What this program predicts with, as `begin_aims` gave it; empty for predictions that no other
            program could make otherwise.

    Raises:
        OutdatedRunError: By `claim` and `mark_done`: another program has begun that predicts otherwise.
    """

    def __init__(self, project: Project, network: str, aim: str = "") -> None:
        super().__init__(
            project.store, prediction_stage(network), self._kept, case_dir=project.folder.case_dir
        )
        self._network, self._aim = network, aim

    def claim(self, n: int) -> list[str]:
        """See `SharedLedger.claim`."""
        self._refuse_if_outdated()
        return super().claim(n)

    def mark_done(self, key: str, result: Any) -> None:
        """Keep a prediction; where another program begins to predict otherwise, that one makes it again."""
        try:
            super().mark_done(key, result)
        except OutdatedRunError:
            self._offer_again(key)
            raise

    def _kept(self, written: WrittenPrediction) -> None:
        self._refuse_if_outdated()  # in the transaction that keeps it
        self._store.predictions.keep(written.prediction, written.organ_sha256s)

    def _offer_again(self, key: str) -> None:
        """Let a case be predicted again that another program has done, as its files are ours by now."""
        with self._store.together():
            if self.ledger.done(self.stage, key):
                self._store.predictions.forget(key, self._network)
                self.ledger.forget(self.stage, key)
                self.ledger.offer(self.stage, [key])

    def _refuse_if_outdated(self) -> None:
        if self._aim and newest_aim(self._store, self._network) != self._aim:
            raise OutdatedRunError(self._network)


def forget_stale(project: Project, predictor: Predictor, case_id: str) -> None:
    """Forget a kept prediction that is to be made again, unless another program has just made it anew."""
    store, network = project.store, predictor.name
    try:
        settings = predictor.settings(case_id)
    except (ImageError, KeyError):  # what it was made from is gone
        settings = {}
    with store.together():
        kept = store.predictions.of_case(case_id).get(network)
        if kept is not None and not _is_whole(kept, settings):
            store.predictions.forget(case_id, network)
            store.ledger.forget(prediction_stage(network), case_id)


def _is_whole(kept: Prediction, settings: Mapping[str, Any]) -> bool:
    """Tell whether a prediction of this project was made with these settings, and has all its files."""
    paths = kept.masks_path, kept.probabilities_path, kept.summary_path
    is_own = not kept.origin and made_alike(kept.made_with, settings)
    return is_own and all(path.is_file() for path in paths)
