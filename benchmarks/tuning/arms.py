"""Which ways are there to learn from twelve revised cases? The arms of continual_vs_full.py.

In:  settings; synthetic patients.
Out: of each arm a network and its curve. Each starts with what a project has at that moment: the base network
     and the cases at the network's spacing; what an arm computes from them is in its time.

full                     fresh weights learn all labels, old ones counting as the package's predicted ones
revised only             the base network goes on, all weights, on the revised labels alone
all data                 the base network goes on, all weights, on all labels
continual                the base network gets adapters; they and its four heads learn revised labels and
                         old ones of replayed cases, on cached features
continual, heads alone   the same without adapters
continual without cache  heads and adapters learn from patches that go through the trunk at every step

Full training draws revised cases as often as all others together, which the published one did not: the
other side shall be strong. (With the old labels left out of its loss, and all cases drawn alike, the four
organs were at a Dice of 0.05 after 400 steps; as it is they were at 0.72.)
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from omentum.networks.extend_organs import add_adapters
from omentum.networks.network import Network
from omentum.records import MaskSource
from omentum.tune.config import ContinualConfig, FullConfig
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.atomic import write_json
from tuning.bench import OTHERS, Bench, Settings
from tuning.cohort import Patient, case_of
from tuning.curves import Curve, Point
from tuning.kept import network_in
from tuning.old_labels import WRONG_ORGANS, old_labels
from tuning.ours import ADAPTERS, HEADS, Judging, as_often, chosen_replay, train_all, tune_cached
from tuning.uncached import tune_uncached

__all__ = ["ARMS", "ORGANS", "ArmBench", "ArmSettings", "run_arm"]

ORGANS = tuple(sorted((*OTHERS, *WRONG_ORGANS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSettings(Settings):
    """All that was fixed beforehand; kept with the results."""

    base_steps: int = 3600
    full_steps: int = 3600
    heads_steps: int = 120
    heads_every: int = 40
    heads_rate: float = 5e-3
    n_revised: int = 12
    weights_steps: int = 200
    """Of the arms that go on with all weights of the base network."""
    weights_every: int = 50
    weights_rate: float = 5e-4
    """Peak rate where all weights of the base network go on; fresh ones have the package's."""
    uncached_steps: int = 200
    uncached_every: int = 25
    adapters_samples: int = 5000
    """Most voxels a case, organ and kind; heads alone have the package's number."""
    replay_share: float = 0.1


@dataclass(slots=True, kw_only=True)
class ArmBench(Bench):
    """What every arm begins with."""

    settings: ArmSettings
    question: str = "continual_vs_full"
    organs: Sequence[str] = ORGANS

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
        return self.base_network([_case(one, MaskSource.ORIGINAL, is_old=True) for one in self.learned])

    def replay(self) -> list[Patient]:
        """Give the earlier cases to replay, by what scoring with the base network has said of them."""
        path = self.folder / "replay.json"
        if not path.is_file():
            chosen = chosen_replay(self.base(), self.earlier, WRONG_ORGANS, self.settings.replay_share)
            write_json(path, [one.seed for one in chosen])
        seeds = json.loads(path.read_text(encoding="utf-8"))
        return [one for one in self.earlier if one.seed in seeds]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What an arm begins with when its clock starts."""

    bench: ArmBench
    base: Network
    replay: list[Patient]
    others: float
    """Mean Dice of the base network's other organs, which stays where their heads and the trunk do."""
    curve: Curve

    def judged(self, step: int, network: Network) -> None:
        """Judge a network that has changed all over, and note it."""
        self.curve.add(step, *self.bench.judge(network, WRONG_ORGANS, ORGANS))

    def all_data(self) -> tuple[list[PreparedCase], list[PreparedCase]]:
        """Give the revised cases, and the others with their old labels."""
        revised = [_case(one, MaskSource.REVISED) for one in self.bench.revised]
        return revised, [_case(one, MaskSource.PREDICTED, is_old=True) for one in self.bench.earlier]

    def train(self, network: Network, cases: Sequence[PreparedCase], config: FullConfig) -> Network:
        """Train all weights."""
        return train_all(network, cases, config, self.curve.path.parent, self.judged)


def run_arm(bench: ArmBench, name: str) -> tuple[Network, Sequence[Point]]:
    """Run an arm, or find what it came to."""
    folder, base = bench.folder / name.replace(",", "").replace(" ", "-"), bench.base()
    curve = Curve(folder / "curve.json")
    others = bench.judge(base, WRONG_ORGANS, ORGANS)[1]
    start = Start(bench=bench, base=base, replay=bench.replay(), others=others, curve=curve)
    curve.start()
    network = network_in(folder, lambda: ARMS[name](start)).to(bench.device)
    return network, curve.points


def _full(start: Start) -> Network:
    bench = start.bench
    return start.train(
        bench.fresh_network(ORGANS),
        as_often(*start.all_data()),
        bench.all_weights(bench.settings.full_steps),
    )


def _revised_only(start: Start) -> Network:
    cases = [_tuned_case(one, MaskSource.REVISED) for one in start.bench.revised]
    return start.train(start.base, cases, _gently(start))


def _all_data(start: Start) -> Network:
    revised, others = start.all_data()
    return start.train(start.base, revised + others, _gently(start))


def _tuned(start: Start, trainable: str) -> Network:
    given = start.bench.settings
    config = ContinualConfig(
        organs=WRONG_ORGANS,
        trainable=trainable,
        steps=given.heads_steps,
        learning_rate=given.heads_rate,
        augmented_copies=0,
    )
    if trainable == ADAPTERS:
        config = config.changed(samples_per_class=given.adapters_samples)
    judged = Judging(patients=start.bench.validation, every=given.heads_every, others=start.others)
    return tune_cached(start.base, _revised_and_replayed(start), config, start.curve, judged)


def _uncached(start: Start) -> Network:
    given = start.bench.settings
    config = start.bench.all_weights(given.uncached_steps, given.uncached_every)
    config = config.changed(learning_rate=given.heads_rate)
    add_adapters(start.base, WRONG_ORGANS)
    return tune_uncached(start.base, _revised_and_replayed(start), WRONG_ORGANS, config, start.judged)


ARMS: dict[str, Callable[[Start], Network]] = {
    "full": _full,
    "revised only": _revised_only,
    "all data": _all_data,
    "continual": partial(_tuned, trainable=ADAPTERS),
    "continual, heads alone": partial(_tuned, trainable=HEADS),
    "continual without cache": _uncached,
}
"""Every arm, by name; the first is what the others are compared with."""


def _gently(start: Start) -> FullConfig:
    """Give the settings of arms in which all weights of the base network go on."""
    given = start.bench.settings
    config = start.bench.all_weights(given.weights_steps, given.weights_every)
    return config.changed(learning_rate=given.weights_rate)


def _case(patient: Patient, source: MaskSource, *, is_old: bool = False) -> PreparedCase:
    """Give a case with all organs: the right ones as they are, and the wrong ones from a source."""
    labels = old_labels(patient) if is_old else patient.truth
    sources = {**dict.fromkeys(OTHERS, MaskSource.ORIGINAL), **dict.fromkeys(WRONG_ORGANS, source)}
    return case_of(patient, labels, sources, f"all-{source}-{is_old}")


def _tuned_case(patient: Patient, source: MaskSource) -> PreparedCase:
    """Give a case with the four organs alone; a prediction of them is an old label."""
    is_old = source is MaskSource.PREDICTED
    labels = old_labels(patient) if is_old else patient.truth
    return case_of(patient, labels, dict.fromkeys(WRONG_ORGANS, source), f"four-{is_old}")


def _revised_and_replayed(start: Start) -> dict[str, tuple[PreparedCase, float]]:
    """Give the cases that heads learn from, with what their labels count."""
    weight = ContinualConfig().predicted_weight
    revised = [(_tuned_case(one, MaskSource.REVISED), 1.0) for one in start.bench.revised]
    replayed = [(_tuned_case(one, MaskSource.PREDICTED), weight) for one in start.replay]
    return {case.case_id: (case, counts) for case, counts in (*revised, *replayed)}
