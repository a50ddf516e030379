"""What does a project have when the arms of continual_vs_full.py begin? Settings, patients, a base network.

In:  settings, fixed beforehand.
Out: patients to learn from, of whom twelve are revised; patients to judge on while arms run, and others for
     the end; the network of the round before. None of it is on any arm's clock.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from omentum.networks.network import Network, NetworkSpec, build
from omentum.records import MaskSource
from omentum.tune.config import FullConfig
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.atomic import write_json
from tuning.cohort import SPACING_MM, Patient, case_of, groups
from tuning.judge import dice_by_organ, masks_of, mean_dice
from tuning.kept import folder_of, network_in
from tuning.old_labels import WRONG_ORGANS, old_labels
from tuning.ours import chosen_replay, train_all

__all__ = ["ORGANS", "OTHERS", "Bench", "Settings", "all_weights", "case_with"]

OTHERS = ("kidney_left", "kidney_right", "liver", "pancreas", "spleen")
ORGANS = tuple(sorted((*OTHERS, *WRONG_ORGANS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that was fixed beforehand; kept with the results."""

    architecture: str = "starter"
    n_cases: int = 200
    n_revised: int = 12
    n_validation: int = 8
    """Patients on whom every arm is judged while it runs."""
    n_test: int = 24
    """Other patients, on whom it is judged in the end, off the clock."""
    base_steps: int = 3600
    """Of the training that made the base network in the round before: as long as full training takes now."""
    full_steps: int = 3600
    full_every: int = 200
    """Steps between judgements; likewise those below."""
    weights_steps: int = 200
    """Of the arms that go on with all weights of the base network."""
    weights_every: int = 50
    uncached_steps: int = 200
    uncached_every: int = 25
    heads_steps: int = 120
    heads_every: int = 40
    adapters_steps: int = 120
    adapters_samples: int = 5000
    """Most voxels a case, organ and kind; heads alone have the package's number."""
    replay_share: float = 0.1
    patch_voxels: tuple[int, int, int] = (48, 48, 48)
    batch_size: int = 2
    heads_rate: float = 5e-3
    weights_rate: float = 5e-4
    """Peak rate where all weights of the base network go on; fresh ones have the package's."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """The patients, what is known before any arm begins, and where the arms are kept."""

    settings: Settings
    device: str = "cpu"
    """Where networks learn and are judged."""
    folder: Path = field(init=False)
    learned: list[Patient] = field(init=False)
    validation: list[Patient] = field(init=False)
    test: list[Patient] = field(init=False)

    def __post_init__(self) -> None:
        """Make the patients."""
        given = self.settings
        self.folder = folder_of("continual_vs_full", {**asdict(given), "device": self.device})
        self.learned, self.validation, self.test = groups(given.n_cases, given.n_validation, given.n_test)

    @property
    def revised(self) -> list[Patient]:
        """Give those whose wrong organs are revised."""
        return self.learned[: self.settings.n_revised]

    @property
    def earlier(self) -> list[Patient]:
        """Give the others."""
        return self.learned[self.settings.n_revised :]

    def base(self) -> Network:
        """Give the network of the round before, trained on labels of which four organs' are wrong."""

        def train() -> Network:
            cases = [case_with(one, MaskSource.ORIGINAL, is_old=True) for one in self.learned]
            config = all_weights(self.settings, self.settings.base_steps, self.settings.full_every)
            return train_all(
                self.fresh_network(), cases, config, self.folder / "base", lambda _step, _network: None
            )

        return network_in(self.folder / "base", train).to(self.device)

    def fresh_network(self) -> Network:
        """Give the network before it has learned anything."""
        spec = NetworkSpec(architecture=self.settings.architecture, organs=ORGANS, spacing_mm=SPACING_MM)
        return build(spec).to(self.device)

    def replay(self) -> list[Patient]:
        """Give the earlier cases to replay, by what scoring with the base network has said of them."""
        path = self.folder / "replay.json"
        if not path.is_file():
            chosen = chosen_replay(self.base(), self.earlier, WRONG_ORGANS, self.settings.replay_share)
            write_json(path, [one.seed for one in chosen])
        seeds = json.loads(path.read_text(encoding="utf-8"))
        return [one for one in self.earlier if one.seed in seeds]

    def judge(self, network: Network) -> tuple[float, float]:
        """Give the mean Dice of the organs to learn, and of the others, on the validation patients."""
        found = dice_by_organ(masks_of(network, self.validation, ORGANS), self.validation, ORGANS)
        return mean_dice(found, WRONG_ORGANS), mean_dice(found, OTHERS)


def all_weights(given: Settings, steps: int, every: int) -> FullConfig:
    """Give the settings of training all weights: the package's, but for the size of this bench."""
    return FullConfig(
        spacing_mm=SPACING_MM,
        steps=steps,
        batch_size=given.batch_size,
        patch_voxels=given.patch_voxels,
        checkpoint_every=every,
    )


def case_with(patient: Patient, source: MaskSource, *, is_old: bool = False) -> PreparedCase:
    """Give a case with all organs: the right ones as they are, and the wrong ones from a source."""
    labels = old_labels(patient) if is_old else patient.truth
    sources = {**dict.fromkeys(OTHERS, MaskSource.ORIGINAL), **dict.fromkeys(WRONG_ORGANS, source)}
    return case_of(patient, labels, sources, f"all-{source}-{is_old}")
