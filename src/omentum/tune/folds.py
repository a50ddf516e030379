"""Split patients into folds for cross-validation; a patient is never in two."""

import zlib
from collections.abc import Iterable, Mapping

__all__ = ["patient_folds"]


def patient_folds(patients: Mapping[str, str], n_folds: int, *, seed: int = 0) -> list[frozenset[str]]:
    """Split cases into folds by patient, in an order drawn by a hash of the patient.

    Args:
        patients: The patient of each case.
        n_folds: At most; as many as there are patients where those are fewer.
        seed: Of the order.

    Returns:
        The cases of each fold; sizes differ by one patient at most.

    Example:
        >>> [sorted(fold) for fold in patient_folds({"a1": "a", "a2": "a", "b1": "b", "c1": "c"}, 2)]
        [['a1', 'a2', 'b1'], ['c1']]
    """
    order = _shuffled(set(patients.values()), seed)
    place = {patient: number for number, patient in enumerate(order)}
    n_folds = min(n_folds, len(order))
    return [
        frozenset(case for case, patient in patients.items() if place[patient] % n_folds == fold)
        for fold in range(n_folds)
    ]


def _shuffled(patients: Iterable[str], seed: int) -> list[str]:
    return sorted(patients, key=lambda patient: (zlib.crc32(f"{seed} {patient}".encode()), patient))
