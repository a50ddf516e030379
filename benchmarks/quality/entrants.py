"""Predict with networks by name, and with their average.

In:  names of networks.
Out: entrants that predict a CT, each network once however many entrants it takes part in; and refuse
     one that any of their weights learned from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import ConfigError
from omentum.networks.catalogue import find_weights
from omentum.predict.average import average_maps
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.masks_from_probabilities import decide_masks
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predictors import PredictedCase
from omentum.volumes.masks import MaskSet
from quality.cases import Case
from quality.trained_on import TrainedOn, read_trained_on
from shared import data_folder

__all__ = ["Entrant", "entrants_of", "predict_case"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """A network that is loaded, and what it learned from."""

    weights: Path
    predictor: NetworkPredictor
    trained_on: TrainedOn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entrant:
    """One network, or the average of several."""

    members: tuple[Member, ...]

    @property
    def name(self) -> str:
        """What it is called in the table."""
        names = " and ".join(one.predictor.name for one in self.members)
        return names if len(self.members) == 1 else f"average of {names}"

    def refusal(self, case: Case) -> str | None:
        """Say why this case may not be scored; `None` where it may."""
        for one in self.members:
            shared = one.trained_on.shares(case.files)
            if shared is not None:
                return f"{one.predictor.name} learned from {shared}"
        return None

    def masks(self, case: Case, predicted: Mapping[Member, PredictedCase]) -> MaskSet:
        """Decide on the CT's grid, from what each member made of it."""
        made = [predicted[one] for one in self.members]
        if len(made) == 1:
            return made[0].masks
        average = average_maps([one.maps for one in made])
        return decide_masks(average, case.ct.geometry, InferenceConfig()).masks


def entrants_of(names: Sequence[str], *, average: bool) -> list[Entrant]:
    """Load networks by the names that `--network` takes; with their average if it is asked for.

    Raises:
        ConfigError: An average is asked for of one network, or of networks with different organs.
    """
    members = [_member(name) for name in names]
    alone = [Entrant(members=(one,)) for one in members]
    if not average:
        return alone
    if len(members) < 2 or len({one.predictor.organs for one in members}) > 1:
        raise ConfigError("--average", list(names), "it takes two networks or more that have the same organs")
    return [*alone, Entrant(members=tuple(members))]


def predict_case(entrants: Sequence[Entrant], case: Case) -> dict[Member, PredictedCase]:
    """Predict a case once with each network of these entrants."""
    members = dict.fromkeys(one for entrant in entrants for one in entrant.members)
    return {one: one.predictor.predict(case.ct) for one in members}


def _member(name: str) -> Member:
    weights = find_weights(name)
    predictor = NetworkPredictor(name, weights)
    trained_on = read_trained_on(weights, predictor.weights_sha256, data_folder())
    return Member(weights=weights, predictor=predictor, trained_on=trained_on)
