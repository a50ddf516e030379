"""Who is scored? Networks by name, weights from a file, and the average of several.

In:  names and files.
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
from quality.cases import Case, data_folder
from quality.trained_on import TrainedOn, read_trained_on

__all__ = ["Entrant", "Member", "entrants_of", "member_named", "member_of_file", "predict_case"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """A network that is loaded, and what it learned from."""

    weights: Path
    predictor: NetworkPredictor
    trained_on: TrainedOn

    @property
    def name(self) -> str:
        """What it is called."""
        return self.predictor.name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entrant:
    """One network, or the average of several."""

    members: tuple[Member, ...]

    @property
    def name(self) -> str:
        """What it is called in the table."""
        names = " and ".join(one.name for one in self.members)
        return names if len(self.members) == 1 else f"average of {names}"

    def refusal(self, case: Case) -> str | None:
        """Say why this case may not be scored; `None` where it may."""
        for one in self.members:
            shared = one.trained_on.shares(case.files)
            if shared is not None:
                return f"{one.name} learned from {shared}"
        return None

    def masks(self, case: Case, predicted: Mapping[Member, PredictedCase]) -> MaskSet:
        """Decide on the CT's grid, from what each member made of it."""
        made = [predicted[one] for one in self.members]
        if len(made) == 1:
            return made[0].masks
        return decide_masks(
            average_maps([one.maps for one in made]), case.ct.geometry, InferenceConfig()
        ).masks


def member_named(name: str) -> Member:
    """Load a network by the name that `--network` takes."""
    return _member(name, find_weights(name))


def member_of_file(weights: Path) -> Member:
    """Load weights from a file; they are called as their folder is."""
    return _member(weights.resolve().parent.name, weights)


def entrants_of(members: Sequence[Member], *, average: bool) -> list[Entrant]:
    """Give each network as an entrant, and their average if it is asked for.

    Raises:
        ConfigError: An average is asked for of networks that do not have the same organs.
    """
    alone = [Entrant(members=(one,)) for one in members]
    if not average or len(members) < 2:
        return alone
    if len({one.predictor.organs for one in members}) > 1:
        raise ConfigError("--average", [one.name for one in members], "they do not have the same organs")
    return [*alone, Entrant(members=tuple(members))]


def predict_case(entrants: Sequence[Entrant], case: Case) -> dict[Member, PredictedCase]:
    """Predict a case once with each network of these entrants."""
    members = dict.fromkeys(one for entrant in entrants for one in entrant.members)
    return {one: one.predictor.predict(case.ct) for one in members}


def _member(name: str, weights: Path) -> Member:
    predictor = NetworkPredictor(name, weights)
    trained_on = read_trained_on(weights, predictor.weights_sha256, data_folder())
    return Member(weights=weights, predictor=predictor, trained_on=trained_on)
