"""Define what predicts CTs: a network, mask files of another program, or an average of several."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from omentum.predict.masks_from_probabilities import DecidedMasks
from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["ImportSource", "PredictedCase", "Predictor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSource:
    """Where an imported prediction comes from.

    Attributes:
        origin: As the project may keep it.
        stamp: Hash of names, sizes and times of its files.
        unusable: Why a file was left out, by organ.
        time: When it was made; `None` if that is unknown.
    """

    origin: str
    stamp: str
    unusable: Mapping[str, str]
    time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictedCase:
    """The prediction of one CT, in memory.

    Attributes:
        maps: Probabilities.
        decided: Masks on the CT's grid.
        seconds: Time of each step.
        entropies: Those of an imported prediction that has them; attention then uses its files unchanged.
        imported: Of an imported prediction, its source.
    """

    maps: ProbabilityMaps
    decided: DecidedMasks
    seconds: Mapping[str, float] = field(default_factory=dict)
    entropies: ProbabilityMaps | None = None
    imported: ImportSource | None = None

    @property
    def masks(self) -> MaskSet:
        """On the CT's grid."""
        return self.decided.masks


class Predictor(Protocol):
    """Predicts one CT after another."""

    @property
    def name(self) -> str:
        """Name in files."""
        ...

    @property
    def organs(self) -> tuple[str, ...]:
        """Organs that it looks for."""
        ...

    def settings(self, case_id: str) -> dict[str, Any]:
        """Return everything that determines a prediction, for JSON; with `network` and `weights_sha256`.

        Raises:
            ImageError: It has no prediction of that case.
        """
        ...

    def predict(self, ct: Volume, case_id: str) -> PredictedCase:
        """Predict one CT.

        Raises:
            ImageError: It has no prediction of that case, or its files cannot be used.
            ConfigError: Nothing in the CT is denser than air.
        """
        ...
