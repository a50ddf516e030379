"""Define what predicts CTs: a network, mask files of another program, or an average of several."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["PredictedCase", "Predictor"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictedCase:
    """The prediction of one CT, in memory.

    Attributes:
        maps: Probabilities.
        masks: On the CT's grid.
        removed_ml: By organ and rule of post-processing, the volume removed in mL; negative if added.
        notes: Of post-processing, or of how masks of files were placed; for people, one sentence each.
        seconds: Time of each step.
        device: What a network ran on: `cpu`, or the name of a GPU; empty where none ran.
        members: Of an average, the prediction of each network, by name.
        entropies: Those of an imported prediction that has them; attention then uses its files unchanged.
        origin: Of an imported prediction, where it comes from, as the project may keep it.
        source_stamp: Of an imported prediction, a hash of the names, sizes and times of its files.
        unusable: Why a file was left out, by organ.
        time: Of an imported prediction, when it was made; `None` if that is unknown.
    """

    maps: ProbabilityMaps
    masks: MaskSet
    removed_ml: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    device: str = ""
    members: Mapping[str, "PredictedCase"] = field(default_factory=dict)
    entropies: ProbabilityMaps | None = None
    origin: str = ""
    source_stamp: str = ""
    unusable: Mapping[str, str] = field(default_factory=dict)
    time: datetime | None = None


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
