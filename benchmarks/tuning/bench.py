"""Make what is there when ways of learning begin: settings, patients, a base network.

In:  settings, fixed beforehand.
Out: patients to learn from; patients to judge on meanwhile, and others for the end; the network of the round
     before. None of it is on any clock.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from omentum.networks.network import Network, NetworkSpec, build
from omentum.tune.config import FullConfig
from omentum.tune.prepared_cases import PreparedCase
from tuning.cohort import SPACING_MM, Patient, groups
from tuning.curves import Outcome, Point
from tuning.judge import dice_by_organ, masks_of, mean_dice
from tuning.kept import folder_of, network_in
from tuning.ours import train_all

__all__ = ["OTHERS", "SLACK_DICE", "Bench", "Settings"]

OTHERS = ("kidney_left", "kidney_right", "liver", "pancreas", "spleen")
SLACK_DICE = 0.005
"""How far below full training's final Dice counts as there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is fixed beforehand; kept with the results."""

    architecture: str = "starter"
    n_cases: int = 200
    n_validation: int = 8
    """Patients on whom all are judged on their way."""
    n_test: int = 24
    """Other patients, on whom they are judged in the end, off the clock."""
    base_steps: int
    """Of the training that made the base network: as long as full training takes now."""
    full_steps: int
    full_every: int = 200
    """Steps between judgements; likewise below."""
    heads_steps: int
    heads_every: int
    heads_rate: float
    patch_voxels: tuple[int, int, int] = (48, 48, 48)
    batch_size: int = 2


@dataclass(slots=True, kw_only=True)
class Bench:
    """The patients, and where everything is kept.

    Attributes:
        question: The benchmark.
        settings: All that was fixed beforehand.
        device: Where networks learn and are judged.
        organs: Those that the base network knows.
    """

    question: str
    settings: Settings
    device: str = "cpu"
    organs: Sequence[str]
    folder: Path = field(init=False)
    learned: list[Patient] = field(init=False)
    validation: list[Patient] = field(init=False)
    test: list[Patient] = field(init=False)

    def __post_init__(self) -> None:
        """Make the patients."""
        given = self.settings
        self.folder = folder_of(self.question, {**asdict(given), "device": self.device})
        self.learned, self.validation, self.test = groups(given.n_cases, given.n_validation, given.n_test)

    def fresh_network(self, organs: Sequence[str]) -> Network:
        """Give a network before it has learned anything."""
        architecture = self.settings.architecture
        spec = NetworkSpec(architecture=architecture, organs=tuple(organs), spacing_mm=SPACING_MM)
        return build(spec).to(self.device)

    def base_network(self, cases: Sequence[PreparedCase]) -> Network:
        """Give the network that has learned from these cases; trained now, or kept from before."""
        folder, config = self.folder / "base", self.all_weights(self.settings.base_steps)

        def train() -> Network:
            return train_all(self.fresh_network(self.organs), cases, config, folder, lambda *_: None)

        return network_in(folder, train).to(self.device)

    def all_weights(self, steps: int, every: int | None = None) -> FullConfig:
        """Give the settings of training all weights: the package's, but for the size of this bench."""
        given = self.settings
        return FullConfig(
            spacing_mm=SPACING_MM,
            steps=steps,
            batch_size=given.batch_size,
            patch_voxels=given.patch_voxels,
            checkpoint_every=every or given.full_every,
        )

    def dice(self, network: Network, organs: Sequence[str]) -> dict[str, float]:
        """Score a network on the validation patients."""
        return dice_by_organ(masks_of(network, self.validation, organs), self.validation, organs)

    def judge(self, network: Network, learned: Sequence[str], organs: Sequence[str]) -> tuple[float, float]:
        """Give the mean Dice of the organs to learn, and of the others, on the validation patients."""
        found = self.dice(network, organs)
        return mean_dice(found, learned), mean_dice(found, [name for name in organs if name not in learned])

    def outcome(self, network: Network, points: Sequence[Point], organs: Sequence[str]) -> Outcome:
        """Judge what a way came to, on the test patients."""
        masks = list(masks_of(network, self.test, organs))
        return Outcome(points=points, dice=dice_by_organ(masks, self.test, organs), masks=masks)
