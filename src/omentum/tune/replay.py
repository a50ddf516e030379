"""Choose the earlier cases that are replayed, so that a few hard revisions do not bias a head."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from omentum.records import Case, OrganScore

__all__ = ["RULES", "ReplayCase", "data_set_of", "importance_of", "replayed"]

_LEAST_ML = 1.0
"""An organ is taken for no smaller than this, so that one that was not found does not divide by 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCase:
    """An earlier case that has a label of the organ."""

    case_id: str
    data_set: str
    importance: float = 0.0
    """As of `importance_of`; may be negative."""


def importance_of(scores: Mapping[str, OrganScore]) -> dict[str, float]:
    """Say how important each earlier case is for one organ: uncertainty plus inconsistency of its prediction.

    *Uncertainty* is the entropy of the prediction, summed over the volume, by the volume of the organ: bits
    a millilitre. *Inconsistency* is the expected error volume by the volume of the organ, which the default
    scoring derives from where networks disagree and where organs claim the same voxels; under a scoring
    without it, the volume that drew attention. Each is divided by its mean over the cases given, and the two
    are added:

        importance = uncertainty / mean uncertainty + inconsistency / mean inconsistency

    Without the organ's volume the largest organs would be replayed, and without the means the entropy of
    blurred borders would outweigh the expected error. A signal that no case has counts for nothing.

    Args:
        scores: Of the organ, by case.

    Source:
        Zhang et al. 2024, arXiv:2402.19423, abstract: replayed cases are chosen by the uncertainty and the
        consistency of their predictions. No formula is published; this one is ours.

    Example:
        >>> def score(entropy_ml, error_ml):
        ...     return OrganScore(organ="liver", attention_voxels=0, attention_ml=0.0, priority=0.0,
        ...                       predicted_ml=100.0, entropy_ml=entropy_ml, error_ml=error_ml)
        >>> importance_of({"a": score(30.0, 1.0), "b": score(10.0, 3.0), "c": score(20.0, 2.0)})
        {'a': 2.0, 'b': 2.0, 'c': 2.0}
    """
    uncertainty = _in_means({one: _by_volume(score, score.entropy_ml) for one, score in scores.items()})
    inconsistency = _in_means(
        {
            one: _by_volume(score, score.attention_ml if score.error_ml is None else score.error_ml)
            for one, score in scores.items()
        }
    )
    return {one: uncertainty[one] + inconsistency[one] for one in scores}


def _by_volume(score: OrganScore, volume_ml: float) -> float:
    return volume_ml / max(score.predicted_ml, _LEAST_ML)


def _in_means(values: Mapping[str, float]) -> dict[str, float]:
    # Summed by name: in another order, a sum of floats differs in its last bit.
    mean = fmean(values[name] for name in sorted(values)) if values else 0.0
    return {name: value / mean if mean > 0 else 0.0 for name, value in values.items()}


def data_set_of(case: Case) -> str:
    """Name the data set that a case came with: the folder in which its own file or folder lay.

    Example:
        >>> from omentum.volumes.geometry import Geometry
        >>> grid = Geometry((8, 8, 8), np.eye(4))
        >>> def of(case_id, source):
        ...     about = {"patient_id": "", "ct_path": Path("ct.nii.gz"), "geometry": grid}
        ...     return data_set_of(Case(case_id=case_id, source=source, **about))
        >>> of("img_1", "/data/BTCV/img_1.nii.gz"), of("P7", "/data/CHAOS/P7/dicom")
        ('/data/BTCV', '/data/CHAOS')
    """
    path = Path(case.source)
    own = next((one for one in (path, *path.parents) if case.case_id in one.name), path)
    return own.parent.as_posix()


_Rank = Callable[[Sequence[ReplayCase], int], list[ReplayCase]]


def _by_importance(earlier: Sequence[ReplayCase], _seed: int) -> list[ReplayCase]:
    return sorted(earlier, key=lambda one: (-one.importance, one.case_id))


def _by_lot(earlier: Sequence[ReplayCase], seed: int) -> list[ReplayCase]:
    by_name = sorted(earlier, key=lambda one: one.case_id)
    return [by_name[place] for place in np.random.default_rng(seed).permutation(len(by_name))]


RULES: dict[str, _Rank] = {
    "importance": _by_importance,
    "random": _by_lot,
    "none": lambda _earlier, _seed: [],
}
"""Rules by name, each a function from earlier cases and a seed to those cases in the order of replay."""


def replayed(
    earlier: Sequence[ReplayCase], n_slots: int, *, rule: str = "importance", seed: int = 0
) -> list[str]:
    """Choose the cases to replay for one organ.

    Each data set gets slots by its number of earlier cases: the whole part of its share, at least one if
    there are as many slots as data sets, and what is left by largest remainder (equals: where the case
    that would come next is ahead). In a data set, the rule decides.

    Args:
        earlier: Cases that have a label of the organ, in any order.
        n_slots: How many are replayed at most.
        rule: `importance` (the most important first), `random` or `none`.
        seed: Of what is drawn.

    Returns:
        Names, in the order in which the rule ranks them.

    Example:
        >>> many = [ReplayCase(case_id=f"a{k}", data_set="A", importance=k) for k in range(6)]
        >>> few = [ReplayCase(case_id=f"b{k}", data_set="B", importance=-k) for k in range(2)]
        >>> replayed([*few, *many], n_slots=4)
        ['a5', 'a4', 'a3', 'b0']
    """
    ranked = RULES[rule](earlier, seed)
    sets: dict[str, list[str]] = defaultdict(list)
    for one in ranked:
        sets[one.data_set].append(one.case_id)
    slots = _shared_out(min(n_slots, len(ranked)), {name: len(ids) for name, ids in sets.items()})
    chosen = {case_id for name, n_own in slots.items() for case_id in sets[name][:n_own]}
    return [one.case_id for one in ranked if one.case_id in chosen]


def _shared_out(n_slots: int, sizes: Mapping[str, int]) -> dict[str, int]:
    """Share slots out by size; `sizes` come in the order in which equals are served.

    Example:
        >>> _shared_out(5, {"large": 96, "small": 2, "tiny": 2})
        {'large': 3, 'small': 1, 'tiny': 1}
    """
    total = sum(sizes.values())
    least = 1 if n_slots >= len(sizes) else 0
    quota = {name: n_slots * size / total for name, size in sizes.items()}
    slots = {name: max(least, int(share)) for name, share in quota.items()}
    while sum(slots.values()) > n_slots:  # what the small ones were given beyond their share
        slots[
            max((name for name in slots if slots[name] > least), key=lambda name: slots[name] - quota[name])
        ] -= 1
    while sum(slots.values()) < n_slots:
        slots[max(slots, key=lambda name: quota[name] - slots[name])] += 1
    return slots
