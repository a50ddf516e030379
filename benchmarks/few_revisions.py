"""Do heads get better by very few revisions? Run: python benchmarks/few_revisions.py [--quick] [--write].

The smallest round there is: the shipped network, groups of eight synthetic patients with hard CTs, and of
each organ the one, two or three worst masks revised. Heads of all nine organs learn from these, and from
none, two or five of the other patients of the group, whose labels are the network's own. What is told is
what happens to Dice on six other patients, as a mean over organs, and to the organ that loses most.

What is compared: the change with the package's `replay_least` against that with two replayed. No patient here
was seen when that setting was chosen.
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from rich.progress import track

from measure import asked, options, report
from omentum.measures.overlap import dice
from omentum.networks.catalogue import find_weights
from omentum.networks.network import Network
from omentum.networks.weights import load_network
from omentum.records import MaskSource
from omentum.tune.cache import FeatureCache
from omentum.tune.config import ContinualConfig
from omentum.tune.continual import tune_heads
from omentum.tune.samples import OrganSamples
from omentum.volumes.labels import SUBSETS, organ
from page import DOCS, put_into, table
from tuning.cohort import Patient, case_of, patients
from tuning.judge import FrozenJudge, masks_of
from tuning.ours import OVERLAP

ORGANS = SUBSETS["abdomenatlas-1.0"]
STYLE = "hard"
FIRST_LEARNED, FIRST_TEST = 72_000, 73_000
GROUP = 8
REVISED = (1, 2, 3)
FEW, LEAST = 2, ContinualConfig().replay_least
REPLAYED = (0, FEW, LEAST)
Found = Mapping[tuple[int, int], npt.NDArray[np.float64]]
"""By numbers of cases replayed and revised: change of Dice `(group, organ)`."""


def main(quick: bool, write: bool) -> None:
    config = ContinualConfig(organs=ORGANS, augmented_copies=0, steps=20 if quick else 400)
    found = measured(config, n_groups=1 if quick else 3, n_test=2 if quick else 6)
    rows = [[str(n), *(_cell(found[n, k]) for k in REVISED)] for n in REPLAYED]
    text = table([["replayed", *(f"{n} revised" for n in REVISED)], *rows])
    print(text)
    if write:
        put_into(DOCS / "tuning-measured.md", "few_revisions", text)
    changes = {n: float(np.mean([found[n, k].mean() for k in REVISED])) for n in REPLAYED}
    worst = {n: float(min(found[n, k].mean(axis=0).min() for k in REVISED)) for n in REPLAYED}
    report(
        "few_revisions",
        ours=-worst[LEAST],
        other=-worst[FEW],
        unit="Dice that the organ loses that loses most",
        quick=quick,
        keep=write,
        change_by_replayed=changes,
        worst_organ_by_replayed=worst,
        steps=config.steps,
    )


def measured(config: ContinualConfig, n_groups: int, n_test: int) -> Found:
    """Tune, and say how Dice changes."""
    network = load_network(find_weights("starter")).eval()
    at = {"style": STYLE, "spacing_mm": network.spec.spacing_mm}
    learned, test = patients(FIRST_LEARNED, GROUP * n_groups, **at), patients(FIRST_TEST, n_test, **at)
    judge = FrozenJudge(network, test)
    before = judge.dice(network, ORGANS)
    found: dict[tuple[int, int], list[list[float]]] = {(n, k): [] for n in REPLAYED for k in REVISED}
    for start in track(range(0, len(learned), GROUP), "groups"):
        group = _Group(network, learned[start : start + GROUP], config)
        for (n, k), changes in found.items():
            after = judge.dice(group.tuned(n, k), ORGANS)
            changes.append([after[name] - before[name] for name in ORGANS])
    return {key: np.array(values) for key, values in found.items()}


class _Group:
    """Eight patients, the network's masks of them, and samples of both.

    Args:
        network: That predicts, and is tuned.
        members: The patients.
        config: How it is tuned.
    """

    def __init__(self, network: Network, members: Sequence[Patient], config: ContinualConfig) -> None:
        self._network, self._config = network, config
        self._dice: list[dict[str, float | None]] = []
        self._samples: list[dict[MaskSource, Mapping[str, OrganSamples]]] = []
        with TemporaryDirectory() as folder:
            cache = FeatureCache(Path(folder), network, config, overlap=OVERLAP)
            for one, masks in zip(members, masks_of(network, members, ORGANS), strict=True):
                painted, own = np.zeros(one.truth.shape, dtype=np.uint8), {}
                for name, mask in zip(ORGANS, masks, strict=True):
                    own[name] = dice(mask, one.truth == organ(name).index)
                    painted[mask] = organ(name).index
                labels = {MaskSource.REVISED: one.truth, MaskSource.PREDICTED: painted}
                self._dice.append(own)
                self._samples.append(
                    {source: _samples(cache, one, labels[source], source) for source in labels}
                )

    def tuned(self, n_replayed: int, n_revised: int) -> Network:
        """Tune on the worst masks of each organ, revised, and on the best ones as they are."""
        samples, weights = [], {}
        for name in ORGANS:
            known = [place for place, one in enumerate(self._dice) if one[name] is not None]
            order = sorted(known, key=lambda place: self._dice[place][name] or 0.0)
            shown = [(place, MaskSource.REVISED, 1.0) for place in order[:n_revised]]
            rest = order[n_revised:][::-1][:n_replayed]
            shown += [(place, MaskSource.PREDICTED, self._config.predicted_weight) for place in rest]
            for place, source, weight in shown:
                sample = self._samples[place][source][name]
                samples.append(sample)
                weights[name, sample.case_id] = weight
        return tune_heads(copy.deepcopy(self._network), samples, weights, self._config)


def _samples(
    cache: FeatureCache, patient: Patient, labels: npt.NDArray[np.uint8], source: MaskSource
) -> Mapping[str, OrganSamples]:
    case = case_of(patient, labels, dict.fromkeys(ORGANS, source), source)
    wanted = cache.wanted(case, ORGANS)
    cache.make_room(wanted)
    return {made.organ: made for made in cache.samples(lambda: case, wanted)}


def _cell(change: npt.NDArray[np.float64]) -> str:
    by_organ = change.mean(axis=0)
    worst = int(by_organ.argmin())
    return f"{change.mean():+.3f} (worst {by_organ[worst]:+.3f}, {ORGANS[worst]})"


if __name__ == "__main__":
    given = asked(options(__doc__, write="put the table into the docs"))
    main(given.quick, given.write)
