"""Choose which masks of a site are revised, in which order, and what a reader's minutes are.

In:  patients, the shipped network.
Out: of each organ the mask that the network drew and the Dice that it expects of it; an order; minutes.

The order is by rising expected Dice, worked out once from the probabilities of the shipped network: twice the
sum of probabilities inside the mask, by the sum of both (Borges et al. 2024, arXiv:2402.10665, Soft Dice
Confidence). The product's queue weighs error volumes by minutes, needs two networks' probabilities and is
drawn up anew in each round; this is cheaper, and the same for all arms. So minutes are those of correcting
the shipped network's masks, whatever an arm has learned by then.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import track

from curve.patients import FIRST_POOL, patients_of
from curve.plan import ORGANS, Plan
from omentum.measures.effort import CostModel
from omentum.networks.infer import compute_features, probabilities_of
from omentum.networks.network import Network
from omentum.records import Case, LabelledCase, MaskSource, StandingMask
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.atomic import writing
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from tuning.cohort import Patient

__all__ = ["Key", "Pool", "expected_dice", "in_order", "minutes_of", "pool_of"]

Key = tuple[str, str]
"""Case and organ."""
LEAST_ML = 1.0
"""Where the network says less, the organ may be absent, and nothing leads a reader there."""
_FULL, _HALF = 255.0, 128


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """Patients whose masks may be revised.

    Attributes:
        patients: By case.
        predicted: The shipped network's masks, by case.
        order: Masks in the order in which they are revised; a prefix of it is what an arm learns from.
    """

    patients: Mapping[str, Patient]
    predicted: Mapping[str, MaskSet]
    order: Sequence[Key]

    def mask(self, key: Key, revised: Collection[Key]) -> npt.NDArray[np.bool_]:
        """Give the mask that stands: the truth where it was revised, else the network's."""
        case_id, name = key
        if key in revised:
            return np.asarray(self.patients[case_id].truth == organ(name).index)
        return self.predicted[case_id].mask(name)

    def case(self, case_id: str, organs: Sequence[str], revised: Collection[Key]) -> PreparedCase:
        """Give a case as training sees it, with the masks that stand."""
        one = self.patients[case_id]
        parts = ((name, self.mask((case_id, name), revised)) for name in organs)
        own = sorted(name for case, name in revised if case == case_id)
        return PreparedCase(
            case_id=case_id,
            hu=one.hu,
            masks=MaskSet.build(one.geometry, organs, parts),
            sources={name: _source((case_id, name), revised) for name in organs},
            key=f"{case_id} {' '.join(own)}",
        )

    def labelled(self, revised: Collection[Key]) -> list[LabelledCase]:
        """Give the records of all cases, each with a mask that stands for each organ."""
        return [self._record(case_id, revised) for case_id in self.patients]

    def minutes(self, first: int, last: int) -> float:
        """Say what it takes to revise the masks of one round: those of the order from `first` to `last`."""
        return minutes_of({key: self._changed_ml(key) for key in self.order[first:last]})

    def _changed_ml(self, key: Key) -> float:
        wrong = self.mask(key, ()) != self.mask(key, (key,))
        return float(np.count_nonzero(wrong)) * self.patients[key[0]].geometry.voxel_ml

    def _record(self, case_id: str, revised: Collection[Key]) -> LabelledCase:
        nowhere = Path(case_id)
        case = Case(
            case_id=case_id,
            patient_id=case_id,
            ct_path=nowhere,
            geometry=self.patients[case_id].geometry,
            source=case_id,
        )
        masks = tuple(
            StandingMask(organ=name, source=_source((case_id, name), revised), path=nowhere, sha256="")
            for name in ORGANS
        )
        return LabelledCase(case=case, masks=masks)


def pool_of(site: str, plan: Plan, network: Network, folder: Path) -> Pool:
    """Scan the patients of a site and predict them, or find what was made before.

    Args:
        site: Its name.
        plan: How many patients, and masks.
        network: The shipped one.
        folder: Keeps predictions.
    """
    patients = {f"patient_{one.seed}": one for one in patients_of(site, _seeds(plan))}
    predicted, expected = {}, {}
    for case_id, one in track(patients.items(), f"{site}: predict"):
        path = folder / "predicted" / f"{case_id}.npz"
        if not path.is_file():
            _predict(network, one, path)
        with np.load(path) as kept:
            masks = np.unpackbits(kept["masks"], count=len(ORGANS) * one.hu.size).astype(bool)
            expected |= {(case_id, name): float(kept["expected"][k]) for k, name in enumerate(ORGANS)}
        parts = zip(ORGANS, masks.reshape(-1, *one.hu.shape), strict=True)
        predicted[case_id] = MaskSet.build(one.geometry, ORGANS, parts)
    return Pool(patients=patients, predicted=predicted, order=in_order(expected)[: max(plan.sizes)])


def in_order(expected: Mapping[Key, float]) -> list[Key]:
    """Order masks by rising expected Dice; those of organs that may be absent (NaN) are left out.

    Example:
        >>> in_order({("a", "liver"): 0.9, ("a", "spleen"): float("nan"), ("b", "liver"): 0.8})
        [('b', 'liver'), ('a', 'liver')]
    """
    known = [key for key, value in expected.items() if not math.isnan(value)]
    return sorted(known, key=lambda key: expected[key])


def minutes_of(changed_ml: Mapping[Key, float], costs: CostModel | None = None) -> float:
    """Estimate the minutes of one round: each case is opened once, each organ looked at once.

    Example:
        >>> minutes_of({("a", "liver"): 10.0, ("a", "spleen"): 0.0, ("b", "liver"): 0.0})
        5.5
    """
    n_cases = len({case_id for case_id, _ in changed_ml})
    costs = costs or CostModel()
    return costs.minutes(n_cases=n_cases, n_looks=len(changed_ml), changed_ml=sum(changed_ml.values()))


def expected_dice(probabilities: npt.NDArray[np.uint8], voxel_ml: float) -> float:
    """Estimate the Dice of the mask that probabilities make, by these alone; NaN where nothing is found.

    Args:
        probabilities: Times 255.
        voxel_ml: Volume of a voxel.

    Example:
        >>> expected_dice(np.array([255, 255, 0, 0], dtype=np.uint8), voxel_ml=1.0)
        1.0
    """
    inside = probabilities >= _HALF
    likely = float(probabilities.sum(dtype=np.int64)) / _FULL
    if likely * voxel_ml < LEAST_ML:
        return float("nan")
    shared = float(probabilities[inside].sum(dtype=np.int64)) / _FULL
    return 2.0 * shared / (likely + float(np.count_nonzero(inside)))


def _predict(network: Network, patient: Patient, path: Path) -> None:
    probabilities = np.zeros((len(ORGANS), *patient.hu.shape), dtype=np.uint8)
    for z, values in probabilities_of(
        network, compute_features(network, patient.hu.astype(np.float32)), ORGANS
    ):
        probabilities[..., z] = values
    expected = [expected_dice(one, patient.geometry.voxel_ml) for one in probabilities]
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as part, part.open("wb") as stream:
        np.savez_compressed(stream, masks=np.packbits(probabilities >= _HALF), expected=expected)


def _seeds(plan: Plan) -> Iterator[int]:
    return iter(range(FIRST_POOL, FIRST_POOL + plan.n_pool))


def _source(key: Key, revised: Collection[Key]) -> MaskSource:
    return MaskSource.REVISED if key in revised else MaskSource.PREDICTED
