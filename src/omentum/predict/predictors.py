"""Who can say what is in a CT? A network that runs here, or files that one left elsewhere.

In:  a CT.
Out: `Predicted`; the settings that decide what it is; and the average of several.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from omentum.networks.catalogue import AVERAGE
from omentum.predict.average import averaged
from omentum.predict.inference_config import Manner
from omentum.predict.mask_files import FilesNetwork
from omentum.predict.masks_from_probabilities import Decided, decided
from omentum.records import Prediction
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organs_named
from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import ProbabilityMaps, read_probabilities
from omentum.volumes.volume import Volume

__all__ = ["FilesOpinion", "KeptOpinions", "Opinion", "Predicted", "average_of", "average_settings"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """What somebody made of one CT, still in memory."""

    maps: ProbabilityMaps
    decided: Decided
    seconds: Mapping[str, float]
    """Time of each step."""
    entropies: ProbabilityMaps | None = None
    """Those that a network elsewhere left; where there are any, attention takes all it left as it is."""

    @property
    def masks(self) -> MaskSet:
        """On the CT's grid."""
        return self.decided.masks


class Opinion(Protocol):
    """Whoever predicts CTs."""

    @property
    def name(self) -> str:
        """What it is called in files."""
        ...

    @property
    def organs(self) -> tuple[str, ...]:
        """Organs that it looks for."""
        ...

    def settings(self, case_id: str) -> dict[str, Any]:
        """Give all that decides what it makes of a CT, for JSON; among it `network` and `weights_sha256`.

        Raises:
            ImageError: It knows nothing of that case.
        """
        ...

    def predict(self, ct: Volume, case_id: str) -> Predicted:
        """Predict one CT.

        Raises:
            ImageError: It knows nothing of that case, or what it knows cannot be used.
            ConfigError: Nothing in the CT is denser than air.
        """
        ...


class FilesOpinion:
    """What a network elsewhere made of CTs; its masks are left as they are.

    Args:
        files: Where they are.
    """

    def __init__(self, files: FilesNetwork) -> None:
        self.name = files.name
        self.organs = files.organs
        self._files = files

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Opinion.settings`; the hash is that of the case's files."""
        sha256 = self._files.sha256(case_id)
        return {"network": self.name, "weights_sha256": sha256, "organs": list(self.organs)}

    def predict(self, ct: Volume, case_id: str) -> Predicted:
        """See `Opinion.predict`."""
        maps, masks = self._files.read(case_id, ct.geometry)
        entropies = self._files.read_entropies(case_id, ct.geometry)
        made = Decided(masks=masks, removed_ml={}, notes=())
        return Predicted(maps=maps, decided=made, seconds={}, entropies=entropies)


class KeptOpinions:
    """The average of what several networks made of a project's cases, read from where it is kept.

    Args:
        predictions: Of each network, by case.
        manner: How masks are decided.
    """

    name = AVERAGE

    def __init__(self, predictions: Sequence[Mapping[str, Prediction]], manner: Manner) -> None:
        first, *others = predictions
        self._of_case = {
            case_id: (one, *(other[case_id] for other in others))
            for case_id, one in first.items()
            if all(case_id in other for other in others)
        }
        names = {name for made in self._of_case.values() for one in made for name in one.organs}
        self.organs = tuple(row.name for row in organs_named(names))
        self._manner = manner

    @property
    def cases(self) -> frozenset[str]:
        """Those that all networks have predicted."""
        return frozenset(self._of_case)

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Opinion.settings`; the hash is that of the probabilities that are averaged."""
        kept = self._of_case[case_id]
        hashes = [hashlib.sha256(one.probabilities_path.read_bytes()).hexdigest() for one in kept]
        return {
            "network": self.name,
            "weights_sha256": hashlib.sha256("".join(hashes).encode()).hexdigest(),
            "networks": [one.network for one in kept],
            "organs": list(self.organs),
            "recipe": self._manner.recipe,
            "without": list(self._manner.without),
        }

    def predict(self, ct: Volume, case_id: str) -> Predicted:
        """See `Opinion.predict`."""
        kept = [read_probabilities(one.probabilities_path) for one in self._of_case[case_id]]
        maps = averaged(kept)
        return Predicted(maps=maps, decided=decided(maps, ct.geometry, self._manner), seconds={})


def average_of(opinions: Sequence[Predicted], ct: Geometry, manner: Manner) -> Predicted:
    """Average what several say of one CT, and decide as of one network."""
    maps = averaged([one.maps for one in opinions])
    return Predicted(maps=maps, decided=decided(maps, ct, manner), seconds={})


def average_settings(opinions: Sequence[Opinion], case_id: str, manner: Manner) -> dict[str, Any]:
    """Give all that decides what an average is, for JSON."""
    organs = dict.fromkeys(name for one in opinions for name in one.organs)
    return {
        "network": AVERAGE,
        "networks": [one.settings(case_id) for one in opinions],
        "organs": list(organs),
        "recipe": manner.recipe,
        "without": list(manner.without),
    }
